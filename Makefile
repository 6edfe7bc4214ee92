# mo: model optimizer and executor. `make help` lists the targets.
VERSION := $(shell sed -n 's/.*MO_VERSION "\(.*\)"/\1/p' src/version.h)
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local
PKGS := libprotobuf-c libxml-2.0 libxxhash libcjson libpng libjpeg zlib
PKG_CONFIG ?= pkg-config
MACHINE := $(shell $(CC) -dumpmachine)

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla $(if $(DEV),-Werror)
MO_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Isrc -I. -I$(BUILD)/gen -ffp-contract=off -fvisibility=hidden -fPIC -pthread $(WARN) \
	$(shell $(PKG_CONFIG) --cflags $(PKGS)) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer) $(if $(DEV),-DDEV)
MO_LIBS = $(shell $(PKG_CONFIG) --libs $(PKGS)) -lm $(if $(SANITIZE),-fsanitize=$(SANITIZE))

TOOLS := mo mo-run mo-info
MAINS := $(patsubst %,src/cli/%.c,$(subst -,_,$(TOOLS)))
SRC := $(wildcard src/*.c src/base/*.c src/graph/*.c src/ops/*.c src/kernels/*.c src/exec/*.c src/quant/*.c src/report/*.c formats/*.c passes/*.c)
ifeq ($(filter x86_64-%,$(MACHINE)),)
SRC := $(filter-out %__avx2.c %__avx512.c %__vnni.c %__bf16.c,$(SRC))
endif
CLI := $(filter-out $(MAINS),$(wildcard src/cli/*.c))
OBJ := $(SRC:%.c=$(BUILD)/%.o) $(BUILD)/gen/onnx.pb-c.o
CLI_OBJ := $(CLI:%.c=$(BUILD)/%.o)

all: $(TOOLS:%=$(BUILD)/bin/%) ## build the programs and the library

$(BUILD)/bin/%: $(BUILD)/libmo.a $(CLI_OBJ)
	@mkdir -p $(@D)
	$(CC) -pthread -o $@ $(BUILD)/src/cli/$(subst -,_,$*).o $(CLI_OBJ) $(BUILD)/libmo.a $(MO_LIBS) $(LDFLAGS)
$(foreach t,$(TOOLS),$(eval $(BUILD)/bin/$(t): $(BUILD)/src/cli/$(subst -,_,$(t)).o))

$(BUILD)/libmo.a: $(OBJ)
	rm -f $@ && ar rcs $@ $^

%__avx2.o: ISA = -mavx2 -mfma -mf16c
%__avx512.o: ISA = -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl

$(BUILD)/%.o: %.c Makefile | $(BUILD)/gen/onnx.pb-c.c
	@mkdir -p $(@D)
	$(CC) $(MO_CFLAGS) $(CFLAGS) $(ISA) -MMD -MP -c -o $@ $<
$(BUILD)/gen/%.pb-c.o: $(BUILD)/gen/%.pb-c.c
	$(CC) $(MO_CFLAGS) $(CFLAGS) -w -c -o $@ $<
$(BUILD)/gen/onnx.pb-c.c: formats/onnx.proto
	@mkdir -p $(@D)
	protoc-c --c_out=$(BUILD)/gen --proto_path=formats $<

-include $(OBJ:.o=.d) $(CLI_OBJ:.o=.d)

clean: ## remove what was built (peers and corpus stay)
	rm -rf $(BUILD)/src $(BUILD)/formats $(BUILD)/passes $(BUILD)/tests $(BUILD)/gen $(BUILD)/bin $(BUILD)/libmo.*

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

.PHONY: all clean help
.SECONDARY:
