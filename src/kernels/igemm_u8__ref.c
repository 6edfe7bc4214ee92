/* Quantized implicit GEMM tile of 4 rows by 8 columns in plain C: what the others are judged by. */
#include "kernels/epilogue_u8.h"

void igemm_u8_4x8__ref(const struct igemm_u8_args *q, int m, int n)
{
	int nb = n > 4 ? 8 : 4;
	uint32_t acc[4][8];
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++)
			acc[i][j] = (uint32_t)q->start[j];
	const int8_t *b = q->b;
	for (int t = 0; t < q->taps; t++, b += (q->k + 3) / 4 * 4 * nb)
		for (int i = 0; i < m; i++) {
			const uint8_t *a = q->rows[t * m + i] + q->offset;
			for (int p = 0; p < q->k; p++)
				for (int j = 0; j < n; j++)
					acc[i][j] += (uint32_t)(a[p] *
								b[(p / 4 * nb + j) * 4 + p % 4]);
		}
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++) {
			vec r = u8_scale(&q->e, q->f + j, (float)(int32_t)acc[i][j]);
			u8_finish(&q->e, q->add, (size_t)i * q->ld_add + (size_t)j, q->c,
			    (size_t)i * q->ldc + (size_t)j, 1, r);
		}
}
