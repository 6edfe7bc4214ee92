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

/* Lanes rounded to integers, within 0..255, that become bytes. */
INLINE ivec igemm_round(const struct u8_epilogue *e, vec r)
{
	r = vec_fused(r, vec_set1(e->inv), vec_set1(e->zero));
	r = vec_clamp_u8(r, vec_set1(e->lo), vec_set1(e->hi));
#if VEC == 16
	return _mm512_cvtps_epi32(r);
#else
	return _mm256_cvtps_epi32(r);
#endif
}

/* Two rows of two vectors to bytes at p and q. */
INLINE void igemm_pack(uint8_t *p, uint8_t *q, const ivec a[NV], const ivec b[NV])
{
#if VEC == 16
	__m512i x = _mm512_packus_epi16(
	    _mm512_packs_epi32(a[0], a[1]), _mm512_packs_epi32(b[0], b[1]));
	x = _mm512_permutexvar_epi32(
	    _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), x);
	_mm256_storeu_si256((__m256i *)q, _mm512_extracti64x4_epi64(x, 1));
	_mm256_storeu_si256((__m256i *)p, _mm512_castsi512_si256(x));
#else
	__m256i x = _mm256_packus_epi16(
	    _mm256_packs_epi32(a[0], a[1]), _mm256_packs_epi32(b[0], b[1]));
	x = _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
	_mm_storeu_si128((__m128i *)q, _mm256_extracti128_si256(x, 1));
	_mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(x));
#endif
}

/* Whole vectors to bytes, nothing added: m and nv are constants after inlining. */
INLINE void igemm_store(const struct igemm_u8_args *q, int m, int nv, ivec acc[MR][NV])
{
	vec scale[NV], bias[NV];
#pragma GCC unroll 2
	for (int v = 0; v < nv; v++) {
		scale[v] = vec_load(q->scale + v * VEC);
		bias[v] = q->bias ? vec_load(q->bias + v * VEC) : vec_zero();
	}
#pragma GCC unroll 6
	for (int i = 0; i < m; i += 2) {
		uint8_t *c = (uint8_t *)q->c + (size_t)i * q->ldc;
		ivec x[2][NV];
#pragma GCC unroll 2
		for (int k = 0; k < 2; k++)
#pragma GCC unroll 2
			for (int v = 0; v < nv; v++) {
				vec r = ivec_float(acc[i + k < m ? i + k : i][v]);
				x[k][v] = igemm_round(&q->e, vec_fused(r, scale[v], bias[v]));
				x[k][1] = nv == 1 ? x[k][0] : x[k][1];
			}
		if (nv > 1) {
			igemm_pack(c, i + 1 < m ? c + q->ldc : c, x[0], x[1]);
			continue;
		}
		vec_store_u8(c, VEC, ivec_float(x[0][0]));
		if (i + 1 < m)
			vec_store_u8(c + q->ldc, VEC, ivec_float(x[1][0]));
	}
}

/* Whatever the epilogue is, from sums in memory, which costs little beside a long depth. */
static __attribute__((noinline)) void igemm_finish(
    const struct igemm_u8_args *q, int m, int nv, int n, const ivec *acc)
{
	for (int v = 0; v < nv; v++) {
		int left = n - v * VEC;
		vec scale = vec_load_mask(q->scale + v * VEC, vec_first(left));
		vec bias = q->bias ? vec_load_mask(q->bias + v * VEC, vec_first(left)) : vec_zero();
		for (int i = 0; i < m; i++) {
			vec r = vec_fused(ivec_float(acc[i * nv + v]), scale, bias);
			size_t from = (size_t)i * q->ld_add + (size_t)(v * VEC);
			size_t to = (size_t)i * q->ldc + (size_t)(v * VEC);
			if (left >= VEC)
				u8_finish(&q->e, q->add, from, q->c, to, VEC, r);
			else
				u8_finish(&q->e, q->add, from, q->c, to, left, r);
		}
	}
}

INLINE void igemm_sums(const struct igemm_u8_args *q, int m, int nv, ivec acc[MR][NV])
{
	const uint8_t *const *rows = q->rows;
	const int8_t *b = q->b;
#pragma GCC unroll 12
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			acc[i][v] = ivec_load(q->start + v * VEC);
	for (int t = 0; t < q->taps; t++, rows += m) {
		const uint8_t *a[MR];
#pragma GCC unroll 12
		for (int i = 0; i < m; i++)
			a[i] = rows[i] + q->offset;
		for (ptrdiff_t p = 0; p < q->k; p += 4, b += nv * 4 * VEC) {
			struct weights w[NV];
#pragma GCC unroll 2
			for (int v = 0; v < nv; v++)
				w[v] = igemm_weights(b + v * 4 * VEC);
#pragma GCC unroll 12
			for (int i = 0; i < m; i++) {
				int32_t x;
				memcpy(&x, a[i] + p, sizeof x);
				bytes y = igemm_bytes(x);
#pragma GCC unroll 2
				for (int v = 0; v < nv; v++)
					acc[i][v] = igemm_dot(acc[i][v], y, w[v]);
			}
		}
	}
}

INLINE void igemm_rows(const struct igemm_u8_args *q, int m, int nv, int n)
{
	ivec acc[MR][NV], sums[MR * NV];
	igemm_sums(q, m, nv, acc);
	if (n == nv * VEC && q->e.out == U8_OUT_U8 && !q->e.add) {
		igemm_store(q, m, nv, acc);
		return;
	}
#pragma GCC unroll 12
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			sums[i * nv + v] = acc[i][v];
	igemm_finish(q, m, nv, n, sums);
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
