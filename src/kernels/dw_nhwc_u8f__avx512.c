/* Depthwise convolution of bytes as the floats that they mean with AVX-512, 16 channels at a time.
 */
#include "kernels/dw_nhwc_u8f_body.h"

void dw_nhwc_u8f__avx512(const struct dw_nhwc_u8f_args *q)
{
	dw_pixels(q);
}
