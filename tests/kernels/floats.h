/* Buffers of floats for tests of kernels: random ones, and ones with guards around them. */
#ifndef TESTS_KERNELS_FLOATS_H
#define TESTS_KERNELS_FLOATS_H

#include "../unit/check.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/rng.h"

#define GUARD 16 /* floats before and behind a buffer */
#define GUARD_VALUE -12345.5f
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* n floats of the guard's value between guards, aligned to 64 bytes. */
static inline float *guarded(size_t n)
{
	float *p = aligned_alloc(64, (n + 2 * GUARD + 15) / 16 * 64);
	assert_non_null(p);
	for (size_t i = 0; i < n + 2 * GUARD; i++)
		p[i] = GUARD_VALUE;
	return p + GUARD;
}

static inline void guarded_free(float *p, size_t n)
{
	for (int i = 0; i < GUARD; i++) {
		assert_true(p[i - GUARD] == GUARD_VALUE);
		assert_true(p[n + (size_t)i] == GUARD_VALUE);
	}
	free(p - GUARD);
}

/* n random floats in [-1, 1) in a buffer of exactly that size, so that sanitizers see overreads. */
static inline float *randoms(size_t n, uint64_t seed)
{
	float *p = malloc((n ? n : 1) * sizeof *p);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = 2 * rng_f32(&seed) - 1;
	return p;
}

static inline float clampf(float x, float lo, float hi)
{
	x = x < lo ? lo : x;
	return x > hi ? hi : x;
}

#endif
