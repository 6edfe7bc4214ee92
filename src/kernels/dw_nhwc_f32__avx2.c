/* Depthwise convolution with channels last with AVX2, 8 channels at a time. */
#include "kernels/dw_nhwc_f32_body.h"

void dw_nhwc_f32__avx2(const struct dw_nhwc_f32_args *q)
{
	dw_pixels(q);
}
