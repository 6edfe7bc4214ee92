/* Pixels of a quantized depthwise convolution, 32 channels at a time: the bytes of four taps are
 * interleaved, so that a lane of 32 bits holds a channel's, and multiplied with VNNI, or widened to
 * 16 bits where there is none. Defines dw_pixels(). */
#include "kernels/epilogue_u8.h"

#if VEC > 1
/* Lane i of vector v holds channel i / 4 * 16 + v * 4 + i % 4 of a block, which is the order that
 * interleaving leaves behind and packing undoes. */
struct dw_block {
	int n; /* channels that are there, at most 32 */
	__m256i start[DW_U8_COLUMNS][4];
	__m256 f[DW_U8_COLUMNS + 1 + 2 * CONV_U8_LEVELS][4];
};

INLINE __m256i dw_bytes(const uint8_t *p, int n)
{
	if (n >= 32)
		return _mm256_loadu_si256((const __m256i *)p);
#if VEC == 16
	return _mm256_maskz_loadu_epi8((1u << n) - 1, p);
#else
	if (n == 16)
		return _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)p));
	__m256i x = _mm256_setzero_si256();
	memcpy(&x, p, (size_t)n);
	return x;
#endif
}

INLINE void dw_put(uint8_t *p, int n, __m256i x)
{
	if (n >= 32)
		_mm256_storeu_si256((__m256i *)p, x);
	else
		memcpy(p, &x, (size_t)n);
}

INLINE __m256i dw_dot(__m256i acc, __m256i x, const int8_t *w)
{
	__m256i y = _mm256_loadu_si256((const __m256i *)w);
#if defined(__AVX512VNNI__)
	return _mm256_dpbusd_epi32(acc, x, y);
#else
	__m256i even = _mm256_srai_epi16(_mm256_slli_epi16(y, 8), 8);
	__m256i low = _mm256_and_si256(x, _mm256_set1_epi16(0xff));
	acc = _mm256_add_epi32(acc, _mm256_madd_epi16(low, even));
	__m256i odd = _mm256_srai_epi16(y, 8), high = _mm256_srli_epi16(x, 8);
	return _mm256_add_epi32(acc, _mm256_madd_epi16(high, odd));
#endif
}

/* Four values of each half of 32 to a vector in the block's order. */
INLINE __m256 dw_order(const float *p, int v)
{
	return _mm256_insertf128_ps(
	    _mm256_castps128_ps256(_mm_loadu_ps(p + v * 4)), _mm_loadu_ps(p + 16 + v * 4), 1);
}

static void dw_start(const struct dw_nhwc_u8_args *q, int c, struct dw_block *k)
{
	int rows = q->columns + 1 + 2 * q->e.levels;
	k->n = q->n - c < 32 ? q->n - c : 32;
	for (int x = 0; x < q->columns; x++)
		for (int v = 0; v < 4; v++) {
			const float *p = (const float *)(q->start + (size_t)x * q->ld_start + c);
			k->start[x][v] = _mm256_castps_si256(dw_order(p, v));
		}
	for (int i = 0; i < rows; i++)
		for (int v = 0; v < 4; v++)
			k->f[i][v] = dw_order(q->f + (size_t)i * q->e.stride + c, v);
}

/* The levels before the last; f: the factors behind those of the sums. */
INLINE __m256 dw_levels(const struct dw_nhwc_u8_args *q, const __m256 (*f)[4], int v, __m256 r)
{
	for (int k = 0; k < q->e.levels; k++, f += 2) {
		r = _mm256_max_ps(r, _mm256_set1_ps(q->e.lo[k]));
		r = _mm256_min_ps(r, _mm256_set1_ps(q->e.hi[k]));
		r = _mm256_round_ps(r, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
		r = _mm256_fmadd_ps(r, f[0][v], f[1][v]);
	}
	return r;
}

INLINE __m256i dw_byte(const struct u8_epilogue *e, __m256 r)
{
	r = _mm256_max_ps(r, _mm256_set1_ps(e->lo[e->levels]));
	return _mm256_cvtps_epi32(_mm256_min_ps(r, _mm256_set1_ps(e->hi[e->levels])));
}

/* The results of pixel i, channels from c on, in their natural order. */
static void dw_finish(const struct dw_nhwc_u8_args *q, int i, int c, int n, const __m256 r[4])
{
	float x[32];
	for (int v = 0; v < 4; v++) {
		_mm_storeu_ps(x + v * 4, _mm256_castps256_ps128(r[v]));
		_mm_storeu_ps(x + 16 + v * 4, _mm256_extractf128_ps(r[v], 1));
	}
	for (int j = 0; j < n; j += VEC)
		u8_finish(&q->e, q->add, (size_t)i * q->ld_add + (size_t)(c + j), q->out,
		    (size_t)i * q->ld_out + (size_t)(c + j), n - j < VEC ? n - j : VEC,
		    vec_load(x + j));
}

/* Adds four taps. */
INLINE void dw_taps(const struct dw_nhwc_u8_args *q, int tap, ptrdiff_t at, int c, int n,
    const int8_t *w, __m256i acc[4])
{
	__m256i x[4], y[4];
#pragma GCC unroll 4
	for (int t = 0; t < 4; t++)
		x[t] = dw_bytes(q->pixel[tap + t] + (at & q->inside[tap + t]) + c, n);
	y[0] = _mm256_unpacklo_epi8(x[0], x[1]);
	y[1] = _mm256_unpackhi_epi8(x[0], x[1]);
	y[2] = _mm256_unpacklo_epi8(x[2], x[3]);
	y[3] = _mm256_unpackhi_epi8(x[2], x[3]);
	acc[0] = dw_dot(acc[0], _mm256_unpacklo_epi16(y[0], y[2]), w);
	acc[1] = dw_dot(acc[1], _mm256_unpackhi_epi16(y[0], y[2]), w + 32);
	acc[2] = dw_dot(acc[2], _mm256_unpacklo_epi16(y[1], y[3]), w + 64);
	acc[3] = dw_dot(acc[3], _mm256_unpackhi_epi16(y[1], y[3]), w + 96);
}

/* Pixel i: full, columns and groups, fours of taps of each, are constants after inlining (0: any).
 */
INLINE void dw_pixel(const struct dw_nhwc_u8_args *q, const struct dw_block *k, int i, int c,
    const int8_t *w, int columns, int groups, bool full)
{
	__m256 r[4];
	ptrdiff_t at = i * q->step;
	int n = full ? 32 : k->n, all = groups ? groups : q->taps / 4;
	int cols = columns ? columns : q->columns;
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++)
		r[v] = k->f[cols][v];
#pragma GCC unroll 3
	for (int x = 0; x < cols; x++) {
		__m256i acc[4];
#pragma GCC unroll 4
		for (int v = 0; v < 4; v++)
			acc[v] = k->start[x][v];
#pragma GCC unroll 7
		for (int g = 0; g < all; g++, w += 128)
			dw_taps(q, 4 * (x * all + g), at, c, n, w, acc);
#pragma GCC unroll 4
		for (int v = 0; v < 4; v++)
			r[v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[v]), k->f[x][v], r[v]);
	}
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++)
		r[v] = dw_levels(q, k->f + cols + 1, v, r[v]);
	if (q->e.add || q->e.out != U8_OUT_U8) {
		dw_finish(q, i, c, n, r);
		return;
	}
	__m256i a = _mm256_packs_epi32(dw_byte(&q->e, r[0]), dw_byte(&q->e, r[1]));
	__m256i b = _mm256_packs_epi32(dw_byte(&q->e, r[2]), dw_byte(&q->e, r[3]));
	dw_put((uint8_t *)q->out + (size_t)i * q->ld_out + (size_t)c, n, _mm256_packus_epi16(a, b));
}

static void dw_pixels(const struct dw_nhwc_u8_args *q)
{
	const int8_t *w = q->w;
	for (int c = 0; c < q->n; c += 32, w += (size_t)(q->columns * q->taps) * 32) {
		struct dw_block k;
		dw_start(q, c, &k);
		if (k.n < 32)
			for (int i = 0; i < q->m; i++)
				dw_pixel(q, &k, i, c, w, 0, 0, false);
		else if (q->columns == 3 && q->taps == 4)
			for (int i = 0; i < q->m; i++)
				dw_pixel(q, &k, i, c, w, 3, 1, true);
		else if (q->columns == 1 && q->taps == 12)
			for (int i = 0; i < q->m; i++)
				dw_pixel(q, &k, i, c, w, 1, 3, true);
		else if (q->columns == 1 && q->taps == 28)
			for (int i = 0; i < q->m; i++)
				dw_pixel(q, &k, i, c, w, 1, 7, true);
		else
			for (int i = 0; i < q->m; i++)
				dw_pixel(q, &k, i, c, w, 0, 0, true);
	}
}
#endif
