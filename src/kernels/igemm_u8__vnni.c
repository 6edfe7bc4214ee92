/* Quantized implicit GEMM tile of 12 rows by 32 columns with AVX-512 VNNI. */
#include "kernels/igemm_u8_body.h"

void igemm_u8_12x32__vnni(const struct igemm_u8_args *q, int m, int n)
{
	igemm_by_rows[m - 1](q, n);
}
