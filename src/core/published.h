/*
 * published.h: the program in force, kept for the session.
 */
#ifndef MEMBER_PUBLISHED_H
#define MEMBER_PUBLISHED_H

#include "compat.h"

#include "types/program.h"

/* Of a version and the transaction (xmin of member.setting) that put it in force; kept until the next call.  read_only: by the snapshot there is. */
extern const Program *published_program(int32 version, TransactionId published, bool read_only);

#endif
