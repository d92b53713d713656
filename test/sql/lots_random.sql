-- lots against a naive model: 1 000 members, each kept as a value and as rows of plain tables, one row a lot.
-- A round gives every member a random operation, applies it to both and compares the lots and every reader on
-- two or three days. Prints the number of operations and of differences.
--
-- The model, from the documented meaning:
--   A lot is n points of a wallet, usable from a day (-infinity: at once) until a day, exclusive (infinity: never).
--   A wallet may owe points. Points that are usable at once and never expire cancel what is owed when they come.
--   Settling on a day: lots usable by then pay what is owed, in the order they became usable, those of the same day
--   first-expiring first; then what is left of lots at or past their until is gone.
--   Taking: settle, then from the usable lots, first-expiring first, those that expire together oldest first.
--   Reversing: settle, then the award's own lots as far as they still hold it; then, unless the policy is
--   only_pending, other usable points like taking; what is missing is owed if the policy is debt. only_pending
--   touches nothing that was usable already. Lots of the award that have expired are not taken again.
SET client_min_messages = warning;
SET datestyle = iso;
SET search_path = member, public;
SET jit = off;
SET enable_seqscan = off; -- the tables have no statistics
SET work_mem = '64MB';
SELECT setseed(0.20260301);

CREATE TEMP TABLE book (m int PRIMARY KEY, l lots NOT NULL, day date NOT NULL);
CREATE TEMP TABLE lot (m int, w smallint, f date, u date, n bigint, PRIMARY KEY (m, w, f, u));
CREATE TEMP TABLE owed (m int, w smallint, n bigint, PRIMARY KEY (m, w));
CREATE TEMP TABLE award (m int, id int, w smallint, f date, u date, n bigint, PRIMARY KEY (m, id, w));
CREATE TEMP TABLE op (m int PRIMARY KEY, round int, kind text, day date, w smallint, n bigint, id int, part bigint, whole bigint, policy text,
                      l lots);
CREATE TEMP TABLE fate (m int, w smallint, f date, u date, n bigint, pay bigint);
CREATE INDEX ON fate (m, w);
CREATE TEMP TABLE difference (round int, m int, what text, got text, expected text);
CREATE TEMP TABLE tally (kind text PRIMARY KEY, operations int DEFAULT 0, note bigint DEFAULT 0);
INSERT INTO tally VALUES ('earn'), ('reverse'), ('settle'), ('take');

-- ---- the model ----

-- What each lot pays of what is owed, if nothing happens: in the order they become usable. Up to a day only the
-- lots usable by then have paid, and those come first.
CREATE PROCEDURE pg_temp.find_fate() LANGUAGE sql AS $$
    TRUNCATE fate;
    INSERT INTO fate
        SELECT l.m, l.w, l.f, l.u, l.n,
               greatest(0, least(l.n, coalesce(o.n, 0) - coalesce(sum(l.n) OVER (PARTITION BY l.m, l.w ORDER BY l.f, l.u
                                                                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))
        FROM lot l LEFT JOIN owed o USING (m, w);
$$;

CREATE PROCEDURE pg_temp.model_settle() LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.find_fate();
    UPDATE lot l SET n = l.n - x.pay
    FROM fate x JOIN op USING (m)
    WHERE (l.m, l.w, l.f, l.u) = (x.m, x.w, x.f, x.u) AND op.kind <> 'earn' AND x.f <= op.day AND x.pay > 0;
    UPDATE owed o SET n = o.n - x.paid
    FROM (SELECT x.m, x.w, sum(x.pay) AS paid FROM fate x JOIN op USING (m)
          WHERE op.kind <> 'earn' AND x.f <= op.day GROUP BY x.m, x.w) x
    WHERE (o.m, o.w) = (x.m, x.w);
    DELETE FROM lot l USING op WHERE op.m = l.m AND op.kind <> 'earn' AND (l.u <= op.day OR l.n = 0);
    DELETE FROM owed WHERE n = 0;
END $$;

CREATE PROCEDURE pg_temp.model_earn() LANGUAGE plpgsql AS $$
DECLARE
    x record;
    left_over bigint;
BEGIN
    FOR x IN SELECT a.* FROM op JOIN award a USING (m, id) WHERE op.kind = 'earn' LOOP
        left_over := x.n;
        IF x.f = '-infinity' AND x.u = 'infinity' THEN
            left_over := x.n - coalesce((SELECT o.n FROM owed o WHERE o.m = x.m AND o.w = x.w), 0);
            UPDATE owed o SET n = o.n - x.n WHERE o.m = x.m AND o.w = x.w;
            DELETE FROM owed o WHERE o.m = x.m AND o.w = x.w AND o.n <= 0;
        END IF;
        IF left_over > 0 THEN
            INSERT INTO lot AS l VALUES (x.m, x.w, x.f, x.u, left_over)
            ON CONFLICT (m, w, f, u) DO UPDATE SET n = l.n + excluded.n;
        END IF;
    END LOOP;
END $$;

-- take so many points from the usable lots, first-expiring first; returns how many there were
CREATE FUNCTION pg_temp.model_use(_m int, _w smallint, _n bigint, _day date) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    x record;
    missing bigint := _n;
BEGIN
    FOR x IN SELECT * FROM lot l WHERE l.m = _m AND l.w = _w AND l.f <= _day AND _day < l.u ORDER BY l.u, l.f LOOP
        EXIT WHEN missing = 0;
        IF x.n <= missing THEN
            DELETE FROM lot l WHERE (l.m, l.w, l.f, l.u) = (x.m, x.w, x.f, x.u);
        ELSE
            UPDATE lot l SET n = l.n - missing WHERE (l.m, l.w, l.f, l.u) = (x.m, x.w, x.f, x.u);
        END IF;
        missing := missing - least(x.n, missing);
    END LOOP;
    RETURN _n - missing;
END $$;

CREATE PROCEDURE pg_temp.model_take() LANGUAGE plpgsql AS $$
DECLARE
    x record;
    refused int := 0;
BEGIN
    FOR x IN SELECT * FROM op WHERE kind = 'take' LOOP
        IF x.n <= (SELECT coalesce(sum(l.n), 0) FROM lot l WHERE l.m = x.m AND l.w = x.w AND l.f <= x.day AND x.day < l.u) THEN
            PERFORM pg_temp.model_use(x.m, x.w, x.n, x.day);
        ELSE
            refused := refused + 1;
        END IF;
    END LOOP;
    UPDATE tally SET note = note + refused WHERE kind = 'take';
END $$;

CREATE PROCEDURE pg_temp.model_reverse() LANGUAGE plpgsql AS $$
DECLARE
    x record;
    due bigint;
    own bigint;
    debts int := 0;
BEGIN
    FOR x IN SELECT op.day, op.policy, op.part, op.whole, a.* FROM op JOIN award a USING (m, id) WHERE op.kind = 'reverse' LOOP
        due := trunc(x.n::numeric * x.part / x.whole);
        CONTINUE WHEN x.u <= x.day OR x.policy = 'only_pending' AND x.f <= x.day;
        own := least(due, coalesce((SELECT l.n FROM lot l WHERE (l.m, l.w, l.f, l.u) = (x.m, x.w, x.f, x.u)), 0));
        UPDATE lot l SET n = l.n - own WHERE (l.m, l.w, l.f, l.u) = (x.m, x.w, x.f, x.u);
        DELETE FROM lot l WHERE (l.m, l.w, l.f, l.u) = (x.m, x.w, x.f, x.u) AND l.n = 0;
        due := due - own;
        CONTINUE WHEN due = 0 OR x.policy = 'only_pending';
        due := due - pg_temp.model_use(x.m, x.w, due, x.day);
        IF due > 0 AND x.policy = 'debt' THEN
            INSERT INTO owed AS o VALUES (x.m, x.w, due) ON CONFLICT (m, w) DO UPDATE SET n = o.n + excluded.n;
            debts := debts + 1;
        END IF;
    END LOOP;
    UPDATE tally SET note = note + debts WHERE kind = 'reverse';
END $$;

-- ---- the type ----

CREATE FUNCTION pg_temp.try_take(l lots, w smallint, n bigint, day date) RETURNS lots LANGUAGE plpgsql AS $$
BEGIN
    RETURN take(l, w, n, day);
EXCEPTION WHEN SQLSTATE 'MB203' THEN
    RETURN NULL;
END $$;

CREATE FUNCTION pg_temp.award_of(_m int, _id int) RETURNS lots LANGUAGE sql STABLE AS $$
    SELECT lots_sum(earn('empty', a.w, a.n, a.f, a.u)) FROM award a WHERE a.m = _m AND a.id = _id
$$;

CREATE PROCEDURE pg_temp.apply() LANGUAGE sql AS $$
    UPDATE book b SET day = op.day,
        l = CASE op.kind
            WHEN 'earn' THEN b.l + pg_temp.award_of(op.m, op.id)
            WHEN 'settle' THEN settle(b.l, op.day)
            WHEN 'take' THEN settle(b.l, op.day) - coalesce(pg_temp.try_take(b.l, op.w, op.n, op.day), 'empty')
            WHEN 'reverse' THEN settle(b.l, op.day) + reverse(b.l, share(pg_temp.award_of(op.m, op.id), op.part, op.whole), op.day, op.policy)
            END
    FROM op WHERE op.m = b.m;
$$;

-- ---- comparing ----

CREATE PROCEDURE pg_temp.compare(_round int) LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.find_fate();
    -- the lots themselves
    INSERT INTO difference
        SELECT _round, m, 'lots', x.n::text, y.n::text
        FROM (SELECT b.m, u.wallet AS w, coalesce(u.usable_from, '-infinity') AS f, coalesce(u.until, 'infinity') AS u, u.points AS n
              FROM book b, unnest(b.l) u) x
        FULL JOIN (SELECT * FROM lot UNION ALL SELECT m, w, '-infinity', 'infinity', -n FROM owed) y USING (m, w, f, u)
        WHERE x.n IS DISTINCT FROM y.n;
    -- every reader, both wallets: on the day, on some day, and on a day when something changes or the one before
    INSERT INTO difference
        SELECT _round, got.m, format('wallet %s on %s within %s', got.w, got.d, got.within), got.figures::text, expected.figures::text
        FROM (SELECT b.m, w, d, within, ARRAY[balance(b.l, w, d), pending(b.l, w, d), expired(b.l, w, d), expiring(b.l, w, d, within),
                                              next_expiry(b.l, w, d) - '2000-01-01'::date] AS figures
              FROM book b CROSS JOIN LATERAL (VALUES (b.day, 3),
                       (CASE WHEN random() < 0.4 THEN b.day + (random() * 60)::int - 15 END, (random() * 40)::int),
                       ((SELECT CASE WHEN random() < 0.5 AND isfinite(l.f) THEN l.f WHEN isfinite(l.u) THEN l.u ELSE b.day + 1 END
                                - (random() * 2)::int + CASE WHEN b.m % 2 = 0 THEN 1 ELSE 0 END
                         FROM lot l WHERE l.m = b.m ORDER BY hashint4(b.m + _round + l.n::int) LIMIT 1), 10)) AS days (d, within)
              CROSS JOIN (VALUES (1::smallint), (2::smallint)) AS wallets (w) WHERE d IS NOT NULL) got
        CROSS JOIN LATERAL (
            SELECT ARRAY[coalesce(sum(x.n - x.pay) FILTER (WHERE x.f <= got.d AND got.d < x.u), 0)
                             - coalesce((SELECT o.n FROM owed o WHERE (o.m, o.w) = (got.m, got.w)), 0)
                             + coalesce(sum(x.pay) FILTER (WHERE x.f <= got.d), 0),
                         coalesce(sum(x.n) FILTER (WHERE x.f > got.d), 0),
                         coalesce(sum(x.n - x.pay) FILTER (WHERE x.u <= got.d), 0),
                         coalesce(sum(x.n - x.pay) FILTER (WHERE x.f <= got.d AND got.d < x.u AND x.u <= got.d + got.within), 0),
                         min(x.u) FILTER (WHERE x.n > x.pay AND x.u > got.d AND x.u < 'infinity') - '2000-01-01'::date]::bigint[] AS figures
            FROM fate x WHERE x.m = got.m AND x.w = got.w) expected
        WHERE got.figures IS DISTINCT FROM expected.figures;
END $$;

-- ---- rounds ----

CREATE PROCEDURE pg_temp.play(rounds int) LANGUAGE plpgsql AS $$
BEGIN
    FOR _round IN 1..rounds LOOP
        TRUNCATE op;
        INSERT INTO op
            SELECT b.m, _round, kind, b.day + CASE WHEN random() < 0.1 THEN -(random() * 3)::int ELSE (random() * random() * 10)::int END,
                   1 + (random() < 0.3)::int, ceil(random() * random() * 80), CASE kind WHEN 'earn' THEN _round ELSE given.id END,
                   CASE WHEN random() < 0.6 THEN 7 ELSE (random() * 7)::int END, 7,
                   (ARRAY['only_pending', 'within_balance', 'debt', 'debt'])[ceil(random() * 4)], b.l
            FROM book b
            CROSS JOIN LATERAL (SELECT ceil(random() * 10 + 0 * b.m) AS r) dice
            LEFT JOIN LATERAL (SELECT a.id FROM award a WHERE a.m = b.m AND a.id > _round - 12 ORDER BY hashint4(a.id + b.m * _round) LIMIT 1) given ON true
            CROSS JOIN LATERAL (SELECT CASE WHEN dice.r <= 4 THEN 'earn' WHEN dice.r <= 7 THEN 'take'
                                            WHEN dice.r <= 9 AND given.id IS NOT NULL THEN 'reverse' ELSE 'settle' END AS kind) k;
        -- what is earned: at once, pending or back-dated; for good, for some days, or past already; now and then of two wallets
        INSERT INTO award
            SELECT op.m, op.id, w.w, d.f, CASE WHEN random() < 0.1 THEN 'infinity'::date
                                               ELSE greatest(d.f, CASE WHEN d.f = '-infinity' OR random() < 0.3 THEN op.day - 20 ELSE d.f END)
                                                    + 1 + (random() * 60)::int END,
                   ceil(random() * 60)
            FROM op CROSS JOIN LATERAL (VALUES (op.w), ((3 - op.w)::smallint)) AS w (w)
            CROSS JOIN LATERAL (SELECT CASE WHEN random() + 0 * op.m < 0.4 THEN '-infinity' ELSE op.day + (random() * 30)::int - 10 END::date AS f) d
            WHERE op.kind = 'earn' AND (w.w = op.w OR random() < 0.2);
        CALL pg_temp.apply();
        CALL pg_temp.model_settle();
        CALL pg_temp.model_earn();
        CALL pg_temp.model_take();
        CALL pg_temp.model_reverse();
        CALL pg_temp.compare(_round);
        UPDATE tally t SET operations = t.operations + x.n FROM (SELECT kind, count(*) AS n FROM op GROUP BY kind) x WHERE x.kind = t.kind;
        EXIT WHEN EXISTS (SELECT FROM difference);
        -- nothing is vacuumed within a transaction
        CREATE TEMP TABLE copy AS SELECT * FROM lot;
        TRUNCATE lot;
        INSERT INTO lot SELECT * FROM copy;
        DROP TABLE copy;
        CREATE TEMP TABLE copy AS SELECT * FROM book;
        TRUNCATE book;
        INSERT INTO book SELECT * FROM copy;
        DROP TABLE copy;
    END LOOP;
END $$;

INSERT INTO book SELECT m, 'empty', '2026-01-01'::date + m % 60 FROM generate_series(1, 1000) m;
CALL pg_temp.play(101);

SELECT sum(operations) AS operations FROM tally;
-- that each kind was tried, taking refused and reversing driven into debt often enough
SELECT kind, operations > 9000 AS many, note > 1000 AS hard FROM tally ORDER BY kind;
SELECT count(*) > 30 AS in_debt FROM owed;
-- the first operation that differed, if any
SELECT d.*, op.kind, op.day, op.w, op.n, op.policy, op.part, pg_temp.award_of(op.m, op.id) AS award, op.l AS before, b.l AS after
FROM difference d JOIN op USING (m) JOIN book b USING (m) ORDER BY d.m, d.what LIMIT 5;
SELECT count(*) AS differences FROM difference;
