/* The implicit GEMM tile of MR rows by two vectors, for the vectors of the including file's
 * instruction set. Defines igemm_tile(). */
#include "kernels/igemm_f32_tile.h"

/* Floats of the panel that are fetched ahead, more where rows are few and it is read faster. */
#define IGEMM_AHEAD(m) ((m) > 3 ? 32 * VEC : 128 * VEC)

/* One depth more: number p of rows times a line of the panel. */
INLINE void igemm_step(
    const float *const *a, ptrdiff_t p, const float *b, int m, int nv, vec acc[MR][NV])
{
	vec x[NV];
	__builtin_prefetch(b + IGEMM_AHEAD(m));
	if (nv > 1 && VEC == 16)
		__builtin_prefetch(b + IGEMM_AHEAD(m) + VEC);
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

/* Four depths more for one vector of columns: each row's pointer is read once for all four. */
INLINE void igemm_four(const float *const *a, ptrdiff_t p, const float *b, int m, vec acc[MR][NV])
{
	vec x[4];
	__builtin_prefetch(b + IGEMM_AHEAD(m));
#pragma GCC unroll 4
	for (int s = 0; s < 4; s++)
		x[s] = vec_load(b + s * VEC);
#pragma GCC unroll 12
	for (int i = 0; i < m; i++) {
		const float *row = a[i] + p;
#pragma GCC unroll 4
		for (int s = 0; s < 4; s++)
			acc[i][0] = vec_fma(vec_set1(row[s]), x[s], acc[i][0]);
	}
}

INLINE void igemm_rows(const struct igemm_f32_args *q, int m, int nv, int n)
{
	vec acc[MR][NV];
	const float *const *rows = q->rows;
	const float *b = q->b;
	/* Without a next panel the line in hand is fetched again, which costs nothing. */
	ptrdiff_t next = q->next ? (const char *)q->next - (const char *)b : 0;
	igemm_start(q, m, nv, n, acc);
	for (int t = 0; t < q->taps; t++, rows += q->shift ? 0 : m) {
		const float *a[MR];
		ptrdiff_t offset = (ptrdiff_t)q->offset + (q->shift ? q->shift[t] : 0);
		if (!rows[0]) {
			b += q->k * nv * VEC;
			continue;
		}
#pragma GCC unroll 12
		for (int i = 0; i < m; i++)
			a[i] = rows[i] + offset;
		ptrdiff_t p = 0;
		for (; p + 4 <= q->k; p += 4, b += 4 * nv * VEC) {
			__builtin_prefetch((const char *)b + next, 0, 2);
			if (nv == 1) {
				igemm_four(a, p, b, m, acc);
				continue;
			}
#pragma GCC unroll 4
			for (int s = 0; s < 4; s++)
				igemm_step(a, p + s, b + s * nv * VEC, m, nv, acc);
		}
		for (; p < q->k; p++, b += nv * VEC)
			igemm_step(a, p, b, m, nv, acc);
	}
	if (q->before)
		igemm_store(q, m, nv, n, acc, true, true);
	else if (q->after)
		igemm_store(q, m, nv, n, acc, false, true);
	else
		igemm_store(q, m, nv, n, acc, false, false);
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
