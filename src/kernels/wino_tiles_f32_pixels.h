/* How Winograd with lanes over tiles reads pixels of as many tiles and stores them, for the vectors
 * of the including file's instruction set. */
#ifndef KERNELS_WINO_TILES_F32_PIXELS_H
#define KERNELS_WINO_TILES_F32_PIXELS_H

#include "kernels/vec_f32.h"
#include "kernels/wino_tiles_f32.h"

#if VEC > 1

/* Up to eight channels of one tile are stored at once: a vector of AVX2, also beside wider ones. */
struct wino_tiles_pixel {
	__m256i mask; /* of channels that there are */
	__m256 lo, hi;
	size_t out, add; /* floats from the tile's first pixel */
};

INLINE struct wino_tiles_pixel wino_tiles_pixel(
    const struct wino_tiles_out *q, size_t line, size_t column)
{
	__m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	return (struct wino_tiles_pixel){_mm256_cmpgt_epi32(_mm256_set1_epi32(q->n), lane),
	    _mm256_set1_ps(q->lo), _mm256_set1_ps(q->hi),
	    line * q->line_out + column * q->ld_out + (size_t)q->from,
	    line * q->line_add + column * q->ld_add + (size_t)q->from};
}

/* x, the channels of lane i's pixel; a NaN passes the clamp. */
INLINE void wino_tiles_store(
    const struct wino_tiles_out *q, const struct wino_tiles_pixel *p, int i, __m256 x)
{
	float *to = q->out[i] + p->out;
	if (q->add) {
		const float *add = q->add[i] + p->add;
		x = _mm256_add_ps(
		    x, q->n == 8 ? _mm256_loadu_ps(add) : _mm256_maskload_ps(add, p->mask));
		x = _mm256_min_ps(p->hi, _mm256_max_ps(p->lo, x));
	}
	if (q->n == 8)
		_mm256_storeu_ps(to, x);
	else
		_mm256_maskstore_ps(to, p->mask, x);
}

#if VEC == 16
#define TILES_OP(name) _mm512_##name
#else
#define TILES_OP(name) _mm256_##name
#endif

/* Columns of 4 x 4 in each four lanes: x[c] of four vectors whose part q holds row 4 q + number. */
INLINE void turn_4x4(vec *x)
{
	vec a = TILES_OP(unpacklo_ps)(x[0], x[1]), b = TILES_OP(unpackhi_ps)(x[0], x[1]);
	vec c = TILES_OP(unpacklo_ps)(x[2], x[3]), d = TILES_OP(unpackhi_ps)(x[2], x[3]);
	x[0] = TILES_OP(shuffle_ps)(a, c, 0x44);
	x[1] = TILES_OP(shuffle_ps)(a, c, 0xee);
	x[2] = TILES_OP(shuffle_ps)(b, d, 0x44);
	x[3] = TILES_OP(shuffle_ps)(b, d, 0xee);
}

#endif

#if VEC == 16

/* Four channels of each lane's pixel. */
INLINE void wino_tiles_gather(const float *const *pixel, ptrdiff_t offset, vec *x)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		x[i] = _mm512_castps128_ps512(_mm_loadu_ps(pixel[i] + offset));
#pragma GCC unroll 3
		for (int k = 1; k < 4; k++)
			x[i] = _mm512_mask_broadcast_f32x4(x[i], (__mmask16)(0xf << 4 * k),
			    _mm_loadu_ps(pixel[i + 4 * k] + offset));
	}
	turn_4x4(x);
}

/* Eight channels x of lanes' pixels at a line and column of their tiles. */
INLINE void wino_tiles_scatter(
    const struct wino_tiles_out *q, const vec *x, size_t line, size_t column, uint32_t lanes)
{
	struct wino_tiles_pixel p = wino_tiles_pixel(q, line, column);
	/* quarters 0 of both, then 1; and 2, then 3 */
	__m512i low = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
	__m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
	vec a[4] = {x[0], x[1], x[2], x[3]}, b[4] = {x[4], x[5], x[6], x[7]};
	turn_4x4(a);
	turn_4x4(b);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
#pragma GCC unroll 2
		for (int h = 0; h < 2; h++) {
			int lane = i + 8 * h;
			vec two = _mm512_permutex2var_ps(a[i], h ? high : low, b[i]);
			if (lanes >> lane & 1)
				wino_tiles_store(q, &p, lane, _mm512_castps512_ps256(two));
			if (lanes >> (lane + 4) & 1)
				wino_tiles_store(q, &p, lane + 4, _mm512_extractf32x8_ps(two, 1));
		}
}

#elif VEC == 8

/* Four channels of each lane's pixel. */
INLINE void wino_tiles_gather(const float *const *pixel, ptrdiff_t offset, vec *x)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		x[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(pixel[i] + offset)),
		    _mm_loadu_ps(pixel[i + 4] + offset), 1);
	turn_4x4(x);
}

/* Eight channels x of lanes' pixels at a line and column of their tiles. */
INLINE void wino_tiles_scatter(
    const struct wino_tiles_out *q, const vec *x, size_t line, size_t column, uint32_t lanes)
{
	struct wino_tiles_pixel p = wino_tiles_pixel(q, line, column);
	vec a[4] = {x[0], x[1], x[2], x[3]}, b[4] = {x[4], x[5], x[6], x[7]};
	turn_4x4(a);
	turn_4x4(b);
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		if (lanes >> i & 1)
			wino_tiles_store(q, &p, i,
			    i < 4 ? _mm256_permute2f128_ps(a[i], b[i], 0x20)
				  : _mm256_permute2f128_ps(a[i - 4], b[i - 4], 0x31));
}

#else

INLINE void wino_tiles_gather(const float *const *pixel, ptrdiff_t offset, vec *x)
{
	for (int k = 0; k < 4; k++)
		x[k] = pixel[0][offset + k];
}

INLINE void wino_tiles_scatter(
    const struct wino_tiles_out *q, const vec *x, size_t line, size_t column, uint32_t lanes)
{
	float *to = q->out[0] + q->from + line * q->line_out + column * q->ld_out;
	const float *add = q->add ? q->add[0] + q->from + line * q->line_add + column * q->ld_add
				  : NULL;
	(void)lanes;
	for (int c = 0; c < q->n; c++)
		to[c] = add ? vec_clamp(x[c] + add[c], q->lo, q->hi) : x[c];
}

#endif

#endif
