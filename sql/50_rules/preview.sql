-- What an event would do to a member: the very step of the writers, on the state as it is, and nothing written.

CREATE OR REPLACE FUNCTION member_internal.preview_event(member_id bigint, event jsonb, last_at timestamptz) RETURNS member.step_event
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    present CONSTANT timestamptz := greatest(member.now(), last_at);
    known CONSTANT text[] := (CASE event ->> 'kind'
        WHEN 'purchase' THEN '{amount,store,channel,attributes,lines}' WHEN 'refund' THEN '{purchase_no,amount,reason}'
        WHEN 'event' THEN '{event,category,value,attributes}'
        WHEN 'earn' THEN '{points,wallet,usable_from,until}' WHEN 'spend' THEN '{points,wallet,source,reason}' WHEN 'day' THEN '{}' END)::text[];
    wrong text;
    e member.step_event;
    p record;
BEGIN
    IF known IS NULL THEN
        PERFORM member_internal.refuse('MB502', format('unknown kind of event to preview: %s', coalesce(event ->> 'kind', 'null')),
            'It is purchase, refund, event, earn, spend or day.');
    END IF;
    SELECT string_agg(quote_ident(k), ', ') INTO wrong FROM jsonb_object_keys(event) k WHERE k <> ALL (known || '{kind,at}');
    IF wrong IS NOT NULL THEN
        PERFORM member_internal.refuse('MB502', format('a %s to preview has no %s', event ->> 'kind', wrong),
            format('It has %s.', array_to_string('{kind,at}' || known, ', ')));
    END IF;
    e.member_id := preview_event.member_id;
    e.kind := event ->> 'kind';
    e.at := coalesce((event ->> 'at')::timestamptz, present);
    e.booked_at := greatest(e.at, present);
    CASE e.kind
        WHEN 'purchase' THEN
            e.amount := member_internal.minor_units((event ->> 'amount')::numeric, 'amount of a purchase', 0);
        WHEN 'event' THEN
            PERFORM member_internal.require_event_kind(event ->> 'event', event ->> 'category');
            e.event_kind := event ->> 'event';
            e.amount := member_internal.minor_units(coalesce((event ->> 'value')::numeric, 0), 'value', 0);
            -- one that was never seen is of a run of its own
            e.category := CASE WHEN event ? 'category' THEN coalesce((SELECT c.category_id FROM member.category c WHERE c.code = event ->> 'category'), 2147483647) END;
        WHEN 'earn', 'spend' THEN
            e.points := (event ->> 'points')::bigint;
            e.wallet := coalesce(event ->> 'wallet', 'points');
            e.usable_from := (event ->> 'usable_from')::date;
            e.until := (event ->> 'until')::date;
        WHEN 'refund' THEN
            SELECT q.entry_no, q.at, q.amount, q.refunded, o.delta, coalesce((event ->> 'amount')::numeric, q.amount - q.refunded) AS part INTO p
            FROM member.purchase q JOIN member.entry o ON o.member_id = q.member_id AND o.entry_no = q.entry_no
            WHERE q.purchase_no = event ->> 'purchase_no' AND q.member_id = preview_event.member_id;
            IF NOT FOUND THEN
                PERFORM member_internal.refuse('MB301', format('member %s has no purchase "%s"', member_id, event ->> 'purchase_no'));
            END IF;
            IF p.part > p.amount - p.refunded OR p.amount = p.refunded THEN
                PERFORM member_internal.refuse('MB304', format('refund of %s exceeds what is left of purchase "%s"', p.part, event ->> 'purchase_no'),
                    format('Paid %s, refunded %s.', p.amount, p.refunded));
            END IF;
            e.amount := member_internal.minor_units(p.part, 'amount of a refund', 1);
            e.ref := p.entry_no;
            e.origin_at := p.at;
            e.origin_lots := p.delta;
            e.origin_of := p.amount * 100;
            e.origin_back := p.refunded * 100;
            SELECT coalesce(max(q.amount - q.refunded - CASE WHEN q.entry_no = p.entry_no THEN p.part ELSE 0 END), 0) * 100 INTO e.origin_largest
            FROM member.entry n JOIN member.purchase q ON q.purchase_no = n.source
            WHERE n.member_id = preview_event.member_id AND n.kind = 'purchase'
              AND n.at >= member.day_start(member.day_of(p.at)) AND n.at < member.day_start(member.day_of(p.at) + 1);
        ELSE NULL;
    END CASE;
    -- what rules of streams look at
    e.facts := CASE WHEN e.kind = 'refund' THEN member_internal.origin_facts(member_id, e.ref) ELSE '{}' END
        || jsonb_strip_nulls(jsonb_build_object('source', event ->> 'source', 'reason', event ->> 'reason', 'category', event ->> 'category',
            'store', event ->> 'store', 'channel', event ->> 'channel', 'attributes', event -> 'attributes', 'lines', event -> 'lines'));
    RETURN e;
END
$$;
COMMENT ON FUNCTION member_internal.preview_event(bigint, jsonb, timestamptz) IS
    'An event to preview as the step takes it; last_at: the moment the member''s state has been brought to. Errors: MB502 kind or key, MB301, MB303, MB304, MB306.';

CREATE OR REPLACE FUNCTION member.preview(member_id bigint, event jsonb, draft boolean DEFAULT false)
RETURNS TABLE (what text, name text, was text, becomes text, why text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    s record;
    e member.step_event;
    r member.step_result;
    program member.program;
    rules member.ruleset;
    day date;
    tags member.tagset;
    old integer[];
    held integer[];
    given integer[];
BEGIN
    PERFORM member_internal.require_ready();
    IF event IS NULL OR draft IS NULL OR jsonb_typeof(event) <> 'object' THEN
        PERFORM member_internal.refuse('22004', 'arguments "event", an object, and "draft" must not be null');
    END IF;
    SELECT h.*, m.joined_at, m.channel, m.store, m.attributes, t.tags, coalesce(t.by_rule, ARRAY[]::integer[]) AS by_rule INTO s
    FROM member.state h JOIN member.member m USING (member_id) LEFT JOIN member.tags t USING (member_id)
    WHERE h.member_id = preview.member_id AND h.active;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse_member(member_id);
    END IF;
    IF draft THEN
        PERFORM member_internal.refuse_faults();
        SELECT string_agg(p.statement, ' ')::member.program, member_internal.tag_ruleset() INTO program, rules FROM member_internal.program_statements(0) p;
    ELSE
        SELECT v.program, v.ruleset INTO program, rules
        FROM member.setting g JOIN member.program_version v ON v.version = g.program_version;
    END IF;
    e := member_internal.preview_event(member_id, event, s.at);
    r := member.step(ROW(s.lots, s.activity, s.standing, s.at, s.entries, s.hash)::member.step_state, e, program);
    day := member.day_of(e.booked_at);
    RETURN QUERY
        SELECT 'entry', r.time_kind, NULL::text, r.time_points::text, 'by time: ' || member_internal.wallet_code(program, r.time_wallet) WHERE r.time_kind IS NOT NULL
        UNION ALL
        SELECT 'entry', e.kind, NULL, r.points::text, member_internal.wallet_code(program, r.wallet) WHERE r.delta IS NOT NULL;
    RETURN QUERY
        SELECT x.what, member_internal.wallet_code(program, x.wallet), x.was::text, x.becomes::text, NULL::text
        FROM (SELECT DISTINCT u.wallet FROM (SELECT u.wallet FROM member.unnest(s.lots) u UNION ALL SELECT u.wallet FROM member.unnest(r.lots) u) u) w
        CROSS JOIN LATERAL (VALUES ('balance', w.wallet, member.balance(s.lots, w.wallet, day), member.balance(r.lots, w.wallet, day)),
                                   ('pending', w.wallet, member.pending(s.lots, w.wallet, day), member.pending(r.lots, w.wallet, day))) x (what, wallet, was, becomes)
        WHERE x.was IS DISTINCT FROM x.becomes ORDER BY x.wallet, x.what;
    RETURN QUERY
        SELECT 'tier', coalesce(d.code, t.ladder::text), member_internal.level_code(program, t.ladder, t.from_level),
               member_internal.level_code(program, t.ladder, t.to_level), t.reason
        FROM unnest(r.tiers) WITH ORDINALITY t (ladder, kind, from_level, to_level, day, until, reason, n)
        LEFT JOIN member.tier_ladder d ON d.ladder_id = t.ladder ORDER BY t.n;
    tags := coalesce(s.tags, 'empty');
    given := ARRAY(SELECT t.tag FROM unnest(r.tags) t WHERE t.kind = 'give' AND NOT member.is_live(tags, t.tag, day));
    RETURN QUERY
        SELECT 'tag', g.code, NULL::text, 'set', t.reason FROM unnest(r.tags) t JOIN member.tag g ON g.tag_id = t.tag WHERE t.tag = ANY (given) ORDER BY t.tag;
    SELECT tags OPERATOR(member.+) coalesce(member.tags_agg(member.tag_add('empty', g.tag_id, g.weight, day, NULL, g.half_life)), 'empty') INTO tags
    FROM member.tag g WHERE g.tag_id = ANY (given);
    -- as the refresh does: rules on tags see those that the round before has set
    held := s.by_rule;
    LOOP
        old := held;
        held := member_internal.matching_of(rules, day, r.lots, r.activity, r.standing, tags, member_internal.cuts_of(day), member_internal.value_terms_of(day), s.joined_at, s.channel,
                                            s.store, s.attributes, (SELECT g.zone FROM member.setting g));
        EXIT WHEN held = old;
        SELECT member.tags_drop(tags, ARRAY(SELECT o FROM unnest(old) o WHERE o <> ALL (held)))
               OPERATOR(member.+) coalesce(member.tags_agg(member.tag_add('empty', g.tag_id, g.weight, day, NULL, g.half_life)), 'empty') INTO tags
        FROM member.tag g WHERE g.rule IS NOT NULL AND g.tag_id = ANY (held) AND g.tag_id <> ALL (old);
    END LOOP;
    RETURN QUERY
        SELECT 'tag', g.code, CASE WHEN g.tag_id = ANY (s.by_rule) THEN 'set' END, CASE WHEN g.tag_id = ANY (held) THEN 'set' END, g.rule
        FROM member.tag g WHERE (g.tag_id = ANY (s.by_rule)) <> (g.tag_id = ANY (held)) ORDER BY g.tag_id;
END
$$;
COMMENT ON FUNCTION member.preview(bigint, jsonb, boolean) IS
    'What an event would do to a member by the program in force, or with draft => true by the draft; nothing is written, no row is locked. event: {"kind": "purchase", "amount": 128.5, "store": …, "channel": …, "attributes": {…}, "lines": […]}, {"kind": "refund", "purchase_no": "P1", "amount": 10} (without amount: all that is left), {"kind": "event", "event": "signin", "category": …, "value": …, "attributes": {…}}, {"kind": "earn" or "spend", "points": 100, "wallet": …, "usable_from": …, "until": …}, {"kind": "day"}: time alone; each with "at", which may be in the future. Rows: entry (kind, points moved), balance and pending of each wallet that changes, tier with the conditions, tag that a rule would set or drop, or the event would give, compared with what is stored. Errors: those of the verb, MB502 kind or key, MB005 faults of the draft, MB101, MB102.';
