-- What the points outstanding are worth, what they came from and what will become of them.

CREATE OR REPLACE VIEW member_report.points_source AS
SELECT f.month, w.code AS wallet, f.kind, nullif(f.source, '') AS source,
       sum(f.points) FILTER (WHERE f.kind IN ('purchase', 'event', 'earn'))::bigint AS issued,
       round(sum(f.points) FILTER (WHERE f.kind IN ('purchase', 'event', 'earn')) / f.days, 2) AS issued_a_day,
       round(100.0 * sum(f.points) FILTER (WHERE f.kind IN ('purchase', 'event', 'earn'))
             / nullif(sum(sum(f.points) FILTER (WHERE f.kind IN ('purchase', 'event', 'earn'))) OVER (PARTITION BY f.month, w.code), 0), 2) AS issued_share,
       -sum(f.points) FILTER (WHERE f.kind = 'spend')::bigint AS spent,
       round(-100.0 * sum(f.points) FILTER (WHERE f.kind = 'spend')
             / nullif(sum(sum(f.points) FILTER (WHERE f.kind IN ('purchase', 'event', 'earn'))) OVER (PARTITION BY f.month, w.code), 0), 2) AS use_rate,
       sum(f.entries)::bigint AS entries
FROM (SELECT x.month, x.wallet, x.source, x.points, x.entries, CASE WHEN x.kind IN ('purchase', 'event', 'earn') THEN x.kind ELSE 'spend' END AS kind,
             least((x.month + interval '1 month')::date, t.day + 1) - x.month AS days
      FROM (SELECT r.month, r.wallet, r.kind, r.source, r.points, r.entries FROM member.points_rollup r
            UNION ALL
            -- as in points_month
            SELECT (timestamp '1899-12-01' + c.no * interval '1 month')::date, c.wallet, c.kind, c.source, c.points, c.entries
            FROM (SELECT n.no, e.wallet, e.kind, CASE WHEN e.kind IN ('event', 'earn', 'spend', 'hold', 'capture', 'void', 'lapse') THEN coalesce(e.source, '') ELSE '' END AS source,
                         sum(e.points) AS points, count(*) AS entries
                  FROM member.entry e
                  JOIN (SELECT n AS no FROM generate_series(0, 2400) n GROUP BY n) n
                      ON n.no = width_bucket(e.at, (SELECT array_agg(f.first AT TIME ZONE g.zone ORDER BY f.first)
                             FROM generate_series(timestamp '1900-01-01', timestamp '2099-12-01', interval '1 month') f (first), member.setting g))
                  WHERE e.booked_at >= (SELECT coalesce(max(k.booked_before), '-infinity') FROM member.points_rollup_mark k)
                    AND e.booked_at <= 'infinity' AND e.kind IN ('purchase', 'event', 'earn', 'spend', 'hold', 'capture', 'void', 'lapse')
                  GROUP BY 1, 2, 3, 4) c) x, member_report.today t
      WHERE x.kind IN ('purchase', 'event', 'earn', 'spend', 'hold', 'capture', 'void', 'lapse')) f
JOIN member.wallet w ON w.wallet_id = f.wallet
GROUP BY f.month, w.code, f.kind, f.source, f.days;
COMMENT ON VIEW member_report.points_source IS 'Points by month, wallet and where they came from or went: what each source issues 日均获取量 and how much is used through it 使用转化率.';
COMMENT ON COLUMN member_report.points_source.month IS 'First day of the month the entries happened in, in the program''s time zone.';
COMMENT ON COLUMN member_report.points_source.wallet IS 'Code of the wallet each entry is told in.';
COMMENT ON COLUMN member_report.points_source.kind IS 'purchase, event, earn or spend; held points count as spent until they come back.';
COMMENT ON COLUMN member_report.points_source.source IS 'Kind of an event, source named by the call that earned or spent; null: purchases, or none named.';
COMMENT ON COLUMN member_report.points_source.issued IS 'Points it gave; null of spending.';
COMMENT ON COLUMN member_report.points_source.issued_a_day IS 'The same a day of the month, of this month a day so far 日均获取量.';
COMMENT ON COLUMN member_report.points_source.issued_share IS 'Percent of all points issued that month in the wallet.';
COMMENT ON COLUMN member_report.points_source.spent IS 'Points spent through it; null of earning.';
COMMENT ON COLUMN member_report.points_source.use_rate IS 'The same in percent of all points issued that month in the wallet 使用转化率.';
COMMENT ON COLUMN member_report.points_source.entries IS 'Ledger entries.';

CREATE OR REPLACE VIEW member_report.points_survival AS
SELECT w.code AS wallet, l.code AS tier, s.cohort, s.months_left, s.at_risk, s.spent, round(s.spent::numeric / s.at_risk, 4) AS hazard,
       round(exp(sum(ln(greatest(1 - s.spent::numeric / s.at_risk, 0.000001))) OVER (PARTITION BY s.wallet, s.level, s.cohort ORDER BY s.months_left DESC)), 4) AS survival
FROM member.points_survival s
JOIN member.wallet w ON w.wallet_id = s.wallet
LEFT JOIN member.tier_level l ON l.ladder_id = 1 AND l.level = s.level;
COMMENT ON VIEW member_report.points_survival IS 'How long points stay unspent, by the month they expire in and the level of their members: the estimate of Kaplan and Meier, month by month.';
COMMENT ON COLUMN member_report.points_survival.wallet IS 'Code of the wallet.';
COMMENT ON COLUMN member_report.points_survival.tier IS 'Code of the level the members have now in the first ladder.';
COMMENT ON COLUMN member_report.points_survival.cohort IS 'First day of the last month the points are usable in.';
COMMENT ON COLUMN member_report.points_survival.months_left IS 'Months to that month; 0: the last one.';
COMMENT ON COLUMN member_report.points_survival.at_risk IS 'Points that could be spent in the month: left at its beginning, and issued in it.';
COMMENT ON COLUMN member_report.points_survival.spent IS 'Of these, spent in it.';
COMMENT ON COLUMN member_report.points_survival.hazard IS 'spent by at_risk.';
COMMENT ON COLUMN member_report.points_survival.survival IS 'Share of a point of the first month that is unspent after this one; after the last month it has expired 过期沉淀.';

CREATE OR REPLACE VIEW member_report.points_breakage AS
SELECT w.code AS wallet, l.code AS tier, s.months_left, s.at_risk, s.spent, round(s.spent / s.at_risk, 4) AS hazard,
       round(exp(sum(ln(greatest(1 - s.spent / s.at_risk, 0.000001))) OVER (PARTITION BY s.wallet, s.level ORDER BY s.months_left)), 4) AS expire_share
FROM (SELECT x.wallet, x.level, x.months_left, sum(x.at_risk) AS at_risk, sum(x.spent) AS spent
      FROM member.points_survival x, member.points_survival_mark k
      -- of the last two years: habits change
      WHERE x.cohort - x.months_left * interval '1 month' >= k.month - interval '24 months' GROUP BY 1, 2, 3) s
JOIN member.wallet w ON w.wallet_id = s.wallet
LEFT JOIN member.tier_level l ON l.ladder_id = 1 AND l.level = s.level;
COMMENT ON VIEW member_report.points_breakage IS 'What share of points with so many months left will expire, by level: the survival of the lots of the last 24 months taken together.';
COMMENT ON COLUMN member_report.points_breakage.wallet IS 'Code of the wallet.';
COMMENT ON COLUMN member_report.points_breakage.tier IS 'Code of the level the members have now in the first ladder.';
COMMENT ON COLUMN member_report.points_breakage.months_left IS 'Months to the last month the points are usable in; 0: that month.';
COMMENT ON COLUMN member_report.points_breakage.at_risk IS 'Points with so many months left, over the months counted.';
COMMENT ON COLUMN member_report.points_breakage.spent IS 'Of these, spent in the month.';
COMMENT ON COLUMN member_report.points_breakage.hazard IS 'spent by at_risk.';
COMMENT ON COLUMN member_report.points_breakage.expire_share IS 'Share of points there are at the beginning of such a month that will expire unspent 过期率.';

CREATE OR REPLACE VIEW member_report.points_forecast AS
SELECT o.wallet, o.last_month, sum(o.points)::bigint AS points,
       round(sum(o.points * o.expire_share))::bigint AS expiring,
       round(sum(o.points * (1 - o.expire_share)))::bigint AS used
FROM (SELECT b.wallet, b.last_month, b.points,
             coalesce(CASE WHEN b.points > 0 THEN coalesce(t.expire_share, a.expire_share) END, 0) AS expire_share
      FROM (SELECT w.code AS wallet, l.code AS tier, u.until_month AS last_month, sum(u.points) AS points,
                   ((extract(year FROM u.until_month) - extract(year FROM d.day)) * 12 + extract(month FROM u.until_month) - extract(month FROM d.day))::integer AS months_left
            FROM (SELECT member.level(h.standing, 1::smallint) AS level,
                         member.lots_sum(member.settle(h.lots, (SELECT t.day FROM member_report.today t))) AS book
                  FROM (SELECT x.standing, x.lots FROM member.state x
                        UNION ALL SELECT x.standing, o.lots FROM member.hold o JOIN member.state x USING (member_id) WHERE o.closed_by IS NULL) h
                  GROUP BY 1) s
            CROSS JOIN LATERAL (SELECT n.wallet, n.points, date_trunc('month', (n.until - 1)::timestamp)::date AS until_month FROM member.unnest(s.book) n) u
            JOIN member.wallet w ON w.wallet_id = u.wallet
            LEFT JOIN member.tier_level l ON l.ladder_id = 1 AND l.level = s.level
            CROSS JOIN member_report.today d
            GROUP BY w.code, l.code, u.until_month, d.day) b
      LEFT JOIN member_report.points_breakage t ON t.wallet = b.wallet AND t.tier = b.tier AND t.months_left = b.months_left
      -- of a level that has no history of such points: all members together
      LEFT JOIN (SELECT p.wallet, p.months_left,
                        exp(sum(ln(greatest(1 - sum(p.spent) / sum(p.at_risk), 0.000001))) OVER (PARTITION BY p.wallet ORDER BY p.months_left)) AS expire_share
                 FROM member_report.points_breakage p GROUP BY 1, 2) a ON a.wallet = b.wallet AND a.months_left = b.months_left) o
GROUP BY 1, 2;
COMMENT ON VIEW member_report.points_forecast IS 'What will become of the points outstanding today, by the last month they are usable in: used, or expired 预计过期. Points still to be issued are not in it.';
COMMENT ON COLUMN member_report.points_forecast.wallet IS 'Code of the wallet.';
COMMENT ON COLUMN member_report.points_forecast.last_month IS 'First day of the last month they are usable in; null: they do not expire, with debt taken off.';
COMMENT ON COLUMN member_report.points_forecast.points IS 'Points outstanding today, pending and held ones too.';
COMMENT ON COLUMN member_report.points_forecast.expiring IS 'Of these, expected to expire: at points_breakage.expire_share of each level; without any history none.';
COMMENT ON COLUMN member_report.points_forecast.used IS 'The rest.';

CREATE OR REPLACE VIEW member_report.points_liability AS
SELECT f.wallet, f.points AS outstanding, f.expiring AS expected_expired, round(100.0 * f.expiring / nullif(f.points, 0), 2) AS breakage_rate,
       round(f.points * g.cost_per_point, 2) AS cost, round(f.used * g.cost_per_point, 2) AS expected_cost,
       round(f.points * g.face_value, 2) AS face_value, round(f.used * g.face_value, 2) AS deferred_revenue,
       m.issued AS issued_net, round(100.0 * f.points / nullif(m.issued, 0), 2) AS unused_rate
FROM (SELECT x.wallet, sum(x.points)::bigint AS points, sum(x.expiring)::bigint AS expiring, sum(x.used)::bigint AS used
      FROM member_report.points_forecast x GROUP BY 1) f
LEFT JOIN (SELECT p.wallet, sum(p.issued - p.taken_back)::bigint AS issued FROM member_report.points_month p GROUP BY 1) m USING (wallet)
CROSS JOIN member.setting g;
COMMENT ON VIEW member_report.points_liability IS 'Points outstanding today by wallet, what they will cost, and the revenue to defer for them.';
COMMENT ON COLUMN member_report.points_liability.wallet IS 'Code of the wallet.';
COMMENT ON COLUMN member_report.points_liability.outstanding IS 'Points of all members, pending and held ones too, debt taken off.';
COMMENT ON COLUMN member_report.points_liability.expected_expired IS 'Of these, expected to expire unspent: breakage.';
COMMENT ON COLUMN member_report.points_liability.breakage_rate IS 'The same in percent of outstanding 预计过期率.';
COMMENT ON COLUMN member_report.points_liability.cost IS 'Outstanding at setting.cost_per_point, yuan: if all were used.';
COMMENT ON COLUMN member_report.points_liability.expected_cost IS 'What is expected to be used at setting.cost_per_point, yuan: the provision.';
COMMENT ON COLUMN member_report.points_liability.face_value IS 'Outstanding at setting.face_value, yuan: what members may buy with them.';
COMMENT ON COLUMN member_report.points_liability.deferred_revenue IS 'What is expected to be used at setting.face_value, yuan: revenue to defer until then 递延收益.';
COMMENT ON COLUMN member_report.points_liability.issued_net IS 'Points ever issued as told in this wallet, less those taken back by refunds.';
COMMENT ON COLUMN member_report.points_liability.unused_rate IS 'outstanding in percent of issued_net: what of all points issued lies unused 沉淀率.';
