/* Buffers for tests of kernels on bytes: random ones, and ones with guards around them. */
#ifndef TESTS_KERNELS_BYTES_H
#define TESTS_KERNELS_BYTES_H

#include "../unit/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define GUARD 64 /* bytes before and behind a buffer */
#define GUARD_VALUE 0xa5
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* n bytes of the guard's value between guards, aligned to 64 bytes. */
static inline void *guarded(size_t n)
{
	uint8_t *p = aligned_alloc(64, (n + 2 * GUARD + 63) / 64 * 64);
	assert_non_null(p);
	memset(p, GUARD_VALUE, n + 2 * GUARD);
	return p + GUARD;
}

static inline void guarded_free(void *buffer, size_t n)
{
	uint8_t *p = buffer;
	for (int i = 0; i < GUARD; i++) {
		assert_int_equal(p[i - GUARD], GUARD_VALUE);
		assert_int_equal(p[n + (size_t)i], GUARD_VALUE);
	}
	free(p - GUARD);
}

/* n random bytes in a buffer of exactly that size, so that sanitizers see overreads. */
static inline void *noise(size_t n, uint64_t seed)
{
	uint8_t *p = malloc(n ? n : 1);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(256 * rng_f32(&seed));
	return p;
}

static inline float *randoms(size_t n, float scale, uint64_t seed)
{
	float *p = malloc((n ? n : 1) * sizeof *p);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = scale * (2 * rng_f32(&seed) - 1);
	return p;
}

static inline size_t volume(const int d[3])
{
	return (size_t)d[0] * (size_t)d[1] * (size_t)d[2];
}

static inline float clampf(float x, float lo, float hi)
{
	x = x > lo ? x : lo; /* and a NaN */
	return x > hi ? hi : x;
}

#endif
