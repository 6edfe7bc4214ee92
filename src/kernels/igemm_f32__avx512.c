/* FP32 implicit GEMM tile of 12 rows by 32 columns in 24 of the 32 registers of AVX-512. */
#include "kernels/igemm_f32_body.h"

void igemm_f32_12x32__avx512(const struct igemm_f32_args *q, int m, int n)
{
	igemm_by_rows[m - 1](q, n);
}
