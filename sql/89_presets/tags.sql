-- The dictionary of tags of the presets, and the streams its rules look at. Numbers from 1001 and 101 on are theirs.

CREATE OR REPLACE FUNCTION member_internal.preset_streams(preset text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO member.stream (stream_id, code, name, of, rule, amount, keep_days, keep_months)
    SELECT s.stream_id, s.code, s.name, s.of, s.rule, s.amount, s.keep_days, 12
    FROM (VALUES
        (NULL, 101, 'article', '看文章', 'event', 'event.kind = ''read'' or event.kind = ''read_end''', 'event.seconds', 62),
        (NULL, 102, 'read_end', '读完文章', 'event', NULL, NULL, 62),
        (NULL, 103, 'menu_mall', '点积分商城', 'event', 'event.kind = ''menu'' and event.category = ''mall''', NULL, 62),
        (NULL, 104, 'menu_book', '点预约', 'event', 'event.kind = ''menu'' and event.category = ''book''', NULL, 62),
        (NULL, 105, 'login', '登录', 'event', NULL, NULL, 62),
        (NULL, 106, 'group_msg', '群消息', 'event', NULL, NULL, 62),
        (NULL, 107, 'ugc_approved', '投稿通过', 'event', NULL, NULL, 92),
        (NULL, 108, 'referral', '推荐成功', 'event', NULL, NULL, 400),
        (NULL, 109, 'task_given', '领取任务', 'event', NULL, NULL, 62),
        (NULL, 110, 'task_done', '完成任务', 'event', NULL, NULL, 62),
        (NULL, 111, 'live_view', '看直播', 'event', NULL, NULL, 62),
        (NULL, 112, 'event_checkin', '活动签到', 'event', NULL, NULL, 186),
        (NULL, 113, 'interaction', '社群互动', 'event', 'event.kind in (''group_msg'', ''group_like'', ''ugc_approved'')', NULL, 62),
        (NULL, 114, 'redeem', '兑换', 'spend', NULL, NULL, 400),
        (NULL, 115, 'coupon_order', '用券单', 'purchase', 'event.coupon is known', NULL, 400),
        (NULL, 116, 'off', '优惠额', 'line', 'event.discount > 0', 'event.discount', 400),
        (NULL, 117, 'list', '原价额', 'line', NULL, 'event.list_amount', 400),
        ('retail', 121, 'promo', '大促单', 'purchase', 'event.promo is known', NULL, 400),
        ('retail', 122, 'refunded', '退货', 'refund', NULL, NULL, 400),
        ('tea', 121, 'fruit_tea', '水果茶', 'line', 'event.category = ''fruit_tea''', NULL, 400),
        ('tea', 122, 'milk_tea', '奶茶', 'line', 'event.category = ''milk_tea''', NULL, 400),
        ('tea', 123, 'coffee', '咖啡', 'line', 'event.category = ''coffee''', NULL, 400),
        ('tea', 124, 'cake', '甜点', 'line', 'event.category = ''cake''', NULL, 400),
        ('tea', 125, 'second', '第二杯', 'purchase', 'event.coupon = ''second''', NULL, 92),
        ('tea', 126, 'afternoon', '下午茶', 'purchase', 'event.hour between 14 and 16', NULL, 92)
    ) AS s (preset, stream_id, code, name, of, rule, amount, keep_days)
    WHERE s.preset IS NULL OR s.preset = preset_streams.preset;
    -- kinds of articles, which rules name
    INSERT INTO member.category (code) VALUES ('tech'), ('scene'), ('promotion');
$$;
COMMENT ON FUNCTION member_internal.preset_streams(text) IS
    'The streams that the tags of a preset look at. Events: read and read_end with a category and {"seconds"}, menu with the category mall or book, login, group_msg, group_like, ugc_approved, referral, task_given, task_done, live_view, event_checkin; purchases with {"coupon", "promo"} and lines with category, amount and list_amount.';

CREATE OR REPLACE FUNCTION member_internal.preset_tags(preset text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    large CONSTANT text := CASE preset WHEN 'tea' THEN '35' ELSE '600' END; -- yuan an order
    largest CONSTANT text := CASE preset WHEN 'tea' THEN '50' ELSE '2000' END;
BEGIN
    PERFORM member_internal.preset_streams(preset);
    INSERT INTO member.tag (tag_id, code, dimension, sub_dimension, collection, cadence, lifetime_days, half_life, rule, on_event)
    SELECT 1000 + row_number() OVER (ORDER BY t.place), t.code, t.dimension, t.sub_dimension, t.collection, CASE t.cadence WHEN 'event' THEN 'real_time' ELSE t.cadence END,
           CASE t.cadence WHEN 'event' THEN 90 END,
           CASE t.dimension WHEN 'behaviour' THEN 30 WHEN 'preference' THEN 90 ELSE 0 END,
           CASE WHEN t.cadence <> 'event' THEN t.rule END, CASE t.cadence WHEN 'event' THEN t.rule END
    FROM (SELECT row_number() OVER () AS place, v.* FROM (VALUES
        (NULL, '女性', 'basic', '性别', '资料', 'quarter', 'gender = ''F'''),
        (NULL, '男性', 'basic', '性别', '资料', 'quarter', 'gender = ''M'''),
        (NULL, '18至24岁', 'basic', '年龄', '资料', 'quarter', 'age between 18 and 24'),
        (NULL, '25至35岁', 'basic', '年龄', '资料', 'quarter', 'age between 25 and 35'),
        (NULL, '36岁以上', 'basic', '年龄', '资料', 'quarter', 'age >= 36'),
        (NULL, '一线城市', 'basic', '地域', '资料', 'quarter', 'city in (''北京'', ''上海'', ''广州'', ''深圳'')'),
        (NULL, '门店5公里内', 'basic', '地域', '定位', 'quarter', 'attr.home_store_km <= 5'),
        (NULL, '支付即会员', 'basic', '入会渠道', '入会', 'quarter', 'channel = ''pay'''),
        (NULL, '公众号入会', 'basic', '入会渠道', '入会', 'quarter', 'channel = ''official_account'''),
        (NULL, '扫码入会', 'basic', '入会渠道', '入会', 'quarter', 'channel = ''scan'''),
        (NULL, '老客推荐', 'basic', '入会渠道', '入会', 'quarter', 'channel = ''referral'''),
        (NULL, '新会员', 'basic', '会龄', '入会', 'quarter', 'tenure <= 30d'),
        (NULL, '满一年', 'basic', '会龄', '入会', 'quarter', 'tenure >= 1y'),
        (NULL, '三年老客', 'basic', '会龄', '入会', 'quarter', 'tenure >= 3y'),
        (NULL, '手机已绑定', 'basic', '资料', '资料', 'quarter', 'attr.phone_bound'),
        (NULL, '资料齐全', 'basic', '资料', '资料', 'quarter', 'attr.profile_pct = 100'),
        (NULL, '体验会员', 'basic', '付费身份', '付费', 'quarter', 'plan = ''trial'''),
        (NULL, '付费会员', 'basic', '付费身份', '付费', 'quarter', 'plan = ''year'''),
        (NULL, '爱看技术解析', 'behaviour', '内容兴趣', '点击', 'event', 'run(article, tech) >= 3'),
        (NULL, '爱看场景图集', 'behaviour', '内容兴趣', '点击', 'event', 'run(article, scene) >= 3'),
        (NULL, '爱看促销信息', 'behaviour', '内容兴趣', '点击', 'event', 'run(article, promotion) >= 3'),
        (NULL, '深读用户', 'behaviour', '阅读深度', '阅读', 'real_time', 'count(read_end, 30d) >= 4'),
        (NULL, '长停留', 'behaviour', '阅读深度', '阅读', 'real_time', 'dwell(article, 7d) >= 300'),
        (NULL, '关注积分商城', 'behaviour', '菜单', '点击', 'real_time', 'count(menu_mall, 30d) >= 2'),
        (NULL, '关注预约', 'behaviour', '菜单', '点击', 'real_time', 'count(menu_book, 30d) >= 2'),
        (NULL, '签到达人', 'behaviour', '登录签到', '签到', 'real_time', 'streak(signin) >= 7'),
        (NULL, '高频登录', 'behaviour', '登录签到', '登录', 'real_time', 'visits(login, 30d) >= 12'),
        (NULL, '15天未互动', 'behaviour', '互动沉寂', '全部行为', 'real_time', 'idle >= 15d'),
        (NULL, '30天未互动', 'behaviour', '互动沉寂', '全部行为', 'real_time', 'idle >= 30d'),
        (NULL, '社交达人', 'behaviour', '社群', '群消息', 'real_time', 'count(group_msg, 30d) >= 20'),
        (NULL, '群内潜水', 'behaviour', '社群', '群消息', 'day', 'attr.in_group and count(group_msg, 30d) = 0'),
        (NULL, '内容贡献者', 'behaviour', '创作', '投稿', 'real_time', 'count(ugc_approved, 90d) >= 2'),
        (NULL, '推荐达人', 'behaviour', '推荐', '邀请', 'real_time', 'count(referral, 90d) >= 3'),
        (NULL, '任务达人', 'behaviour', '任务直播', '任务', 'real_time', 'ratio(task_done, task_given, 30d) >= 0.8'),
        (NULL, '直播观众', 'behaviour', '任务直播', '直播', 'real_time', 'count(live_view, 30d) >= 2'),
        (NULL, '活动常客', 'behaviour', '任务直播', '活动', 'real_time', 'count(event_checkin, 180d) >= 2'),
        (NULL, '价格敏感', 'preference', '价格', '订单', 'month', 'share(off, list, 12mo) >= 0.6'),
        (NULL, '爱用券', 'preference', '价格', '订单', 'month', 'ratio(coupon_order, 90d) >= 0.5'),
        (NULL, '原价购买', 'preference', '价格', '订单', 'month', 'share(off, list, 12mo) <= 0.1'),
        (NULL, '高客单', 'preference', '客单', '订单', 'month', format('avg_order(12mo) >= %s', large)),
        (NULL, '大单', 'preference', '客单', '订单', 'month', format('max_order(30d) >= %s', largest)),
        (NULL, '性价比追求', 'preference', '客单', '订单', 'month', format('avg_order(12mo) <= %s / 3 and #价格敏感', large)),
        (NULL, '高频', 'preference', '频次', '订单', 'month', 'orders(30d) >= 4'),
        (NULL, '低频', 'preference', '频次', '订单', 'month', 'orders(30d) <= 2'),
        (NULL, '频次连降', 'preference', '频次', '订单', 'month', 'falling_months(orders) >= 3'),
        (NULL, '高价值', 'preference', '价值', 'RFM', 'month', 'strategy_group = ''高价值'''),
        (NULL, '潜力', 'preference', '价值', 'RFM', 'month', 'strategy_group = ''潜力'''),
        (NULL, '流失风险', 'preference', '价值', 'RFM', 'month', 'strategy_group = ''流失风险'''),
        (NULL, '沉睡', 'preference', '价值', 'RFM', 'month', 'strategy_group = ''沉睡'''),
        (NULL, '30天未消费', 'preference', '流失积分', '订单', 'month', 'recency >= 30d'),
        (NULL, '超自身间隔', 'preference', '流失积分', '订单', 'month', 'recency > mean_gap'),
        (NULL, '积分将到期', 'preference', '流失积分', '积分', 'month', 'expiring(30d) > 0'),
        (NULL, '从未兑换', 'preference', '流失积分', '积分', 'month', 'count(redeem) = 0 and points >= 500'),
        ('retail', '大促客', 'preference', '品类', '订单', 'month', 'count(promo, 12mo) >= 2'),
        ('retail', '退货偏多', 'preference', '品类', '订单', 'month', 'ratio(refunded, 12mo) >= 0.3'),
        ('retail', '换季客', 'preference', '频次', '订单', 'month', 'mean_gap between 60 and 120'),
        ('tea', '偏好水果茶', 'preference', '品类', '订单', 'month', 'share(fruit_tea, 12mo) >= 0.4'),
        ('tea', '偏好奶茶', 'preference', '品类', '订单', 'month', 'share(milk_tea, 12mo) >= 0.4'),
        ('tea', '多品类', 'preference', '品类', '订单', 'month', 'has(fruit_tea, 12mo) + has(milk_tea, 12mo) + has(coffee, 12mo) + has(cake, 12mo) >= 4'),
        ('tea', '水果茶控', 'preference', '品类', '订单', 'month', 'share(fruit_tea, 6mo) >= 0.5'),
        ('tea', '奶茶控', 'preference', '品类', '订单', 'month', 'share(milk_tea, 6mo) >= 0.5'),
        ('tea', '第二杯用户', 'preference', '价格', '订单', 'month', 'count(second, 90d) >= 2'),
        ('tea', '下午茶时段', 'preference', '时段', '订单', 'month', 'ratio(afternoon, 90d) >= 0.5'),
        ('retail', 'VIP群', 'segment', '', '', 'day', 'spend >= 2000'),
        ('tea', '普通群', 'segment', '', '', 'day', 'orders(30d) <= 3'),
        ('tea', 'VIP群', 'segment', '', '', 'day', 'orders(30d) >= 4 or max_order(30d) >= 50'),
        (NULL, 'KOC群', 'segment', '', '', 'day', '#推荐达人 or count(ugc_approved, 90d) >= 4 or count(referral, 12mo) >= 6'),
        (NULL, '新手', 'segment', '', '', 'day', 'tenure <= 7d'),
        (NULL, '活跃潜力', 'segment', '', '', 'day', 'count(interaction, 30d) between 1 and 9'),
        (NULL, '核心忠诚', 'segment', '', '', 'day', 'tier >= ''gold'' and count(interaction, 30d) >= 10'),
        (NULL, '流失', 'segment', '', '', 'day', 'idle >= 30d or recency >= 30d'),
        (NULL, '高价值召回', 'segment', '', '', 'day', '#流失风险 or #高价值 and recency >= 30d')
    ) AS v (preset, code, dimension, sub_dimension, collection, cadence, rule)
          ) t
    WHERE t.preset IS NULL OR t.preset = preset_tags.preset;
END
$$;
COMMENT ON FUNCTION member_internal.preset_tags(text) IS
    'The dictionary of tags of a preset: basic attributes, behaviour and preference, each with its rule; those of articles are given by the third click in a row; segments are groups and layers of the community and audiences of campaigns.';
