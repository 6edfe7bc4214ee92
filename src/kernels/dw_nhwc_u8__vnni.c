/* Quantized depthwise convolution with channels last with AVX-512 VNNI, 64 channels at a time. */
#include "kernels/dw_nhwc_u8_body.h"

void dw_nhwc_u8__vnni(const struct dw_nhwc_u8_args *q)
{
	dw_pixels(q);
}
