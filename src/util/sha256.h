/*
 * sha256.h: SHA-256 of some bytes.
 */
#ifndef MEMBER_SHA256_H
#define MEMBER_SHA256_H

#include "compat.h"

#define SHA256_LEN 32

extern void sha256_of(const void *data, Size len, uint8 *hash);

#endif
