/* Quantized implicit GEMM tile of 8 rows by 32 columns with AVX-512. */
#include "kernels/igemm_u8_body.h"

void igemm_u8_8x32__avx512(const struct igemm_u8_args *q, int m, int n)
{
	igemm_run(q, m, n);
}
