/* FP32 local response normalisation across the channels of images with channels last.
 *
 * Use: set all up to ld_out; plan; run as often as wanted. Same bits for any number of threads. */
#ifndef KERNELS_NHWC_LRN_F32_H
#define KERNELS_NHWC_LRN_F32_H

#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"

/* Plain data, no pointers. See struct lrn_rows. */
struct nhwc_lrn_f32 {
	int rows, n, size; /* pixels, channels, neighbours with itself */
	float scale, beta, bias;
	int64_t ld_in, ld_out;
	/* Set by the plan. */
	int pieces;
	size_t worker, scratch; /* bytes, of each worker and of all */
};

void nhwc_lrn_f32_plan(struct nhwc_lrn_f32 *r, int threads);
void nhwc_lrn_f32_run(
    const struct nhwc_lrn_f32 *r, struct pool *pool, const float *in, float *out, void *scratch);

#endif
