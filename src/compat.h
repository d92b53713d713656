/*
 * compat.h: the differences between PostgreSQL 15, 17 and 18 that this extension meets.
 */
#ifndef MEMBER_COMPAT_H
#define MEMBER_COMPAT_H

#include "postgres.h"
#include "fmgr.h"

#if PG_VERSION_NUM < 150000
#error "member needs PostgreSQL 15 or later"
#endif

/* varatt.h was split from postgres.h in 16. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#include "access/tableam.h"
#include "nodes/miscnodes.h"
#endif

/*
 * Soft errors of type input: 16 and later hand an error context to input functions; before, the error
 * is raised.  Input functions call soft_context(fcinfo) once and use ereturn() everywhere.
 */
#if PG_VERSION_NUM >= 160000
#define soft_context(fcinfo) ((fcinfo)->context)
#define soft_failed(ctx) SOFT_ERROR_OCCURRED(ctx)
#else
#define soft_context(fcinfo) NULL
#define soft_failed(ctx) false
#define ereturn(ctx, dummy, ...) \
	do \
	{ \
		(void) (ctx); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy; \
	} while (0)
#endif

/* The extra value of a setting is freed by the server: with free() before 16, in its own memory since. */
#if PG_VERSION_NUM >= 160000
#define GUC_ALLOC(size) guc_malloc(LOG, size)
#define GUC_FREE(p) guc_free(p)
#else
#define GUC_ALLOC(size) malloc(size)
#define GUC_FREE(p) free(p)
#endif

/* SHA-256, as SCRAM passwords: 16 added which hash is meant. */
#if PG_VERSION_NUM >= 160000
#define SCRAM_KEY_LEN SCRAM_SHA_256_KEY_LEN
#define scram_salted_password(password, salt, saltlen, iterations, result, problem) \
	scram_SaltedPassword(password, PG_SHA256, SCRAM_SHA_256_KEY_LEN, salt, saltlen, iterations, \
						 result, problem)
#else
#define scram_salted_password(password, salt, saltlen, iterations, result, problem) \
	scram_SaltedPassword(password, salt, saltlen, iterations, result, problem)
#endif

/* ExecInsertIndexTuples() of one new row: 16 added whether only summarizing indexes are meant. */
#if PG_VERSION_NUM >= 160000
#define insert_index_tuples(result, slot, estate) \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, false)
#else
#define insert_index_tuples(result, slot, estate) \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL)
#endif

/* What an update tells of the indexes: 16 knows of summarizing ones. */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes IndexUpdate;
#define update_index_tuples(result, slot, estate, what) \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, (what) == TU_Summarizing)
#else
typedef bool IndexUpdate;
#define update_index_tuples(result, slot, estate, what) \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL)
#endif

/* Where ANALYZE keeps the statistics target of a column, and what it calls between rows. */
#if PG_VERSION_NUM >= 170000
#define stats_target(stats) ((stats)->attstattarget)
#else
#define stats_target(stats) ((stats)->attr->attstattarget)
#endif
#if PG_VERSION_NUM >= 180000
#define analyze_delay_point() vacuum_delay_point(true)
#else
#define analyze_delay_point() vacuum_delay_point()
#endif

/* 18 writes noreturn before a declaration, under a new name. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* PG_MODULE_MAGIC_EXT names the module to the monitoring views of 18. */
#if PG_VERSION_NUM >= 180000
#define MEMBER_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "member")
#else
#define MEMBER_MODULE_MAGIC PG_MODULE_MAGIC
#endif

#endif
