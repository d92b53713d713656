/*
 * clock.h: the moment it is, or is said to be.
 */
#ifndef MEMBER_CLOCK_H
#define MEMBER_CLOCK_H

#include "compat.h"

#include "datatype/timestamp.h"

extern TimestampTz clock_now(void);

#endif
