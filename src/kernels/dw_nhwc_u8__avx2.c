/* Quantized depthwise convolution with channels last with AVX2, 32 channels at a time. */
#include "kernels/dw_nhwc_u8_body.h"

void dw_nhwc_u8__avx2(const struct dw_nhwc_u8_args *q)
{
	dw_pixels(q);
}
