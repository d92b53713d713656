-- All members, and every tenth of them; and the histories as columns, for the alternative.
CREATE TABLE bench.large AS SELECT member_id, activity FROM member.state;
CREATE TABLE bench.small AS SELECT member_id, activity FROM member.state WHERE member_id % 10 = 0;
CREATE TABLE bench.history AS
SELECT s.member_id, h.x, h.t_x, h.t FROM member.state s, member.purchase_history(s.activity, 1::smallint, '2026-03-01') h WHERE h.t IS NOT NULL;
VACUUM (FREEZE, ANALYZE) bench.large;
VACUUM (FREEZE, ANALYZE) bench.small;
VACUUM (FREEZE, ANALYZE) bench.history;
-- log-gamma by Stirling's series, inlined; good to 1e-6 above 3, where it is asked
CREATE FUNCTION bench.log_gamma(z double precision) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (z + 2.5) * ln(z + 3) - (z + 3) + 0.918938533204673 + 1 / (12 * (z + 3)) - ln(z * (z + 1) * (z + 2));
