# mo: model optimizer and executor. `make help` lists the targets.
VERSION := $(shell sed -n 's/.*MO_VERSION "\(.*\)"/\1/p' src/version.h)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local
STRIP ?= strip
JOBS := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
PKGS := libprotobuf-c libxxhash libcjson
# Loaded when first needed: only their headers are built with.
LATE_PKGS := expat libpng libjpeg zlib libzstd sqlite3
PKG_CONFIG ?= pkg-config
MACHINE := $(shell $(CC) -dumpmachine)

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla $(if $(DEV),-Werror)
SAN := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) $(LATE_PKGS) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
LATE_LIBS := $(shell $(PKG_CONFIG) --libs $(LATE_PKGS) 2>/dev/null)
MO_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Isrc -I. -I$(BUILD)/gen $(PKG_CFLAGS) -ffp-contract=off \
	-fvisibility=hidden -fPIC -pthread $(WARN) $(SAN) $(if $(DEV),-DDEV)
MO_LIBS = $(PKG_LIBS) -lm $(SAN)

TOOLS := mo mo-calibrate mo-run mo-bench mo-compile mo-info
SRC := $(wildcard src/*.c $(addprefix src/,base/*.c graph/*.c ops/*.c kernels/*.c exec/*.c quant/*.c \
	store/*.c report/*.c) formats/*.c passes/*.c)
ifeq ($(filter x86_64-%,$(MACHINE)),)
SRC := $(filter-out %__avx2.c %__avx512.c %__vnni.c %__bf16.c,$(SRC))
endif
CLI := $(wildcard src/cli/*.c)
OBJ := $(SRC:%.c=$(BUILD)/%.o) $(BUILD)/gen/onnx.pb-c.o
MAIN_OBJ := $(BUILD)/src/cli/main.o
CLI_OBJ := $(filter-out $(MAIN_OBJ),$(CLI:%.c=$(BUILD)/%.o))
UNIT := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c tests/kernels/test_*.c))
RUNNERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/passes/*.c tests/fuzz/replay*.c))

all: $(TOOLS:%=$(BUILD)/bin/%) $(BUILD)/libmo.a $(BUILD)/libmo.so $(BUILD)/mo.pc ## build the programs and the library

# The programs are names for one file, whose code is in the library, so that it is installed once: in
# ../lib, and here beside bin.
$(BUILD)/bin/mo: $(MAIN_OBJ) $(BUILD)/libmo.so
	@mkdir -p $(@D)
	$(CC) -pthread -o $@ $^ '-Wl,--disable-new-dtags,-rpath,$$ORIGIN/../lib:$$ORIGIN/..' $(SAN) $(LDFLAGS)
$(BUILD)/bin/mo-%: $(BUILD)/bin/mo
	ln -sf mo $@

$(BUILD)/libmo.a: $(OBJ)
	@rm -f $@
	ar rcs $@ $^
$(BUILD)/libmo.so: $(OBJ) $(CLI_OBJ)
	$(CC) -shared -pthread -Wl,-soname,libmo.so.$(SOVERSION) -o $@ $^ $(MO_LIBS) $(LDFLAGS)
	ln -sf $(@F) $@.$(SOVERSION)
$(BUILD)/mo.pc: src/version.h Makefile
	@mkdir -p $(@D)
	printf 'prefix=%s\nName: mo\nDescription: run ONNX and OpenVINO IR networks\nVersion: %s\n' \
	    '$(PREFIX)' '$(VERSION)' > $@
	printf 'Requires.private: %s\nLibs: -L$${prefix}/lib -lmo\nLibs.private: -lm -pthread\nCflags: -I$${prefix}/include\nmk=$${prefix}/share/mo/mo.mk\n' \
	    '$(PKGS)' >> $@

# The suffix after __ is the compile flags of a kernel file.
%__avx2.o: ISA = -mavx2 -mfma -mf16c
%__avx512.o: ISA = -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl
%__vnni.o: ISA = -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni
%__bf16.o: ISA = -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16

# Clang 14 takes minutes to instrument unrolled kernels, which see no hostile bytes: for the fuzzer only
# the plain C ones tell of stray addresses.
ifneq ($(findstring fuzzer,$(SANITIZE)),)
%__avx2.o %__avx512.o %__vnni.o %__bf16.o: SAN =
%__ref.o: SAN = -fsanitize=address -fno-omit-frame-pointer
endif

$(BUILD)/%.o: %.c Makefile | $(BUILD)/gen/onnx.pb-c.c $(BUILD)/gen/plan.h
	@mkdir -p $(@D)
	$(CC) $(MO_CFLAGS) $(CFLAGS) $(ISA) -MMD -MP -c -o $@ $<
$(BUILD)/gen/%.pb-c.o: $(BUILD)/gen/%.pb-c.c
	$(CC) $(MO_CFLAGS) $(CFLAGS) -w -c -o $@ $<
# What a compiled network depends on: plans and packed weights are what these sources make of it.
$(BUILD)/gen/plan.h: $(sort $(wildcard $(addprefix src/,exec/*.[ch] exec/*.def kernels/*.[ch] kernels/*.def)))
	@mkdir -p $(@D)
	cat $^ | sha256sum | sed 's/^\(.\{16\}\).*/#define PLAN_HASH "\1"/' > $@
$(BUILD)/gen/onnx.pb-c.c: formats/onnx.proto
	@mkdir -p $(@D)
	protoc-c --c_out=$(BUILD)/gen --proto_path=formats $<

# The report page with its charting library (Debian's, not ours), compressed, as C.
CHART ?= /usr/share/javascript/chart.js/chart.min.js
$(BUILD)/src/report/page.o: $(BUILD)/gen/report/page_data.h
PAGE := $(sort $(wildcard src/report/page/*.js))
$(BUILD)/gen/report/page_data.h: src/report/page/page.html src/report/page/page.awk $(PAGE) Makefile
	@mkdir -p $(@D)
	{ echo 'static const unsigned char page_gz[] = {'; \
	    awk -v library='$(CHART)' -v scripts='$(PAGE)' -f src/report/page/page.awk $< | \
	    gzip -9n | od -An -v -tx1 | sed 's/ \(..\)/0x\1,/g'; echo '};'; } >$@

# The page around a network's picture, as C.
$(BUILD)/src/report/view.o: $(BUILD)/gen/report/view_data.h
$(BUILD)/gen/report/view_data.h: src/report/view.html Makefile
	@mkdir -p $(@D)
	{ echo 'static const unsigned char view_page[] = {'; od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g'; echo '0};'; } >$@

# Tests write pictures and archives, too.
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libmo.a
	$(CC) -pthread -o $@ $< $(BUILD)/libmo.a -lcmocka -Wl,--as-needed $(LATE_LIBS) $(MO_LIBS) $(LDFLAGS)

# Its allocations go through the test, which lets them fail one by one.
WRAPPED := malloc calloc realloc reallocarray aligned_alloc strdup strndup arena_alloc arena_array arena_copy \
	arena_str arena_strn
$(BUILD)/tests/unit/test_alloc: override LDFLAGS += $(WRAPPED:%=-Wl,--wrap=%)

-include $(OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(UNIT:=.d) $(RUNNERS:=.d)

# ---- what a user runs -----------------------------------------------------------------------------

setup: ## install what building needs, where it is missing (Debian)
	@sh tests/setup.sh
demo: setup ## convert the network in testdata, run it on labelled samples, show the result
	@$(MAKE) --no-print-directory -s $(JOBS) all
	@sh tests/demo.sh $(BUILD)
check: ## set up, build and run all tests (under 20 minutes)
	@sh tests/setup.sh check
	@$(MAKE) --no-print-directory -s $(JOBS) all tests
	@$(MAKE) --no-print-directory check-built
check-all: ## check, and the heavy sweeps: whole networks, arm64, long fuzzing
	@sh tests/setup.sh heavy
	@$(MAKE) --no-print-directory -s $(JOBS) all tests
	@$(MAKE) --no-print-directory check-built HEAVY=1
check-built: all tests
	@BUILD=$(BUILD) HEAVY=$(HEAVY) CC='$(CC)' bash tests/run.sh
tests: $(UNIT) $(RUNNERS) ## build the test programs
peers: ## install the outside peers into build/peers by pip (OpenVINO, ONNX Runtime, NNCF)
	@sh tests/interop/peers.sh $(BUILD)
lint: all ## include arrows, banned calls, formatting, man pages against --help, headers alone
	@BUILD=$(BUILD) CC='$(CC)' bash tests/lint/run.sh
bench: all $(UNIT) ## time kernels, conversion and networks, beside the peers where they are installed
	@BUILD=$(BUILD) bash tests/bench/run.sh
fuzz: ## fuzz each target with libFuzzer for FUZZ_SECONDS (60)
	@BUILD=$(BUILD) bash tests/fuzz/run.sh
bless: all tests ## rewrite the expected results of the pass tests
	@for f in tests/passes/*.txt; do $(BUILD)/tests/passes/run_passes --bless $$f; done

install: all ## install under PREFIX (/usr/local), into DESTDIR
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -s --strip-program=$(STRIP) $(BUILD)/bin/mo $(DESTDIR)$(PREFIX)/bin
	for t in $(filter-out mo,$(TOOLS)); do ln -sf mo $(DESTDIR)$(PREFIX)/bin/$$t; done
	install -m 644 src/mo.h $(DESTDIR)$(PREFIX)/include
	install -m 755 -s --strip-program=$(STRIP) $(BUILD)/libmo.so $(DESTDIR)$(PREFIX)/lib/libmo.so.$(VERSION)
	ln -sf libmo.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libmo.so.$(SOVERSION)
	ln -sf libmo.so.$(SOVERSION) $(DESTDIR)$(PREFIX)/lib/libmo.so
	install -m 644 $(BUILD)/mo.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig
	sed -i 's|^prefix=.*|prefix=$(PREFIX)|' $(DESTDIR)$(PREFIX)/lib/pkgconfig/mo.pc
	for m in man/*.[0-9]; do install -Dm 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m#man/}; done
	install -Dm 644 src/share/mo.mk $(DESTDIR)$(PREFIX)/share/mo/mo.mk
	cp -r src/share/examples $(DESTDIR)$(PREFIX)/share/mo
	install -Dm 644 src/share/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/mo
	for t in $(filter-out mo,$(TOOLS)); do ln -sf mo $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$t; done
install-static: all ## the static library, too
	install -Dm 644 $(BUILD)/libmo.a $(DESTDIR)$(PREFIX)/lib/libmo.a
	$(STRIP) -g $(DESTDIR)$(PREFIX)/lib/libmo.a
deb: all ## a Debian package in build
	+@sh src/share/deb.sh $(BUILD) $(VERSION)
bundle: all ## a tar that runs MODEL=net.xml on any Debian: mo-run, its libraries, the network and its blob
	@sh src/share/bundle.sh $(BUILD) '$(MODEL)'

format: ## rewrite the C files in the project's style
	clang-format -i $$(git ls-files '*.c' '*.h')
clean: ## remove what was built (peers and corpus stay)
	rm -rf $(addprefix $(BUILD)/,src formats passes tests gen bin asan tsan arm64 fuzz log) $(BUILD)/libmo.* $(BUILD)/mo.pc
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

.PHONY: all setup demo check check-all check-built tests peers lint bench fuzz bless install install-static deb bundle format clean help
.SECONDARY:
