/* FP32 max and average pooling of images with channels last, laid out as in nhwc_conv_f32.h. */
#ifndef KERNELS_NHWC_POOL_F32_H
#define KERNELS_NHWC_POOL_F32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "kernels/conv_shape.h"

enum pool_kind { POOL_MAX, POOL_AVG };

/* Plain data, no pointers. */
struct nhwc_pool_f32 {
	struct conv_shape s;   /* groups: the channels; cin = cout = 1 */
	int64_t ld_in, ld_out; /* floats from pixel to pixel */
	int kind;              /* enum pool_kind */
	bool exclude_pad;      /* an average counts the pixels inside of the image only */
	int pad_end[3];        /* without exclude_pad: padding behind, which counts as zeros */
	float lo, hi;          /* clamp of the result; a NaN passes */
	/* Set by the plan. */
	int row, row_blocks, col_blocks;
	size_t scratch; /* 0 */
};
/* Picks the row and the cut; a window without a pixel gives -inf as maximum, 0 as average. Global
 * pooling is a window as large as the image. */
void nhwc_pool_f32_plan(struct nhwc_pool_f32 *p, int threads);
void nhwc_pool_f32_run(
    const struct nhwc_pool_f32 *p, struct pool *pool, const float *in, float *out);

#endif
