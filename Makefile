# make demo   what the package does, on this machine        make test   C tests and testthat
# make lint   layers, warnings, style, what is tested       make check  R CMD check (CHECK=short)
# make bench  ratios to peers (RESULT=name keeps them)      make san    C tests under sanitizers
# make docs   NAMESPACE and man/ by roxygen2                make objects  the list in src/Makevars
# make format clang-format on all C files
#
# All that is built lies in .lib/: the installed package, objects, test programs.

CC = gcc
CFLAGS = -O2 -g
C_STD = -std=gnu99 -Wall -Wextra -pedantic
SAN = -fsanitize=address,undefined -fno-omit-frame-pointer

LIB = .lib
CORE = $(wildcard src/core/*.c src/nn/*.c)
CORE_DEPS = $(wildcard src/core/*.h src/nn/*.h src/core/*.def) Makefile
C_TESTS = $(wildcard tests/core/test_*.c)
C_TEST_DEPS = $(filter-out $(C_TESTS),$(wildcard tests/core/*.[ch]))
PACKAGE = $(wildcard R/*.R src/*.[ch] src/Makevars data/* inst/kernels/*) DESCRIPTION NAMESPACE

export R_LIBS := $(CURDIR)/$(LIB)
export POCL_CACHE_DIR := $(CURDIR)/$(LIB)/pocl

.PHONY: demo test test-r ctest san lint check bench docs format objects install clean

demo:
	@tools/setup.sh run
	@$(MAKE) -s install
	@Rscript tools/demo.R

test:
	@tools/setup.sh test
	@$(MAKE) -s install
	@tools/test.sh $(LIB)/release

# one file of testthat: make test-r FILE=index [ANYGPU_DEVICE=opencl]
test-r: install
	@NOT_CRAN=true Rscript tools/testthat.R '$(FILE)'

# the C tests alone
ctest: $(LIB)/release/tests.stamp
	@tools/ctest.sh $(LIB)/release
	@tools/total.sh $(LIB)/release/ctest.log

san:
	@tools/setup.sh test
	@$(MAKE) -s $(LIB)/san/tests.stamp
	@tools/ctest.sh $(LIB)/san
	@tools/total.sh $(LIB)/san/ctest.log

lint:
	@tools/setup.sh lint
	@tools/lint.sh

check:
	@tools/setup.sh check
	@tools/check.sh $(CHECK)

bench:
	@tools/setup.sh bench
	@$(MAKE) -s install
	@Rscript bench/run.R $(RESULT)

docs:
	@tools/setup.sh docs
	@$(MAKE) -s install
	@Rscript tools/docs.R

# a heading that is too long loses dashes first
C_FILES = $(wildcard src/*.[ch] src/*/*.[ch] tests/core/*.[ch] bench/*.c)
format:
	@sed -i -E -e ':a' -e '/^\/\* -- .{95,}$$/s/- \*\/$$/ *\//;ta' $(C_FILES)
	@clang-format -i $(C_FILES)

objects:
	@tools/objects.sh

install: $(LIB)/installed.stamp

$(LIB)/installed.stamp: $(PACKAGE) $(CORE) $(CORE_DEPS)
	@tools/install.sh $(LIB)
	@touch $@

clean:
	rm -rf $(LIB) anygpu.Rcheck anygpu_*.tar.gz demo-out

# -- the core and its tests, as plain C programs: release and san ------------------------------

define build_rules
$(LIB)/$(1)/%.o: src/%.c $$(CORE_DEPS)
	@mkdir -p $$(@D)
	$$(CC) $$(C_STD) $$(CFLAGS) $(2) -Isrc -Isrc/core -c $$< -o $$@

$(LIB)/$(1)/test_%: tests/core/test_%.c $$(C_TEST_DEPS) $$(CORE:src/%.c=$(LIB)/$(1)/%.o)
	@mkdir -p $$(@D)
	$$(CC) $$(C_STD) $$(CFLAGS) $(2) -Isrc -Isrc/core -Itests/core $$(filter-out %.h,$$^) \
	  -o $$@ -lpthread -ldl -lm

$(LIB)/$(1)/tests.stamp: $$(C_TESTS:tests/core/%.c=$(LIB)/$(1)/%)
	@touch $$@
endef
$(eval $(call build_rules,release,))
$(eval $(call build_rules,san,$(SAN)))
.SECONDARY:
