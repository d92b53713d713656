/*
 * distance.c: great-circle distance by the haversine formula (R. Sinnott, "Virtues of the haversine", 1984).
 */
#include "compat.h"

#include <math.h>

#include "errors.h"

#define EARTH_KM 6371.0088 /* mean radius, IUGG */
#define RADIAN (M_PI / 180)

static void
check_position(double latitude, double longitude)
{
	if (!(fabs(latitude) <= 90) || !(fabs(longitude) <= 180))
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("invalid position: %g, %g", latitude, longitude),
				errdetail("Latitude is -90 to 90 degrees, longitude -180 to 180."));
}

/* distance_km(latitude, longitude, latitude, longitude) */
PG_FUNCTION_INFO_V1(member_distance_km);
Datum
member_distance_km(PG_FUNCTION_ARGS)
{
	double a = PG_GETARG_FLOAT8(0);
	double b = PG_GETARG_FLOAT8(2);
	double across = PG_GETARG_FLOAT8(3) - PG_GETARG_FLOAT8(1);
	double up;
	double side;

	check_position(a, PG_GETARG_FLOAT8(1));
	check_position(b, PG_GETARG_FLOAT8(3));
	up = sin((b - a) * RADIAN / 2);
	side = sin(across * RADIAN / 2);
	PG_RETURN_FLOAT8(2 * EARTH_KM *
					 asin(Min(1, sqrt(up * up + cos(a * RADIAN) * cos(b * RADIAN) * side * side))));
}
