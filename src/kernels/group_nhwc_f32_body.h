/* Pixels of a convolution in narrow groups with channels last, for the vectors of the including
 * file's instruction set. Defines group_pixels(). */
#include "kernels/nhwc_kernel.h"
#include "kernels/vec_f32.h"

#if VEC == 16
#define GROUP_PIXELS 14 /* sums that the registers hold beside weights and lanes */
typedef __m512i group_lanes;
#define lanes_load(p) _mm512_loadu_si512(p)
#define lanes_add(x, n) _mm512_add_epi32(x, _mm512_set1_epi32(n))
#define vec_pick(x, lanes) _mm512_permutexvar_ps(lanes, x)
#elif VEC == 8
#define GROUP_PIXELS 8
typedef __m256i group_lanes;
#define lanes_load(p) _mm256_loadu_si256((const __m256i *)(p))
#define lanes_add(x, n) _mm256_add_epi32(x, _mm256_set1_epi32(n))
#define vec_pick(x, lanes) _mm256_permutevar8x32_ps(x, lanes)
#else
#define GROUP_PIXELS 8
typedef int32_t group_lanes;
#define lanes_load(p) (*(p))
#define lanes_add(x, n) ((x) + (n))
#define vec_pick(x, lanes) ((void)(lanes), (x))
#endif

/* Sum, clamp and store. */
INLINE void group_store(const struct group_nhwc_f32_args *q, int i, int np, vec *acc)
{
	vec lo = vec_set1(q->lo), hi = vec_set1(q->hi);
	vec_mask mask = vec_first(q->n);
#pragma GCC unroll 14
	for (int p = 0; p < np; p++) {
		const float *add = q->add + (size_t)(i + p) * q->ld_add;
		vec x = q->add ? vec_add(acc[p], vec_load_mask(add, mask)) : acc[p];
		vec_store_mask(q->out + (size_t)(i + p) * q->ld_out, mask, vec_clamp(x, lo, hi));
	}
}

/* np pixels from number i on; np is a constant after inlining. Stride and dilation are 1, so each
 * pixel of the image is spread over the lanes once for all taps. */
INLINE void group_near(const struct group_nhwc_f32_args *q, int i, int np, int taps)
{
	vec acc[GROUP_PIXELS], w[3];
	vec bias = q->bias ? vec_load_mask(q->bias, vec_first(q->n)) : vec_zero();
	const float *weights = q->w;
#pragma GCC unroll 14
	for (int p = 0; p < np; p++)
		acc[p] = bias;
	for (int r = 0; r < q->rows; r++) {
		const float *const *pixel = q->pixels + (size_t)r * q->line + i;
		if (!q->pixels[(size_t)r * q->line]) {
			weights += q->cin * taps * VEC;
			continue;
		}
		group_lanes lanes = lanes_add(lanes_load(q->lanes), q->shift);
		for (int k = 0; k < q->cin; k++, weights += taps * VEC) {
#pragma GCC unroll 3
			for (int t = 0; t < taps; t++)
				w[t] = vec_load(weights + t * VEC);
#pragma GCC unroll 16
			for (int x = 0; x < np - 1 + taps; x++) {
				const float *from = pixel[x] + q->offset;
				vec e = vec_pick(vec_load(from), lanes);
#pragma GCC unroll 3
				for (int t = 0; t < taps; t++) {
					int p = x - t;
					if (p >= 0 && p < np)
						acc[p] = vec_fma(w[t], e, acc[p]);
				}
			}
			lanes = lanes_add(lanes, 1);
		}
	}
	group_store(q, i, np, acc);
}

/* The same for any window. */
INLINE void group_any(const struct group_nhwc_f32_args *q, int i, int np)
{
	vec acc[GROUP_PIXELS];
	vec bias = q->bias ? vec_load_mask(q->bias, vec_first(q->n)) : vec_zero();
	const float *w = q->w;
#pragma GCC unroll 14
	for (int p = 0; p < np; p++)
		acc[p] = bias;
	for (int r = 0; r < q->rows; r++) {
		const float *const *pixel = q->pixels + (size_t)r * q->line + i * q->stride;
		if (!q->pixels[(size_t)r * q->line]) {
			w += q->cin * q->taps * VEC;
			continue;
		}
		group_lanes lanes = lanes_add(lanes_load(q->lanes), q->shift);
		for (int k = 0; k < q->cin; k++) {
			for (int t = 0; t < q->taps; t++, w += VEC) {
				const float *const *at = pixel + t * q->dilation;
#pragma GCC unroll 14
				for (int p = 0; p < np; p++) {
					const float *from = at[p * q->stride] + q->offset;
					vec e = vec_pick(vec_load(from), lanes);
					acc[p] = vec_fma(vec_load(w), e, acc[p]);
				}
			}
			lanes = lanes_add(lanes, 1);
		}
	}
	group_store(q, i, np, acc);
}

INLINE void group_by_kind(const struct group_nhwc_f32_args *q, int i, int np)
{
	if (q->taps == 3 && q->dilation == 1 && q->stride == 1)
		group_near(q, i, np, 3);
	else
		group_any(q, i, np);
}

#define GROUP_TILE(np)                                                          \
	static void group_tile_##np(const struct group_nhwc_f32_args *q, int i) \
	{                                                                       \
		group_by_kind(q, i, np);                                        \
	}
GROUP_TILE(1)
GROUP_TILE(2)
GROUP_TILE(3)
GROUP_TILE(4)
GROUP_TILE(5)
GROUP_TILE(6)
GROUP_TILE(7)
GROUP_TILE(8)
#if VEC == 16
GROUP_TILE(9)
GROUP_TILE(10)
GROUP_TILE(11)
GROUP_TILE(12)
GROUP_TILE(13)
GROUP_TILE(14)
#endif

/* In tiles of nearly the same size. */
static void group_pixels(const struct group_nhwc_f32_args *q)
{
	static void (*const by_pixels[])(const struct group_nhwc_f32_args *, int) = {
		group_tile_1,
		group_tile_2,
		group_tile_3,
		group_tile_4,
#if VEC > 1
		group_tile_5,
		group_tile_6,
		group_tile_7,
		group_tile_8,
#endif
#if VEC == 16
		group_tile_9,
		group_tile_10,
		group_tile_11,
		group_tile_12,
		group_tile_13,
		group_tile_14
#endif
	};
	int tiles = (q->m + GROUP_PIXELS - 1) / GROUP_PIXELS;
	for (int t = 0; t < tiles; t++) {
		int from = q->m * t / tiles, to = q->m * (t + 1) / tiles;
		by_pixels[to - from - 1](q, from);
	}
}
