/* Depthwise convolution of bytes as the floats that they mean in plain C, a channel at a
 * time: what the others are judged by. */
#include "kernels/dw_nhwc_u8f_body.h"

void dw_nhwc_u8f__ref(const struct dw_nhwc_u8f_args *q)
{
	dw_pixels(q);
}
