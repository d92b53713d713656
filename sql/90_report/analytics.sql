-- Views of clusters, baskets, and of when and how often members buy.

CREATE OR REPLACE VIEW member_report.cluster AS
SELECT r.run_id, r.day, r.run_id = (SELECT max(l.run_id) FROM member.cluster_run l) AS latest, c.cluster, c.name, c.members,
       round(100.0 * c.members / r.members, 2) AS share, c.orders, c.spend, round(100.0 * c.spend / nullif(sum(c.spend) OVER (PARTITION BY r.run_id), 0), 2) AS spend_share,
       c.mean_order, c.store, c.store_share, c.category, c.category_share, c.within, c.silhouette, c.content, c.content_share
FROM member.cluster_run r JOIN member.cluster c USING (run_id);
COMMENT ON VIEW member_report.cluster IS 'Clusters of members 聚类 with their profile, by run of clusters_refresh().';
COMMENT ON COLUMN member_report.cluster.run_id IS 'Number of the run.';
COMMENT ON COLUMN member_report.cluster.day IS 'Day of the run.';
COMMENT ON COLUMN member_report.cluster.latest IS 'Whether it is the last run.';
COMMENT ON COLUMN member_report.cluster.cluster IS 'Number of the cluster in its run, 1 is the largest.';
COMMENT ON COLUMN member_report.cluster.name IS 'Name the brand gave it; null without.';
COMMENT ON COLUMN member_report.cluster.members IS 'Members in it on that day.';
COMMENT ON COLUMN member_report.cluster.share IS 'Percent of the members of the run.';
COMMENT ON COLUMN member_report.cluster.orders IS 'Their purchases in the days of the run; those refunded in whole are not counted.';
COMMENT ON COLUMN member_report.cluster.spend IS 'Amount of these, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.cluster.spend_share IS 'Percent of the spend of all clusters of the run; null without any.';
COMMENT ON COLUMN member_report.cluster.mean_order IS 'Spend an order 客单价, yuan; null without orders.';
COMMENT ON COLUMN member_report.cluster.store IS 'Store most of the purchases were made in; null: none named.';
COMMENT ON COLUMN member_report.cluster.store_share IS 'Percent of the purchases that were made there.';
COMMENT ON COLUMN member_report.cluster.category IS 'Category most was spent on; null without lines that name one.';
COMMENT ON COLUMN member_report.cluster.category_share IS 'Percent that was spent on it of the lines that name a category.';
COMMENT ON COLUMN member_report.cluster.within IS 'Sum of the squared distances from the centre, in scaled units.';
COMMENT ON COLUMN member_report.cluster.silhouette IS 'Mean simplified silhouette, up to 1: how far its members are nearer to their own centre than to the next.';
COMMENT ON COLUMN member_report.cluster.content IS 'Category most of their events had in the days of the run, what they read and clicked; null without any.';
COMMENT ON COLUMN member_report.cluster.content_share IS 'Percent of the events with a category that had it.';

CREATE OR REPLACE VIEW member_report.cluster_feature AS
SELECT r.run_id, c.cluster, f.place::integer AS place, f.feature, c.center[f.place] AS mean, r.centers[c.cluster][f.place] AS scaled
FROM member.cluster_run r JOIN member.cluster c USING (run_id), unnest(r.features) WITH ORDINALITY f (feature, place);
COMMENT ON VIEW member_report.cluster_feature IS 'What the members of each cluster are like: a row a cluster and feature.';
COMMENT ON COLUMN member_report.cluster_feature.run_id IS 'Number of the run.';
COMMENT ON COLUMN member_report.cluster_feature.cluster IS 'Number of the cluster.';
COMMENT ON COLUMN member_report.cluster_feature.place IS 'Place of the feature among those of the run.';
COMMENT ON COLUMN member_report.cluster_feature.feature IS 'Its name: recency in days, frequency in orders, monetary in yuan …';
COMMENT ON COLUMN member_report.cluster_feature.mean IS 'Mean of the members of the cluster, in its unit.';
COMMENT ON COLUMN member_report.cluster_feature.scaled IS 'The same as it was compared; with scale zscore, deviations from the mean of all.';

CREATE OR REPLACE VIEW member_report.association_rule AS
SELECT u.what, u.day, r.antecedent, r.consequent, r.occurrences, u.baskets, r.support, r.confidence, r.lift, r.leverage, r.conviction
FROM member.basket_run u JOIN member.basket_rule r USING (run_id);
COMMENT ON VIEW member_report.association_rule IS 'Association rules 关联规则 of the last baskets_refresh() of each sort of item.';
COMMENT ON COLUMN member_report.association_rule.what IS 'product, category, content or benefit.';
COMMENT ON COLUMN member_report.association_rule.day IS 'Day of the refresh.';
COMMENT ON COLUMN member_report.association_rule.antecedent IS 'Who has these …';
COMMENT ON COLUMN member_report.association_rule.consequent IS '… has this too.';
COMMENT ON COLUMN member_report.association_rule.occurrences IS 'Baskets with all of them.';
COMMENT ON COLUMN member_report.association_rule.baskets IS 'All baskets.';
COMMENT ON COLUMN member_report.association_rule.support IS 'Share of the baskets that have all of them 支持度.';
COMMENT ON COLUMN member_report.association_rule.confidence IS 'Share of the baskets with the antecedent that have the consequent 置信度.';
COMMENT ON COLUMN member_report.association_rule.lift IS 'Confidence by the share of all baskets that have the consequent 提升度: above 1 they attract each other.';
COMMENT ON COLUMN member_report.association_rule.leverage IS 'Support less what it would be if they were independent.';
COMMENT ON COLUMN member_report.association_rule.conviction IS 'How much more often the rule would fail if they were independent; Infinity: it never fails.';

CREATE OR REPLACE VIEW member_report.hot_item AS
SELECT i.product, i.category, i.day, i.lines, i.quantity, i.amount, i.stores, round(100.0 * i.amount / nullif(sum(i.amount) OVER (), 0), 2) AS share,
       rank() OVER (ORDER BY i.quantity DESC) AS place
FROM (SELECT s.product, max(s.category) AS category, max(s.day) AS day, sum(s.lines)::bigint AS lines, sum(s.quantity) AS quantity, sum(s.amount) AS amount,
             count(*) FILTER (WHERE s.store <> '') AS stores
      FROM member.item_sales s GROUP BY 1) i;
COMMENT ON VIEW member_report.hot_item IS 'Products by what was sold of them 热销 in the 30 days that end with the day of the last daily run; purchases recorded with lines only.';
COMMENT ON COLUMN member_report.hot_item.product IS 'Product as purchase lines name it.';
COMMENT ON COLUMN member_report.hot_item.category IS 'Its category; null: none named.';
COMMENT ON COLUMN member_report.hot_item.day IS 'Last of the 30 days.';
COMMENT ON COLUMN member_report.hot_item.lines IS 'Purchase lines; those refunded in whole are not counted.';
COMMENT ON COLUMN member_report.hot_item.quantity IS 'Quantity sold.';
COMMENT ON COLUMN member_report.hot_item.amount IS 'Paid for it, refunds of lines taken off, yuan.';
COMMENT ON COLUMN member_report.hot_item.stores IS 'Stores that sold it.';
COMMENT ON COLUMN member_report.hot_item.share IS 'Percent of the amount of all products; null without any.';
COMMENT ON COLUMN member_report.hot_item.place IS 'Place by quantity, 1 the most.';

CREATE OR REPLACE VIEW member_report.hot_item_store AS
SELECT s.store, s.product, s.category, s.day, s.lines, s.quantity, s.amount, s.buyers, rank() OVER (PARTITION BY s.store ORDER BY s.quantity DESC) AS place
FROM member.item_sales s WHERE s.store <> '';
COMMENT ON VIEW member_report.hot_item_store IS 'The same by store.';
COMMENT ON COLUMN member_report.hot_item_store.store IS 'Store as purchases name it.';
COMMENT ON COLUMN member_report.hot_item_store.product IS 'Product as purchase lines name it.';
COMMENT ON COLUMN member_report.hot_item_store.category IS 'Its category; null: none named.';
COMMENT ON COLUMN member_report.hot_item_store.day IS 'Last of the 30 days.';
COMMENT ON COLUMN member_report.hot_item_store.lines IS 'Purchase lines; those refunded in whole are not counted.';
COMMENT ON COLUMN member_report.hot_item_store.quantity IS 'Quantity sold.';
COMMENT ON COLUMN member_report.hot_item_store.amount IS 'Paid for it, refunds of lines taken off, yuan.';
COMMENT ON COLUMN member_report.hot_item_store.buyers IS 'Members that bought it there.';
COMMENT ON COLUMN member_report.hot_item_store.place IS 'Place by quantity in the store, 1 the most.';

CREATE OR REPLACE VIEW member_report.purchase_frequency AS
SELECT n AS orders, coalesce(x.members, 0) AS members, round(100.0 * coalesce(x.members, 0) / nullif(sum(x.members) OVER (), 0), 2) AS share,
       round(coalesce(x.spend, 0) / 100, 2) AS spend, round(100.0 * coalesce(x.spend, 0) / nullif(sum(x.spend) OVER (), 0), 2) AS spend_share
FROM generate_series(1, 13) n
LEFT JOIN (SELECT least(f.orders, 13) AS orders, count(*) AS members, sum(f.amount) AS spend
           FROM (SELECT member.count(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, (SELECT t.day FROM member_report.today t) + 1) AS orders,
                        member.amount(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, (SELECT t.day FROM member_report.today t) + 1) AS amount
                 FROM member.state s OFFSET 0) f
           WHERE f.orders > 0 GROUP BY 1) x ON x.orders = n;
COMMENT ON VIEW member_report.purchase_frequency IS 'Members by how often they bought 购买频次 in the 365 days that end with today.';
COMMENT ON COLUMN member_report.purchase_frequency.orders IS 'Purchases, those refunded in whole not counted; 13: 13 or more.';
COMMENT ON COLUMN member_report.purchase_frequency.members IS 'Members that bought so often.';
COMMENT ON COLUMN member_report.purchase_frequency.share IS 'Percent of the members that bought; null without any.';
COMMENT ON COLUMN member_report.purchase_frequency.spend IS 'What they spent, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.purchase_frequency.spend_share IS 'Percent of what all spent.';

CREATE OR REPLACE VIEW member_report.repurchase AS
SELECT sum(d.gaps)::bigint AS repurchases, round(sum(d.days) / nullif(sum(d.gaps), 0), 2) AS mean_days,
       min(d.n) FILTER (WHERE 4 * d.upto >= d.total AND d.total > 0) AS first_quarter, min(d.n) FILTER (WHERE 2 * d.upto >= d.total AND d.total > 0) AS median_days,
       min(d.n) FILTER (WHERE 4 * d.upto >= 3 * d.total AND d.total > 0) AS third_quarter
FROM (SELECT n, coalesce(x.gaps[n][1], 0) AS gaps, coalesce(x.gaps[n][2], 0) AS days, sum(coalesce(x.gaps[n][1], 0)) OVER (ORDER BY n) AS upto, sum(coalesce(x.gaps[n][1], 0)) OVER () AS total
      FROM (SELECT member.activity_gaps(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, 365) AS gaps FROM member.state s) x,
           generate_series(1, 366) n) d;
COMMENT ON VIEW member_report.repurchase IS 'Days from one day of purchase of a member to the next 复购周期, where the next lies in the 365 days that end with today: one row.';
COMMENT ON COLUMN member_report.repurchase.repurchases IS 'How often a member bought again on a later day.';
COMMENT ON COLUMN member_report.repurchase.mean_days IS 'Mean number of days between; null without any.';
COMMENT ON COLUMN member_report.repurchase.first_quarter IS 'A quarter of them came within so many days; 366: 366 or more.';
COMMENT ON COLUMN member_report.repurchase.median_days IS 'Half of them.';
COMMENT ON COLUMN member_report.repurchase.third_quarter IS 'Three quarters of them.';

CREATE OR REPLACE VIEW member_report.repurchase_gap AS
SELECT b.since AS from_days, b.until AS to_days, coalesce(sum(x.gaps[n][1]), 0)::bigint AS repurchases,
       round(100.0 * sum(x.gaps[n][1]) / nullif(sum(sum(x.gaps[n][1])) OVER (), 0), 2) AS share,
       round(100.0 * sum(sum(x.gaps[n][1])) OVER (ORDER BY b.since) / nullif(sum(sum(x.gaps[n][1])) OVER (), 0), 2) AS within_share
FROM (SELECT member.activity_gaps(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, 365) AS gaps FROM member.state s) x,
     (VALUES (1, 7), (8, 14), (15, 21), (22, 30), (31, 45), (46, 60), (61, 90), (91, 120), (121, 180), (181, 365), (366, NULL)) b (since, until),
     generate_series(1, 366) n
WHERE n BETWEEN b.since AND coalesce(b.until, 366)
GROUP BY 1, 2;
COMMENT ON VIEW member_report.repurchase_gap IS 'How the days of member_report.repurchase are spread.';
COMMENT ON COLUMN member_report.repurchase_gap.from_days IS 'Shortest number of days of the row.';
COMMENT ON COLUMN member_report.repurchase_gap.to_days IS 'Longest; null: no end.';
COMMENT ON COLUMN member_report.repurchase_gap.repurchases IS 'How often a member bought again after so many days.';
COMMENT ON COLUMN member_report.repurchase_gap.share IS 'Percent of all; null without any.';
COMMENT ON COLUMN member_report.repurchase_gap.within_share IS 'Percent that came after so many days or fewer.';

CREATE OR REPLACE VIEW member_report.seasonality AS
SELECT g.grain, g.part, g.days, g.orders, round(g.amount / 100.0, 2) AS spend, round(g.orders::numeric / g.days, 2) AS orders_a_day,
       round((g.orders::numeric / g.days) / nullif(sum(g.orders) OVER (PARTITION BY g.grain) / 365, 0), 4) AS orders_index,
       round((g.amount::numeric / g.days) / nullif(sum(g.amount) OVER (PARTITION BY g.grain) / 365, 0), 4) AS spend_index
FROM (SELECT CASE WHEN grouping(d.month) = 0 THEN 'month' ELSE 'weekday' END AS grain, coalesce(d.month, d.weekday)::integer AS part,
             count(*) AS days, sum(d.orders)::bigint AS orders, sum(d.amount)::bigint AS amount
      FROM (SELECT extract(month FROM t.day - 365 + n) AS month, extract(isodow FROM t.day - 365 + n) AS weekday,
                   coalesce(x.by_day[n][1], 0) AS orders, coalesce(x.by_day[n][2], 0) AS amount
            FROM (SELECT member.activity_by_day(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, 365) AS by_day
                  FROM member.state s) x,
                 member_report.today t, generate_series(1, 365) n) d
      GROUP BY GROUPING SETS ((d.month), (d.weekday))) g;
COMMENT ON VIEW member_report.seasonality IS 'Purchases by month of the year and by weekday 季节性, the 365 days that end with today.';
COMMENT ON COLUMN member_report.seasonality.grain IS 'month or weekday.';
COMMENT ON COLUMN member_report.seasonality.part IS 'Month 1 to 12, or weekday from 1, Monday, to 7, Sunday.';
COMMENT ON COLUMN member_report.seasonality.days IS 'Days of it among the 365.';
COMMENT ON COLUMN member_report.seasonality.orders IS 'Purchases on these; those refunded in whole are not counted.';
COMMENT ON COLUMN member_report.seasonality.spend IS 'Their amount, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.seasonality.orders_a_day IS 'Purchases a day of it.';
COMMENT ON COLUMN member_report.seasonality.orders_index IS 'These by the mean of all days: 1.2 is a fifth above; null without purchases.';
COMMENT ON COLUMN member_report.seasonality.spend_index IS 'The same of the spend.';

CREATE OR REPLACE VIEW member_report.busy_hour AS
SELECT w AS weekday, h AS hour, coalesce(x.orders, 0)::bigint AS orders, coalesce(x.spend, 0) AS spend, round(coalesce(x.orders, 0) * 168 / nullif(sum(x.orders) OVER (), 0), 4) AS orders_index
FROM generate_series(1, 7) w CROSS JOIN generate_series(0, 23) h
LEFT JOIN (SELECT extract(isodow FROM b.quarter AT TIME ZONE t.zone) AS weekday, extract(hour FROM b.quarter AT TIME ZONE t.zone) AS hour, sum(b.orders) AS orders, sum(b.spend) AS spend
           -- counted by quarters of an hour, of which zones differ by whole ones, before time zones are looked up
           FROM (SELECT date_bin('15 minutes', p.at, 'epoch') AS quarter, count(*) AS orders, sum(p.amount - p.refunded) AS spend
                 FROM member.purchase p
                 WHERE p.at >= (SELECT (t.day - 28)::timestamp AT TIME ZONE t.zone FROM member_report.today t) AND p.at < (SELECT t.day::timestamp AT TIME ZONE t.zone FROM member_report.today t)
                   AND (p.refunded < p.amount OR p.amount = 0)
                 GROUP BY 1) b, member_report.today t
           GROUP BY 1, 2) x ON x.weekday = w AND x.hour = h;
COMMENT ON VIEW member_report.busy_hour IS 'Purchases by weekday and hour 时段分布, the four weeks up to yesterday.';
COMMENT ON COLUMN member_report.busy_hour.weekday IS 'From 1, Monday, to 7, Sunday, in the program''s time zone.';
COMMENT ON COLUMN member_report.busy_hour.hour IS 'Hour that begins, 0 to 23.';
COMMENT ON COLUMN member_report.busy_hour.orders IS 'Purchases; those refunded in whole are not counted.';
COMMENT ON COLUMN member_report.busy_hour.spend IS 'Their amount, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.busy_hour.orders_index IS 'Purchases by the mean of the 168 hours of the week; null without any.';

CREATE OR REPLACE VIEW member_report.spend_decile AS
SELECT d.decile, d.members, round(d.amount / 100.0, 2) AS spend, round(100.0 * d.amount / nullif(sum(d.amount) OVER (), 0), 2) AS share,
       round(100.0 * sum(d.amount) OVER (ORDER BY d.decile) / nullif(sum(d.amount) OVER (), 0), 2) AS upto_share, round(d.gini::numeric, 4) AS gini
FROM (SELECT n AS decile, x.deciles[n][1] AS members, x.deciles[n][2] AS amount, x.gini
      FROM (SELECT member.deciles(a.amount) AS deciles, member.gini(a.amount) AS gini
            FROM (SELECT member.amount(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, (SELECT t.day FROM member_report.today t) + 1) AS amount
                  FROM member.state s OFFSET 0) a
            WHERE a.amount > 0) x,
           generate_series(1, 10) n) d;
COMMENT ON VIEW member_report.spend_decile IS 'How much of the spend of the 365 days that end with today each tenth of the buyers makes 消费集中度: the Lorenz curve, from the best buyers on.';
COMMENT ON COLUMN member_report.spend_decile.decile IS 'Tenth of the members that spent something, 1 those that spent most.';
COMMENT ON COLUMN member_report.spend_decile.members IS 'Members of it.';
COMMENT ON COLUMN member_report.spend_decile.spend IS 'What they spent, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.spend_decile.share IS 'Percent of all spend; null without any.';
COMMENT ON COLUMN member_report.spend_decile.upto_share IS 'Percent of all spend that this tenth and those before it make.';
COMMENT ON COLUMN member_report.spend_decile.gini IS 'Gini coefficient of the buyers'' spend, the same in each row: 0 all alike, near 1 one has nearly all; null without any.';

CREATE OR REPLACE VIEW member_report.activity_day AS
SELECT d.stream, d.stream_name, d.day, d.events, d.members, d.new_members
FROM (SELECT m.code AS stream, m.name AS stream_name, t.day - 30 + n AS day, coalesce(x.by_day[30 * (m.place - 1) + n][1], 0) AS events,
             coalesce(x.by_day[30 * (m.place - 1) + n][3], 0) AS members, coalesce(x.by_day[30 * (m.place - 1) + n][4], 0) AS new_members
      FROM (SELECT member.activity_by_day(s.activity, (SELECT array_agg(r.stream_id ORDER BY r.stream_id) FROM member.stream r), (SELECT t.day FROM member_report.today t) - 29, 30) AS by_day
            FROM member.state s) x,
           (SELECT r.code, r.name, row_number() OVER (ORDER BY r.stream_id) AS place FROM member.stream r) m, member_report.today t, generate_series(1, 30) n) d;
COMMENT ON VIEW member_report.activity_day IS 'Activity of members by stream and day 活跃曲线, the 30 days that end with today.';
COMMENT ON COLUMN member_report.activity_day.stream IS 'Code of the stream: purchases, signin, browse …';
COMMENT ON COLUMN member_report.activity_day.stream_name IS 'Its name.';
COMMENT ON COLUMN member_report.activity_day.day IS 'Day in the program''s time zone; those without events too.';
COMMENT ON COLUMN member_report.activity_day.events IS 'Events of that day.';
COMMENT ON COLUMN member_report.activity_day.members IS 'Members that had any 活跃.';
COMMENT ON COLUMN member_report.activity_day.new_members IS 'Of these, members whose first day it was.';
