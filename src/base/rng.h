/* A small reproducible random generator for test data (SplitMix64, Steele et al. 2014). Not for
 * secrets. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

static inline uint64_t rng_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}
/* Uniform in [0, 1) with 24 random bits. */
static inline float rng_f32(uint64_t *state)
{
	return (float)(rng_next(state) >> 40) * 0x1p-24f;
}

#endif
