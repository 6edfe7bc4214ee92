/* The quantized implicit GEMM tile of MR rows by two vectors, for the vectors of the including
 * file's instruction set: bytes times bytes in fours where it has VNNI, else widened to 16 bits
 * before they are multiplied, so that nothing saturates. Defines igemm_by_rows[]. */
#include "kernels/epilogue_u8.h"

#if VEC > 1
#define NV 2

#if VEC == 16
typedef __m512i ivec;
#define ivec_load(p) _mm512_loadu_si512(p)
#define ivec_set1(x) _mm512_set1_epi32(x)
#define ivec_float(x) _mm512_cvtepi32_ps(x)
#define ivec_add(a, b) _mm512_add_epi32(a, b)
#define ivec_madd(a, b) _mm512_madd_epi16(a, b)
#define ivec_even(x) _mm512_and_si512(x, _mm512_set1_epi16(0xff))
#define ivec_odd(x) _mm512_srli_epi16(x, 8)
#define ivec_even_signed(x) _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8)
#define ivec_odd_signed(x) _mm512_srai_epi16(x, 8)
#else
typedef __m256i ivec;
#define ivec_load(p) _mm256_loadu_si256((const __m256i *)(p))
#define ivec_set1(x) _mm256_set1_epi32(x)
#define ivec_float(x) _mm256_cvtepi32_ps(x)
#define ivec_add(a, b) _mm256_add_epi32(a, b)
#define ivec_madd(a, b) _mm256_madd_epi16(a, b)
#define ivec_even(x) _mm256_and_si256(x, _mm256_set1_epi16(0xff))
#define ivec_odd(x) _mm256_srli_epi16(x, 8)
#define ivec_even_signed(x) _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8)
#define ivec_odd_signed(x) _mm256_srai_epi16(x, 8)
#endif

/* Four weights for each column, and four bytes of a row in each lane. */
#if defined(__AVX512VNNI__)
#define MR 12
struct weights {
	ivec w;
};
INLINE struct weights igemm_weights(const int8_t *b)
{
	return (struct weights){ivec_load(b)};
}
typedef ivec bytes;
INLINE bytes igemm_bytes(int32_t x)
{
	return ivec_set1(x);
}
INLINE ivec igemm_dot(ivec acc, bytes x, struct weights w)
{
	return _mm512_dpbusd_epi32(acc, x, w.w);
}
#else
#define MR (VEC == 16 ? 8 : 4)
struct weights {
	ivec even, odd;
};
INLINE struct weights igemm_weights(const int8_t *b)
{
	ivec w = ivec_load(b);
	return (struct weights){ivec_even_signed(w), ivec_odd_signed(w)};
}
typedef struct {
	ivec even, odd;
} bytes;
INLINE bytes igemm_bytes(int32_t x)
{
	ivec v = ivec_set1(x);
	return (bytes){ivec_even(v), ivec_odd(v)};
}
INLINE ivec igemm_dot(ivec acc, bytes x, struct weights w)
{
	acc = ivec_add(acc, ivec_madd(x.even, w.even));
	return ivec_add(acc, ivec_madd(x.odd, w.odd));
}
#endif

/* m and nv are constants after inlining. */
INLINE void igemm_store(const struct igemm_u8_args *q, int m, int nv, int n, ivec acc[MR][NV])
{
	vec scale[NV], bias[NV];
	int last = n - (nv - 1) * VEC;
#pragma GCC unroll 2
	for (int v = 0; v < nv; v++) {
		vec_mask mask = vec_first(n - v * VEC);
		scale[v] = vec_load_mask(q->scale + v * VEC, mask);
		bias[v] = q->bias ? vec_load_mask(q->bias + v * VEC, mask) : vec_zero();
	}
#pragma GCC unroll 12
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++) {
			size_t from = (size_t)i * q->ld_add + (size_t)(v * VEC);
			size_t to = (size_t)i * q->ldc + (size_t)(v * VEC);
			vec r = vec_fused(ivec_float(acc[i][v]), scale[v], bias[v]);
			u8_finish(&q->e, q->add, from, q->c, to, v + 1 < nv ? VEC : last, r);
		}
}

INLINE void igemm_four(int m, int nv, const int8_t *b, const int32_t x[MR], ivec acc[MR][NV])
{
	struct weights w[NV];
#pragma GCC unroll 2
	for (int v = 0; v < nv; v++)
		w[v] = igemm_weights(b + v * 4 * VEC);
#pragma GCC unroll 12
	for (int i = 0; i < m; i++) {
		bytes y = igemm_bytes(x[i]);
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			acc[i][v] = igemm_dot(acc[i][v], y, w[v]);
	}
}

INLINE void igemm_rows(const struct igemm_u8_args *q, int m, int nv, int n)
{
	ivec acc[MR][NV];
	const uint8_t *const *rows = q->rows;
	const int8_t *b = q->b;
#pragma GCC unroll 12
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			acc[i][v] = ivec_load(q->start + v * VEC);
	for (int t = 0; t < q->taps; t++, rows += m) {
		const uint8_t *a[MR];
		ptrdiff_t p = 0;
#pragma GCC unroll 12
		for (int i = 0; i < m; i++)
			a[i] = rows[i] + q->offset;
		for (; p + 4 <= q->k; p += 4, b += nv * 4 * VEC) {
			int32_t x[MR];
#pragma GCC unroll 12
			for (int i = 0; i < m; i++)
				memcpy(&x[i], a[i] + p, sizeof x[i]);
			igemm_four(m, nv, b, x, acc);
		}
		if (p < q->k) {
			int32_t x[MR] = {0};
			for (int i = 0; i < m; i++)
				for (int s = 0; p + s < q->k; s++)
					x[i] |= a[i][p + s] << 8 * s;
			igemm_four(m, nv, b, x, acc);
			b += nv * 4 * VEC;
		}
	}
	igemm_store(q, m, nv, n, acc);
}

/* One function per number of rows, so that a lower tile does no work for rows it has not. */
#define IGEMM_ROWS(m)                                              \
	static void rows_##m(const struct igemm_u8_args *q, int n) \
	{                                                          \
		if (n > VEC)                                       \
			igemm_rows(q, m, 2, n);                    \
		else                                               \
			igemm_rows(q, m, 1, n);                    \
	}
IGEMM_ROWS(1)
IGEMM_ROWS(2)
IGEMM_ROWS(3)
IGEMM_ROWS(4)
#if VEC == 16
IGEMM_ROWS(5)
IGEMM_ROWS(6)
IGEMM_ROWS(7)
IGEMM_ROWS(8)
#endif
#if defined(__AVX512VNNI__)
IGEMM_ROWS(9)
IGEMM_ROWS(10)
IGEMM_ROWS(11)
IGEMM_ROWS(12)
#endif

static void (*const igemm_by_rows[])(const struct igemm_u8_args *, int) = {
    rows_1, rows_2, rows_3, rows_4,
#if VEC == 16
    rows_5, rows_6, rows_7, rows_8,
#endif
#if defined(__AVX512VNNI__)
    rows_9, rows_10, rows_11, rows_12
#endif
};
#endif
