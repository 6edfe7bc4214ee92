/* FP32 GEMM tile of 6 rows by 16 columns in 12 of the 16 registers of AVX2. */
#include <immintrin.h>

#include "kernels/kernel.h"

#define MR 6
#define INLINE static inline __attribute__((always_inline))

/* The second vector is absent when the tile has at most 8 columns. mask: columns of each. */
struct tile {
	int m, nv;
	__m256i mask[2];
};

static __m256i mask_of(int n)
{
	__m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane);
}

INLINE __m256 finish(__m256 x, const struct epilogue *e, int i, __m256 col)
{
	if (e->row_bias)
		x = _mm256_add_ps(x, _mm256_set1_ps(e->row_bias[i]));
	if (e->col_bias)
		x = _mm256_add_ps(x, col);
	/* Operand order: with a NaN the second operand is the result. */
	x = _mm256_max_ps(_mm256_set1_ps(e->lo), x);
	return _mm256_min_ps(_mm256_set1_ps(e->hi), x);
}

INLINE void store(struct tile t, __m256 acc[MR][2], float *c, size_t ldc, const struct epilogue *e)
{
	__m256 col[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
#pragma GCC unroll 2
	for (int v = 0; v < t.nv; v++)
		if (e && e->col_bias)
			col[v] = _mm256_maskload_ps(e->col_bias + 8 * v, t.mask[v]);
#pragma GCC unroll 6
	for (int i = 0; i < t.m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < t.nv; v++)
			_mm256_maskstore_ps(c + i * ldc + 8 * v, t.mask[v],
			    e ? finish(acc[i][v], e, i, col[v]) : acc[i][v]);
}

/* m and nv are constants after inlining; full: all columns, no masks needed for B. */
INLINE void tile_run(struct tile t, bool full, int k, const float *a, const float *b, size_t ldb,
    float *c, size_t ldc, bool add, const struct epilogue *e)
{
	__m256 acc[MR][2];
#pragma GCC unroll 6
	for (int i = 0; i < t.m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < t.nv; v++)
			acc[i][v] = add ? _mm256_maskload_ps(c + i * ldc + 8 * v, t.mask[v])
					: _mm256_setzero_ps();
	for (int p = 0; p < k; p++, a += MR, b += ldb) {
		__m256 x[2];
#pragma GCC unroll 2
		for (int v = 0; v < t.nv; v++)
			x[v] = full ? _mm256_loadu_ps(b + 8 * v)
				    : _mm256_maskload_ps(b + 8 * v, t.mask[v]);
#pragma GCC unroll 6
		for (int i = 0; i < t.m; i++) {
			__m256 y = _mm256_set1_ps(a[i]);
#pragma GCC unroll 2
			for (int v = 0; v < t.nv; v++)
				acc[i][v] = _mm256_fmadd_ps(y, x[v], acc[i][v]);
		}
	}
	store(t, acc, c, ldc, e);
}

/* One function per number of rows, so that a narrow tile does no work for rows it has not. */
#define ROWS(m)                                                                                   \
	static void rows_##m(int k, const float *a, const float *b, size_t ldb, float *c,         \
	    size_t ldc, int n, bool add, const struct epilogue *e)                                \
	{                                                                                         \
		__m256i all = _mm256_set1_epi32(-1);                                              \
		if (n == 16)                                                                      \
			tile_run(                                                                 \
			    (struct tile){m, 2, {all, all}}, true, k, a, b, ldb, c, ldc, add, e); \
		else if (n > 8)                                                                   \
			tile_run((struct tile){m, 2, {all, mask_of(n - 8)}}, false, k, a, b, ldb, \
			    c, ldc, add, e);                                                      \
		else                                                                              \
			tile_run((struct tile){m, 1, {mask_of(n), all}}, false, k, a, b, ldb, c,  \
			    ldc, add, e);                                                         \
	}
ROWS(1)
ROWS(2)
ROWS(3)
ROWS(4)
ROWS(5)
ROWS(6)

void gemm_f32_6x16__avx2(int k, const float *a, const float *b, size_t ldb, float *c, size_t ldc,
    int m, int n, bool add, const struct epilogue *e)
{
	static void (*const rows[])(int, const float *, const float *, size_t, float *, size_t, int,
	    bool, const struct epilogue *) = {rows_1, rows_2, rows_3, rows_4, rows_5, rows_6};
	rows[m - 1](k, a, b, ldb, c, ldc, n, add, e);
}
