/* Convolution in narrow groups with channels last by AVX2. */
#include "kernels/group_nhwc_f32_body.h"

void group_nhwc_f32__avx2(const struct group_nhwc_f32_args *q)
{
	group_pixels(q);
}
