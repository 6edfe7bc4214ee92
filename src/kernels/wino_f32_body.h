/* Transforms of Winograd's F(4x4, 3x3) over channels, for the vectors of the including file's
 * instruction set; interpolation points 0, 1, -1, 2, -2 and infinity. */
#include "kernels/nhwc_kernel.h"
#include "kernels/vec_f32.h"

/* Six elements of the image, step apart, to six of the transform: the rows of
 * 4 0 -5 0 1 0 | 0 -4 -4 1 1 0 | 0 4 -4 -1 1 0 | 0 -2 -1 2 1 0 | 0 2 -1 -2 1 0 | 0 4 0 -5 0 1. */
INLINE void wino_image(const vec *d, int step, vec *to)
{
	vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
	vec two = vec_set1(2), four = vec_set1(4), five = vec_set1(5);
	vec a = vec_fnma(four, d2, d4), b = vec_fnma(four, d1, d3);
	vec e = vec_sub(d4, d2), f = vec_sub(d3, d1);
	to[0] = vec_fma(four, d0, vec_fnma(five, d2, d4));
	to[1] = vec_add(a, b);
	to[2] = vec_sub(a, b);
	to[3] = vec_fma(two, f, e);
	to[4] = vec_fnma(two, f, e);
	to[5] = vec_fma(four, d1, vec_fnma(five, d3, d[5 * step]));
}

static void wino_in(const struct wino_f32_in *q)
{
	for (ptrdiff_t c = 0; c < q->n; c += VEC) {
		vec_mask mask = vec_first((int)(q->n - c));
		bool full = q->n - c >= VEC;
		vec t[36], v[6], d[6];
#pragma GCC unroll 6
		for (int x = 0; x < 6; x++) {
#pragma GCC unroll 6
			for (int y = 0; y < 6; y++) {
				const float *p = q->pixel[y * 6 + x] + c;
				d[y] = full ? vec_load(p) : vec_load_mask(p, mask);
			}
			wino_image(d, 1, v);
#pragma GCC unroll 6
			for (int y = 0; y < 6; y++)
				t[y * 6 + x] = v[y];
		}
#pragma GCC unroll 6
		for (int y = 0; y < 6; y++) {
			wino_image(t + y * 6, 1, v);
#pragma GCC unroll 6
			for (int x = 0; x < 6; x++)
				vec_store(q->v + (size_t)(y * 6 + x) * q->ldv + c, v[x]);
		}
	}
}

/* Six elements of the product to four results: the rows of
 * 1 1 1 1 1 0 | 0 1 -1 2 -2 0 | 0 1 1 4 4 0 | 0 1 -1 8 -8 1. */
INLINE void wino_result(const vec *m, vec *to)
{
	vec s = vec_add(m[1], m[2]), d = vec_sub(m[1], m[2]);
	vec s2 = vec_add(m[3], m[4]), d2 = vec_sub(m[3], m[4]);
	to[0] = vec_add(vec_add(m[0], s), s2);
	to[1] = vec_fma(vec_set1(2), d2, d);
	to[2] = vec_fma(vec_set1(4), s2, s);
	to[3] = vec_add(vec_fma(vec_set1(8), d2, d), m[5]);
}

INLINE void wino_store(const struct wino_f32_out *q, ptrdiff_t c, vec_mask mask, const vec *o)
{
	vec bias = q->bias ? vec_load_mask(q->bias + c, mask) : vec_zero();
	vec lo = vec_set1(q->lo), hi = vec_set1(q->hi);
#pragma GCC unroll 4
	for (int y = 0; y < 4; y++) {
#pragma GCC unroll 4
		for (int x = 0; x < 4; x++) {
			size_t pixel = (size_t)y * q->line + (size_t)x;
			vec v = vec_add(o[y * 4 + x], bias);
			if (y >= q->ny || x >= q->nx)
				continue;
			if (q->add)
				v = vec_add(v, vec_load_mask(q->add + pixel * q->ld_add + c, mask));
			vec_store_mask(q->out + pixel * q->ld_out + c, mask, vec_clamp(v, lo, hi));
		}
	}
}

static void wino_out(const struct wino_f32_out *q)
{
	for (ptrdiff_t c = 0; c < q->n; c += VEC) {
		vec t[24], m[6], o[16], r[4];
#pragma GCC unroll 6
		for (int x = 0; x < 6; x++) {
#pragma GCC unroll 6
			for (int y = 0; y < 6; y++)
				m[y] = vec_load(q->m + (size_t)(y * 6 + x) * q->ldm + c);
			wino_result(m, r);
#pragma GCC unroll 4
			for (int y = 0; y < 4; y++)
				t[y * 6 + x] = r[y];
		}
#pragma GCC unroll 4
		for (int y = 0; y < 4; y++)
			wino_result(t + y * 6, o + y * 4);
		wino_store(q, c, vec_first((int)(q->n - c)), o);
	}
}

/* Three weights to six: the rows of 1/4 0 0 | -1/6 -1/6 -1/6 | -1/6 1/6 -1/6 | 1/24 1/12 1/6 |
 * 1/24 -1/12 1/6 | 0 0 1. */
INLINE void wino_weight(vec g0, vec g1, vec g2, vec *to)
{
	vec s = vec_mul(vec_add(g0, g2), vec_set1(-1.0f / 6)), t = vec_mul(g1, vec_set1(1.0f / 6));
	vec e = vec_fma(g0, vec_set1(1.0f / 24), vec_mul(g2, vec_set1(1.0f / 6)));
	vec f = vec_mul(g1, vec_set1(1.0f / 12));
	to[0] = vec_mul(g0, vec_set1(0.25f));
	to[1] = vec_sub(s, t);
	to[2] = vec_add(s, t);
	to[3] = vec_add(e, f);
	to[4] = vec_sub(e, f);
	to[5] = g2;
}

static void wino_weights(const float *g, int n, float *u, size_t ldu)
{
	for (int c = 0; c < n; c += VEC) {
		vec t[18], r[6];
		for (int x = 0; x < 3; x++) {
			wino_weight(vec_load(g + x * n + c), vec_load(g + (3 + x) * n + c),
			    vec_load(g + (6 + x) * n + c), r);
			for (int y = 0; y < 6; y++)
				t[y * 3 + x] = r[y];
		}
		for (int y = 0; y < 6; y++) {
			wino_weight(t[y * 3], t[y * 3 + 1], t[y * 3 + 2], r);
			for (int x = 0; x < 6; x++)
				vec_store(u + (size_t)(y * 6 + x) * ldu + c, r[x]);
		}
	}
}
