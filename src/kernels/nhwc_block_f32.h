/* Convolutions one behind the other, worked on a few lines at a time, so that what lies between
 * them stays in the cache: a depthwise one with what feeds it (any implicit GEMM) or a 1x1
 * convolution behind it or both.
 *
 * Use: set s, ld_in, ld_out, ld_add, lo, hi and way of each convolution, as for itself, and n; see
 * that it fits; plan; run. Weights are packed as for each convolution. Results have the same bits
 * as those of the convolutions one by one. */
#ifndef KERNELS_NHWC_BLOCK_F32_H
#define KERNELS_NHWC_BLOCK_F32_H

#include "kernels/nhwc_conv_f32.h"

#define NHWC_BLOCK 3

/* Plain data. */
struct nhwc_block_f32 {
	int n;
	struct nhwc_conv_f32 c[NHWC_BLOCK]; /* ld_in and ld_out between them are the plan's */
	/* Set by the plan. */
	int lines, pieces;              /* of the depthwise result: of a strip; parts of an image */
	size_t at[NHWC_BLOCK];          /* bytes of a worker's scratch before that of each */
	size_t between[NHWC_BLOCK];     /* and before what lies behind each */
	size_t shared, worker, scratch; /* bytes: for all, for each worker after it, together */
};

/* Can b->c, b->n be done so? */
bool nhwc_block_f32_fits(const struct nhwc_block_f32 *b);
/* Is it faster than one after the other, for so many threads? */
bool nhwc_block_f32_pays(const struct nhwc_block_f32 *b, int threads);
void nhwc_block_f32_plan(struct nhwc_block_f32 *b, int threads);

/* As in struct nhwc_conv_f32_args. */
struct nhwc_block_f32_args {
	const float *in, *packed[NHWC_BLOCK], *bias[NHWC_BLOCK];
	const float *add; /* to the last one's results, or NULL */
	float *out;
	void *scratch;
};
void nhwc_block_f32_run(
    const struct nhwc_block_f32 *b, struct pool *pool, const struct nhwc_block_f32_args *a);

#endif
