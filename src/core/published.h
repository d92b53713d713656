/*
 * published.h: what of the settings each call needs, and the program in force, kept for the session.
 */
#ifndef MEMBER_PUBLISHED_H
#define MEMBER_PUBLISHED_H

#include "compat.h"

#include "utils/array.h"
#include "utils/snapshot.h"

#include "types/program.h"

/* Of the row of member.setting. */
typedef struct Setting
{
	int32 layout;
	int32 version;			 /* of the program in force */
	TransactionId published; /* that put it in force */
	ArrayType *limited;		 /* sources of awards; NULL: none */
} Setting;

/* False: nothing is published.  The table is there. */
extern bool setting_read(Snapshot snapshot, Setting *s);

/* Kept until the next call.  read_only: by the snapshot there is. */
extern const Program *published_program(const Setting *s, bool read_only);

#endif
