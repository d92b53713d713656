# member: a PostgreSQL extension
#
#   make demo       the main job on a throwaway server     (MEMBERS=n, DATA=purchases.csv)
#   make demo-stop  ends that server
#   make test       every test                             (ONLY=part-of-a-name, JOBS=n)
#   make bench      ratios against stated alternatives
#   make fuzz       mutated inputs under sanitizers        (SECONDS=n, SEED=n, ONLY=type)
#   make lint       compiler, cppcheck, format, plpgsql_check, comments
#   make, make install, make installcheck, make clean: as with every extension
#
# demo, test, bench, fuzz and lint install what they lack; PG_CONFIG=path chooses the PostgreSQL.

MODULE_big = member
EXTENSION = member
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" member.control)

# The extension script: types and code, in this order.
SQL_EXTENSION = \
	sql/00_base/schemas.sql \
	sql/10_types/lots.sql \
	sql/10_types/activity.sql \
	sql/10_types/rfm.sql \
	sql/10_types/value.sql \
	sql/10_types/kmeans.sql \
	sql/10_types/baskets.sql \
	sql/10_types/standing.sql \
	sql/10_types/tagset.sql \
	sql/10_types/program.sql \
	sql/10_types/step.sql \
	sql/50_rules/types.sql \
	sql/50_rules/facts.sql \
	sql/50_rules/ruleset.sql \
	sql/50_rules/match.sql \
	sql/00_base/functions.sql \
	sql/15_program/catalog.sql \
	sql/15_program/functions.sql \
	sql/20_members/functions.sql \
	sql/30_points/functions.sql \
	sql/70_value/functions.sql \
	sql/75_liability/functions.sql \
	sql/75_analytics/functions.sql \
	sql/80_messages/functions.sql \
	sql/88_import/functions.sql \
	sql/20_members/api.sql \
	sql/30_points/history.sql \
	sql/30_points/holds.sql \
	sql/30_points/pass.sql \
	sql/30_points/limits.sql \
	sql/30_points/transfer.sql \
	sql/30_points/adjust.sql \
	sql/30_points/pay.sql \
	sql/30_points/api.sql \
	sql/30_points/post.sql \
	sql/30_points/audit.sql \
	sql/30_points/repair.sql \
	sql/40_activity/functions.sql \
	sql/40_activity/api.sql \
	sql/50_rules/api.sql \
	sql/50_rules/functions.sql \
	sql/50_rules/tags.sql \
	sql/50_rules/audience.sql \
	sql/50_rules/segments.sql \
	sql/50_rules/preview.sql \
	sql/60_tiers/functions.sql \
	sql/60_tiers/api.sql \
	sql/60_tiers/benefits.sql \
	sql/60_tiers/simulate.sql \
	sql/70_value/api.sql \
	sql/75_analytics/api.sql \
	sql/80_messages/api.sql \
	sql/85_jobs/functions.sql \
	sql/85_jobs/api.sql \
	sql/88_import/api.sql \
	sql/88_import/points.sql \
	sql/89_presets/functions.sql \
	sql/89_presets/tags.sql \
	sql/99_grants/functions.sql

# What setup() and migrate() run later.
SQL_TABLES = \
	sql/00_base/tables.sql \
	sql/15_program/tables.sql \
	sql/20_members/tables.sql \
	sql/30_points/tables.sql \
	sql/40_activity/tables.sql \
	sql/50_rules/tables.sql \
	sql/60_tiers/tables.sql \
	sql/70_value/tables.sql \
	sql/75_liability/tables.sql \
	sql/75_analytics/tables.sql \
	sql/80_messages/tables.sql \
	sql/85_jobs/tables.sql \
	sql/88_import/tables.sql
SQL_VIEWS = \
	sql/90_report/views.sql \
	sql/90_report/tags.sql \
	sql/90_report/tiers.sql \
	sql/90_report/analytics.sql \
	sql/90_report/liability.sql
SQL_GRANTS = sql/99_grants/relations.sql
SQL_MIGRATIONS = $(sort $(wildcard sql/migrations/[0-9]*_*.sql))

# Lists may name files that are still to be written.
SQL_LISTED = $(SQL_EXTENSION) $(SQL_TABLES) $(SQL_VIEWS) $(SQL_GRANTS)
SQL_ABSENT := $(filter-out $(wildcard $(SQL_LISTED)),$(SQL_LISTED))
SQL_SOURCES = $(filter-out $(SQL_ABSENT),$(SQL_LISTED)) $(SQL_MIGRATIONS)

OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
INSTALL_SCRIPT_SQL = build/member--$(EXTVERSION).sql

# To the user DATA is the file to demonstrate with, to PGXS the list of files to install.
ifeq ($(origin PURCHASES),undefined)
PURCHASES := $(DATA)
endif
override DATA = $(filter-out %/member--$(EXTVERSION).sql,$(wildcard sql/releases/member--*.sql))
DATA_built = $(INSTALL_SCRIPT_SQL)
PG_CPPFLAGS = -Isrc
SHLIB_LINK = $(filter -lcrypto,$(LIBS))
REGRESS = $(sort $(notdir $(basename $(wildcard test/sql/*.sql))))
REGRESS_OPTS = --inputdir=test --load-extension=member
ISOLATION = $(sort $(notdir $(basename $(wildcard test/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=member
EXTRA_CLEAN = build

ifeq ($(shell grep -c '^## $(EXTVERSION)\b' CHANGELOG.md),0)
$(error CHANGELOG.md has no heading for version $(EXTVERSION) of member.control)
endif
ifeq ($(shell grep -c '"version": "$(EXTVERSION)"' META.json),0)
$(error META.json is of another version than member.control, $(EXTVERSION))
endif

.PHONY: all demo demo-stop test bench fuzz lint demo-run test-run bench-run fuzz-run lint-run
.PHONY: format placed drop-clusters lint-c lint-format lint-sql
all:

# A fresh machine: first the packages, then make again, which now finds pg_config.
demo test bench fuzz lint:
	@tools/prepare $@
	@$(MAKE) --no-print-directory $(if $(filter lint,$@),-k) $@-run

ifeq ($(PG_CONFIG),)
PG_CONFIG := $(shell tools/pg-config)
endif
export PG_CONFIG

ifeq ($(PG_CONFIG),)
all install uninstall installcheck:
	@echo "no PostgreSQL with server headers found: run tools/prepare test, or give PG_CONFIG=path" >&2
	@false
clean: drop-clusters
	rm -rf $(OBJS) member.so $(EXTRA_CLEAN)
else
override with_llvm = no
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# objects of an older layout of a structure must not be linked with newer ones
$(OBJS): $(wildcard src/*.h src/*/*.h)
clean: drop-clusters
endif

$(OBJS): $(sort $(wildcard src/*.h src/*/*.h)) build/pg-$(MAJORVERSION).stamp

# objects of one major are not good for another
build/pg-$(MAJORVERSION).stamp:
	@rm -f build/pg-*.stamp
	@mkdir -p build
	@touch $@

$(INSTALL_SCRIPT_SQL): $(SQL_SOURCES) tools/build-sql Makefile
	$(if $(SQL_ABSENT),$(warning listed, but not there yet: $(SQL_ABSENT)))
	@mkdir -p build
	tools/build-sql \
		--tables $(filter $(SQL_TABLES),$(SQL_SOURCES)) \
		--views $(filter $(SQL_VIEWS),$(SQL_SOURCES)) \
		--grants $(filter $(SQL_GRANTS),$(SQL_SOURCES)) \
		--migrations $(SQL_MIGRATIONS) \
		--extension $(filter $(SQL_EXTENSION),$(SQL_SOURCES)) >$@.new
	@mv $@.new $@

# built and installed, with sudo where the installation is not ours to write
placed:
	@$(MAKE) -s --no-print-directory all
	@if [ -w '$(pkglibdir)' ] && [ -w '$(datadir)/extension' ]; then root=; else root=sudo; fi; \
		$$root $(MAKE) -s --no-print-directory PG_CONFIG=$(PG_CONFIG) install

# ---- the commands -------------------------------------------------------------------

export PURCHASES MEMBERS ONLY JOBS

# The scripts find their server by PGHOST, PGPORT, PGUSER and PGDATABASE.
demo-run: placed
	@tools/cluster drop build/demo
	@tools/cluster start build/demo -d member shared_buffers=512MB max_wal_size=8GB \
		synchronous_commit=off >/dev/null
	@eval "$$(tools/cluster env build/demo)"; DATA='$(PURCHASES)' tools/demo
	@echo "The server stays up until make demo-stop; to look around:"
	@tools/cluster status build/demo

demo-stop:
	@tools/cluster stop build/demo

test-run: placed
	@flock -o build/test.lock tools/test

bench-run: placed
	@tools/cluster drop build/bench
	@tools/cluster start build/bench -d bench shared_preload_libraries= fsync=on \
		shared_buffers=2GB max_wal_size=4GB maintenance_work_mem=512MB >/dev/null
	@status=0; eval "$$(tools/cluster env build/bench)"; test/bench/run || status=$$?; \
		tools/cluster drop build/bench; exit $$status

# what the sanitizers are built into, with an allocator that they see through
FUZZ_CFLAGS = $(filter-out -O2,$(CFLAGS)) -O1 $(CFLAGS_SL) -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-include test/fuzz/redzone.h
FUZZ_OBJS = $(patsubst src/%.o,build/fuzz/%.o,$(OBJS)) build/fuzz/fuzz.o

build/fuzz/%.o: src/%.c test/fuzz/redzone.h $(wildcard src/*.h src/*/*.h)
	@mkdir -p $(@D)
	@$(CC) $(FUZZ_CFLAGS) $(PG_CPPFLAGS) -I$(includedir_server) -D_GNU_SOURCE -c $< -o $@

build/fuzz/fuzz.o: test/fuzz/fuzz.c test/fuzz/redzone.h
	@mkdir -p $(@D)
	@$(CC) $(FUZZ_CFLAGS) -I$(includedir_server) -D_GNU_SOURCE -c $< -o $@

build/fuzz/member.so: $(FUZZ_OBJS)
	@$(CC) -shared -fsanitize=address,undefined -o $@ $(FUZZ_OBJS)

fuzz-run: placed build/fuzz/member.so
	@test/fuzz/run

drop-clusters:
	@for name in demo test bench fuzz-server lint; do \
		if [ -e build/$$name ]; then tools/cluster drop build/$$name; fi; \
	done

# ---- lint ---------------------------------------------------------------------------

# PostgreSQL's own headers and macros do not pass -Wextra: they are system headers here,
# and its fmgr signatures leave parameters unused.
LINT_CFLAGS = $(filter-out -Wdeclaration-after-statement,$(CFLAGS)) $(CFLAGS_SL) \
	-Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
LINT_OBJS = $(patsubst src/%.o,build/lint-c/%.o,$(OBJS))
C_FILES = $(sort $(wildcard src/*.c src/*/*.c src/*.h src/*/*.h))

lint-run: lint-c lint-format lint-sql
	@echo "lint: clean"

build/lint-c/%.o: src/%.c $(filter %.h,$(C_FILES))
	@mkdir -p $(@D)
	@$(CC) $(LINT_CFLAGS) -Isrc -isystem $(includedir_server) -D_GNU_SOURCE -c $< -o $@

lint-c: $(LINT_OBJS)
	@cppcheck --quiet --std=c99 --language=c --error-exitcode=1 --inline-suppr \
		--enable=warning,portability,performance \
		--suppress=missingIncludeSystem --suppress=unknownMacro \
		--include=tools/cppcheck.h -DPG_VERSION_NUM=$(VERSION_NUM) -Isrc src

# what lint-format asks for, done
format:
	@clang-format -i $(C_FILES)

lint-format:
	@clang-format --dry-run -Werror $(C_FILES)

lint-sql: placed
	@tools/lint-sql
