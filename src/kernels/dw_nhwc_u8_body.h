/* Pixels of a quantized depthwise convolution, a block of channels at a time: the bytes of four
 * taps are interleaved, so that a lane of 32 bits holds a channel's, and multiplied with VNNI, or
 * widened to 16 bits where there is none. Defines dw_pixels(). */
#include "kernels/epilogue_u8.h"

#if VEC > 1
#define BLOCK (4 * VEC) /* channels */

#if VEC == 16
typedef __m512i dvec;
#define dvec_cast(x) _mm512_castps_si512(x)
#define dvec_float(x) _mm512_cvtepi32_ps(x)
#define dvec_round(x) _mm512_cvtps_epi32(x)
#define dvec_lo8(a, b) _mm512_unpacklo_epi8(a, b)
#define dvec_hi8(a, b) _mm512_unpackhi_epi8(a, b)
#define dvec_lo16(a, b) _mm512_unpacklo_epi16(a, b)
#define dvec_hi16(a, b) _mm512_unpackhi_epi16(a, b)
#define dvec_pack32(a, b) _mm512_packs_epi32(a, b)
#define dvec_pack16(a, b) _mm512_packus_epi16(a, b)
INLINE dvec dw_bytes(const uint8_t *p, int n)
{
	return n >= BLOCK ? _mm512_loadu_si512(p)
			  : _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p);
}
INLINE void dw_put(uint8_t *p, int n, dvec x)
{
	if (n >= BLOCK)
		_mm512_storeu_si512(p, x);
	else
		_mm512_mask_storeu_epi8(p, ((__mmask64)1 << n) - 1, x);
}
INLINE dvec dw_dot(dvec acc, dvec x, const int8_t *w)
{
	return _mm512_dpbusd_epi32(acc, x, _mm512_loadu_si512(w));
}
#else
typedef __m256i dvec;
#define dvec_cast(x) _mm256_castps_si256(x)
#define dvec_float(x) _mm256_cvtepi32_ps(x)
#define dvec_round(x) _mm256_cvtps_epi32(x)
#define dvec_lo8(a, b) _mm256_unpacklo_epi8(a, b)
#define dvec_hi8(a, b) _mm256_unpackhi_epi8(a, b)
#define dvec_lo16(a, b) _mm256_unpacklo_epi16(a, b)
#define dvec_hi16(a, b) _mm256_unpackhi_epi16(a, b)
#define dvec_pack32(a, b) _mm256_packs_epi32(a, b)
#define dvec_pack16(a, b) _mm256_packus_epi16(a, b)
INLINE dvec dw_bytes(const uint8_t *p, int n)
{
	__m256i x = _mm256_setzero_si256();
	if (n >= BLOCK)
		return _mm256_loadu_si256((const __m256i *)p);
	if (n == 16)
		return _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)p));
	memcpy(&x, p, (size_t)n);
	return x;
}
INLINE void dw_put(uint8_t *p, int n, dvec x)
{
	if (n >= BLOCK)
		_mm256_storeu_si256((__m256i *)p, x);
	else
		memcpy(p, &x, (size_t)n);
}
INLINE dvec dw_dot(dvec acc, dvec x, const int8_t *w)
{
	__m256i y = _mm256_loadu_si256((const __m256i *)w);
	__m256i even = _mm256_srai_epi16(_mm256_slli_epi16(y, 8), 8);
	__m256i low = _mm256_and_si256(x, _mm256_set1_epi16(0xff));
	acc = _mm256_add_epi32(acc, _mm256_madd_epi16(low, even));
	__m256i odd = _mm256_srai_epi16(y, 8), high = _mm256_srli_epi16(x, 8);
	return _mm256_add_epi32(acc, _mm256_madd_epi16(high, odd));
}
#endif

/* Lane i of vector v holds channel i / 4 * 16 + v * 4 + i % 4 of a block, which is the order that
 * interleaving leaves behind and packing undoes. */
struct dw_block {
	int n; /* channels that are there, at most BLOCK */
	const int32_t *start;
	const float *f;
};

INLINE dvec dw_start(const struct dw_block *k, int v)
{
	return dvec_cast(vec_load((const float *)(k->start + v * VEC)));
}

INLINE vec dw_factor(const struct dw_block *k, int row, int v)
{
	return vec_load(k->f + row * BLOCK + v * VEC);
}

/* From sums to what something may be added to. */
INLINE vec dw_levels(const struct dw_nhwc_u8_args *q, const struct dw_block *k, int v, dvec sum)
{
	vec r = u8_sum(&q->e, q->e.sums, dvec_float(sum), dw_factor(k, 0, v), dw_factor(k, 1, v));
	for (int i = 0; i < q->e.levels; i++)
		r = u8_level(&q->e, i, r, dw_factor(k, 2 * i + 2, v), dw_factor(k, 2 * i + 3, v));
	return r;
}

INLINE dvec dw_byte(const struct u8_epilogue *e, vec r)
{
	return dvec_round(vec_clamp_u8(r, vec_set1(e->lo[e->levels]), vec_set1(e->hi[e->levels])));
}

/* Channels in their natural order. */
INLINE void dw_order(const vec r[4], vec x[4])
{
#if VEC == 16
	vec a = _mm512_shuffle_f32x4(r[0], r[1], 0x44), b = _mm512_shuffle_f32x4(r[0], r[1], 0xee);
	vec c = _mm512_shuffle_f32x4(r[2], r[3], 0x44), d = _mm512_shuffle_f32x4(r[2], r[3], 0xee);
	x[0] = _mm512_shuffle_f32x4(a, c, 0x88);
	x[1] = _mm512_shuffle_f32x4(a, c, 0xdd);
	x[2] = _mm512_shuffle_f32x4(b, d, 0x88);
	x[3] = _mm512_shuffle_f32x4(b, d, 0xdd);
#else
	x[0] = _mm256_permute2f128_ps(r[0], r[1], 0x20);
	x[1] = _mm256_permute2f128_ps(r[2], r[3], 0x20);
	x[2] = _mm256_permute2f128_ps(r[0], r[1], 0x31);
	x[3] = _mm256_permute2f128_ps(r[2], r[3], 0x31);
#endif
}

/* The results of pixel i, channels from c on. */
static void dw_finish(const struct dw_nhwc_u8_args *q, int i, int c, int n, const vec r[4])
{
	size_t add = (size_t)i * q->ld_add + (size_t)c, out = (size_t)i * q->ld_out + (size_t)c;
	vec x[4];
	dw_order(r, x);
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++) {
		int left = n - v * VEC;
		if (left >= VEC)
			u8_finish(&q->e, q->add, add + v * VEC, q->out, out + v * VEC, VEC, x[v]);
		else if (left > 0)
			u8_finish(&q->e, q->add, add + v * VEC, q->out, out + v * VEC, left, x[v]);
	}
}

/* Sums become pixel i. */
INLINE void dw_store(const struct dw_nhwc_u8_args *q, const struct dw_block *k, int i, int c, int n,
    const dvec acc[4])
{
	vec r[4];
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++)
		r[v] = dw_levels(q, k, v, acc[v]);
	if (q->e.add || q->e.out != U8_OUT_U8) {
		dw_finish(q, i, c, n, r);
		return;
	}
	dvec a = dvec_pack32(dw_byte(&q->e, r[0]), dw_byte(&q->e, r[1]));
	dvec b = dvec_pack32(dw_byte(&q->e, r[2]), dw_byte(&q->e, r[3]));
	dw_put((uint8_t *)q->out + (size_t)i * q->ld_out + (size_t)c, n, dvec_pack16(a, b));
}

INLINE void dw_interleave(const dvec x[4], dvec y[4])
{
	dvec a = dvec_lo8(x[0], x[1]), b = dvec_hi8(x[0], x[1]);
	dvec c = dvec_lo8(x[2], x[3]), d = dvec_hi8(x[2], x[3]);
	y[0] = dvec_lo16(a, c);
	y[1] = dvec_hi16(a, c);
	y[2] = dvec_lo16(b, d);
	y[3] = dvec_hi16(b, d);
}

INLINE void dw_dots(dvec acc[4], const dvec y[4], const int8_t *w)
{
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++)
		acc[v] = dw_dot(acc[v], y[v], w + v * 4 * VEC);
}

/* ---- pixel by pixel: full, groups (fours of taps) are constants after inlining (0: any) ---- */

INLINE void dw_pixel(const struct dw_nhwc_u8_args *q, const struct dw_block *k, int i, int c,
    const int8_t *w, int groups, bool full)
{
	ptrdiff_t at = i * q->step;
	int n = full ? BLOCK : k->n, all = groups ? groups : q->taps / 4, tap = 0;
	dvec acc[4], x[4], y[4];
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++)
		acc[v] = dw_start(k, v);
#pragma GCC unroll 7
	for (int g = 0; g < all; g++, w += 4 * BLOCK, tap += 4) {
#pragma GCC unroll 4
		for (int t = 0; t < 4; t++)
			x[t] = dw_bytes(q->pixel[tap + t] + (at & q->inside[tap + t]) + c, n);
		dw_interleave(x, y);
		dw_dots(acc, y, w);
	}
	dw_store(q, k, i, c, n, acc);
}

/* ---- windows of three columns of at most four taps, each interleaved once ---- */

/* Four taps of a column, from number tap on. */
INLINE void dw_column(const struct dw_nhwc_u8_args *q, int column, int tap, int c, int n, dvec y[4])
{
	bool in = (unsigned)column < (unsigned)q->width;
	dvec x[4];
#pragma GCC unroll 4
	for (int t = 0; t < 4; t++) {
		ptrdiff_t at = column * q->step & q->inside[tap + t];
		x[t] = dw_bytes((in ? q->pixel[tap + t] + at : q->zero) + c, n);
	}
	dw_interleave(x, y);
}

/* stride: 1, 2, or 0 for any that is larger. */
INLINE void dw_line(const struct dw_nhwc_u8_args *q, const struct dw_block *k, int c,
    const int8_t *w, int stride, int n)
{
	dvec y[3][4];
	int keep = stride ? 3 - stride : 0;
	for (int x = 0; x < keep; x++)
		dw_column(q, q->first + x, 0, c, n, y[stride + x]);
	for (int i = 0; i < q->m; i++) {
		dvec acc[4];
		int at = q->first + i * q->stride;
#pragma GCC unroll 3
		for (int x = 0; x < 3; x++)
#pragma GCC unroll 4
			for (int v = 0; v < 4 && x < keep; v++)
				y[x][v] = y[x + stride][v];
#pragma GCC unroll 3
		for (int x = keep; x < 3; x++)
			dw_column(q, at + x, 0, c, n, y[x]);
#pragma GCC unroll 4
		for (int v = 0; v < 4; v++)
			acc[v] = dw_start(k, v);
#pragma GCC unroll 3
		for (int x = 0; x < 3; x++)
			dw_dots(acc, y[x], w + x * 4 * BLOCK);
		dw_store(q, k, i, c, n, acc);
	}
}

INLINE void dw_lines(
    const struct dw_nhwc_u8_args *q, const struct dw_block *k, int c, const int8_t *w, int n)
{
	if (q->stride == 1)
		dw_line(q, k, c, w, 1, n);
	else if (q->stride == 2)
		dw_line(q, k, c, w, 2, n);
	else
		dw_line(q, k, c, w, 0, n);
}

/* ---- windows of more columns: WIDE pixels at a time, for which each column is interleaved once,
 * four taps after the other ---- */

#define WIDE (VEC == 16 ? 4 : 2)

static __attribute__((noinline)) void dw_store_wide(const struct dw_nhwc_u8_args *q,
    const struct dw_block *k, int i, int c, int n, const dvec *sums)
{
	for (int p = 0; p < WIDE && i + p < q->m; p++)
		dw_store(q, k, i + p, c, n, sums + 4 * p);
}

/* columns and stride are constants after inlining. */
INLINE void dw_wide(const struct dw_nhwc_u8_args *q, const struct dw_block *k, int i, int c,
    const int8_t *w, int n, int columns, int stride)
{
	dvec acc[WIDE][4], sums[WIDE * 4], y[4];
	int span = (WIDE - 1) * stride + columns, first = q->first + i * stride;
#pragma GCC unroll 4
	for (int p = 0; p < WIDE; p++)
#pragma GCC unroll 4
		for (int v = 0; v < 4; v++)
			acc[p][v] = dw_start(k, v);
	for (int tap = 0; tap < q->taps; tap += 4, w += 4 * BLOCK)
#pragma GCC unroll 13
		for (int x = 0; x < span; x++) {
			dw_column(q, first + x, tap, c, n, y);
#pragma GCC unroll 7
			for (int t = 0; t < columns; t++) {
				int p = (x - t) / stride;
				if (x >= t && (x - t) % stride == 0 && p < WIDE)
					dw_dots(acc[p], y, w + (ptrdiff_t)(t * q->taps) * BLOCK);
			}
		}
#pragma GCC unroll 4
	for (int p = 0; p < WIDE; p++)
#pragma GCC unroll 4
		for (int v = 0; v < 4; v++)
			sums[4 * p + v] = acc[p][v];
	dw_store_wide(q, k, i, c, n, sums);
}

#define DW_WIDE(columns, stride)                                                               \
	static void dw_wide_##columns##_##stride(                                              \
	    const struct dw_nhwc_u8_args *q, const struct dw_block *k, int c, const int8_t *w) \
	{                                                                                      \
		for (int i = 0; i < q->m; i += WIDE)                                           \
			if (k->n == BLOCK)                                                     \
				dw_wide(q, k, i, c, w, BLOCK, columns, stride);                \
			else                                                                   \
				dw_wide(q, k, i, c, w, k->n, columns, stride);                 \
	}
DW_WIDE(5, 1)
DW_WIDE(5, 2)
DW_WIDE(7, 1)
DW_WIDE(7, 2)

static void dw_wides(
    const struct dw_nhwc_u8_args *q, const struct dw_block *k, int c, const int8_t *w)
{
	if (q->columns == 5)
		(q->stride == 1 ? dw_wide_5_1 : dw_wide_5_2)(q, k, c, w);
	else
		(q->stride == 1 ? dw_wide_7_1 : dw_wide_7_2)(q, k, c, w);
}

static void dw_pixels(const struct dw_nhwc_u8_args *q)
{
	const int8_t *w = q->w;
	int columns = q->columns ? q->columns : 1;
	for (int c = 0; c < q->n; c += BLOCK, w += (size_t)(columns * q->taps) * BLOCK) {
		int n = q->n - c < BLOCK ? q->n - c : BLOCK;
		size_t rows = 2 + 2 * (size_t)q->e.levels;
		struct dw_block k = {n, q->start + c, q->f + (size_t)c * rows};
		if (columns > 3)
			dw_wides(q, &k, c, w);
		else if (q->columns && n == BLOCK)
			dw_lines(q, &k, c, w, BLOCK);
		else if (q->columns)
			dw_lines(q, &k, c, w, n);
		else if (n < BLOCK)
			for (int i = 0; i < q->m; i++)
				dw_pixel(q, &k, i, c, w, 0, false);
		else if (q->taps == 28)
			for (int i = 0; i < q->m; i++)
				dw_pixel(q, &k, i, c, w, 7, true);
		else
			for (int i = 0; i < q->m; i++)
				dw_pixel(q, &k, i, c, w, 0, true);
	}
}
#endif
