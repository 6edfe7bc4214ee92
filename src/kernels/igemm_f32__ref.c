/* FP32 implicit GEMM tile of 4 rows by 8 columns in plain C: what the others are judged by. */
#include "kernels/nhwc_kernel.h"
#include "kernels/seen_ends.h"

void igemm_f32_4x8__ref(const struct igemm_f32_args *q, int m, int n)
{
	int nb = n > 4 ? 8 : 4;
	float acc[4][8] = {{0}};
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++)
			acc[i][j] = q->start  ? q->start[(size_t)i * q->ld_start + (size_t)j]
				    : q->bias ? q->bias[j]
					      : 0;
	const float *b = q->b;
	const float *const *rows = q->rows;
	for (int t = 0; t < q->taps; t++, rows += q->shift ? 0 : m) {
		int k = rows[0] ? q->k : 0;
		ptrdiff_t offset = (ptrdiff_t)q->offset + (q->shift ? q->shift[t] : 0);
		b += k ? 0 : q->k * nb;
		for (int p = 0; p < k; p++, b += nb)
			for (int i = 0; i < m; i++)
				for (int j = 0; j < nb; j++)
					acc[i][j] += rows[i][offset + p] * b[j];
	}
	struct ends before = ends_load(q->before), after = ends_load(q->after);
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++) {
			float x = acc[i][j];
			ends_widen(&before, x);
			x += q->add ? q->add[(size_t)i * q->ld_add + (size_t)j] : 0;
			x = x < q->lo ? q->lo : x;
			x = x > q->hi ? q->hi : x;
			ends_widen(&after, x);
			q->c[(size_t)i * q->ldc + (size_t)j] = x;
		}
	ends_store(q->before, &before, &before);
	ends_store(q->after, &after, &after);
}
