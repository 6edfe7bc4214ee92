/* FP32 implicit GEMM tile of 6 rows by 16 columns in 12 of the 16 registers of AVX2. */
#include "kernels/igemm_f32_body.h"

void igemm_f32_6x16__avx2(const struct igemm_f32_args *q, int m, int n)
{
	igemm_by_rows[m - 1](q, n);
}
