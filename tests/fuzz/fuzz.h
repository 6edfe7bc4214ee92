/* What the fuzz targets share: bytes as files, and what is done with a graph once it was read.
 *
 * A target is one fuzz_NAME.c with LLVMFuzzerTestOneInput; tests/fuzz/run.sh links each with
 * libFuzzer, replay.c runs all of them on testdata/corpus/NAME under any compiler. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "graph/graph.h"
#include "graph/print.h"
#include "passes/pass.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failed expectation of a target is a find like any crash. */
#define EXPECT(what)                                                                       \
	do {                                                                               \
		if (!(what)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
			abort();                                                           \
		}                                                                          \
	} while (0)

/* A failure has a code and one line of words. */
static inline void fuzz_check_error(int rc, struct err *e)
{
	EXPECT(rc < 0 && rc >= E_USAGE && rc == e->status && e->text[0]);
	EXPECT(!strchr(e->text, '\n'));
	err_clear(e);
}

/* An anonymous file with these bytes: its descriptor, and its path in path. */
static inline int fuzz_file(const uint8_t *data, size_t size, char path[32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	EXPECT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

/* The whole pipeline on what was read; frees it. */
static inline void fuzz_graph(struct graph *g)
{
	struct err e = {0};
	struct pass_options o = pass_defaults();
	o.fold_bytes = 1 << 20;
	o.fp16 = true;
	if (graph_verify(g, &e))
		fprintf(stderr, "%s\n", e.text);
	EXPECT(!e.status);
	int rc = passes_run(g, &o, NULL, NULL, &e);
	if (rc)
		fuzz_check_error(rc, &e);
	else if (graph_verify(g, &e))
		fprintf(stderr, "%s\n", e.text);
	EXPECT(!e.status);
	graph_free(g);
}

#endif
