/* Pooling with channels last in plain C: what the others are judged by. */
#include "kernels/pool_nhwc_f32_body.h"

void pool_nhwc_f32__ref(const struct pool_nhwc_f32_args *q)
{
	pool_pixels(q);
}
