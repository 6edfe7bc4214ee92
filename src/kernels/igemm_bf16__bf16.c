/* BF16 implicit GEMM tile of 12 rows by 32 columns: two products a lane and instruction, FP32 sums
 * in 24 of the 32 registers. */
#include "kernels/igemm_f32_tile.h"

#define AHEAD 512 /* pairs of the panel that are fetched ahead */

INLINE vec dot(vec sum, uint32_t pair, __m512i b)
{
	return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32((int)pair), (__m512bh)b);
}

/* m and nv are constants after inlining. */
INLINE void tile(const struct igemm_bf16_args *q, int m, int nv, int n)
{
	vec acc[MR][NV];
	const uint32_t *const *rows = q->rows;
	const uint32_t *b = q->b;
	igemm_start(&q->out, m, nv, n, acc);
	for (int t = 0; t < q->taps; t++, rows += m) {
		const uint32_t *a[MR];
#pragma GCC unroll 12
		for (int i = 0; i < m; i++)
			a[i] = rows[i] + q->offset;
		for (ptrdiff_t p = 0; p < q->k; p++, b += nv * VEC) {
			__m512i x[NV];
			__builtin_prefetch(b + AHEAD);
			if (nv > 1)
				__builtin_prefetch(b + AHEAD + VEC);
#pragma GCC unroll 2
			for (int v = 0; v < nv; v++)
				x[v] = _mm512_loadu_si512(b + v * VEC);
#pragma GCC unroll 12
			for (int i = 0; i < m; i++)
#pragma GCC unroll 2
				for (int v = 0; v < nv; v++)
					acc[i][v] = dot(acc[i][v], a[i][p], x[v]);
		}
	}
	igemm_store(&q->out, m, nv, n, acc, false, false);
}

/* One function per number of rows, so that a lower tile does no work for rows it has not. */
#define ROWS(m)                                                      \
	static void rows_##m(const struct igemm_bf16_args *q, int n) \
	{                                                            \
		if (n > VEC)                                         \
			tile(q, m, 2, n);                            \
		else                                                 \
			tile(q, m, 1, n);                            \
	}
ROWS(1)
ROWS(2)
ROWS(3)
ROWS(4)
ROWS(5)
ROWS(6)
ROWS(7)
ROWS(8)
ROWS(9)
ROWS(10)
ROWS(11)
ROWS(12)

static void (*const by_rows[])(const struct igemm_bf16_args *, int) = {rows_1, rows_2, rows_3,
    rows_4, rows_5, rows_6, rows_7, rows_8, rows_9, rows_10, rows_11, rows_12};

void igemm_bf16__bf16(const struct igemm_bf16_args *q, int m, int n)
{
	by_rows[m - 1](q, n);
}

void to_bf16__bf16(const float *x, int n, uint32_t *pairs)
{
	for (; n >= 32; n -= 32, x += 32, pairs += 16)
		_mm512_storeu_si512(pairs,
		    (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + 16), _mm512_loadu_ps(x)));
	if (!n)
		return;
	__m512 lo = _mm512_maskz_loadu_ps(vec_first(n), x), hi = _mm512_setzero_ps();
	if (n > 16)
		hi = _mm512_maskz_loadu_ps(vec_first(n - 16), x + 16);
	_mm512_mask_storeu_epi32(
	    pairs, vec_first((n + 1) / 2), (__m512i)_mm512_cvtne2ps_pbh(hi, lo));
}
