/* What calibration does to many floats: extremes of spans and of columns, and errors carried on.
 * Every instruction set gives the same bits. */
#ifndef KERNELS_SEEN_F32_H
#define KERNELS_SEEN_F32_H

#include <stdbool.h>
#include <stdint.h>

#define SEEN_CARRY 64 /* sums side by side */

struct seen_f32 {
	const char *name;
	unsigned need; /* enum cpu_feature bits */
	/* Widens [*low, *high] to all of x[0..n-1]; false when one is not finite. */
	bool (*ends)(const float *x, int64_t n, float *low, float *high);
	/* The same for each of n columns of rows that are ld apart. */
	bool (*columns)(
	    const float *x, int64_t rows, int64_t ld, int64_t n, float *low, float *high);
	/* sum[k] = the sum over i of by[i] * e[i * SEEN_CARRY + k], in order, each product and each
	 * sum rounded. */
	void (*carry)(const float *by, const float *e, int n, float *sum);
};

extern const struct seen_f32 seen_f32_rows[];
/* The first row that the processor, as limited, has. */
int seen_f32_pick(void);

#define SEEN_F32(need, isa)                                                                \
	bool seen_f32_ends__##isa(const float *x, int64_t n, float *low, float *high);     \
	bool seen_f32_columns__##isa(                                                      \
	    const float *x, int64_t rows, int64_t ld, int64_t n, float *low, float *high); \
	void seen_f32_carry__##isa(const float *by, const float *e, int n, float *sum);
#include "kernels/kernels.def"

#endif
