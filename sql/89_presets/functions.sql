-- Presets: contents of the catalog, all of it rows that the brand can change.

CREATE OR REPLACE FUNCTION member_internal.preset_common(expiry_months smallint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO member.verb (verb, back_days) VALUES
        ('enroll', 30), ('purchase_record', 30), ('purchase_refund', 30), ('purchase_refund_undo', 30), ('event_record', 7),
        ('points_earn', 30), ('points_spend', 1), ('points_reverse', 1), ('points_hold', 1), ('points_capture', 1), ('points_void', 1),
        ('points_release', 1), ('points_transfer', 1), ('points_transfer_undo', 1), ('points_adjust', 1), ('points_reinstate', 1), ('points_pay', 1),
        ('tier_set', 1), ('benefit_use', 1);
    INSERT INTO member.wallet (wallet_id, code, name, spendable, expiry, expiry_n, max_lots) VALUES
        (1, 'points', '积分', true, 'month_end', expiry_months, 32),
        (2, 'growth', '成长值', false, 'month_end', 12, 32);
    INSERT INTO member.stream (stream_id, code, name, purchases, of, keep_days, keep_months) VALUES
        (1, 'orders', '消费', true, 'purchase', 400, 24),
        (2, 'signin', '签到', false, 'event', 62, 12),
        (3, 'browse', '浏览商品', false, 'event', 31, 12),
        (4, 'share', '分享内容', false, 'event', 31, 12);
    INSERT INTO member.earn_rule (code, name, stream, wallet, give, per, tiered, day_cap, every) VALUES
        ('buy', '消费奖励', 'orders', 'points', '{1}', 1, true, NULL, NULL),
        ('signin', '每日签到', 'signin', 'points', '{1,2,3,4,5}', NULL, false, 1, NULL),
        ('signin_growth', '每日签到', 'signin', 'growth', '{1}', NULL, false, 1, NULL),
        ('streak7', '连签7天', 'signin', 'points', '{10}', NULL, false, 1, 7),
        ('streak7_growth', '连签7天', 'signin', 'growth', '{5}', NULL, false, 1, 7),
        ('browse', '浏览商品', 'browse', 'points', '{2}', NULL, false, 1, NULL),
        ('browse_growth', '浏览商品', 'browse', 'growth', '{1}', NULL, false, 1, NULL),
        ('share', '分享内容', 'share', 'points', '{3}', NULL, false, 1, NULL),
        ('share_growth', '分享内容', 'share', 'growth', '{1}', NULL, false, 1, NULL);
    INSERT INTO member.rfm_action (sort, number, action) VALUES
        ('strategy_group', 1, '独家新品预览'), ('strategy_group', 2, '组合优惠'), ('strategy_group', 3, '调研问卷'), ('strategy_group', 4, '唤醒活动'),
        ('strategy_group', 0, '日常触达'),
        ('value_group', 1, '专属服务'), ('value_group', 2, '提升频次'), ('value_group', 3, '主动回访'), ('value_group', 4, '重点召回'),
        ('value_group', 5, '提升客单'), ('value_group', 6, '引导复购'), ('value_group', 7, '积分提醒'), ('value_group', 8, '低成本唤醒');
    INSERT INTO member.tier_ladder (ladder_id, code, name) VALUES (1, 'consumer', '会员等级');
    INSERT INTO member.message_template (code, class, marketing, channels, body) VALUES
        ('welcome', 'benefit', false, '{service,popup}', '欢迎加入{brand}会员!消费、签到均可获得积分,点此查看您的会员权益。'),
        ('points_in', 'service', false, '{template,subscription}', '您本次消费获{points}积分,累计积分{balance}'),
        ('points_back', 'service', false, '{template,subscription}', '订单退款已完成,扣回{points}积分,现有积分{balance}'),
        ('expire30', 'service', false, '{subscription,popup}', '您有{points}积分将于{date}到期,请及时使用'),
        ('expire15', 'service', true, '{subscription,work}', '{points}积分将于{date}到期,专属兑换已为您开启'),
        ('expire3', 'service', false, '{subscription,sms}', '仅剩{days}天:{points}积分即将失效,点此兑换'),
        ('tier_up', 'benefit', false, '{template,popup}', '恭喜升级为{tier}!新增特权已生效,有效至{date}。'),
        ('tier_down', 'service', false, '{template,popup}', '您的等级已调整为{tier}'),
        ('tier_warn', 'service', false, '{template,subscription}', '您的{tier}将于{date}到期,再{missing}即可保级');
END
$$;
COMMENT ON FUNCTION member_internal.preset_common(smallint) IS
    'What every preset holds: wallets, streams, daily tasks, templates. Points expire at the end of so many months.';

CREATE OR REPLACE FUNCTION member_internal.preset_retail() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM member_internal.preset_common(12::smallint);
    INSERT INTO member.tier_level (ladder_id, level, code, name, multiplier, validity_months, grace_days, qualify, keep, share_low, share_high) VALUES
        (1, 0, 'normal', '普通会员', 1, NULL, 0, NULL, NULL, 60, 70),
        (1, 1, 'silver', '银卡', 1.2, 12, 30, 'spend(12mo) >= 500', 'spend(12mo) >= 400', 25, 35),
        (1, 2, 'gold', '金卡', 1.5, 12, 30, 'spend(12mo) >= 2000', 'spend(12mo) >= 1600', 5, 10),
        (1, 3, 'diamond', '钻石', 2, 12, 30, 'spend(12mo) >= 5000 and growth >= 300', 'spend(12mo) >= 4000 and growth >= 240', NULL, 5);
    UPDATE member.tier_ladder SET reference_spend = 1000;
    INSERT INTO member.benefit (code, name, kind, unit_value, unit_cost, expected_uses) VALUES
        ('discount', '会员折扣', 'discount', 0, 0, 0), ('birthday10', '生日10元券', 'birthday_gift', 10, 6, 1), ('birthday20', '生日礼包20元', 'birthday_gift', 20, 12, 1),
        ('birthday50', '生日礼包50元', 'birthday_gift', 50, 30, 1), ('service', '专属客服', 'service', 20, 5, 1), ('returns', '免费退换货', 'free_return', 6, 6, 2),
        ('events', '线下活动', 'event_seat', 15, 15, 4), ('trial', '新品试用', 'trial', 20, 12, 2), ('early', '提前购24小时', 'early_access', 10, 0, 2),
        ('health', '年度健康体检', 'health_check', 300, 180, 1), ('live', '优先连麦', 'live_priority', 10, 0, 1), ('mark', '专属标识', 'mark', 0, 0, 0);
    INSERT INTO member.tier_benefit (ladder_id, level, benefit, quota, period, discount, shown) VALUES
        (1, 0, 'discount', NULL, 'year', 0.02, '98折'), (1, 0, 'birthday10', 1, 'year', NULL, '✓'),
        (1, 1, 'discount', NULL, 'year', 0.05, '95折'), (1, 1, 'birthday20', 1, 'year', NULL, '✓'), (1, 1, 'service', NULL, 'year', NULL, '✓'),
        (1, 1, 'returns', 2, 'year', NULL, '2次/年'), (1, 1, 'events', 1, 'month', NULL, '1次/月'),
        (1, 2, 'discount', NULL, 'year', 0.10, '9折'), (1, 2, 'birthday50', 1, 'year', NULL, '✓'), (1, 2, 'service', NULL, 'year', NULL, '✓'),
        (1, 2, 'returns', 2, 'year', NULL, '2次/年'), (1, 2, 'events', 2, 'month', NULL, '2次/月'), (1, 2, 'trial', 2, 'year', NULL, '2次/年'), (1, 2, 'early', NULL, 'year', NULL, '✓'),
        (1, 3, 'discount', NULL, 'year', 0.12, '88折'), (1, 3, 'birthday50', 1, 'year', NULL, '✓'), (1, 3, 'service', NULL, 'year', NULL, '✓'),
        (1, 3, 'returns', NULL, 'year', NULL, '不限'), (1, 3, 'events', NULL, 'month', NULL, '不限'), (1, 3, 'trial', 4, 'year', NULL, '4次/年'), (1, 3, 'early', NULL, 'year', NULL, '✓'),
        (1, 3, 'health', 1, 'year', NULL, '1次/年'), (1, 3, 'live', NULL, 'year', NULL, '✓'), (1, 3, 'mark', NULL, 'year', NULL, '✓');
END
$$;
COMMENT ON FUNCTION member_internal.preset_retail() IS
    'Preset retail 零售: a point a yuan, usable at once, for 12 months; levels by the spend of 12 months.';

CREATE OR REPLACE FUNCTION member_internal.preset_tea() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM member_internal.preset_common(6::smallint);
    INSERT INTO member.tier_level (ladder_id, level, code, name, multiplier, validity_months, grace_days, qualify, keep, share_low, share_high) VALUES
        (1, 0, 'normal', '鲜茶友', 1, NULL, 0, NULL, NULL, 60, 70),
        (1, 1, 'silver', '常饮茶友', 1.2, 3, 30, 'orders(30d) >= 3', 'orders(90d) >= 6', 25, 35),
        (1, 2, 'gold', 'VIP茶友', 1.5, 3, 30, 'orders(30d) >= 4 or max_order(30d) >= 50', 'orders(90d) >= 9', 5, 10);
    UPDATE member.tier_ladder SET reference_spend = 1000;
    INSERT INTO member.benefit (code, name, kind, unit_value, unit_cost, expected_uses) VALUES
        ('birthday', '生日免单', 'birthday_gift', 18, 8, 1), ('queue', '免排队', 'no_queue', 5, 0, 4), ('upgrade', '免费升杯', 'coupon', 3, 1, 6), ('taste', '新品试饮', 'trial', 18, 8, 2);
    INSERT INTO member.tier_benefit (ladder_id, level, benefit, quota, period, shown) VALUES
        (1, 1, 'birthday', 1, 'year', '✓'), (1, 1, 'upgrade', 1, 'month', '1次/月'),
        (1, 2, 'birthday', 1, 'year', '✓'), (1, 2, 'upgrade', 4, 'month', '4次/月'), (1, 2, 'queue', NULL, 'year', '✓'), (1, 2, 'taste', 2, 'year', '2次/年');
END
$$;
COMMENT ON FUNCTION member_internal.preset_tea() IS
    'Preset tea 茶饮: a point a yuan for 6 months; levels by the orders of 30 days.';
