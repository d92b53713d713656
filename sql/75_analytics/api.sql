CREATE OR REPLACE FUNCTION member.kmeans(query text, k integer DEFAULT NULL, max_k integer DEFAULT 10, scale text DEFAULT 'zscore', seed bigint DEFAULT 1, restarts integer DEFAULT 10, max_iterations integer DEFAULT 100)
RETURNS TABLE (cluster integer, members bigint, share numeric, center double precision[], within double precision, silhouette double precision, iterations integer)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    loaded record;
    fit record;
BEGIN
    PERFORM member_internal.kmeans_check(k, max_k, seed, restarts, max_iterations);
    SELECT l.* INTO loaded FROM member_internal.kmeans_load(query, scale, seed) l;
    SELECT f.* INTO fit FROM member_internal.kmeans_fit(
        coalesce(k, (SELECT c.k FROM member_internal.kmeans_choices(max_k, seed, restarts, max_iterations) c ORDER BY c.silhouette DESC, c.k LIMIT 1), 1),
        seed, restarts, max_iterations) f;
    RETURN QUERY
        SELECT row_number() OVER (ORDER BY c.members DESC, c.cluster)::integer, c.members, round(100.0 * c.members / loaded.points, 2),
               (SELECT array_agg(loaded.shift[n] + loaded.width[n] * c.mean[n] ORDER BY n) FROM generate_subscripts(c.mean, 1) n),
               c.within, c.silhouette, fit.iterations
        FROM member.kmeans_clusters(fit.pass) c ORDER BY 1;
    DROP TABLE pg_temp.kmeans_point, pg_temp.kmeans_sample;
END
$$;
COMMENT ON FUNCTION member.kmeans(text, integer, integer, text, bigint, integer, integer) IS
    'k-means 聚类 of the rows of a query, which gives a key (bigint) and a point (array of 1 to 32 numbers); names in it are qualified by their schema. k clusters, or of null the number from 2 to max_k with the highest mean silhouette. scale: zscore, minmax or none. The best of so many starts, each by k-means++ from the seed, on up to 10 000 of the rows, then passes over all until nothing moves: the same answer for the same rows and seed. A row a cluster, the largest first: members, percent, centre in the units of the query, sum of squared distances and mean simplified silhouette in scaled units, passes. Errors: MB711 point, MB712 fewer different points than k, MB502.';

CREATE OR REPLACE FUNCTION member.kmeans_choice(query text, max_k integer DEFAULT 10, scale text DEFAULT 'zscore', seed bigint DEFAULT 1, restarts integer DEFAULT 10, max_iterations integer DEFAULT 100)
RETURNS TABLE (k integer, within double precision, silhouette double precision, chosen boolean, elbow boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.kmeans_check(NULL, max_k, seed, restarts, max_iterations);
    PERFORM FROM member_internal.kmeans_load(query, scale, seed);
    RETURN QUERY
        WITH run AS MATERIALIZED (
            SELECT 1 AS k, f.within, NULL::double precision AS silhouette FROM member_internal.kmeans_fit(1, kmeans_choice.seed, 1, 1, true) f
            UNION ALL
            SELECT c.k, c.within, c.silhouette
            FROM member_internal.kmeans_choices(kmeans_choice.max_k, kmeans_choice.seed, kmeans_choice.restarts, kmeans_choice.max_iterations) c
        )
        SELECT x.k, x.within, x.silhouette, row_number() OVER (ORDER BY x.silhouette DESC, x.k) = 1,
               x.bend IS NOT NULL AND row_number() OVER (ORDER BY x.bend DESC NULLS LAST, x.k) = 1
        FROM (SELECT r.*, (lag(r.within) OVER (ORDER BY r.k) - r.within)
                          / greatest(r.within - lead(r.within) OVER (ORDER BY r.k), CASE WHEN lead(r.k) OVER (ORDER BY r.k) IS NOT NULL THEN 1e-9 * nullif(max(r.within) OVER (), 0) END) AS bend FROM run r) x
        WHERE x.k > 1 ORDER BY x.k;
    DROP TABLE pg_temp.kmeans_point, pg_temp.kmeans_sample;
END
$$;
COMMENT ON FUNCTION member.kmeans_choice(text, integer, text, bigint, integer, integer) IS
    'How many clusters the rows of a query fall into, on up to 10 000 of them: for 2, 3 … max_k the sum of squared distances, the mean simplified silhouette, which kmeans() takes by it, and the elbow of the sums: the number up to which the last cluster lowered the sum by most times as much as one more would; none: too few to tell. Errors: MB711 point, MB712 no points, MB502.';

CREATE OR REPLACE FUNCTION member.clusters_refresh(k integer DEFAULT NULL, features text[] DEFAULT '{recency,frequency,monetary}', days integer DEFAULT 365, max_k integer DEFAULT 8, scale text DEFAULT 'zscore', seed bigint DEFAULT 1, restarts integer DEFAULT 10)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning SET work_mem = '64MB'
AS $$
#variable_conflict use_column
DECLARE
    today date;
    loaded record;
    fit record;
    run integer;
    ranks integer[];
BEGIN
    PERFORM member_internal.require_ready();
    PERFORM member_internal.kmeans_check(k, max_k, seed, restarts, 100);
    today := member.day_of(member.now());
    SELECT l.* INTO loaded FROM member_internal.kmeans_load(member_internal.cluster_query(features, today, days), scale, seed) l;
    SELECT f.* INTO fit FROM member_internal.kmeans_fit(
        coalesce(k, (SELECT c.k FROM member_internal.kmeans_choices(max_k, seed, restarts, 100) c ORDER BY c.silhouette DESC, c.k LIMIT 1), 1),
        seed, restarts, 100) f;
    SELECT array_agg(c.cluster ORDER BY c.members DESC, c.cluster) INTO ranks FROM member.kmeans_clusters(fit.pass) c;
    INSERT INTO member.cluster_run (day, made_at, features, days, scale, seed, k, members, within, silhouette, iterations, shift, width, centers)
    SELECT today, member.now(), clusters_refresh.features, clusters_refresh.days, clusters_refresh.scale, clusters_refresh.seed, cardinality(ranks), loaded.points, fit.within,
           fit.silhouette, fit.iterations, loaded.shift, loaded.width,
           (SELECT array_agg(c.center ORDER BY c.place)
            FROM (SELECT r.place, (SELECT array_agg(fit.centers[r.n][j] ORDER BY j) FROM generate_subscripts(fit.centers, 2) j) AS center
                  FROM unnest(ranks) WITH ORDINALITY r (n, place)) c)
    RETURNING run_id INTO run;
    INSERT INTO member.cluster (run_id, cluster, members, center, within, silhouette)
    SELECT run, array_position(ranks, c.cluster), c.members,
           (SELECT array_agg(loaded.shift[n] + loaded.width[n] * c.mean[n] ORDER BY n) FROM generate_subscripts(c.mean, 1) n), c.within, c.silhouette
    FROM member.kmeans_clusters(fit.pass) c WHERE c.members > 0;
    CREATE TEMP TABLE cluster_of_member ON COMMIT DROP AS
        SELECT p.key AS member_id, member.nearest_center(p.point, (SELECT r.centers FROM member.cluster_run r WHERE r.run_id = run)) AS cluster FROM kmeans_point p;
    ANALYZE cluster_of_member;
    PERFORM member_internal.cluster_profile(run, member.day_start(today - days + 1), member.day_start(today + 1));
    DROP TABLE pg_temp.kmeans_point, pg_temp.kmeans_sample, pg_temp.cluster_of_member;
    RETURN run;
END
$$;
COMMENT ON FUNCTION member.clusters_refresh(integer, text[], integer, integer, text, bigint, integer) IS
    'Clusters the members that bought in the days (1 to 366) that end with today, by features: recency, frequency, monetary, log_frequency, log_monetary, mean_order, mean_gap, active_days, tenure, points, discount_share. The other arguments are those of kmeans(). Stores the run with a profile of each cluster for cluster_of() and member_report.cluster; returns its number. Errors: MB502, MB712 fewer different members than k, MB001, MB002.';

CREATE OR REPLACE FUNCTION member.cluster_of(member_id bigint, run_id integer DEFAULT NULL)
RETURNS TABLE (run integer, cluster integer, name text, point double precision[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    today CONSTANT date := member_internal.day_or_today(NULL);
    r record;
    features double precision[];
BEGIN
    SELECT c.* INTO r FROM member.cluster_run c WHERE c.run_id = coalesce(cluster_of.run_id, (SELECT max(l.run_id) FROM member.cluster_run l));
    IF NOT FOUND THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT q.point FROM (%s AND s.member_id = $1) q (key, point)', member_internal.cluster_query(r.features, today, r.days)) INTO features USING cluster_of.member_id;
    IF features IS NOT NULL THEN
        RETURN QUERY SELECT c.run_id, c.cluster, c.name, features FROM member.cluster c
            WHERE c.run_id = r.run_id AND c.cluster = member.nearest_center(member.kmeans_scale(features, r.shift, r.width), r.centers);
    END IF;
END
$$;
COMMENT ON FUNCTION member.cluster_of(bigint, integer) IS
    'The cluster a member is in today, by the centres of a run (default the last), and its features. No row: no run, or no purchase in the days it looks at. Errors: MB001.';

-- ---- baskets and items ----

CREATE OR REPLACE FUNCTION member.baskets_refresh(what text DEFAULT 'product', min_support double precision DEFAULT 0.001, min_confidence double precision DEFAULT 0.1, min_lift double precision DEFAULT 1, days integer DEFAULT 90, max_size integer DEFAULT 3)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning SET work_mem = '64MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    today date;
    since timestamptz;
    until timestamptz;
    baskets integer[];
    names text[];
    n bigint;
    run integer;
BEGIN
    PERFORM member_internal.require_ready();
    IF what IS NULL OR what NOT IN ('product', 'category', 'content', 'benefit') THEN
        PERFORM member_internal.refuse('MB502', format('unknown items "%s"', what), 'They are product, category, content or benefit.');
    END IF;
    IF days IS NULL OR days NOT BETWEEN 1 AND 3660 THEN
        PERFORM member_internal.refuse('MB502', format('invalid days: %s', coalesce(days::text, 'null')), 'It is 1 to 3660.');
    END IF;
    IF min_support IS NULL OR min_confidence IS NULL OR min_lift IS NULL OR max_size IS NULL THEN
        PERFORM member_internal.refuse('22004', 'arguments must not be null');
    END IF;
    today := member.day_of(member.now());
    since := member.day_start(today - days + 1);
    until := member.day_start(today + 1);
    CREATE TEMP TABLE basket_line (member_id bigint, basket integer, item text) ON COMMIT DROP;
    IF what = 'content' THEN
        INSERT INTO basket_line SELECT e.member_id, 0, e.category FROM member.event e WHERE e.at >= since AND e.at < until AND e.category IS NOT NULL;
    ELSIF what = 'benefit' THEN
        INSERT INTO basket_line SELECT u.member_id, 0, u.benefit FROM member.benefit_use u WHERE u.at >= since AND u.at < until;
    ELSE
        INSERT INTO basket_line SELECT l.member_id, l.entry_no, CASE baskets_refresh.what WHEN 'product' THEN l.product ELSE l.category END
            FROM member.purchase p JOIN member.purchase_line l USING (member_id, entry_no)
            WHERE p.at >= since AND p.at < until AND (p.refunded < p.amount OR p.amount = 0) AND (l.refunded < l.amount OR l.amount = 0)
              AND (baskets_refresh.what = 'product' OR l.category IS NOT NULL);
    END IF;
    ANALYZE basket_line;
    SELECT array_agg(i.item ORDER BY i.item) INTO names FROM (SELECT DISTINCT l.item FROM basket_line l) i;
    SELECT member.basket_agg(b.items), count(*) INTO baskets, n
    FROM (SELECT array_agg(i.no::integer) AS items FROM basket_line l JOIN unnest(names) WITH ORDINALITY i (item, no) USING (item) GROUP BY l.member_id, l.basket) b;
    DROP TABLE pg_temp.basket_line;
    DELETE FROM member.basket_run r WHERE r.what = baskets_refresh.what;
    INSERT INTO member.basket_run (what, day, made_at, days, baskets, min_support, min_confidence, min_lift, max_size)
    VALUES (baskets_refresh.what, today, member.now(), baskets_refresh.days, n, baskets_refresh.min_support, baskets_refresh.min_confidence, baskets_refresh.min_lift, baskets_refresh.max_size)
    RETURNING run_id INTO run;
    INSERT INTO member.basket_rule (run_id, rule_no, antecedent, consequent, occurrences, support, confidence, lift, leverage, conviction)
    SELECT run, row_number() OVER (ORDER BY r.lift DESC, r.support DESC, r.antecedent, r.consequent), ARRAY(SELECT names[i] FROM unnest(r.antecedent) i ORDER BY i), names[r.consequent[1]],
           r.occurrences, r.support, r.confidence, r.lift, r.leverage, r.conviction
    FROM member.association_rules(baskets, min_support, min_confidence, min_lift, max_size, 1, 1000000) r;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END
$$;
COMMENT ON FUNCTION member.baskets_refresh(text, double precision, double precision, double precision, integer, integer) IS
    'Makes the association rules 关联规则 of the days that end with today anew, which recommend() reads: of what members buy together, by product or category of the purchase lines (a basket a purchase), of content (a basket a member: categories of its events), or of benefits (a basket a member: those it used). min_support: share of the baskets that have all items of a rule; max_size: items of a rule. Returns how many rules. Errors: MB502, MB713 too many, 53400 needs more maintenance_work_mem, MB001, MB002.';

CREATE OR REPLACE FUNCTION member.recommend(items text[], what text DEFAULT 'product', max_rows integer DEFAULT 10)
RETURNS TABLE (item text, because text[], confidence double precision, lift double precision, support double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_ready();
    RETURN QUERY
        SELECT b.consequent, b.antecedent, b.confidence, b.lift, b.support
        FROM (SELECT DISTINCT ON (r.consequent) r.consequent, r.antecedent, r.confidence, r.lift, r.support
              FROM member.basket_rule r JOIN member.basket_run u USING (run_id)
              WHERE u.what = recommend.what AND r.antecedent <@ items AND r.consequent <> ALL (items)
              ORDER BY r.consequent, r.confidence DESC, r.lift DESC, r.rule_no) b
        ORDER BY b.confidence DESC, b.lift DESC, b.consequent LIMIT max_rows;
END
$$;
COMMENT ON FUNCTION member.recommend(text[], text, integer) IS
    'What goes with items: one, or all of a basket. By the rules of the last baskets_refresh() of that sort, the surest first: item, what it goes with, confidence and support, shares from 0 to 1, and lift. Items named are not among them. Errors: MB001, MB002.';

CREATE OR REPLACE FUNCTION member.recommend_for(member_id bigint, what text DEFAULT 'product', max_rows integer DEFAULT 10)
RETURNS TABLE (item text, because text[], confidence double precision, lift double precision, support double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    today CONSTANT date := member_internal.day_or_today(NULL);
BEGIN
    RETURN QUERY
        SELECT r.item, r.because, r.confidence, r.lift, r.support
        FROM member.basket_run u, LATERAL member.recommend(member_internal.items_of(recommend_for.member_id, u.what, today, u.days), u.what, max_rows) r
        WHERE u.what = recommend_for.what ORDER BY r.confidence DESC, r.lift DESC, r.item;
END
$$;
COMMENT ON FUNCTION member.recommend_for(bigint, text, integer) IS
    'What goes with what a member had in as many days, up to today, as the rules were made of, and did not have: recommend() for its history. No row: no rules, or nothing known of the member. Errors: MB001, MB002.';

CREATE OR REPLACE FUNCTION member.nearest_stores(latitude double precision, longitude double precision, max_rows integer DEFAULT 5, within_km double precision DEFAULT NULL)
RETURNS TABLE (store text, name text, km double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_ready();
    IF latitude IS NULL OR longitude IS NULL THEN
        PERFORM member_internal.refuse('22004', 'arguments "latitude" and "longitude" must not be null');
    END IF;
    RETURN QUERY
        SELECT d.store, d.name, d.km
        FROM (SELECT s.store, s.name, member.distance_km(nearest_stores.latitude, nearest_stores.longitude, s.latitude, s.longitude) AS km
              FROM member.store s WHERE s.latitude IS NOT NULL) d
        WHERE within_km IS NULL OR d.km <= within_km ORDER BY d.km, d.store LIMIT max_rows;
END
$$;
COMMENT ON FUNCTION member.nearest_stores(double precision, double precision, integer, double precision) IS
    'Stores with a position, the nearest first: latitude north and longitude east in degrees, kilometres as the crow flies, at most so far. Errors: MB502 position, MB001, MB002.';

CREATE OR REPLACE FUNCTION member.nearby_items(member_id bigint, latitude double precision, longitude double precision, max_stores integer DEFAULT 3, max_rows integer DEFAULT 5)
RETURNS TABLE (store text, km double precision, place integer, product text, category text, quantity numeric, taste numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_ready();
    RETURN QUERY
        WITH taste AS MATERIALIZED (
            SELECT l.category, sum(l.amount) / nullif(sum(sum(l.amount)) OVER (), 0) AS share
            FROM member.purchase_line l WHERE l.member_id = nearby_items.member_id AND l.category IS NOT NULL GROUP BY 1)
        SELECT r.store, r.km, r.place, r.product, r.category, r.quantity, round(100 * r.share, 2)
        FROM (SELECT s.store, s.km, i.product, i.category, i.quantity, t.share,
                     row_number() OVER (PARTITION BY s.store ORDER BY i.quantity * coalesce(t.share, 1) DESC, i.product)::integer AS place
              FROM member.nearest_stores(nearby_items.latitude, nearby_items.longitude, max_stores) s
              JOIN member.item_sales i ON i.store = s.store
              LEFT JOIN taste t ON t.category = i.category
              WHERE t.share > 0 OR NOT EXISTS (SELECT FROM taste x WHERE x.share > 0)) r
        WHERE r.place <= max_rows ORDER BY r.km, r.store, r.place;
END
$$;
COMMENT ON FUNCTION member.nearby_items(bigint, double precision, double precision, integer, integer) IS
    'What sells best in the stores next to a position, for a member''s taste: products of the categories it buys, by quantity of the last 30 days times the share of its spend on the category (taste, percent); of a member without such purchases whatever sells best. Errors: MB502 position, MB001, MB002.';
