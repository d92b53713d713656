-- Tags, segments and personas for BI. What rules keep is as the last refresh of the tags left it, and a day is counted to today.

CREATE OR REPLACE VIEW member_report.tag AS
SELECT g.code AS tag, g.dimension, g.sub_dimension, g.collection, g.cadence, g.rule, c.members, round(100.0 * c.members / nullif(c.of_members, 0), 2) AS share,
       round(ln(greatest(c.of_members, 1)::numeric / greatest(c.members, 1)), 4) AS rarity, c.counted_at
FROM member.tag g LEFT JOIN member.tag_count c USING (tag_id);
COMMENT ON VIEW member_report.tag IS 'The dictionary of tags 标签, and how many active members have each, by the last count: of the daily run or tags_refresh().';
COMMENT ON COLUMN member_report.tag.tag IS 'Code of the tag.';
COMMENT ON COLUMN member_report.tag.dimension IS 'basic 基础属性, behaviour 行为特征, preference 消费偏好, segment 人群.';
COMMENT ON COLUMN member_report.tag.sub_dimension IS 'Sub-dimension.';
COMMENT ON COLUMN member_report.tag.collection IS 'Way of collection 采集方式.';
COMMENT ON COLUMN member_report.tag.cadence IS 'The slowest it is looked at.';
COMMENT ON COLUMN member_report.tag.rule IS 'Its rule in the draft; null: it is set by calls.';
COMMENT ON COLUMN member_report.tag.members IS 'Active members that have it in force; null: not counted yet.';
COMMENT ON COLUMN member_report.tag.share IS 'Percent of the active members.';
COMMENT ON COLUMN member_report.tag.rarity IS 'ln(active members / those with it): what weights core tags.';
COMMENT ON COLUMN member_report.tag.counted_at IS 'When it was counted.';

CREATE OR REPLACE VIEW member_report.segment AS
SELECT g.code AS segment, g.rule, c.members, round(100.0 * c.members / nullif(c.of_members, 0), 2) AS share, coalesce(x.entered, 0) AS entered_30d, coalesce(x.gone, 0) AS left_30d, c.counted_at
FROM member.tag g LEFT JOIN member.tag_count c USING (tag_id)
LEFT JOIN (SELECT h.tag_id, count(*) FILTER (WHERE h.kind = 'set') AS entered, count(*) FILTER (WHERE h.kind = 'drop') AS gone
           FROM member.tag_change h WHERE h.day > (SELECT t.day FROM member_report.today t) - 30 GROUP BY 1) x USING (tag_id)
WHERE g.dimension = 'segment';
COMMENT ON VIEW member_report.segment IS 'Saved segments 人群: members by the last count, and who entered and left in the 30 days that end with today.';
COMMENT ON COLUMN member_report.segment.segment IS 'Code of the segment.';
COMMENT ON COLUMN member_report.segment.rule IS 'Its rule in the draft.';
COMMENT ON COLUMN member_report.segment.members IS 'Active members in it; null: not counted yet.';
COMMENT ON COLUMN member_report.segment.share IS 'Percent of the active members.';
COMMENT ON COLUMN member_report.segment.entered_30d IS 'Times a member entered it in the 30 days.';
COMMENT ON COLUMN member_report.segment.left_30d IS 'Times a member left it in the 30 days.';
COMMENT ON COLUMN member_report.segment.counted_at IS 'When it was counted.';

CREATE OR REPLACE VIEW member_report.segment_members AS
SELECT g.code AS segment, t.member_id, (SELECT u.since FROM member.unnest(t.tags) u WHERE u.tag = g.tag_id) AS since
FROM member.tag g JOIN member.tags t ON t.tags OPERATOR(member.?) g.tag_id JOIN member.state s USING (member_id)
WHERE g.dimension = 'segment' AND s.active AND member.is_live(t.tags, g.tag_id, (SELECT d.day FROM member_report.today d));
COMMENT ON VIEW member_report.segment_members IS 'Who is in which saved segment, by the index of tags where one segment is asked for.';
COMMENT ON COLUMN member_report.segment_members.segment IS 'Code of the segment.';
COMMENT ON COLUMN member_report.segment_members.member_id IS 'An active member in it.';
COMMENT ON COLUMN member_report.segment_members.since IS 'Day it entered.';

CREATE OR REPLACE VIEW member_report.segment_events AS
SELECT h.day, g.code AS segment, h.member_id, CASE h.kind WHEN 'set' THEN 'enter' ELSE 'leave' END AS event, h.booked_at, h.program_version
FROM member.tag_change h JOIN member.tag g USING (tag_id) WHERE g.dimension = 'segment';
COMMENT ON VIEW member_report.segment_events IS 'Members entering and leaving saved segments.';
COMMENT ON COLUMN member_report.segment_events.day IS 'Day it was decided for.';
COMMENT ON COLUMN member_report.segment_events.segment IS 'Code of the segment.';
COMMENT ON COLUMN member_report.segment_events.member_id IS 'The member.';
COMMENT ON COLUMN member_report.segment_events.event IS 'enter or leave.';
COMMENT ON COLUMN member_report.segment_events.booked_at IS 'When it was recorded.';
COMMENT ON COLUMN member_report.segment_events.program_version IS 'Version whose rule decided.';

CREATE OR REPLACE VIEW member_report.persona AS
SELECT x.member_id,
       -- basic attributes
       x.gender, extract(year FROM age(x.day, x.birthday))::integer AS age, x.region, x.city, x.channel, x.store, x.joined, x.day - x.joined AS tenure_days,
       l.code AS tier, l.name AS tier_name,
       -- purchase
       x.orders AS orders_12mo, round(x.spend / 100.0, 2) AS spend_12mo, round(x.spend / 100.0 / nullif(x.orders, 0), 2) AS mean_order_12mo, x.last_order,
       x.day - x.last_order AS recency_days, round(member.mean_gap(x.activity, x.purchases)::numeric, 1) AS mean_gap_days,
       CASE WHEN x.last_order > x.day - 365 THEN member.rfm_value_group_name(member.rfm_value_group(member.rfm_score(x.cuts, x.day - x.last_order, x.orders, x.spend), x.cuts)) END AS value_group_name,
       (SELECT i.category FROM member.purchase_line i WHERE i.member_id = x.member_id AND i.category IS NOT NULL
        GROUP BY 1 ORDER BY sum(i.amount - i.refunded) DESC, 1 LIMIT 1) AS top_category,
       member.balance(x.lots, 1::smallint, x.day) AS points,
       -- interaction
       (SELECT coalesce(sum(member.count(x.activity, r, x.day - 29, x.day + 1)), 0)::bigint FROM unnest(member.streams(x.activity)) r WHERE r <> x.purchases) AS events_30d,
       (SELECT max(member.last_day(x.activity, r)) FROM unnest(member.streams(x.activity)) r) AS last_active,
       member.lifecycle_stage_name(member.lifecycle_stage(x.activity, x.purchases, x.day, x.cuts, v.new_days, v.slip_factor::double precision, v.slip_days, v.dormant_days, v.lost_days)) AS stage_name,
       ARRAY(SELECT g.code FROM unnest(member.tag_ids(member.live(x.tags, x.day))) u JOIN member.tag g ON g.tag_id = u LEFT JOIN member.tag_count c ON c.tag_id = u
             WHERE g.dimension <> 'segment'
             ORDER BY member.weight(x.tags, u, x.day) * coalesce(ln(greatest(c.of_members, 1)::double precision / greatest(c.members, 1)), 0) DESC,
                      member.weight(x.tags, u, x.day) DESC, u LIMIT 5) AS core_tags,
       ARRAY(SELECT g.code FROM unnest(member.tag_ids(member.live(x.tags, x.day))) u JOIN member.tag g ON g.tag_id = u WHERE g.dimension = 'segment' ORDER BY u) AS segments
FROM (SELECT m.member_id, m.attributes ->> 'gender' AS gender, (member_internal.parse_time(m.attributes ->> 'birthday', d.zone) AT TIME ZONE d.zone)::date AS birthday,
             m.attributes ->> 'region' AS region, m.attributes ->> 'city' AS city, m.channel, m.store, (m.joined_at AT TIME ZONE d.zone)::date AS joined,
             s.activity, s.lots, s.standing, coalesce(t.tags, 'empty'::member.tagset) AS tags, d.day, d.purchases, (SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1) AS cuts,
             member.count(s.activity, d.purchases, d.day - 364, d.day + 1) AS orders, member.amount(s.activity, d.purchases, d.day - 364, d.day + 1) AS spend,
             member.last_day(s.activity, d.purchases) AS last_order
      FROM member.state s JOIN member.member m USING (member_id) LEFT JOIN member.tags t USING (member_id) CROSS JOIN member_report.today d
      WHERE s.active OFFSET 0) x
CROSS JOIN member.value_setting v
LEFT JOIN member.tier_level l ON l.ladder_id = 1 AND l.level = member.level(x.standing, 1::smallint);
COMMENT ON VIEW member_report.persona IS 'Persona of each active member 用户画像: basic attributes, purchases and interaction in one row, without what identifies a person.';
COMMENT ON COLUMN member_report.persona.member_id IS 'The member.';
COMMENT ON COLUMN member_report.persona.gender IS 'As on record; null: not known.';
COMMENT ON COLUMN member_report.persona.age IS 'Whole years; null: birthday not known.';
COMMENT ON COLUMN member_report.persona.region IS 'Region on record.';
COMMENT ON COLUMN member_report.persona.city IS 'City on record.';
COMMENT ON COLUMN member_report.persona.channel IS 'Channel it joined by.';
COMMENT ON COLUMN member_report.persona.store IS 'Store it joined at.';
COMMENT ON COLUMN member_report.persona.joined IS 'Day it joined.';
COMMENT ON COLUMN member_report.persona.tenure_days IS 'Days since then 会龄.';
COMMENT ON COLUMN member_report.persona.tier IS 'Code of its level in the first ladder, as last decided.';
COMMENT ON COLUMN member_report.persona.tier_name IS 'Name of that level.';
COMMENT ON COLUMN member_report.persona.orders_12mo IS 'Purchases in the 365 days that end with today, those refunded in whole left out.';
COMMENT ON COLUMN member_report.persona.spend_12mo IS 'Spend in that time, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.persona.mean_order_12mo IS 'Spend by purchases 客单价, yuan; null without purchases.';
COMMENT ON COLUMN member_report.persona.last_order IS 'Day of the last purchase; null: none.';
COMMENT ON COLUMN member_report.persona.recency_days IS 'Days since then.';
COMMENT ON COLUMN member_report.persona.mean_gap_days IS 'Mean days between days with purchases; null: less than two.';
COMMENT ON COLUMN member_report.persona.value_group_name IS 'RFM value group by the cuts of the last refresh: 重要价值 to 一般挽留; null: no purchase in 365 days, or no cuts.';
COMMENT ON COLUMN member_report.persona.top_category IS 'Category of purchase lines most was spent on; null: no lines.';
COMMENT ON COLUMN member_report.persona.points IS 'Usable points of the main wallet today.';
COMMENT ON COLUMN member_report.persona.events_30d IS 'Events of all streams but purchases in the 30 days that end with today.';
COMMENT ON COLUMN member_report.persona.last_active IS 'Day of the last event of any stream; null: none.';
COMMENT ON COLUMN member_report.persona.stage_name IS 'Life-cycle stage today 生命周期.';
COMMENT ON COLUMN member_report.persona.core_tags IS 'Up to five core tags 核心标签, the first tells most: core_tags().';
COMMENT ON COLUMN member_report.persona.segments IS 'Saved segments it is in.';
