-- The API of tags: set and drop by hand, read, and bring up to date.

CREATE OR REPLACE FUNCTION member_internal.tag_id(code text) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    id integer;
BEGIN
    PERFORM member_internal.require_ready();
    SELECT t.tag_id INTO id FROM member.tag t WHERE t.code = tag_id.code;
    IF id IS NULL THEN
        PERFORM member_internal.refuse('MB703', format('unknown tag "%s"', code),
            hint => 'The tags are in member.tag.');
    END IF;
    RETURN id;
END
$$;
COMMENT ON FUNCTION member_internal.tag_id(text) IS 'Number of a tag. Errors: MB001, MB002, MB703.';

-- Lock order: the member's state row, then its tags.
CREATE OR REPLACE FUNCTION member_internal.tag_write(
    member_id bigint, tag text, kind text, weight double precision, until date, reason text, actor text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    g record;
    present timestamptz;
    today date;
    before member.tagset;
    changed member.tagset;
BEGIN
    PERFORM member_internal.require_ready();
    SELECT t.* INTO g FROM member.tag t WHERE t.tag_id = member_internal.tag_id(tag_write.tag);
    IF g.rule IS NOT NULL THEN
        PERFORM member_internal.refuse('MB704', format('tag "%s" is kept by a rule', tag),
            format('Its rule: %s', g.rule), 'Change the rule, or make a tag without one.');
    END IF;
    PERFORM FROM member.state s WHERE s.member_id = tag_write.member_id AND s.active FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse_member(tag_write.member_id);
    END IF;
    present := member.now();
    today := member.day_of(present);
    before := coalesce((SELECT t.tags FROM member.tags t WHERE t.member_id = tag_write.member_id), 'empty');
    changed := CASE kind WHEN 'drop' THEN member.tag_drop(before, g.tag_id)
                         ELSE member.tag_add(before, g.tag_id, coalesce(tag_write.weight, g.weight), today,
                                             coalesce(tag_write.until, today + g.lifetime_days), g.half_life) END;
    IF changed OPERATOR(member.=) before THEN
        RETURN false;
    END IF;
    INSERT INTO member.tags (member_id, tags) VALUES (tag_write.member_id, changed)
    ON CONFLICT (member_id) DO UPDATE SET tags = excluded.tags;
    INSERT INTO member.tag_change (member_id, tag_id, booked_at, day, kind, by_rule, weight, until, program_version, reason, actor)
    SELECT tag_write.member_id, g.tag_id, present, today, tag_write.kind, false, x.weight, x.until, s.program_version,
           tag_write.reason, tag_write.actor
    FROM member.setting s LEFT JOIN LATERAL (SELECT u.weight, u.until FROM member.unnest(changed) u WHERE u.tag = g.tag_id) x ON true
    ON CONFLICT (member_id, tag_id, booked_at, kind) DO UPDATE SET weight = excluded.weight, until = excluded.until,
        reason = excluded.reason, actor = excluded.actor;
    RETURN true;
END
$$;
COMMENT ON FUNCTION member_internal.tag_write(bigint, text, text, double precision, date, text, text) IS
    'Sets or drops a tag of a member by hand; whether that changed anything. Errors: MB101, MB102, MB701 to MB704.';

CREATE OR REPLACE FUNCTION member.tag_set(
    member_id bigint, tag text, weight double precision DEFAULT NULL, until date DEFAULT NULL, reason text DEFAULT NULL,
    actor text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN member_internal.tag_write(member_id, tag, 'set', weight, until, reason, actor);
END
$$;
COMMENT ON FUNCTION member.tag_set(bigint, text, double precision, date, text, text) IS
    'Gives a member a tag from today, until a day, exclusive (null: for the lifetime of the tag), with a weight (null: the tag''s). Set again on the same day it changes nothing: the call may be repeated. Returns whether anything changed. Errors: MB703 unknown tag, MB704 kept by a rule, MB702 weight, MB403 day, MB101, MB102.';

CREATE OR REPLACE FUNCTION member.tag_unset(member_id bigint, tag text, reason text DEFAULT NULL, actor text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN member_internal.tag_write(member_id, tag, 'drop', NULL, NULL, reason, actor);
END
$$;
COMMENT ON FUNCTION member.tag_unset(bigint, text, text, text) IS
    'Takes a tag from a member; without it nothing changes: the call may be repeated. Returns whether anything changed. Errors: MB703 unknown tag, MB704 kept by a rule, MB101, MB102.';

CREATE OR REPLACE FUNCTION member.tags_of(member_id bigint, as_of date DEFAULT NULL)
RETURNS TABLE (tag text, dimension text, sub_dimension text, weight double precision, since date, until date, by_rule boolean, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(as_of);
BEGIN
    IF NOT EXISTS (SELECT FROM member.state s WHERE s.member_id = tags_of.member_id) THEN
        PERFORM member_internal.refuse('MB101', format('unknown member %s', member_id));
    END IF;
    RETURN QUERY
        SELECT g.code, g.dimension, g.sub_dimension, member.weight(t.tags, u.tag, on_day), u.since, u.until, u.tag = ANY (t.by_rule),
               CASE WHEN u.tag = ANY (t.by_rule) THEN g.rule
                    ELSE (SELECT c.reason FROM member.tag_change c WHERE c.member_id = t.member_id AND c.tag_id = u.tag AND c.kind = 'set'
                          ORDER BY c.booked_at DESC LIMIT 1) END
        FROM member.tags t CROSS JOIN LATERAL member.unnest(t.tags) u JOIN member.tag g ON g.tag_id = u.tag
        WHERE t.member_id = tags_of.member_id AND member.is_live(t.tags, u.tag, on_day)
        ORDER BY g.dimension, g.sub_dimension, g.code;
END
$$;
COMMENT ON FUNCTION member.tags_of(bigint, date) IS
    'Tags of a member in force on a day (default today) with the weight of that day, since when and until when (exclusive), and why: the rule, or the reason given. Errors: MB101, MB403.';

CREATE OR REPLACE FUNCTION member.tags_refresh(touched_since timestamptz DEFAULT NULL, only_member bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    today date;
    stale record;
    place bigint := coalesce(only_member - 1, 0);
    changed bigint := 0;
BEGIN
    PERFORM member_internal.require_ready();
    today := member.day_of(member.now());
    LOOP
        stale := member_internal.tags_stale(today, place, CASE WHEN only_member IS NULL THEN 100000 ELSE 1 END, touched_since);
        EXIT WHEN stale.last IS NULL;
        changed := changed + member_internal.tags_apply(today, stale.members);
        place := stale.last;
        EXIT WHEN only_member IS NOT NULL;
    END LOOP;
    IF touched_since IS NULL AND only_member IS NULL THEN
        PERFORM member_internal.tag_counts_refresh();
    END IF;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION member.tags_refresh(timestamptz, bigint) IS
    'Brings tags that rules keep up to date as of now: of all members, of those with an entry booked since a moment, or of one. The daily run does it for all. Returns how many members'' tags changed; each change is in member.tag_change.';
