/* What cppcheck is told in place of PostgreSQL's headers: the macros that steer the flow. */
#define PG_FUNCTION_INFO_V1(f)
#define PG_MODULE_MAGIC
#define PG_MODULE_MAGIC_EXT(...)
#define PGDLLEXPORT
#define PG_FUNCTION_ARGS FunctionCallInfo fcinfo
#define ERROR abort()
#define ereport(level, ...) level
#define elog(level, ...) level
