-- k-means over a temporary table: kmeans_point holds the scaled points, kmeans_sample up to 10 000 of them, on which
-- the starts are tried. A table of its own, so that every pass sees the same rows.

CREATE OR REPLACE FUNCTION member_internal.kmeans_load(query text, scale text, seed bigint, OUT points bigint, OUT shift double precision[], OUT width double precision[])
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    low double precision[];
    span double precision[];
    mean double precision[];
    variance double precision[];
BEGIN
    IF scale IS NULL OR scale NOT IN ('zscore', 'minmax', 'none') THEN
        PERFORM member_internal.refuse('MB502', format('unknown scale "%s"', scale), 'It is zscore, minmax or none.');
    END IF;
    IF query IS NULL THEN
        PERFORM member_internal.refuse('22004', 'argument "query" must not be null');
    END IF;
    DROP TABLE IF EXISTS pg_temp.kmeans_raw, pg_temp.kmeans_point, pg_temp.kmeans_sample;
    EXECUTE format('CREATE TEMP TABLE kmeans_raw ON COMMIT DROP AS SELECT q.key::bigint AS key, q.point::double precision[] AS point FROM (%s
) q (key, point)', query);
    IF EXISTS (SELECT FROM kmeans_raw r WHERE r.key IS NULL OR r.point IS NULL OR array_position(r.point, NULL) > 0) THEN
        PERFORM member_internal.refuse('MB711', 'a point has a null', hint => 'Leave such rows out, or give them a value.');
    END IF;
    SELECT count(*) INTO points FROM kmeans_raw;
    IF points = 0 THEN
        PERFORM member_internal.refuse('MB712', 'there are no points');
    END IF;
    SELECT array_agg(f.low ORDER BY f.n), array_agg(coalesce(nullif(f.high - f.low, 0), 1) ORDER BY f.n) INTO low, span
    FROM (SELECT u.n, min(u.x) AS low, max(u.x) AS high FROM kmeans_raw r, unnest(r.point) WITH ORDINALITY u (x, n) GROUP BY u.n) f;
    IF low IS NULL OR 'NaN' = ANY (span) OR 'Infinity' = ANY (span) THEN
        PERFORM member_internal.refuse('MB711', CASE WHEN low IS NULL THEN 'a point has no numbers' ELSE 'a point has a number that is not finite' END,
            hint => 'Leave such rows out, or give them a value.');
    END IF;
    CASE scale
    WHEN 'minmax' THEN
        shift := low;
        width := span;
    WHEN 'none' THEN
        shift := array_fill(0::double precision, ARRAY[cardinality(low)]);
        width := array_fill(1::double precision, ARRAY[cardinality(low)]);
    ELSE
        -- mean and deviation of what lies between 0 and 1, whatever the feature is counted in
        SELECT c.mean INTO mean FROM member.kmeans_clusters((SELECT member.kmeans_pass(member.kmeans_scale(r.point, low, span), ARRAY[array_fill(0::double precision, ARRAY[cardinality(low)])]) FROM kmeans_raw r)) c;
        SELECT c.variance INTO variance FROM member.kmeans_clusters((SELECT member.kmeans_pass(member.kmeans_scale(r.point, low, span), ARRAY[mean]) FROM kmeans_raw r)) c;
        SELECT array_agg(low[n] + span[n] * mean[n] ORDER BY n), array_agg(coalesce(nullif(span[n] * sqrt(variance[n]), 0), 1) ORDER BY n) INTO shift, width
        FROM generate_series(1, cardinality(low)) n;
    END CASE;
    CREATE TEMP TABLE kmeans_point ON COMMIT DROP AS SELECT r.key, member.kmeans_scale(r.point, shift, width) AS point FROM kmeans_raw r;
    DROP TABLE pg_temp.kmeans_raw;
    CREATE TEMP TABLE kmeans_sample ON COMMIT DROP AS
        SELECT p.key, p.point FROM kmeans_point p ORDER BY hashint8extended(p.key, kmeans_load.seed), p.key, p.point LIMIT 10000;
    ANALYZE kmeans_point, kmeans_sample;
END
$$;
COMMENT ON FUNCTION member_internal.kmeans_load(text, text, bigint) IS
    'The points of a query, scaled, into the temporary tables kmeans_point and kmeans_sample; how many there are, and what was taken off and divided by. Errors: MB502, MB711, MB712.';

-- The first centres: one point, then each with a chance in proportion to its squared distance from those before.
CREATE OR REPLACE FUNCTION member_internal.kmeans_start(points text, k integer, seed bigint, centers double precision[] DEFAULT NULL) RETURNS double precision[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    drawn double precision[];
BEGIN
    WHILE coalesce(array_length(centers, 1), 0) < k LOOP
        EXECUTE format('SELECT member.kmeans_seed(p.key, p.point, $1, $2) FROM %I p', points) INTO drawn USING centers, seed;
        IF drawn IS NULL THEN
            RETURN NULL;
        END IF;
        centers := coalesce(centers, '{}') || ARRAY[drawn];
    END LOOP;
    RETURN centers;
END
$$;
COMMENT ON FUNCTION member_internal.kmeans_start(text, integer, bigint, double precision[]) IS
    'Centres by k-means++ over a temporary table, those given and as many as are missing; null when there are not so many different points.';

-- Passes until nothing moves. A centre that is nearest to no point is drawn anew, as the first ones were.
CREATE OR REPLACE FUNCTION member_internal.kmeans_run(points text, INOUT centers double precision[], seed bigint, max_iterations integer, OUT pass bigint[], OUT within double precision, OUT silhouette double precision, OUT iterations integer)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    k CONSTANT integer := array_length(centers, 1);
    next double precision[] := centers;
    before double precision;
    full_house boolean;
BEGIN
    iterations := 0;
    LOOP
        centers := next;
        EXECUTE format('SELECT member.kmeans_pass(p.point, $1) FROM %I p', points) INTO pass USING centers;
        iterations := iterations + 1;
        SELECT array_agg(c.mean ORDER BY c.cluster) FILTER (WHERE c.members > 0), sum(c.within), sum(c.silhouette * c.members) / sum(c.members), bool_and(c.members > 0)
        INTO next, within, silhouette, full_house FROM member.kmeans_clusters(pass) c;
        EXIT WHEN iterations >= max_iterations OR full_house AND (next = centers OR before - within <= 1e-9 * within);
        before := CASE WHEN full_house THEN within END;
        IF NOT full_house THEN
            next := coalesce(member_internal.kmeans_start(points, k, seed + iterations, next), centers);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION member_internal.kmeans_run(text, double precision[], bigint, integer) IS
    'Lloyd''s passes over a temporary table, from the centres given to where nothing moves or the last pass: the centres and the pass that they gave.';

CREATE OR REPLACE FUNCTION member_internal.kmeans_fit(k integer, seed bigint, restarts integer, max_iterations integer, only_sample boolean DEFAULT false,
    OUT centers double precision[], OUT pass bigint[], OUT within double precision, OUT silhouette double precision, OUT iterations integer)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    start double precision[];
    tried record;
BEGIN
    FOR n IN 0 .. restarts - 1 LOOP
        start := member_internal.kmeans_start('kmeans_sample', k, seed + n);
        EXIT WHEN start IS NULL;
        SELECT r.* INTO tried FROM member_internal.kmeans_run('kmeans_sample', start, seed + n, max_iterations) r;
        IF within IS NULL OR tried.within < within THEN
            centers := tried.centers;
            pass := tried.pass;
            within := tried.within;
            silhouette := tried.silhouette;
            iterations := tried.iterations;
        END IF;
    END LOOP;
    IF centers IS NULL AND NOT only_sample THEN
        PERFORM member_internal.refuse('MB712', format('there are not %s different points', k), hint => 'Ask for fewer clusters.');
    END IF;
    IF NOT only_sample AND (SELECT count(*) FROM kmeans_point) > (SELECT count(*) FROM kmeans_sample) THEN
        SELECT r.* INTO tried FROM member_internal.kmeans_run('kmeans_point', centers, seed, max_iterations) r;
        centers := tried.centers;
        pass := tried.pass;
        within := tried.within;
        silhouette := tried.silhouette;
        iterations := tried.iterations;
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.kmeans_fit(integer, bigint, integer, integer, boolean) IS
    'The best of several starts over the sample, then brought to rest over all points; null of a sample without so many different points. Errors: MB712.';

CREATE OR REPLACE FUNCTION member_internal.kmeans_choices(max_k integer, seed bigint, restarts integer, max_iterations integer)
RETURNS TABLE (k integer, within double precision, silhouette double precision)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    fit record;
BEGIN
    FOR n IN 2 .. max_k LOOP
        SELECT f.* INTO fit FROM member_internal.kmeans_fit(n, kmeans_choices.seed, kmeans_choices.restarts, kmeans_choices.max_iterations, true) f;
        EXIT WHEN fit.centers IS NULL;
        RETURN QUERY SELECT n, fit.within, fit.silhouette;
    END LOOP;
END
$$;
COMMENT ON FUNCTION member_internal.kmeans_choices(integer, bigint, integer, integer) IS
    'The sample in 2, 3 … clusters, as far as there are different points: sum of squared distances, mean simplified silhouette.';

CREATE OR REPLACE FUNCTION member_internal.kmeans_check(k integer, max_k integer, seed bigint, restarts integer, max_iterations integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong text := CASE WHEN k NOT BETWEEN 1 AND 100 THEN format('k: %s', k)
        WHEN max_k IS NULL OR max_k NOT BETWEEN 2 AND 100 THEN format('max_k: %s', coalesce(max_k::text, 'null'))
        WHEN restarts IS NULL OR restarts NOT BETWEEN 1 AND 1000 THEN format('restarts: %s', coalesce(restarts::text, 'null'))
        WHEN max_iterations IS NULL OR max_iterations NOT BETWEEN 1 AND 10000 THEN format('max_iterations: %s', coalesce(max_iterations::text, 'null'))
        WHEN seed IS NULL OR seed NOT BETWEEN 0 AND 1000000000 THEN format('seed: %s', coalesce(seed::text, 'null')) END;
BEGIN
    IF wrong IS NOT NULL THEN
        PERFORM member_internal.refuse('MB502', 'invalid ' || wrong,
            'k is 1 to 100 or null, max_k 2 to 100, restarts 1 to 1000, max_iterations 1 to 10000, seed 0 to 1000000000.');
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.kmeans_check(integer, integer, bigint, integer, integer) IS 'Refuses options k-means does not take. Errors: MB502.';

-- ---- clusters of members ----

-- The features of members, a number each: what it is called and how it is read of s, a row of member.state, on day d.
CREATE OR REPLACE FUNCTION member_internal.cluster_features() RETURNS TABLE (feature text, expression text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('recency', '{day}::date - member.last_day(s.activity, {stream})'),
           ('frequency', 'member.count(s.activity, {stream}, {since}, {until})'),
           ('monetary', 'member.amount(s.activity, {stream}, {since}, {until}) / 100.0'),
           ('log_frequency', 'ln(1 + member.count(s.activity, {stream}, {since}, {until}))'),
           ('log_monetary', 'ln(1 + greatest(member.amount(s.activity, {stream}, {since}, {until}), 0) / 100.0)'),
           ('mean_order', 'coalesce(member.amount(s.activity, {stream}, {since}, {until}) / 100.0 / nullif(member.count(s.activity, {stream}, {since}, {until}), 0), 0)'),
           ('mean_gap', 'coalesce(member.mean_gap(s.activity, {stream}), {days})'),
           ('active_days', 'member.active_days(s.activity, {stream}, {since}, {until})'),
           ('tenure', '{day}::date - member.first_day(s.activity, {stream})'),
           ('points', 'member.balance(s.lots, 1::smallint, {day})'),
           ('discount_share', 'coalesce(l.discount, 0)')
$$;
COMMENT ON FUNCTION member_internal.cluster_features() IS 'Features members can be clustered by.';

-- A query of key and point: members that bought in the days that end with the day.
CREATE OR REPLACE FUNCTION member_internal.cluster_query(features text[], day date, days integer) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    unknown text;
    point text;
    query text;
BEGIN
    IF days IS NULL OR days NOT BETWEEN 1 AND 366 THEN
        PERFORM member_internal.refuse('MB502', format('invalid days: %s', coalesce(days::text, 'null')), 'It is 1 to 366.');
    END IF;
    SELECT string_agg(coalesce(format('"%s"', n), 'null'), ', ') INTO unknown FROM unnest(features) n
    WHERE NOT EXISTS (SELECT FROM member_internal.cluster_features() f WHERE f.feature = n);
    IF unknown IS NOT NULL OR coalesce(cardinality(features), 0) = 0 THEN
        PERFORM member_internal.refuse('MB502', format('unknown feature %s', coalesce(unknown, '(none given)')),
            hint => format('Features are %s.', (SELECT string_agg(f.feature, ', ') FROM member_internal.cluster_features() f)));
    END IF;
    SELECT string_agg(format('(%s)::double precision', f.expression), ', ' ORDER BY n.place) INTO point
    FROM unnest(features) WITH ORDINALITY n (feature, place) JOIN member_internal.cluster_features() f USING (feature);
    query := 'SELECT s.member_id, ARRAY[' || point || '] FROM member.state s'
        || CASE WHEN 'discount_share' = ANY (features) THEN
            ' LEFT JOIN (SELECT p.member_id, greatest(1 - sum(p.amount) / sum(p.list_amount), 0) AS discount FROM member.purchase_line p
                         WHERE p.list_amount > 0 GROUP BY 1) l ON l.member_id = s.member_id' ELSE '' END
        || ' WHERE member.last_day(s.activity, {stream}) BETWEEN {since} AND {day}';
    RETURN replace(replace(replace(replace(replace(query,
        '{stream}', format('%s::smallint', member_internal.purchase_stream())), '{days}', days::text),
        '{since}', format('%L::date', cluster_query.day - days + 1)), '{until}', format('%L::date', cluster_query.day + 1)), '{day}', format('%L::date', cluster_query.day));
END
$$;
COMMENT ON FUNCTION member_internal.cluster_query(text[], date, integer) IS
    'The query of the points of all members that bought in the days to a day. Errors: MB502 feature, days.';

-- What is the same of the members of each cluster: purchases of the window, most visited store, most bought and most read category.
CREATE OR REPLACE FUNCTION member_internal.cluster_profile(run_id integer, since timestamptz, until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    UPDATE member.cluster c SET orders = x.orders, spend = x.spend, mean_order = round(x.spend / nullif(x.orders, 0), 2), store = x.store, store_share = x.share
    FROM (SELECT s.cluster, sum(s.orders)::bigint AS orders, sum(s.spend) AS spend, (array_agg(s.store ORDER BY s.orders DESC, s.store) FILTER (WHERE s.store IS NOT NULL))[1] AS store,
                 round(100.0 * max(s.orders) FILTER (WHERE s.store IS NOT NULL) / nullif(sum(s.orders), 0), 2) AS share
          FROM (SELECT m.cluster, p.store, count(*) AS orders, sum(p.amount - p.refunded) AS spend
                FROM cluster_of_member m JOIN member.purchase p USING (member_id)
                WHERE p.at >= cluster_profile.since AND p.at < cluster_profile.until AND (p.refunded < p.amount OR p.amount = 0) GROUP BY 1, 2) s
          GROUP BY 1) x
    WHERE c.run_id = cluster_profile.run_id AND c.cluster = x.cluster;
    UPDATE member.cluster c SET category = x.category, category_share = x.share
    FROM (SELECT s.cluster, (array_agg(s.category ORDER BY s.spend DESC, s.category))[1] AS category, round(100.0 * max(s.spend) / nullif(sum(s.spend), 0), 2) AS share
          FROM (SELECT m.cluster, l.category, sum(l.amount - l.refunded) AS spend
                FROM cluster_of_member m JOIN member.purchase p USING (member_id) JOIN member.purchase_line l USING (member_id, entry_no)
                WHERE p.at >= cluster_profile.since AND p.at < cluster_profile.until AND l.category IS NOT NULL GROUP BY 1, 2) s
          GROUP BY 1) x
    WHERE c.run_id = cluster_profile.run_id AND c.cluster = x.cluster;
    UPDATE member.cluster c SET content = x.category, content_share = x.share
    FROM (SELECT s.cluster, (array_agg(s.category ORDER BY s.events DESC, s.category))[1] AS category, round(100.0 * max(s.events) / sum(s.events), 2) AS share
          FROM (SELECT m.cluster, e.category, count(*) AS events
                FROM cluster_of_member m JOIN member.event e USING (member_id)
                WHERE e.at >= cluster_profile.since AND e.at < cluster_profile.until AND e.category IS NOT NULL GROUP BY 1, 2) s
          GROUP BY 1) x
    WHERE c.run_id = cluster_profile.run_id AND c.cluster = x.cluster;
END
$$;
COMMENT ON FUNCTION member_internal.cluster_profile(integer, timestamptz, timestamptz) IS
    'Fills in the purchases of each cluster of a run, its store, category and content, by the temporary table cluster_of_member.';

-- ---- baskets and items ----

CREATE OR REPLACE FUNCTION member_internal.items_refresh(day date) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
    DELETE FROM member.item_sales;
    INSERT INTO member.item_sales (store, product, category, day, lines, quantity, amount, buyers)
    SELECT coalesce(p.store, ''), l.product, max(l.category), items_refresh.day, count(*), sum(l.quantity), sum(l.amount - l.refunded), member.count_members(l.member_id)
    FROM member.purchase p JOIN member.purchase_line l USING (member_id, entry_no)
    WHERE p.at >= (SELECT member.day_start(items_refresh.day - 29)) AND p.at < (SELECT member.day_start(items_refresh.day + 1))
      AND (p.refunded < p.amount OR p.amount = 0) AND (l.refunded < l.amount OR l.amount = 0)
    GROUP BY 1, 2;
$$;
COMMENT ON FUNCTION member_internal.items_refresh(date) IS
    'Makes item_sales of the 30 days that end with the day; what is refunded in whole, line or purchase, is not counted.';

-- What a member had in the days that end with the day, of a sort of item.
CREATE OR REPLACE FUNCTION member_internal.items_of(member_id bigint, what text, day date, days integer) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(DISTINCT x.item), '{}')
    FROM (SELECT CASE items_of.what WHEN 'product' THEN l.product ELSE l.category END AS item
          FROM member.purchase_line l JOIN member.entry e USING (member_id, entry_no)
          WHERE l.member_id = items_of.member_id AND items_of.what IN ('product', 'category')
            AND e.at >= (SELECT member.day_start(items_of.day - days + 1)) AND e.at < (SELECT member.day_start(items_of.day + 1))
          UNION ALL
          SELECT v.category FROM member.event v
          WHERE v.member_id = items_of.member_id AND items_of.what = 'content'
            AND v.at >= (SELECT member.day_start(items_of.day - days + 1)) AND v.at < (SELECT member.day_start(items_of.day + 1))
          UNION ALL
          SELECT b.benefit FROM member.benefit_use b
          WHERE b.member_id = items_of.member_id AND items_of.what = 'benefit'
            AND b.at >= (SELECT member.day_start(items_of.day - days + 1)) AND b.at < (SELECT member.day_start(items_of.day + 1))) x
    WHERE x.item IS NOT NULL
$$;
COMMENT ON FUNCTION member_internal.items_of(bigint, text, date, integer) IS
    'Products or categories a member bought, categories of its events, or benefits it used, in the days that end with the day.';
