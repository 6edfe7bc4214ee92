/* Pooling of bytes with channels last with AVX2. */
#include "kernels/pool_nhwc_u8_body.h"

void pool_nhwc_u8__avx2(const struct pool_nhwc_u8_args *q)
{
	pool_pixel(q);
}
