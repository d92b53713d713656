/*
 * read.h: reading the cells of a bulk load.
 */
#ifndef MEMBER_READ_H
#define MEMBER_READ_H

#include "compat.h"
#include "datatype/timestamp.h"
#include "pgtime.h"

extern pg_tz *find_zone(const char *name, int len);
extern bool read_moment(const char *text, int len, pg_tz *zone, TimestampTz *at);
extern bool read_is_json(text *t);

#endif
