/* Runs of bytes from place to place, in pieces for the threads. */
#include "kernels/copy.h"

#include <string.h>

#define SMALL 65536 /* bytes that are not worth a second thread */

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
		for (int64_t j = 0; j < k->count[2]; j++, from += k->from[2], to += k->to[2])
			memmove(to, from, (size_t)k->size);
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
