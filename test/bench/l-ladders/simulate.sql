SELECT * FROM member.tier_simulate();
