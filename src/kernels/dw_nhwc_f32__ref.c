/* Depthwise convolution with channels last in plain C, a channel at a time: what the others are
 * judged by. */
#include "kernels/dw_nhwc_f32_body.h"

void dw_nhwc_f32__ref(const struct dw_nhwc_f32_args *q)
{
	dw_pixels(q);
}
