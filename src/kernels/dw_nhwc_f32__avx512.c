/* Depthwise convolution with channels last with AVX-512, 16 channels at a time. */
#include "kernels/dw_nhwc_f32_body.h"

void dw_nhwc_f32__avx512(const struct dw_nhwc_f32_args *q)
{
	dw_pixels(q);
}
