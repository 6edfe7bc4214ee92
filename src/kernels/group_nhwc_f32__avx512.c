/* Convolution in narrow groups with channels last by AVX-512. */
#include "kernels/group_nhwc_f32_body.h"

void group_nhwc_f32__avx512(const struct group_nhwc_f32_args *q)
{
	group_pixels(q);
}
