/* Pooling with channels last with AVX2, 32 channels at a time. */
#include "kernels/pool_nhwc_f32_body.h"

void pool_nhwc_f32__avx2(const struct pool_nhwc_f32_args *q)
{
	pool_pixels(q);
}
