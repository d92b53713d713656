-- Every tag, segment and group that the presets want can be written: all of them in one catalog, those that look for more
-- than what is bought or for single events by a stream each. They are published together, and hold of whom they should.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('retail');
DELETE FROM member.tag;
SELECT * FROM no_plan();

INSERT INTO member.wallet (wallet_id, code, name, expiry, expiry_n) VALUES (3, 'times', '次卡', 'months', 12);
INSERT INTO member.stream (stream_id, code, name, of, rule, amount) VALUES
    (101, 'article', '文章', 'event', 'event.kind = ''read'' or event.kind = ''read_end''', 'event.seconds'), (102, 'read_end', '读完', 'event', NULL, NULL),
    (103, 'menu_mall', '积分商城', 'event', 'event.kind = ''menu'' and event.category = ''mall''', NULL), (104, 'menu_book', '预约', 'event', 'event.kind = ''menu'' and event.category = ''book''', NULL),
    (105, 'login', '登录', 'event', NULL, NULL), (106, 'group_msg', '群消息', 'event', NULL, NULL), (107, 'ugc_approved', '投稿通过', 'event', NULL, NULL),
    (108, 'referral', '推荐成功', 'event', NULL, NULL), (109, 'task_done', '完成任务', 'event', NULL, NULL), (110, 'task_given', '领取任务', 'event', NULL, NULL),
    (111, 'live_view', '看直播', 'event', NULL, NULL), (112, 'event_checkin', '活动签到', 'event', NULL, NULL),
    (113, 'fruit_tea', '水果茶', 'line', 'event.category = ''fruit_tea''', NULL), (114, 'milk_tea', '奶茶', 'line', 'event.category = ''milk_tea''', NULL),
    (115, 'coffee', '咖啡', 'line', 'event.category = ''coffee''', NULL), (116, 'cake', '甜点', 'line', 'event.category = ''cake''', NULL),
    (117, 'off', '优惠额', 'line', 'event.discount > 0', 'event.discount'), (118, 'list', '原价额', 'line', NULL, 'event.list_amount'),
    (119, 'coupon_order', '用券单', 'purchase', 'event.coupon is known', NULL), (120, 'redeem', '兑换', 'spend', NULL, NULL), (121, 'promo', '大促单', 'purchase', 'event.promo is known', NULL),
    (122, 'refunded', '退货', 'refund', NULL, NULL), (123, 'second', '第二杯半价', 'purchase', 'event.coupon = ''second''', NULL), (124, 'afternoon', '下午茶', 'purchase', 'event.hour between 14 and 16', NULL),
    (125, 'no_show', '爽约', 'event', NULL, NULL), (126, 'course_done', '完课', 'event', NULL, NULL), (127, 'interaction', '社群互动', 'event', 'event.kind in (''group_msg'', ''group_like'', ''ugc_approved'')', NULL);

CREATE TEMP TABLE wanted (code text, dimension text, rule text);
INSERT INTO wanted VALUES
    -- basic
    ('女性', 'basic', 'gender = ''F'''), ('男性', 'basic', 'gender = ''M'''), ('18至24岁', 'basic', 'age between 18 and 24'), ('25至35岁', 'basic', 'age between 25 and 35'), ('36岁以上', 'basic', 'age >= 36'),
    ('一线城市', 'basic', 'city in (''北京'', ''上海'', ''广州'', ''深圳'')'), ('门店5公里内', 'basic', 'attr.home_store_km <= 5'),
    ('支付即会员', 'basic', 'channel = ''pay'''), ('公众号入会', 'basic', 'channel = ''official_account'''), ('扫码入会', 'basic', 'channel = ''scan'''), ('老客推荐', 'basic', 'channel = ''referral'''),
    ('新会员', 'basic', 'tenure <= 30d'), ('满一年', 'basic', 'tenure >= 1y'), ('三年老客', 'basic', 'tenure >= 3y'),
    ('手机已绑定', 'basic', 'attr.phone_bound'), ('资料齐全', 'basic', 'attr.profile_pct = 100'), ('体验会员', 'basic', 'plan = ''trial'''), ('付费会员', 'basic', 'plan = ''year'''),
    -- behaviour
    ('爱看技术解析', 'behaviour', 'run(article, tech) >= 3'), ('爱看场景图集', 'behaviour', 'run(article, scene) >= 3'), ('爱看促销信息', 'behaviour', 'run(article, promotion) >= 3'), ('看同类文章', 'behaviour', 'run(article.category) >= 3'),
    ('深读用户', 'behaviour', 'count(read_end, 30d) >= 4'), ('长停留', 'behaviour', 'dwell(article, 7d) >= 300'), ('关注积分商城', 'behaviour', 'count(menu_mall, 30d) >= 2'), ('关注预约', 'behaviour', 'count(menu_book, 30d) >= 2'),
    ('签到达人', 'behaviour', 'streak(signin) >= 7'), ('高频登录', 'behaviour', 'visits(login, 30d) >= 12'), ('15天未互动', 'behaviour', 'idle >= 15d'), ('30天未互动', 'behaviour', 'idle >= 30d'),
    ('社交达人', 'behaviour', 'count(group_msg, 30d) >= 20'), ('群内潜水', 'behaviour', 'attr.in_group and count(group_msg, 30d) = 0'), ('内容贡献者', 'behaviour', 'count(ugc_approved, 90d) >= 2'),
    ('推荐达人', 'behaviour', 'count(referral, 90d) >= 3'), ('任务达人', 'behaviour', 'ratio(task_done, task_given, 30d) >= 0.8'), ('直播观众', 'behaviour', 'count(live_view, 30d) >= 2'), ('活动常客', 'behaviour', 'count(event_checkin, 180d) >= 2'),
    -- preference
    ('偏好水果茶', 'preference', 'share(fruit_tea, 12mo) >= 0.4'), ('偏好奶茶', 'preference', 'share(milk_tea, 12mo) >= 0.4'), ('多品类', 'preference', 'has(fruit_tea, 12mo) + has(milk_tea, 12mo) + has(coffee, 12mo) + has(cake, 12mo) >= 4'),
    ('价格敏感', 'preference', 'share(off, list, 12mo) >= 0.6'), ('爱用券', 'preference', 'ratio(coupon_order, 90d) >= 0.5'), ('原价购买', 'preference', 'share(off, list, 12mo) <= 0.1'),
    ('高客单', 'preference', 'avg_order(12mo) >= 600'), ('大单', 'preference', 'max_order(30d) >= 2000'), ('性价比追求', 'preference', 'avg_order(12mo) <= 200 and #价格敏感'),
    ('高频', 'preference', 'orders(30d) >= 4'), ('低频', 'preference', 'orders(30d) <= 2'), ('频次连降', 'preference', 'falling_months(orders) >= 3'),
    ('高价值', 'preference', 'r = 3 and f = 3 and m = 3'), ('潜力', 'preference', 'r = 3 and f = 1 and m = 3'), ('流失风险', 'preference', 'r = 1 and f = 3 and m = 2'), ('沉睡', 'preference', 'r = 1 and f = 1 and m = 1'),
    ('30天未消费', 'preference', 'recency >= 30d'), ('超自身间隔', 'preference', 'recency > mean_gap'), ('积分将到期', 'preference', 'expiring(30d) > 0'), ('从未兑换', 'preference', 'count(redeem) = 0 and points >= 500'),
    -- by preset
    ('大促客', 'preference', 'count(promo, 12mo) >= 2'), ('退货偏多', 'preference', 'ratio(refunded, 12mo) >= 0.3'), ('换季客', 'preference', 'mean_gap between 60 and 120'),
    ('水果茶控', 'preference', 'share(fruit_tea, 6mo) >= 0.5'), ('奶茶控', 'preference', 'share(milk_tea, 6mo) >= 0.5'), ('第二杯用户', 'preference', 'count(second, 90d) >= 2'), ('下午茶时段', 'preference', 'ratio(afternoon, 90d) >= 0.5'),
    ('待复约', 'preference', 'recency > mean_gap * 1.2'), ('爽约', 'preference', 'count(no_show, 90d) >= 1'), ('次卡将尽', 'preference', 'balance(times) <= 1'), ('断更学员', 'behaviour', 'idle >= 15d and growth >= 100'), ('完课', 'behaviour', 'count(course_done) >= 1'),
    -- groups, layers, campaigns, levels
    ('VIP群零售', 'segment', 'spend >= 2000'), ('普通群茶饮', 'segment', 'orders(30d) <= 3'), ('VIP群茶饮', 'segment', 'orders(30d) >= 4 or max_order(30d) >= 50'), ('VIP群服务', 'segment', 'tier >= ''gold'' or plan = ''year'''),
    ('KOC群', 'segment', '#推荐达人 or count(ugc_approved, 90d) >= 4 or count(referral, 12mo) >= 6'), ('新手', 'segment', 'tenure <= 7d'), ('活跃潜力', 'segment', 'count(interaction, 30d) between 1 and 9'),
    ('核心忠诚', 'segment', 'tier >= ''gold'' and count(interaction, 30d) >= 10'), ('生日三天内', 'segment', 'birthday within 3d'), ('流失召回', 'segment', 'recency >= 30d and spend(12mo) >= 500'),
    ('周年', 'segment', 'tenure >= 1y and anniversary within 0d'), ('流失', 'segment', 'idle >= 30d or recency >= 30d'), ('双条件钻石', 'segment', 'spend(12mo) >= 5000 and growth >= 300'), ('成长分金卡', 'segment', 'spend(12mo) + 50*visits(12mo) >= 5000'),
    ('读者铁粉', 'segment', 'growth >= 5000'), ('高价值召回', 'segment', 'segment(流失) and #高价值');

-- categories are known once an event named them
INSERT INTO member.category (code) VALUES ('tech'), ('scene'), ('promotion');
INSERT INTO member.tag (code, dimension, rule) SELECT code, dimension, rule FROM wanted;
SELECT is((SELECT count(*) FROM member.tag WHERE rule IS NOT NULL), 85::bigint, 'all that the presets want');
SELECT lives_ok('SELECT member.publish(''presets'')', 'is published without a fault');
SELECT is_empty($$ SELECT w.code, member.rule_text(member.compile_rule(w.rule)) FROM wanted w WHERE member.compile_rule(member.rule_text(member.compile_rule(w.rule)))::text <> member.compile_rule(w.rule)::text $$,
    'each prints as text that compiles to the same');

-- ---- whom they hold of ----

SELECT NULL FROM member.enroll('scan', attributes => '{"gender": "F", "birthday": "2000-03-03", "city": "上海", "home_store_km": 3.2, "phone_bound": true, "profile_pct": 100, "in_group": true}', at => '2023-02-01 10:00+08', key => '1') a,
    member.enroll('referral', attributes => '{"gender": "M", "birthday": "1985-06-01", "city": "成都", "home_store_km": 12}', at => '2026-02-25 10:00+08', key => '2') b,
    member.enroll('official_account', at => '2025-03-01 09:00+08', key => '3') c;
-- 1: buys fruit tea with coupons in the afternoon, reads, signs in
DO $$
DECLARE
    n integer;
BEGIN
    FOR n IN 1 .. 5 LOOP
        PERFORM member.purchase_record(1, 'A' || n, 20, attributes => jsonb_build_object('coupon', CASE WHEN n % 2 = 0 THEN 'second' ELSE 'other' END, 'promo', 'spring'), at => timestamptz '2026-02-20 14:30+08' + n * interval '1 day',
            lines => '[{"product": "p", "category": "fruit_tea", "amount": 15, "list_amount": 45}, {"product": "q", "category": "milk_tea", "amount": 5, "list_amount": 10}]');
        PERFORM member.event_record(1, 'read', category => 'tech', attributes => '{"seconds": 70}', at => timestamptz '2026-02-23 19:00+08' + n * interval '1 day');
        PERFORM member.event_record(1, 'read_end', category => 'tech', attributes => '{"seconds": 40}', at => timestamptz '2026-02-22 20:00+08' + n * interval '1 day');
        PERFORM member.event_record(1, 'task_given', at => timestamptz '2026-02-20 09:00+08' + n * interval '1 day');
        IF n <> 2 THEN
            PERFORM member.event_record(1, 'task_done', at => timestamptz '2026-02-20 19:00+08' + n * interval '1 day');
        END IF;
        PERFORM member.event_record(1, 'referral', at => timestamptz '2026-02-10 19:00+08' + n * interval '1 day');
        PERFORM member.event_record(1, 'menu', category => CASE WHEN n < 3 THEN 'mall' ELSE 'book' END, at => timestamptz '2026-02-10 19:00+08' + n * interval '1 day');
    END LOOP;
    FOR n IN 0 .. 12 LOOP
        PERFORM member.event_record(1, 'signin', at => timestamptz '2026-02-17 08:00+08' + n * interval '1 day'), member.event_record(1, 'login', at => timestamptz '2026-02-17 08:01+08' + n * interval '1 day');
    END LOOP;
END $$;
-- 2: one large order at full price, a second one given back; a card of ten
SELECT NULL FROM member.purchase_record(2, 'B1', 2500, at => '2026-02-26 11:00+08', lines => '[{"product": "p", "category": "coffee", "amount": 2500, "list_amount": 2500}]') a,
    member.purchase_record(2, 'B2', 10, at => '2026-02-26 12:00+08', lines => '[{"product": "p", "category": "cake", "amount": 10, "list_amount": 10}]') b, member.purchase_refund(2, 'B2', 'R', at => '2026-02-27 12:00+08') c,
    member.points_earn(2, 10, 'times') d, member.event_record(2, 'no_show') e, member.event_record(2, 'course_done') f;
-- 3: bought less from month to month, and nothing since
SELECT NULL FROM generate_series(0, 3) n, generate_series(0, 3 - n) k, member.purchase_record(3, format('C%s-%s', n, k), 200, at => timestamptz '2025-10-05 10:00+08' + n * interval '1 month' + k * interval '2 days');
SELECT NULL FROM member.tags_refresh();
CREATE TEMP VIEW has AS SELECT w.code, array_agg(m.member_id ORDER BY m.member_id) FILTER (WHERE EXISTS (SELECT FROM member.tags_of(m.member_id) t WHERE t.tag = w.code)) AS members
    FROM wanted w, generate_series(1::bigint, 3) m (member_id) GROUP BY 1;
SELECT is(h.members, e.members, h.code || ': ' || w.rule)
FROM (VALUES ('女性', '{1}'::bigint[]), ('男性', '{2}'), ('25至35岁', '{1}'), ('36岁以上', '{2}'), ('18至24岁', NULL), ('一线城市', '{1}'), ('门店5公里内', '{1}'), ('扫码入会', '{1}'), ('老客推荐', '{2}'), ('公众号入会', '{3}'),
    ('支付即会员', NULL), ('新会员', '{2}'), ('满一年', '{1,3}'), ('三年老客', '{1}'), ('手机已绑定', '{1}'), ('资料齐全', '{1}'), ('体验会员', NULL), ('付费会员', NULL),
    ('爱看技术解析', '{1}'), ('爱看场景图集', NULL), ('看同类文章', '{1}'), ('深读用户', '{1}'), ('长停留', '{1}'), ('关注积分商城', '{1}'), ('关注预约', '{1}'), ('签到达人', '{1}'), ('高频登录', '{1}'),
    ('15天未互动', '{3}'), ('30天未互动', '{3}'), ('社交达人', NULL), ('群内潜水', '{1}'), ('内容贡献者', NULL), ('推荐达人', '{1}'), ('任务达人', '{1}'), ('直播观众', NULL),
    ('偏好水果茶', '{1}'), ('偏好奶茶', NULL), ('多品类', NULL), ('价格敏感', '{1}'), ('原价购买', '{2}'), ('爱用券', '{1}'), ('高客单', '{2}'), ('大单', '{2}'), ('性价比追求', '{1}'), ('高频', '{1}'), ('低频', '{2,3}'), ('频次连降', '{3}'),
    ('30天未消费', '{3}'), ('超自身间隔', '{1,3}'), ('积分将到期', NULL), ('从未兑换', '{2,3}'), ('大促客', '{1}'), ('退货偏多', '{2}'), ('水果茶控', '{1}'), ('第二杯用户', '{1}'), ('下午茶时段', '{1}'), ('待复约', '{1,3}'), ('爽约', '{2}'),
    ('次卡将尽', '{1,3}'), ('完课', '{2}'), ('VIP群零售', '{2,3}'), ('普通群茶饮', '{2,3}'), ('VIP群茶饮', '{1,2}'), ('KOC群', '{1}'), ('新手', '{2}'), ('生日三天内', '{1}'), ('流失召回', '{3}'), ('周年', '{3}'), ('流失', '{3}')) e (code, members)
JOIN has h USING (code) JOIN wanted w USING (code);
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT * FROM finish();
