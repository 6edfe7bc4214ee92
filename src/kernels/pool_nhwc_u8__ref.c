/* Pooling of bytes with channels last in plain C: what the others are judged by. */
#include "kernels/pool_nhwc_u8_body.h"

void pool_nhwc_u8__ref(const struct pool_nhwc_u8_args *q)
{
	pool_pixel(q);
}
