-- What levels are worth, cost and bring.

CREATE OR REPLACE VIEW member_report.tier_benefits AS
SELECT d.code AS ladder, b.kind, b.code AS benefit, b.name AS benefit_name,
       jsonb_object_agg(l.code, t.shown ORDER BY l.level) FILTER (WHERE t.benefit IS NOT NULL) AS shown,
       string_agg(format('%s %s', l.name, coalesce(t.shown, '—')), ' · ' ORDER BY l.level) AS line
FROM member.benefit b
CROSS JOIN member.tier_ladder d
JOIN member.tier_level l ON l.ladder_id = d.ladder_id AND NOT l.archived
LEFT JOIN member.tier_benefit t ON t.benefit = b.code AND t.ladder_id = l.ladder_id AND t.level = l.level
GROUP BY d.ladder_id, d.code, b.kind, b.code, b.name
HAVING count(t.benefit) > 0;
COMMENT ON VIEW member_report.tier_benefits IS 'Comparison table 权益对比表: a row for each benefit, what each level has of it.';
COMMENT ON COLUMN member_report.tier_benefits.ladder IS 'Code of the ladder.';
COMMENT ON COLUMN member_report.tier_benefits.kind IS 'Kind of the benefit.';
COMMENT ON COLUMN member_report.tier_benefits.benefit IS 'Code of the benefit.';
COMMENT ON COLUMN member_report.tier_benefits.benefit_name IS 'Name of the benefit.';
COMMENT ON COLUMN member_report.tier_benefits.shown IS 'Object of the codes of the levels that have it and what they have.';
COMMENT ON COLUMN member_report.tier_benefits.line IS 'The same as one line, all levels in their order.';

CREATE OR REPLACE VIEW member_report.tier_value AS
SELECT d.code AS ladder, v.level, l.code AS tier, l.name AS tier_name, d.reference_spend, v.value, v.cost,
       round(100 * (v.value - lag(v.value) OVER w) / nullif(lag(v.value) OVER w, 0), 1) AS above_lower,
       v.points_cost, v.discount, v.ladder_id
FROM (SELECT l.ladder_id, l.level,
             round(p.points * g.face_value + coalesce(b.value, 0) + coalesce(b.discount, 0) * d.reference_spend, 2) AS value,
             round(p.points * g.cost_per_point + coalesce(b.cost, 0) + coalesce(b.discount, 0) * d.reference_spend, 2) AS cost,
             round(p.points * g.cost_per_point, 2) AS points_cost, round(coalesce(b.discount, 0) * d.reference_spend, 2) AS discount
      FROM member.tier_level l JOIN member.tier_ladder d USING (ladder_id) CROSS JOIN member.setting g
      -- points a year above those of multiplier 1
      CROSS JOIN LATERAL (SELECT coalesce(sum((l.multiplier - 1) * d.reference_spend * e.give[1] / e.per), 0) AS points
                          FROM member.earn_rule e JOIN member.stream s ON s.code = e.stream AND s.purchases
                          JOIN member.wallet w ON w.code = e.wallet AND w.spendable
                          WHERE e.tiered AND e.per IS NOT NULL) p
      LEFT JOIN LATERAL (SELECT sum(n.uses * x.unit_value) AS value, sum(n.uses * x.unit_cost) AS cost, max(t.discount) AS discount
                         FROM member.tier_benefit t JOIN member.benefit x ON x.code = t.benefit
                         CROSS JOIN LATERAL (SELECT least(x.expected_uses, t.quota * CASE t.period WHEN 'month' THEN 12 WHEN 'quarter' THEN 4 ELSE 1 END) AS uses) n
                         WHERE t.ladder_id = l.ladder_id AND t.level = l.level) b ON true) v
JOIN member.tier_ladder d USING (ladder_id)
JOIN member.tier_level l USING (ladder_id, level)
WINDOW w AS (PARTITION BY v.ladder_id ORDER BY v.level);
COMMENT ON VIEW member_report.tier_value IS 'What each level is worth to a member and costs, a year, at one spend: neighbours should differ by 30 percent at least.';
COMMENT ON COLUMN member_report.tier_value.ladder IS 'Code of the ladder.';
COMMENT ON COLUMN member_report.tier_value.level IS 'Number of the level, from 0.';
COMMENT ON COLUMN member_report.tier_value.tier IS 'Code of the level.';
COMMENT ON COLUMN member_report.tier_value.tier_name IS 'Name of the level.';
COMMENT ON COLUMN member_report.tier_value.reference_spend IS 'Yearly spend they are compared at, yuan.';
COMMENT ON COLUMN member_report.tier_value.value IS 'Worth to the member, yuan a year: points above the usual, discount, benefits as expected to be used.';
COMMENT ON COLUMN member_report.tier_value.cost IS 'Cost of the same, yuan a year.';
COMMENT ON COLUMN member_report.tier_value.above_lower IS 'Percent by which it is worth more than the level below; null where that is worth nothing.';
COMMENT ON COLUMN member_report.tier_value.points_cost IS 'Of the cost the points above the usual.';
COMMENT ON COLUMN member_report.tier_value.discount IS 'Of the cost and the worth the discount.';
COMMENT ON COLUMN member_report.tier_value.ladder_id IS 'Number of the ladder.';

CREATE OR REPLACE VIEW member_report.tier_cost AS
SELECT d.code AS ladder, l.level, l.code AS tier, l.name AS tier_name, c.members, c.spend, round(c.spend / nullif(c.members, 0), 2) AS arpu, c.orders, c.cost,
       round(c.cost / nullif(sum(c.cost) OVER (PARTITION BY c.ladder_id), 0), 4) AS share, d.budget_share,
       c.cost <= d.budget_share * sum(c.cost) OVER (PARTITION BY c.ladder_id) AS in_budget,
       round(c.spend / nullif(c.cost, 0), 2) AS roi
FROM (SELECT x.ladder_id, x.level, x.members, round(x.cents / 100, 2) AS spend, x.orders,
             -- points and discount at what they spend, other benefits as used
             round(coalesce(v.points_cost + v.discount, 0) * x.cents / 100 / g.reference_spend + coalesce(u.cost, 0), 2) AS cost
      FROM (SELECT g.ladder_id, member.level(s.standing, g.ladder_id) AS level, count(*) AS members, sum(s.cents) AS cents, sum(s.orders) AS orders
            FROM (SELECT h.standing, member.amount(h.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, (SELECT t.day FROM member_report.today t) + 1) AS cents,
                         member.count(h.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, (SELECT t.day FROM member_report.today t) + 1) AS orders
                  FROM member.state h WHERE h.active OFFSET 0) s, member.tier_ladder g
            GROUP BY 1, 2) x
      JOIN member.tier_ladder g USING (ladder_id)
      LEFT JOIN member_report.tier_value v USING (ladder_id, level)
      LEFT JOIN (SELECT b.ladder_id, b.level, sum(n.unit_cost) AS cost FROM member.benefit_use b JOIN member.benefit n ON n.code = b.benefit
                 WHERE b.at >= (SELECT (t.day - 364)::timestamp AT TIME ZONE t.zone FROM member_report.today t) GROUP BY 1, 2) u USING (ladder_id, level)) c
JOIN member.tier_ladder d USING (ladder_id)
JOIN member.tier_level l USING (ladder_id, level);
COMMENT ON VIEW member_report.tier_cost IS 'Each level over the last 365 days: ARPU, cost of its benefits against the budget, ROI. By the levels booked; levels without members are not there.';
COMMENT ON COLUMN member_report.tier_cost.ladder IS 'Code of the ladder.';
COMMENT ON COLUMN member_report.tier_cost.level IS 'Number of the level, from 0.';
COMMENT ON COLUMN member_report.tier_cost.tier IS 'Code of the level.';
COMMENT ON COLUMN member_report.tier_cost.tier_name IS 'Name of the level.';
COMMENT ON COLUMN member_report.tier_cost.members IS 'Active members that hold it.';
COMMENT ON COLUMN member_report.tier_cost.spend IS 'Spend of these members, yuan, refunds taken off.';
COMMENT ON COLUMN member_report.tier_cost.arpu IS 'Spend of one of them 各等级 ARPU.';
COMMENT ON COLUMN member_report.tier_cost.orders IS 'Orders of these members.';
COMMENT ON COLUMN member_report.tier_cost.cost IS 'Points above the usual and discount at that spend, benefits used at their unit cost, yuan.';
COMMENT ON COLUMN member_report.tier_cost.share IS 'Part of the cost of all levels of the ladder.';
COMMENT ON COLUMN member_report.tier_cost.budget_share IS 'Part that one level may take.';
COMMENT ON COLUMN member_report.tier_cost.in_budget IS 'Whether it takes no more.';
COMMENT ON COLUMN member_report.tier_cost.roi IS 'Spend for a yuan of cost.';

CREATE OR REPLACE VIEW member_report.benefit_low_use AS
SELECT d.code AS ladder, l.code AS tier, t.benefit, b.name AS benefit_name, m.members, coalesce(u.users, 0) AS users,
       round(100.0 * coalesce(u.users, 0) / m.members, 2) AS share
FROM member.tier_benefit t
JOIN member.benefit b ON b.code = t.benefit
JOIN member.tier_level l USING (ladder_id, level)
JOIN member.tier_ladder d USING (ladder_id)
JOIN (SELECT g.ladder_id, member.level(h.standing, g.ladder_id) AS level, count(*) AS members
      FROM member.state h, member.tier_ladder g WHERE h.active GROUP BY 1, 2) m USING (ladder_id, level)
LEFT JOIN (SELECT x.ladder_id, x.level, x.benefit, count(DISTINCT x.member_id) AS users FROM member.benefit_use x
           WHERE x.at >= (SELECT (t.day - 89)::timestamp AT TIME ZONE t.zone FROM member_report.today t) GROUP BY 1, 2, 3) u
    ON u.ladder_id = t.ladder_id AND u.level = t.level AND u.benefit = t.benefit
WHERE b.kind NOT IN ('discount', 'mark') AND 10 * coalesce(u.users, 0) < m.members;
COMMENT ON VIEW member_report.benefit_low_use IS 'Benefits that less than one in ten of those who have them used in the last 90 days 低使用率权益.';
COMMENT ON COLUMN member_report.benefit_low_use.ladder IS 'Code of the ladder.';
COMMENT ON COLUMN member_report.benefit_low_use.tier IS 'Code of the level.';
COMMENT ON COLUMN member_report.benefit_low_use.benefit IS 'Code of the benefit.';
COMMENT ON COLUMN member_report.benefit_low_use.benefit_name IS 'Name of the benefit.';
COMMENT ON COLUMN member_report.benefit_low_use.members IS 'Active members of the level.';
COMMENT ON COLUMN member_report.benefit_low_use.users IS 'Members that used it by this level.';
COMMENT ON COLUMN member_report.benefit_low_use.share IS 'Percent of the members.';

CREATE OR REPLACE VIEW member_report.tier_migration AS
SELECT date_trunc('month', c.day::timestamp)::date AS month, d.code AS ladder, f.code AS from_tier, t.code AS to_tier, c.kind, count(*) AS changes,
       count(DISTINCT c.member_id) AS members
FROM member.tier_change c
JOIN member.tier_ladder d USING (ladder_id)
JOIN member.tier_level f ON f.ladder_id = c.ladder_id AND f.level = c.from_level
JOIN member.tier_level t ON t.ladder_id = c.ladder_id AND t.level = c.to_level
GROUP BY 1, 2, 3, 4, 5;
COMMENT ON VIEW member_report.tier_migration IS 'Decisions on levels by month: who rose, fell, was kept 等级迁移.';
COMMENT ON COLUMN member_report.tier_migration.month IS 'First day of the month they were decided for.';
COMMENT ON COLUMN member_report.tier_migration.ladder IS 'Code of the ladder.';
COMMENT ON COLUMN member_report.tier_migration.from_tier IS 'Level that counted before.';
COMMENT ON COLUMN member_report.tier_migration.to_tier IS 'Level that counts after.';
COMMENT ON COLUMN member_report.tier_migration.kind IS 'rise, keep, fall; set and end of a level granted by hand.';
COMMENT ON COLUMN member_report.tier_migration.changes IS 'Decisions.';
COMMENT ON COLUMN member_report.tier_migration.members IS 'Members they are of.';

CREATE OR REPLACE VIEW member_report.tier_reviews AS
SELECT d.code AS ladder, l.code AS tier, l.name AS tier_name, u.review, count(*) AS members
FROM member.state s
CROSS JOIN LATERAL member.unnest(s.standing) u
JOIN member.tier_ladder d ON d.ladder_id = u.ladder
JOIN member.tier_level l ON l.ladder_id = u.ladder AND l.level = u.earned
WHERE s.active AND u.review <= (SELECT t.day FROM member_report.today t) + 90
GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW member_report.tier_reviews IS 'Reviews of the next 90 days 待保级, by level and day; one in the past is due and not booked yet.';
COMMENT ON COLUMN member_report.tier_reviews.ladder IS 'Code of the ladder.';
COMMENT ON COLUMN member_report.tier_reviews.tier IS 'Code of the level earned.';
COMMENT ON COLUMN member_report.tier_reviews.tier_name IS 'Name of the level.';
COMMENT ON COLUMN member_report.tier_reviews.review IS 'Day of the review: the end of the validity, or of the grace.';
COMMENT ON COLUMN member_report.tier_reviews.members IS 'Active members reviewed that day.';
