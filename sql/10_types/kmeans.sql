-- The steps of k-means as aggregates over points: arrays of 1 to 32 numbers, a row each.

CREATE OR REPLACE FUNCTION member.kmeans_pass_step(state bigint[], point double precision[], centers double precision[]) RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kmeans_pass_step';
COMMENT ON FUNCTION member.kmeans_pass_step(bigint[], double precision[], double precision[]) IS 'Transition of kmeans_pass: one point more.';

CREATE AGGREGATE member.kmeans_pass(point double precision[], centers double precision[]) (
    SFUNC = member.kmeans_pass_step,
    STYPE = bigint[],
    SSPACE = 4096,
    COMBINEFUNC = member.counts_plus,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.kmeans_pass(double precision[], double precision[]) IS
    'One pass of k-means: sums of the points by their nearest centre, which kmeans_clusters() reads. The centres, 1 to 100, are the same in every row. Exact: the same whatever the order of the rows and the workers. Null over no rows. Errors: MB711 point or centre, MB502 number of centres, 22003 sum, 22004, 22023.';

CREATE OR REPLACE FUNCTION member.kmeans_clusters(pass bigint[])
RETURNS TABLE (cluster integer, members bigint, mean double precision[], variance double precision[], within double precision, silhouette double precision)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 8 AS 'MODULE_PATHNAME', 'kmeans_clusters';
COMMENT ON FUNCTION member.kmeans_clusters(bigint[]) IS
    'What a pass of k-means found, a row a centre: points nearest to it; their mean, the next centre; mean square of each feature around the centre; sum of the squared distances; mean simplified silhouette, 0 with one centre. Mean, variance and silhouette are null where no point is nearest. Errors: 22023 not a pass.';

CREATE OR REPLACE FUNCTION member.nearest_center(point double precision[], centers double precision[]) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kmeans_nearest';
COMMENT ON FUNCTION member.nearest_center(double precision[], double precision[]) IS
    'Number, from 1, of the centre that is nearest to a point; of several the first. Errors: MB711 point or centre, MB502 number of centres.';

CREATE OR REPLACE FUNCTION member.kmeans_scale(point double precision[], shift double precision[], width double precision[]) RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kmeans_scale';
COMMENT ON FUNCTION member.kmeans_scale(double precision[], double precision[], double precision[]) IS
    'A point number by number less shift, divided by width. Errors: MB711 numbers missing, not finite or of another length.';

CREATE OR REPLACE FUNCTION member.kmeans_seed_step(state double precision[], key bigint, point double precision[], centers double precision[], seed bigint) RETURNS double precision[]
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kmeans_seed_step';
COMMENT ON FUNCTION member.kmeans_seed_step(double precision[], bigint, double precision[], double precision[], bigint) IS 'Transition of kmeans_seed: one point more.';

CREATE OR REPLACE FUNCTION member.kmeans_seed_first(state double precision[], other double precision[]) RETURNS double precision[]
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kmeans_seed_first';
COMMENT ON FUNCTION member.kmeans_seed_first(double precision[], double precision[]) IS 'Combination of kmeans_seed: the candidate that comes first.';

CREATE OR REPLACE FUNCTION member.kmeans_seed_point(state double precision[]) RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kmeans_seed_point';
COMMENT ON FUNCTION member.kmeans_seed_point(double precision[]) IS 'End of kmeans_seed: the point that was drawn.';

CREATE AGGREGATE member.kmeans_seed(key bigint, point double precision[], centers double precision[], seed bigint) (
    SFUNC = member.kmeans_seed_step,
    STYPE = double precision[],
    FINALFUNC = member.kmeans_seed_point,
    COMBINEFUNC = member.kmeans_seed_first,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.kmeans_seed(bigint, double precision[], double precision[], bigint) IS
    'Draws a point as k-means++ does: with a chance in proportion to its squared distance from the nearest of the centres, without centres (null) any alike. Keys tell the rows apart; the same seed draws the same, whatever the order of the rows and the workers. Null when every point is a centre. Errors: MB711 point or centre, MB502 number of centres, 22004.';
