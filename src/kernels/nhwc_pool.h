/* Max and average pooling of images with channels last, laid out as in nhwc_conv_f32.h, of floats
 * or of bytes, whose result has the scale and zero point of the input. */
#ifndef KERNELS_NHWC_POOL_H
#define KERNELS_NHWC_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "kernels/conv_shape.h"

enum pool_kind { POOL_MAX, POOL_AVG };

/* Plain data, no pointers. */
struct nhwc_pool {
	struct conv_shape s;   /* groups: the channels; cin = cout = 1 */
	int64_t ld_in, ld_out; /* elements from pixel to pixel */
	int kind;              /* enum pool_kind */
	bool exclude_pad;      /* an average counts the pixels inside of the image only */
	int pad_end[3];        /* without exclude_pad: padding behind, which counts, too */
	float lo, hi;          /* floats: clamp of the result; a NaN passes */
	int zero;              /* bytes: zero point, what padding counts as in an average */
	/* Set by the plan. */
	int row, row_blocks, col_blocks;
};
/* Pick the row and the cut. Global pooling is a window as large as the image. */
void nhwc_pool_f32_plan(struct nhwc_pool *p, int threads);
void nhwc_pool_u8_plan(struct nhwc_pool *p, int threads);
/* May bytes be averaged? Their sum must be one that a float holds: at most 2^15 pixels. */
bool nhwc_pool_u8_fits(const struct conv_shape *s);

/* A window without a pixel gives -FLT_MAX as maximum, 0 as average. */
void nhwc_pool_f32_run(const struct nhwc_pool *p, struct pool *pool, const float *in, float *out);
/* A window without a pixel gives 0 as maximum, the zero point as average. An average is the float
 * sum / count rounded half to even. */
void nhwc_pool_u8_run(
    const struct nhwc_pool *p, struct pool *pool, const uint8_t *in, uint8_t *out);

#endif
