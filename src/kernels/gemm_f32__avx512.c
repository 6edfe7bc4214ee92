/* FP32 GEMM tile of 12 rows by 32 columns in 24 of the 32 registers of AVX-512. */
#include <immintrin.h>

#include "kernels/kernel.h"

#define MR 12
#define INLINE static inline __attribute__((always_inline))

/* The second vector is absent when the tile has at most 16 columns. mask: columns of the last one.
 */
struct tile {
	int m, nv;
	__mmask16 mask[2];
};

INLINE __m512 finish(__m512 x, const struct epilogue *e, int i, __m512 col)
{
	if (e->row_bias)
		x = _mm512_add_ps(x, _mm512_set1_ps(e->row_bias[i]));
	if (e->col_bias)
		x = _mm512_add_ps(x, col);
	/* Operand order: with a NaN the second operand is the result. */
	x = _mm512_max_ps(_mm512_set1_ps(e->lo), x);
	return _mm512_min_ps(_mm512_set1_ps(e->hi), x);
}

INLINE void store(struct tile t, __m512 acc[MR][2], float *c, size_t ldc, const struct epilogue *e)
{
	__m512 col[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
#pragma GCC unroll 2
	for (int v = 0; v < t.nv; v++)
		if (e && e->col_bias)
			col[v] = _mm512_maskz_loadu_ps(t.mask[v], e->col_bias + 16 * v);
#pragma GCC unroll 12
	for (int i = 0; i < t.m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < t.nv; v++)
			_mm512_mask_storeu_ps(c + i * ldc + 16 * v, t.mask[v],
			    e ? finish(acc[i][v], e, i, col[v]) : acc[i][v]);
}

/* m and nv are constants after inlining; full says that the masks are too. */
INLINE void tile_run(struct tile t, bool full, int k, const float *a, const float *b, size_t ldb,
    float *c, size_t ldc, bool add, const struct epilogue *e)
{
	__m512 acc[MR][2];
#pragma GCC unroll 12
	for (int i = 0; i < t.m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < t.nv; v++)
			acc[i][v] = add ? _mm512_maskz_loadu_ps(t.mask[v], c + i * ldc + 16 * v)
					: _mm512_setzero_ps();
	for (int p = 0; p < k; p++, a += MR, b += ldb) {
		__m512 x[2];
#pragma GCC unroll 2
		for (int v = 0; v < t.nv; v++)
			x[v] = full ? _mm512_loadu_ps(b + 16 * v)
				    : _mm512_maskz_loadu_ps(t.mask[v], b + 16 * v);
#pragma GCC unroll 12
		for (int i = 0; i < t.m; i++) {
			__m512 y = _mm512_set1_ps(a[i]);
#pragma GCC unroll 2
			for (int v = 0; v < t.nv; v++)
				acc[i][v] = _mm512_fmadd_ps(y, x[v], acc[i][v]);
		}
	}
	store(t, acc, c, ldc, e);
}

/* One function per number of rows, so that a narrow tile does no work for rows it has not. */
#define ROWS(m)                                                                                  \
	static void rows_##m(int k, const float *a, const float *b, size_t ldb, float *c,        \
	    size_t ldc, int n, bool add, const struct epilogue *e)                               \
	{                                                                                        \
		if (n == 32)                                                                     \
			tile_run((struct tile){m, 2, {0xffff, 0xffff}}, true, k, a, b, ldb, c,   \
			    ldc, add, e);                                                        \
		else if (n > 16)                                                                 \
			tile_run((struct tile){m, 2, {0xffff, 0xffff >> (32 - n)}}, false, k, a, \
			    b, ldb, c, ldc, add, e);                                             \
		else                                                                             \
			tile_run((struct tile){m, 1, {0xffff >> (16 - n), 0}}, false, k, a, b,   \
			    ldb, c, ldc, add, e);                                                \
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

void gemm_f32_12x32__avx512(int k, const float *a, const float *b, size_t ldb, float *c, size_t ldc,
    int m, int n, bool add, const struct epilogue *e)
{
	static void (*const rows[])(int, const float *, const float *, size_t, float *, size_t, int,
	    bool, const struct epilogue *) = {rows_1, rows_2, rows_3, rows_4, rows_5, rows_6,
	    rows_7, rows_8, rows_9, rows_10, rows_11, rows_12};
	rows[m - 1](k, a, b, ldb, c, ldc, n, add, e);
}
