/* What cppcheck is told in place of PostgreSQL's headers: the macros that steer the flow. */
#define PG_FUNCTION_INFO_V1(f)
#define PG_MODULE_MAGIC
#define PG_MODULE_MAGIC_EXT(...)
#define PGDLLEXPORT
#define PG_FUNCTION_ARGS FunctionCallInfo fcinfo
#define RAISE_ERROR abort()
#define RAISE_FATAL abort()
#define RAISE_PANIC abort()
#define RAISE_WARNING (void) 0
#define RAISE_NOTICE (void) 0
#define RAISE_INFO (void) 0
#define RAISE_LOG (void) 0
#define RAISE_DEBUG1 (void) 0
#define ereport(level, ...) RAISE_##level
#define elog(level, ...) RAISE_##level
