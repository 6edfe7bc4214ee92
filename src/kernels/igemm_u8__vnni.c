/* Quantized implicit GEMM tile of 14 rows by 32 columns with AVX-512 VNNI. */
#include "kernels/igemm_u8_body.h"

void igemm_u8_14x32__vnni(const struct igemm_u8_args *q, int m, int n)
{
	igemm_run(q, m, n);
}
