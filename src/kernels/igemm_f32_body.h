/* The implicit GEMM tile of MR rows by two vectors, for the vectors of the including file's
 * instruction set. Defines igemm_tile(). */
#include "kernels/igemm_f32_tile.h"

/* Floats of the panel that are fetched ahead. */
#if VEC == 16
#define IGEMM_AHEAD 512
#else
#define IGEMM_AHEAD 256
#endif

INLINE void igemm_rows(const struct igemm_f32_args *q, int m, int nv, int n)
{
	vec acc[MR][NV];
	const float *const *rows = q->rows;
	const float *b = q->b;
	igemm_start(q, m, nv, n, acc);
	for (int t = 0; t < q->taps; t++, rows += m) {
		const float *a[MR];
#pragma GCC unroll 12
		for (int i = 0; i < m; i++)
			a[i] = rows[i] + q->offset;
		for (ptrdiff_t p = 0; p < q->k; p++, b += nv * VEC) {
			vec x[NV];
			__builtin_prefetch(b + IGEMM_AHEAD);
			if (nv > 1)
				__builtin_prefetch(b + IGEMM_AHEAD + VEC);
#pragma GCC unroll 2
			for (int v = 0; v < nv; v++)
				x[v] = vec_load(b + v * VEC);
#pragma GCC unroll 12
			for (int i = 0; i < m; i++) {
				vec y = vec_set1(a[i][p]);
#pragma GCC unroll 2
				for (int v = 0; v < nv; v++)
					acc[i][v] = vec_fma(y, x[v], acc[i][v]);
			}
		}
	}
	igemm_store(q, m, nv, n, acc);
}

/* One function per number of rows, so that a lower tile does no work for rows it has not. */
#define IGEMM_ROWS(m)                                               \
	static void rows_##m(const struct igemm_f32_args *q, int n) \
	{                                                           \
		if (n > VEC)                                        \
			igemm_rows(q, m, 2, n);                     \
		else                                                \
			igemm_rows(q, m, 1, n);                     \
	}
IGEMM_ROWS(1)
IGEMM_ROWS(2)
IGEMM_ROWS(3)
IGEMM_ROWS(4)
IGEMM_ROWS(5)
IGEMM_ROWS(6)
#if VEC == 16
IGEMM_ROWS(7)
IGEMM_ROWS(8)
IGEMM_ROWS(9)
IGEMM_ROWS(10)
IGEMM_ROWS(11)
IGEMM_ROWS(12)
#endif

static void (*const igemm_by_rows[])(const struct igemm_f32_args *, int) = {
    rows_1, rows_2, rows_3, rows_4, rows_5, rows_6,
#if VEC == 16
    rows_7, rows_8, rows_9, rows_10, rows_11, rows_12
#endif
};
