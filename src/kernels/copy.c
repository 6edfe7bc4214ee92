/* Runs of bytes from place to place, in pieces for the threads. */
#include "kernels/copy.h"

#include <string.h>

#define SMALL 65536 /* bytes that are not worth a second thread */
#define SHORT 256   /* bytes of a run that are not worth a call */
#define PIECE 16    /* bytes of a register that every processor has */

/* In pieces, the last of which overlaps the one before; the last is read before it is written, so
 * that a run may be its own place. */
static inline void copy_short(char *to, const char *from, int64_t n, int64_t piece)
{
	char last[PIECE];
	memcpy(last, from + n - piece, (size_t)piece);
	for (int64_t i = 0; i + piece < n; i += piece)
		memcpy(to + i, from + i, (size_t)piece);
	memcpy(to + n - piece, last, (size_t)piece);
}

void copy_rows(
    void *to, int64_t to_step, const void *from, int64_t from_step, int64_t n, int64_t size)
{
	char *t = to;
	const char *f = from;
	for (; n > 0; n--, t += to_step, f += from_step)
		if (size >= SHORT)
			memmove(t, f, (size_t)size);
		else if (size >= PIECE)
			copy_short(t, f, size, PIECE);
		else if (size >= 4)
			copy_short(t, f, size, 4);
		else
			for (int64_t i = 0; i < size; i++)
				t[i] = f[i];
}

struct copy_run {
	const struct copy *k;
	const char *from;
	char *to;
	int tasks;
};

/* Lines of the innermost dim: number first to last - 1 of the box's. */
static void lines(const struct copy_run *r, int64_t first, int64_t last)
{
	const struct copy *k = r->k;
	for (int64_t i = first; i < last; i++) {
		int64_t a = i / k->count[1], b = i % k->count[1];
		const char *from = r->from + a * k->from[0] + b * k->from[1];
		char *to = r->to + a * k->to[0] + b * k->to[1];
		copy_rows(to, k->to[2], from, k->from[2], k->count[2], k->size);
	}
}

static void task(void *ctx, int number, int worker)
{
	const struct copy_run *r = ctx;
	int64_t all = r->k->count[0] * r->k->count[1];
	(void)worker;
	lines(r, all * number / r->tasks, all * (number + 1) / r->tasks);
}

void copy_runs(const struct copy *k, struct pool *pool, const void *from, void *to)
{
	int64_t all = k->count[0] * k->count[1];
	int threads = pool ? pool_size(pool) : 1;
	struct copy_run r = {k, from, to, 1};
	if (all * k->count[2] * k->size > SMALL)
		r.tasks = all < threads ? (int)all : threads;
	pool_run(pool, r.tasks, task, &r);
}
