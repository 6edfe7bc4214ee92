/* Winograd's F(4x4, 3x3) and F(2x2, 3x3) along one line of a tile: interpolation points 0, 1, -1,
 * infinity, for 4x4 also 2, -2. */
#ifndef KERNELS_WINO_F32_POINTS_H
#define KERNELS_WINO_F32_POINTS_H

#include "kernels/vec_f32.h"

/* Elements of the image to as many of the transform. For o = 4 the rows of
 * 4 0 -5 0 1 0 | 0 -4 -4 1 1 0 | 0 4 -4 -1 1 0 | 0 -2 -1 2 1 0 | 0 2 -1 -2 1 0 | 0 4 0 -5 0 1,
 * for o = 2 those of 1 0 -1 0 | 0 1 1 0 | 0 -1 1 0 | 0 1 0 -1. */
INLINE void wino_image(const vec *d, int o, vec *to)
{
	if (o == 2) {
		to[0] = vec_sub(d[0], d[2]);
		to[1] = vec_add(d[1], d[2]);
		to[2] = vec_sub(d[2], d[1]);
		to[3] = vec_sub(d[1], d[3]);
		return;
	}
	vec two = vec_set1(2), four = vec_set1(4), five = vec_set1(5);
	vec a = vec_fnma(four, d[2], d[4]), b = vec_fnma(four, d[1], d[3]);
	vec e = vec_sub(d[4], d[2]), f = vec_sub(d[3], d[1]);
	to[0] = vec_fma(four, d[0], vec_fnma(five, d[2], d[4]));
	to[1] = vec_add(a, b);
	to[2] = vec_sub(a, b);
	to[3] = vec_fma(two, f, e);
	to[4] = vec_fnma(two, f, e);
	to[5] = vec_fma(four, d[1], vec_fnma(five, d[3], d[5]));
}

/* Elements of the products to o results. For o = 4 the rows of
 * 1 1 1 1 1 0 | 0 1 -1 2 -2 0 | 0 1 1 4 4 0 | 0 1 -1 8 -8 1, for o = 2 those of
 * 1 1 1 0 | 0 1 -1 -1. */
INLINE void wino_result(const vec *m, int o, vec *to)
{
	vec s = vec_add(m[1], m[2]), d = vec_sub(m[1], m[2]);
	if (o == 2) {
		to[0] = vec_add(m[0], s);
		to[1] = vec_sub(d, m[3]);
		return;
	}
	vec s2 = vec_add(m[3], m[4]), d2 = vec_sub(m[3], m[4]);
	to[0] = vec_add(vec_add(m[0], s), s2);
	to[1] = vec_fma(vec_set1(2), d2, d);
	to[2] = vec_fma(vec_set1(4), s2, s);
	to[3] = vec_add(vec_fma(vec_set1(8), d2, d), m[5]);
}

#endif
