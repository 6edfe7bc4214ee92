/* What programs that test kernels share: pools of threads, and the clock behind -b. */
#ifndef TESTS_KERNELS_HARNESS_H
#define TESTS_KERNELS_HARNESS_H

#include "../unit/check.h"

#include <time.h>

#include "base/threads.h"

static struct pool *pools[3]; /* of 1 (NULL), 2 and 3 threads */

static inline int make_pools(void **state)
{
	(void)state;
	return pool_new(2, &pools[1], NULL) || pool_new(3, &pools[2], NULL);
}

static inline int free_pools(void **state)
{
	(void)state;
	pool_free(pools[1]);
	pool_free(pools[2]);
	return 0;
}

static inline double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of the fastest run of those that fit into so many, at least three. */
#define BEST_IN(time, best, statement)                           \
	do {                                                     \
		double end_ = now() + (time);                    \
		best = 1e9;                                      \
		for (int i_ = 0; i_ < 3 || now() < end_; i_++) { \
			double t_ = now();                       \
			statement;                               \
			t_ = now() - t_;                         \
			best = t_ < best ? t_ : best;            \
		}                                                \
	} while (0)
#define BEST(best, statement) BEST_IN(0.15, best, statement)

#endif
