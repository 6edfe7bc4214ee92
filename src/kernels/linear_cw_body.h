/* The tile of MR rows by two vectors of columns of a compressed panel, for the vectors of the
 * including file's instruction set, which has F16C. Defines cw_tile() and cw_widen(). */
#include "kernels/igemm_f32_tile.h"
#include "kernels/linear_cw.h"

#ifdef __AVX2__
#define NR (NV * VEC)

#if VEC == 16
INLINE vec cw_half(const uint16_t *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
INLINE vec cw_byte(const int8_t *p)
{
	return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
typedef __m512i cw_word;
#define cw_words(p) _mm512_loadu_si512(p)
/* The lowest four bits of each lane, signed; a permutation looks at no others. */
INLINE vec cw_nibble(cw_word w, int d)
{
	const __m512 table = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
	return _mm512_permutexvar_ps(_mm512_srli_epi32(w, (unsigned)(4 * d)), table);
}
#else
INLINE vec cw_half(const uint16_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
INLINE vec cw_byte(const int8_t *p)
{
	return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
typedef __m256i cw_word;
#define cw_words(p) _mm256_loadu_si256((const __m256i *)(p))
INLINE vec cw_nibble(cw_word w, int d)
{
	w = _mm256_slli_epi32(w, 28 - 4 * d);
	return _mm256_cvtepi32_ps(_mm256_srai_epi32(w, 28));
}
#endif

/* Bytes that are fetched ahead, more where rows are few and the panel is read faster. */
#define CW_AHEAD(m) ((m) > 3 ? 2048 : 8192)

/* ---- FP16 ---- */

INLINE void cw_f16(const struct cw_tile_args *q, int m, int nv, int n)
{
	vec acc[MR][NV];
	const uint16_t *b = q->data;
	igemm_start(&q->out, m, nv, n, acc);
#pragma GCC unroll 4
	for (int p = 0; p < q->out.k; p++, b += NR) {
		vec x[NV];
		__builtin_prefetch((const char *)b + CW_AHEAD(m));
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			x[v] = cw_half(b + v * VEC);
#pragma GCC unroll 12
		for (int i = 0; i < m; i++)
#pragma GCC unroll 2
			for (int v = 0; v < nv; v++)
				acc[i][v] = vec_fma(vec_set1(q->out.rows[i][p]), x[v], acc[i][v]);
	}
	igemm_store(&q->out, m, nv, n, acc, false, false);
}

/* ---- integers ---- */

/* Rows that have two chains for each column, the second of odd depths, lest a chain's latency
 * bounds them. */
#define CW_CHAINS(m) ((m) <= 2 ? 2 : 1)

/* One depth more; odd says which chain. */
INLINE void cw_step(const float *const *rows, int p, const vec x[NV], int m, int nv, int odd,
    vec acc[MR][NV], vec other[2][NV])
{
#pragma GCC unroll 12
	for (int i = 0; i < m; i++) {
		vec y = vec_set1(rows[i][p]);
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			if (odd && CW_CHAINS(m) == 2)
				other[i & 1][v] = vec_fma(y, x[v], other[i & 1][v]);
			else
				acc[i][v] = vec_fma(y, x[v], acc[i][v]);
	}
}

INLINE const int8_t *cw_bytes_depths(const float *const *rows, int p, const int8_t *b, int count,
    int m, int nv, vec acc[MR][NV], vec other[2][NV])
{
#pragma GCC unroll 4
	for (int d = 0; d < count; d++, b += NR) {
		vec x[NV];
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			x[v] = cw_byte(b + v * VEC);
		cw_step(rows, p + d, x, m, nv, d & 1, acc, other);
	}
	return b;
}

INLINE const int8_t *cw_nibbles_depths(const float *const *rows, int p, const int8_t *b, int count,
    int m, int nv, vec acc[MR][NV], vec other[2][NV])
{
	cw_word w[NV];
#pragma GCC unroll 2
	for (int v = 0; v < nv; v++)
		w[v] = cw_words(b + v * VEC * 4);
#pragma GCC unroll 8
	for (int d = 0; d < count; d++) {
		vec x[NV];
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			x[v] = cw_nibble(w[v], d);
		cw_step(rows, p + d, x, m, nv, d & 1, acc, other);
	}
	return b + NR * 4;
}

/* Sums of a group's products without its scale; returns where the next group is. */
INLINE const int8_t *cw_group(const struct cw_tile_args *q, const int8_t *b, int from, bool nibbles,
    int m, int nv, vec acc[MR][NV])
{
	const float *const *rows = q->out.rows;
	vec other[2][NV];
	int p = from, end = from + q->group, step = nibbles ? 8 : 4;
	for (int i = 0; i < m; i++)
		for (int v = 0; v < nv; v++)
			acc[i][v] = other[i & 1][v] = vec_zero();
	for (; p + step <= end; p += step) {
		__builtin_prefetch(b + CW_AHEAD(m));
		if (VEC == 16)
			__builtin_prefetch(b + CW_AHEAD(m) + 64);
		b = nibbles ? cw_nibbles_depths(rows, p, b, 8, m, nv, acc, other)
			    : cw_bytes_depths(rows, p, b, 4, m, nv, acc, other);
	}
	if (p < end)
		b = nibbles ? cw_nibbles_depths(rows, p, b, end - p, m, nv, acc, other)
			    : cw_bytes_depths(rows, p, b, end - p, m, nv, acc, other);
	for (int i = 0; i < m && CW_CHAINS(m) == 2; i++)
		for (int v = 0; v < nv; v++)
			acc[i][v] = vec_add(acc[i][v], other[i & 1][v]);
	return b;
}

/* sum += (acc - zero * inputs) * scale, of group g. */
INLINE void cw_scale(
    const struct cw_tile_args *q, int g, int m, int nv, vec acc[MR][NV], vec sum[MR][NV])
{
#pragma GCC unroll 2
	for (int v = 0; v < nv; v++) {
		vec scale = vec_load(q->scale + g * NR + v * VEC);
		vec zero = q->zero ? cw_byte(q->zero + g * NR + v * VEC) : vec_zero();
#pragma GCC unroll 12
		for (int i = 0; i < m; i++) {
			vec x = acc[i][v];
			if (q->zero)
				x = vec_fnma(
				    zero, vec_set1(q->sums[(size_t)i * q->ld_sums + (size_t)g]), x);
			sum[i][v] = vec_fma(x, scale, sum[i][v]);
		}
	}
}

INLINE void cw_groups(const struct cw_tile_args *q, bool nibbles, int m, int nv, int n)
{
	vec sum[MR][NV], acc[MR][NV];
	const int8_t *b = q->data;
	igemm_start(&q->out, m, nv, n, sum);
	for (int p = 0, g = 0; p < q->out.k; p += q->group, g++) {
		b = cw_group(q, b, p, nibbles, m, nv, acc);
		cw_scale(q, g, m, nv, acc, sum);
	}
	igemm_store(&q->out, m, nv, n, sum, false, false);
}

INLINE void cw_one_group(const struct cw_tile_args *q, bool nibbles, int m, int nv, int n)
{
	vec sum[MR][NV], acc[MR][NV];
	cw_group(q, q->data, 0, nibbles, m, nv, acc);
	igemm_start(&q->out, m, nv, n, sum);
	cw_scale(q, 0, m, nv, acc, sum);
	igemm_store(&q->out, m, nv, n, sum, false, false);
}

/* ---- the tile ---- */

INLINE void cw_columns(const struct cw_tile_args *q, int m, int nv, int n)
{
	bool nibbles = q->type == CW_I4;
	if (q->type == CW_F16)
		cw_f16(q, m, nv, n);
	else if (q->group == q->out.k && nibbles)
		cw_one_group(q, true, m, nv, n);
	else if (q->group == q->out.k)
		cw_one_group(q, false, m, nv, n);
	else if (m <= MR / 2 && nibbles)
		cw_groups(q, true, m, nv, n);
	else if (m <= MR / 2)
		cw_groups(q, false, m, nv, n);
}

#define CW_ROWS(m)                                                   \
	static void cw_rows_##m(const struct cw_tile_args *q, int n) \
	{                                                            \
		if (n > VEC)                                         \
			cw_columns(q, m, 2, n);                      \
		else                                                 \
			cw_columns(q, m, 1, n);                      \
	}
CW_ROWS(1)
CW_ROWS(2)
CW_ROWS(3)
CW_ROWS(4)
CW_ROWS(5)
CW_ROWS(6)
#if VEC == 16
CW_ROWS(7)
CW_ROWS(8)
CW_ROWS(9)
CW_ROWS(10)
CW_ROWS(11)
CW_ROWS(12)
#endif

static void (*const cw_by_rows[])(const struct cw_tile_args *, int) = {
    cw_rows_1, cw_rows_2, cw_rows_3, cw_rows_4, cw_rows_5, cw_rows_6,
#if VEC == 16
    cw_rows_7, cw_rows_8, cw_rows_9, cw_rows_10, cw_rows_11, cw_rows_12
#endif
};

/* ---- widening ---- */

/* (x - zero) * scale, as an operation after the other. */
INLINE void cw_put(const struct cw_tile_args *q, int g, int v, vec x, float *to)
{
	if (q->zero)
		x = vec_sub(x, cw_byte(q->zero + g * NR + v * VEC));
	vec_store(to + v * VEC, vec_mul(x, vec_load(q->scale + g * NR + v * VEC)));
}

INLINE void cw_widen_panel(const struct cw_tile_args *q, int nv, float *to)
{
	const int8_t *b = q->data;
	for (int p = 0; p < q->out.k && q->type == CW_F16; p++, b += 2 * NR, to += nv * VEC)
		for (int v = 0; v < nv; v++)
			vec_store(to + v * VEC, cw_half((const uint16_t *)b + v * VEC));
	for (int p = 0; p < q->out.k && q->type == CW_I8; p++, b += NR, to += nv * VEC)
		for (int v = 0; v < nv; v++)
			cw_put(q, p / q->group, v, cw_byte(b + v * VEC), to);
	for (int p = 0; p < q->out.k && q->type == CW_I4; p += 8, b += 4 * NR)
		for (int d = 0; d < 8 && p + d < q->out.k; d++, to += nv * VEC)
			for (int v = 0; v < nv; v++)
				cw_put(q, p / q->group, v, cw_nibble(cw_words(b + v * VEC * 4), d),
				    to);
}

#endif
