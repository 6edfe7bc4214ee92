/* Quantized implicit GEMM tiles of 4 rows by 8 columns in plain C: what the others are judged by.
 */
#include "kernels/epilogue_u8.h"

#define MR 4
#define NR 8

/* Rows first..first + m - 1. */
static void tile(const struct igemm_u8_args *q, const uint8_t *const *rows, int first, int m, int n)
{
	int nb = n > NR / 2 ? NR : NR / 2;
	uint32_t acc[MR][NR];
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++)
			acc[i][j] = (uint32_t)q->start[j];
	const int8_t *b = q->b;
	for (int t = 0; t < q->taps; t++, b += (q->k + 3) / 4 * 4 * nb)
		for (int i = 0; i < m; i++) {
			const uint8_t *a = rows[t * m + i] + q->offset;
			for (int p = 0; p < q->k; p++)
				for (int j = 0; j < n; j++)
					acc[i][j] += (uint32_t)(a[p] *
								b[(p / 4 * nb + j) * 4 + p % 4]);
		}
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++) {
			const struct u8_result *to = &q->to;
			vec r = u8_scale(&to->e, to->f + j, (float)(int32_t)acc[i][j]);
			size_t row = (size_t)(first + i), col = (size_t)j;
			u8_finish(&to->e, to->add, row * to->ld_add + col, to->c,
			    row * to->ldc + col, 1, r);
		}
}

void igemm_u8_4x8__ref(const struct igemm_u8_args *q, int m, int n)
{
	const uint8_t *const *rows = q->rows;
	int tiles = igemm_u8_tiles(m, MR), first = 0;
	for (int t = 0; t < tiles; t++) {
		int now = igemm_u8_tile(m, tiles, t);
		tile(q, rows, first, now, n);
		rows += now * q->taps;
		first += now;
	}
}
