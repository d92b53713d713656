SET member.clock = :'at';
CALL member.daily_run();
