/* Quantized implicit GEMM tile of 4 rows by 16 columns with AVX2. */
#include "kernels/igemm_u8_body.h"

void igemm_u8_4x16__avx2(const struct igemm_u8_args *q, int m, int n)
{
	igemm_run(q, m, n);
}
