-- activity against a naive model: 100 000 random operations on 30 members, each kept as a value and as
-- rows of plain tables; every reader is compared. Prints the number of differences.
SET client_min_messages = warning;
SET datestyle = iso;
SET jit = off;
SET enable_seqscan = off; -- the tables have no statistics

CREATE TEMP TABLE entry (
    m int, stream smallint, grain text, first date, last date, month date, last_month date,
    count bigint, amount bigint, largest bigint, active int);
CREATE INDEX ON entry (m, stream, first);
CREATE TEMP TABLE run (m int, stream smallint, kind int, length bigint, PRIMARY KEY (m, stream));
CREATE TEMP TABLE difference (operation int, what text, got text, expected text, a text);

CREATE FUNCTION pg_temp.month(d date) RETURNS date LANGUAGE sql IMMUTABLE AS
$$ SELECT (d - extract(day FROM d)::int + 1) $$;

-- ---- the model ----

CREATE FUNCTION pg_temp.tidy(_m int, _s smallint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM entry WHERE m = _m AND stream = _s AND count = 0 AND amount = 0;
    DELETE FROM run r WHERE r.m = _m AND r.stream = _s
       AND (r.length = 0 OR NOT EXISTS (SELECT FROM entry WHERE m = _m AND stream = _s));
END $$;

-- the entry that takes a day: the older one, that of its month, or that of the day
CREATE FUNCTION pg_temp.holder(_m int, _s smallint, _d date) RETURNS tid LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
    SELECT ctid FROM entry
     WHERE m = _m AND stream = _s
       AND (grain = 'older' AND last_month >= pg_temp.month(_d)
            OR grain = 'month' AND month = pg_temp.month(_d)
            OR grain = 'day' AND first = _d)
     ORDER BY grain DESC LIMIT 1);
END $$;

CREATE FUNCTION pg_temp.model_add(_m int, _s smallint, _d date, _c bigint, _a bigint, _l bigint, _k int)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    at tid := pg_temp.holder(_m, _s, _d);
    newest date := (SELECT max(last) FROM entry WHERE m = _m AND stream = _s AND count > 0);
BEGIN
    IF _c = 0 AND _a = 0 THEN
        RETURN;
    END IF;
    IF _c > 0 AND (newest IS NULL OR _d >= newest) THEN
        IF _k = 0 THEN
            DELETE FROM run WHERE m = _m AND stream = _s;
        ELSE
            INSERT INTO run AS r VALUES (_m, _s, _k, _c)
            ON CONFLICT (m, stream) DO UPDATE
               SET length = CASE WHEN r.kind = _k THEN r.length ELSE 0 END + _c, kind = _k;
        END IF;
    END IF;
    IF at IS NULL THEN
        INSERT INTO entry VALUES (_m, _s, 'day', _d, _d, pg_temp.month(_d), pg_temp.month(_d), _c, _a,
                                  CASE WHEN _c > 0 THEN _l END, least(_c, 1));
    ELSE
        UPDATE entry SET count = count + _c, amount = amount + _a,
               largest = CASE WHEN _c > 0 THEN greatest(largest, _l) ELSE largest END,
               first = least(first, _d), last = greatest(last, _d),
               month = pg_temp.month(least(first, _d)), last_month = pg_temp.month(greatest(last, _d)),
               active = CASE WHEN grain = 'day' THEN least(count + _c, 1) ELSE active + least(_c, 1) END
         WHERE ctid = at;
        PERFORM pg_temp.tidy(_m, _s);
    END IF;
END $$;

CREATE FUNCTION pg_temp.model_correct(_m int, _s smallint, _d date, _c bigint, _a bigint, _l bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    at tid := pg_temp.holder(_m, _s, _d);
BEGIN
    UPDATE entry e SET count = e.count - _c, amount = e.amount - _a, active = least(e.active, e.count - _c),
           largest = CASE WHEN e.count = _c THEN NULL
                          WHEN e.grain = 'day' AND e.count - _c = 1 THEN e.amount - _a
                          WHEN e.grain = 'day' THEN coalesce(_l, least(e.largest, e.amount - _a))
                          ELSE greatest(least(e.largest, e.amount - _a), _l) END
     WHERE ctid = at;
    UPDATE run r SET length = least(r.length, (SELECT sum(count) FROM entry WHERE m = _m AND stream = _s))
     WHERE r.m = _m AND r.stream = _s;
    PERFORM pg_temp.tidy(_m, _s);
END $$;

-- what is up to _older becomes older, months in _months are folded, and all goes to member _m
CREATE FUNCTION pg_temp.model_regrade(_of int[], _m int, _s smallint, _older date, _months date[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (DELETE FROM entry WHERE m = ANY (_of) AND stream = _s RETURNING *),
    graded AS (
        SELECT CASE WHEN month <= _older THEN 'older' WHEN month = ANY (_months) THEN 'month' ELSE 'day' END
               AS to_grain, gone.*
          FROM gone)
    INSERT INTO entry
    SELECT _m, _s, to_grain, min(first), max(last), pg_temp.month(min(first)), pg_temp.month(max(last)),
           sum(count), sum(amount), max(largest),
           CASE WHEN to_grain = 'day' THEN least(sum(count), 1) ELSE sum(active) END
      FROM graded
     GROUP BY to_grain, CASE WHEN to_grain <> 'older' THEN month END, CASE WHEN to_grain = 'day' THEN first END;
    PERFORM pg_temp.tidy(_m, _s);
END $$;

CREATE FUNCTION pg_temp.model_trim(_m int, _s smallint, _d date, _days int, _months int)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    folded date[];
    older date;
BEGIN
    SELECT array_agg(month) FILTER (WHERE grain = 'month' OR (month + interval '1 month')::date - 1 < _d - _days)
      INTO folded FROM entry WHERE m = _m AND stream = _s AND grain <> 'older';
    SELECT max(last_month) INTO older FROM entry
     WHERE m = _m AND stream = _s
       AND (grain = 'older' OR month = ANY (folded) AND month < pg_temp.month(_d) - make_interval(months => _months));
    PERFORM pg_temp.model_regrade(ARRAY[_m], _m, _s, older, folded);
END $$;

CREATE FUNCTION pg_temp.model_merge(_m int, _n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s smallint;
    won record;
BEGIN
    FOREACH s IN ARRAY ARRAY[1, 7, 300]
    LOOP
        SELECT r.kind, r.length INTO won
          FROM (SELECT m, max(last) FILTER (WHERE count > 0) AS newest
                  FROM entry WHERE m IN (_m, _n) AND stream = s GROUP BY m) e
          LEFT JOIN run r ON r.m = e.m AND r.stream = s
         ORDER BY e.newest DESC NULLS LAST, r.length DESC NULLS LAST, r.kind DESC LIMIT 1;
        DELETE FROM run WHERE m IN (_m, _n) AND stream = s;
        INSERT INTO run SELECT _m, s, won.kind, won.length WHERE won.kind IS NOT NULL;
        PERFORM pg_temp.model_regrade(ARRAY[_m, _n], _m, s,
            (SELECT max(last_month) FROM entry WHERE m IN (_m, _n) AND stream = s AND grain = 'older'),
            (SELECT array_agg(month) FROM entry WHERE m IN (_m, _n) AND stream = s AND grain = 'month'));
    END LOOP;
END $$;

-- ---- the readers, on the model ----

CREATE FUNCTION pg_temp.model_window(_m int, _s smallint, _since date, _until date) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
    SELECT CASE WHEN _since >= _until THEN '0|0||0'
                WHEN coalesce(bool_or((first < _since AND last >= _since) OR (first < _until AND last >= _until)), false)
                THEN 'MB501'
                ELSE concat_ws('|', coalesce(sum(w.count), 0), coalesce(sum(w.amount), 0),
                               coalesce(max(w.largest)::text, ''), coalesce(sum(least(w.active, w.last - w.first + 1)), 0))
           END
      FROM entry w WHERE w.m = _m AND w.stream = _s AND w.first < _until AND w.last >= _since);
END $$;

-- 1 active, 0 not, null only a folded entry knows
CREATE FUNCTION pg_temp.model_active(_m int, _s smallint, _d date) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
    SELECT CASE WHEN count(*) = 0 THEN 0
                WHEN bool_or(_d IN (first, last) OR least(active, last - first + 1) = last - first + 1) THEN 1 END
      FROM entry WHERE m = _m AND stream = _s AND entry.count > 0 AND _d BETWEEN first AND last);
END $$;

CREATE FUNCTION pg_temp.model_streak(_m int, _s smallint, _d date) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n int := 0;
    d date := _d;
    status int := pg_temp.model_active(_m, _s, _d);
BEGIN
    IF status = 0 THEN
        d := _d - 1;
        status := pg_temp.model_active(_m, _s, d);
    END IF;
    WHILE status = 1 LOOP
        n := n + 1;
        d := d - 1;
        status := pg_temp.model_active(_m, _s, d);
    END LOOP;
    RETURN coalesce(n + status, -1);
END $$;

-- count of a month, -1 when only an older entry of several months knows
CREATE FUNCTION pg_temp.model_month(_m int, _s smallint, _month date) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
    SELECT CASE WHEN bool_or(month <> last_month) THEN -1 ELSE coalesce(sum(e.count), 0) END
      FROM entry e WHERE m = _m AND stream = _s AND e.count > 0 AND _month BETWEEN month AND last_month);
END $$;

CREATE FUNCTION pg_temp.model_falling(_m int, _s smallint, _d date) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n int := 0;
    month date := pg_temp.month(pg_temp.month(_d) - 1);
    this bigint := pg_temp.model_month(_m, _s, month);
    before bigint;
BEGIN
    LOOP
        month := pg_temp.month(month - 1);
        before := pg_temp.model_month(_m, _s, month);
        IF this < 0 OR before < 0 THEN
            RETURN '-1';
        END IF;
        EXIT WHEN this >= before;
        n := n + 1;
        this := before;
    END LOOP;
    RETURN n;
END $$;

-- ---- the same of the value ----

CREATE FUNCTION pg_temp.value_window(a member.activity, s smallint, since date, until date) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    RETURN concat_ws('|', member.count(a, s, since, until), member.amount(a, s, since, until),
                     coalesce(member.largest(a, s, since, until)::text, ''), member.active_days(a, s, since, until));
EXCEPTION WHEN SQLSTATE 'MB501' THEN
    RETURN 'MB501';
END $$;

CREATE FUNCTION pg_temp.value_streak(a member.activity, s smallint, d date) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN member.streak(a, s, d);
EXCEPTION WHEN SQLSTATE 'MB501' THEN
    RETURN '-1';
END $$;

CREATE FUNCTION pg_temp.value_falling(a member.activity, s smallint, d date) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN member.falling_months(a, s, d);
EXCEPTION WHEN SQLSTATE 'MB501' THEN
    RETURN '-1';
END $$;

CREATE FUNCTION pg_temp.compare(_op int, _m int, a member.activity, _s smallint, _d date) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    since date := _d - (random() * 300)::int;
    until date := since + (random() * 300)::int - 10;
    early date := _d - (random() * 200)::int;
BEGIN
    IF random() < 0.3 THEN since := pg_temp.month(since); until := pg_temp.month(until); END IF;
    IF random() < 0.1 THEN since := '-infinity'; END IF;
    IF random() < 0.3 THEN until := 'infinity'; END IF;
    INSERT INTO difference
    SELECT _op, c.what, c.got, c.expected, a::text
      FROM (VALUES
        ('entries',
         (SELECT string_agg(concat_ws(',', u.stream, u.grain, u.since, u.until, u.count, u.amount, u.largest, u.active_days), ';'
                            ORDER BY u.stream, u.since) FROM member.unnest(a) u),
         (SELECT string_agg(concat_ws(',', e.stream, e.grain, e.first, e.last + 1, e.count, e.amount, e.largest,
                                      least(e.active, e.last - e.first + 1)), ';'
                            ORDER BY e.stream, e.first) FROM entry e WHERE e.m = _m)),
        ('window', pg_temp.value_window(a, _s, since, until), pg_temp.model_window(_m, _s, since, until)),
        ('life', concat_ws('|', member.count(a, _s), member.amount(a, _s), coalesce(member.largest(a, _s)::text, ''),
                           member.active_days(a, _s)),
                 pg_temp.model_window(_m, _s, '-infinity', 'infinity')),
        ('first, last, gap',
         concat_ws('|', member.first_day(a, _s), member.last_day(a, _s), member.mean_gap(a, _s)),
         (SELECT concat_ws('|', min(e.first), max(e.last), CASE WHEN sum(least(e.active, e.last - e.first + 1)) > 1 THEN
                           (max(e.last) - min(e.first))::float / (sum(least(e.active, e.last - e.first + 1)) - 1) END)
            FROM entry e WHERE e.m = _m AND e.stream = _s AND e.count > 0)),
        ('kind, run', concat_ws('|', member.last_kind(a, _s), member.run(a, _s, 2), member.run(a, _s, 0)),
         (SELECT concat_ws('|', coalesce(max(r.kind), 0), coalesce(max(r.length) FILTER (WHERE r.kind = 2), 0), 0)
            FROM run r WHERE r.m = _m AND r.stream = _s)),
        ('streak', pg_temp.value_streak(a, _s, _d), pg_temp.model_streak(_m, _s, _d)),
        ('streak before', pg_temp.value_streak(a, _s, early), pg_temp.model_streak(_m, _s, early)),
        ('falling', pg_temp.value_falling(a, _s, _d), pg_temp.model_falling(_m, _s, _d)),
        ('falling before', pg_temp.value_falling(a, _s, early), pg_temp.model_falling(_m, _s, early)),
        ('streams', member.streams(a)::text,
         (SELECT coalesce(array_agg(DISTINCT e.stream), '{}')::text FROM entry e WHERE e.m = _m)),
        ('text', a::text, a::text::member.activity::text),
        ('equal', (a OPERATOR(member.=) a::text::member.activity)::text, 'true')
      ) c (what, got, expected)
     WHERE c.got IS DISTINCT FROM c.expected;
END $$;

-- ---- the operations ----

DO $$
#variable_conflict use_variable
DECLARE
    operations constant int := 101000;
    streams constant smallint[] := ARRAY[1, 7, 300];
    values member.activity[] := array_fill('empty'::member.activity, ARRAY[30]);
    done int[] := ARRAY[0, 0, 0, 0, 0, 0];
    m int; n int; s smallint; today date; d date; what float; c bigint; a bigint; l bigint; k int; held record;
BEGIN
    PERFORM setseed(0.42);
    FOR op IN 1 .. operations LOOP
        m := 1 + floor(random() * 30);
        s := streams[1 + floor(random() * random() * 3)];
        today := date '2023-01-01' + op / 80;
        what := random();
        IF what < 0.8 THEN
            d := today + (random() * 2)::int;
            IF what < 0.12 THEN
                d := d - (random() * 400)::int;
                done[2] := done[2] + 1;
            ELSE
                done[1] := done[1] + 1;
            END IF;
            c := CASE WHEN random() < 0.8 THEN 1 ELSE floor(random() * 4) END;
            a := CASE WHEN random() < 0.1 THEN 0 ELSE floor(random() * 5000 - 200) END;
            l := CASE WHEN c = 1 OR a = 0 THEN a ELSE floor(random() * 3000) END;
            k := floor(random() * random() * 4);
            values[m] := member.add(values[m], s, d, c, a, CASE WHEN c > 1 AND a <> 0 THEN l END, k);
            PERFORM pg_temp.model_add(m, s, d, c, a, l, k);
        ELSIF what < 0.92 THEN
            SELECT e.first + (random() * (e.last - e.first))::int AS day, e.count, e.amount INTO held
              FROM entry e WHERE e.m = m AND e.stream = s AND e.count > 0 ORDER BY random() LIMIT 1;
            CONTINUE WHEN NOT FOUND;
            c := floor(random() * (least(held.count, 3) + 1));
            a := CASE WHEN c = held.count AND random() < 0.9 THEN held.amount ELSE floor(random() * 2000) END;
            l := CASE WHEN random() < 0.3 THEN floor(random() * 3000) END;
            values[m] := member.correct(values[m], s, held.day, c, a, l);
            PERFORM pg_temp.model_correct(m, s, held.day, c, a, l);
            done[3] := done[3] + 1;
        ELSIF what < 0.995 THEN
            c := (ARRAY[15, 40, 90])[1 + m % 3];
            k := (ARRAY[1, 4, 9])[1 + m % 3];
            values[m] := member.trim(values[m], s, today, c::int, k);
            PERFORM pg_temp.model_trim(m, s, today, c::int, k);
            IF member.trim(values[m], s, today, c::int, k) OPERATOR(member.<>) values[m] THEN
                INSERT INTO difference VALUES (op, 'trim twice', NULL, NULL, values[m]);
            END IF;
            done[4] := done[4] + 1;
        ELSE
            n := 1 + (m + floor(random() * 29)::int) % 30;
            CONTINUE WHEN m = n;
            IF values[m] OPERATOR(member.+) values[n] OPERATOR(member.<>) (values[n] OPERATOR(member.+) values[m]) THEN
                INSERT INTO difference VALUES (op, 'commutes', NULL, NULL, values[m]);
            END IF;
            -- but for the active days of folded entries, when a day of two of them meets the total of the third
            IF regexp_replace((values[m] OPERATOR(member.+) values[n] OPERATOR(member.+) values[1])::text, '[*]\d+', '', 'g')
               <> regexp_replace((values[m] OPERATOR(member.+) (values[n] OPERATOR(member.+) values[1]))::text, '[*]\d+', '', 'g')
            THEN
                INSERT INTO difference VALUES (op, 'associates', NULL, NULL, values[m]);
            END IF;
            values[m] := values[m] OPERATOR(member.+) values[n];
            values[n] := 'empty';
            PERFORM pg_temp.model_merge(m, n);
            done[5] := done[5] + 1;
        END IF;
        IF op % 200 = 0 THEN
            COMMIT; -- lets the model's dead rows be reused
        END IF;
        IF op % 60 = 0 THEN
            PERFORM pg_temp.compare(op, m, values[m], s, today);
            done[6] := done[6] + 1;
        END IF;
    END LOOP;
    FOR m IN 1 .. 30 LOOP
        PERFORM pg_temp.compare(operations, m, values[m], streams[1], date '2026-06-01');
    END LOOP;
    ASSERT done[1] + done[2] + done[3] + done[4] + done[5] >= 100000 AND done[2] > 10000 AND done[3] > 10000
       AND done[4] > 5000 AND done[5] > 400 AND done[6] > 1500, format('too little was done: %s', done);
END $$;

SELECT count(*) AS differences FROM difference;
SELECT * FROM difference ORDER BY operation LIMIT 3;
