/* Pooling of bytes with channels last with AVX-512. */
#include "kernels/pool_nhwc_u8_body.h"

void pool_nhwc_u8__avx512(const struct pool_nhwc_u8_args *q)
{
	pool_pixel(q);
}
