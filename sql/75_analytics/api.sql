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
RETURNS TABLE (k integer, within double precision, silhouette double precision, chosen boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.kmeans_check(NULL, max_k, seed, restarts, max_iterations);
    PERFORM FROM member_internal.kmeans_load(query, scale, seed);
    RETURN QUERY SELECT c.k, c.within, c.silhouette, row_number() OVER (ORDER BY c.silhouette DESC, c.k) = 1
                 FROM member_internal.kmeans_choices(kmeans_choice.max_k, kmeans_choice.seed, kmeans_choice.restarts, kmeans_choice.max_iterations) c ORDER BY c.k;
    DROP TABLE pg_temp.kmeans_point, pg_temp.kmeans_sample;
END
$$;
COMMENT ON FUNCTION member.kmeans_choice(text, integer, text, bigint, integer, integer) IS
    'How many clusters the rows of a query fall into, on up to 10 000 of them: for 2, 3 … max_k the sum of squared distances (look for the elbow), the mean simplified silhouette, and which kmeans() takes by it. Errors: MB711 point, MB712 no points, MB502.';

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
    p record;
BEGIN
    SELECT c.* INTO r FROM member.cluster_run c WHERE c.run_id = coalesce(cluster_of.run_id, (SELECT max(l.run_id) FROM member.cluster_run l));
    IF NOT FOUND THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT q.point FROM (%s AND s.member_id = $1) q (key, point)', member_internal.cluster_query(r.features, today, r.days)) INTO p USING cluster_of.member_id;
    IF p.point IS NOT NULL THEN
        RETURN QUERY SELECT c.run_id, c.cluster, c.name, p.point::double precision[] FROM member.cluster c
            WHERE c.run_id = r.run_id AND c.cluster = member.nearest_center(member.kmeans_scale(p.point, r.shift, r.width), r.centers);
    END IF;
END
$$;
COMMENT ON FUNCTION member.cluster_of(bigint, integer) IS
    'The cluster a member is in today, by the centres of a run (default the last), and its features. No row: no run, or no purchase in the days it looks at. Errors: MB001.';
