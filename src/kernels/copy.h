/* Copies of runs of bytes that lie at regular distances. */
#ifndef KERNELS_COPY_H
#define KERNELS_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"

#define COPY_DIMS 3

/* Plain data: a box of runs, the last dim the innermost one; in bytes from run to run. */
struct copy {
	int64_t size; /* of a run */
	int64_t count[COPY_DIMS], from[COPY_DIMS], to[COPY_DIMS];
};

/* Copies of which none overlaps another, but one may be its own place. */
void copy_runs(const struct copy *k, struct pool *pool, const void *from, void *to);
/* n such runs of size bytes, which are to_step and from_step bytes apart; size may be small. */
void copy_rows(
    void *to, int64_t to_step, const void *from, int64_t from_step, int64_t n, int64_t size);

#endif
