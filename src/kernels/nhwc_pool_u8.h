/* Max and average pooling of bytes with channels last, laid out as in nhwc_conv_f32.h; scale and
 * zero point of the result are those of the input. */
#ifndef KERNELS_NHWC_POOL_U8_H
#define KERNELS_NHWC_POOL_U8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "kernels/conv_shape.h"
#include "kernels/nhwc_pool_f32.h"

/* Plain data, no pointers. */
struct nhwc_pool_u8 {
	struct conv_shape s;   /* groups: the channels; cin = cout = 1 */
	int64_t ld_in, ld_out; /* bytes from pixel to pixel */
	int kind;              /* enum pool_kind */
	int zero;              /* zero point: what padding counts as in an average */
	bool exclude_pad;      /* an average counts the pixels inside of the image only */
	int pad_end[3];        /* without exclude_pad: padding behind, which counts too */
	/* Set by the plan. */
	int row, row_blocks, col_blocks;
	size_t scratch; /* 0 */
};
/* A window without a pixel gives 0 as maximum, the zero point as average. An average is the float
 * sum / count rounded half to even; its window has at most 2^15 pixels, see nhwc_pool_u8_fits. */
bool nhwc_pool_u8_fits(const struct conv_shape *s);
void nhwc_pool_u8_plan(struct nhwc_pool_u8 *p, int threads);
void nhwc_pool_u8_run(
    const struct nhwc_pool_u8 *p, struct pool *pool, const uint8_t *in, uint8_t *out);

#endif
