/* The functions of a row of seen_f32_rows, for the vectors of the including file's instruction set:
 * NAME(ends), columns and levels. */
#include "kernels/seen_f32.h"
#include "kernels/vec_f32.h"

#ifndef NAME
#define NAME(what) seen_f32_##what##__ref
#endif

#define SIDE 4 /* vectors of extremes that do not wait for each other */

struct ends {
	vec low, high, bad; /* bad: 0 as long as all is finite */
};

INLINE void widen(struct ends *e, vec x)
{
	e->low = vec_min(e->low, x);
	e->high = vec_max(e->high, x);
	e->bad = vec_fma(x, vec_zero(), e->bad);
}

INLINE float lane_min(vec x)
{
	float v[VEC], best;
	vec_store(v, x);
	best = v[0];
	for (int i = 1; i < VEC; i++)
		best = v[i] < best ? v[i] : best;
	return best;
}

INLINE float lane_max(vec x)
{
	return -lane_min(vec_sub(vec_zero(), x));
}

INLINE bool all_zero(vec x)
{
	float v[VEC];
	bool zero = true;
	vec_store(v, x);
	for (int i = 0; i < VEC; i++)
		zero &= v[i] == 0;
	return zero;
}

bool NAME(ends)(const float *x, int64_t n, float *low, float *high)
{
	struct ends e[SIDE];
	int64_t i = 0;
	bool good = true;
	for (int k = 0; k < SIDE; k++)
		e[k] = (struct ends){vec_set1(*low), vec_set1(*high), vec_zero()};
	for (; i + SIDE * VEC <= n; i += SIDE * VEC)
		for (int k = 0; k < SIDE; k++)
			widen(&e[k], vec_load(x + i + k * VEC));
	for (; i < n; i++)
		widen(&e[0], vec_set1(x[i]));
	for (int k = 0; k < SIDE; k++) {
		float l = lane_min(e[k].low), h = lane_max(e[k].high);
		*low = l < *low ? l : *low;
		*high = h > *high ? h : *high;
		good &= all_zero(e[k].bad);
	}
	return good;
}

bool NAME(columns)(const float *x, int64_t rows, int64_t ld, int64_t n, float *low, float *high)
{
	bool good = true;
	for (int64_t c = 0; c < n; c += VEC) {
		int left = n - c < VEC ? (int)(n - c) : VEC;
		vec_mask m = vec_first(left);
		struct ends e = {vec_load_mask(low + c, m), vec_load_mask(high + c, m), vec_zero()};
		for (int64_t i = 0; i < rows; i++)
			widen(&e, vec_load_mask(x + i * ld + c, m));
		vec_store_mask(low + c, m, e.low);
		vec_store_mask(high + c, m, e.high);
		good &= all_zero(e.bad);
	}
	return good;
}

void NAME(levels)(float *x, int64_t n, const struct seen_levels *l, float *sum, float *sum_q)
{
	vec low = vec_set1(l->low), high = vec_set1(l->high), step = vec_set1(l->step);
	vec per = vec_set1(l->step > 0 ? 1 / l->step : 0), even = vec_set1(SEEN_EVEN);
	for (int64_t i = 0; i < n; i += VEC) {
		vec_mask m = vec_first(n - i < VEC ? (int)(n - i) : VEC);
		vec v = vec_load_mask(x + i, m);
		vec at = vec_mul(vec_sub(vec_clamp(v, low, high), low), per);
		vec q = vec_add(vec_mul(vec_sub(vec_add(at, even), even), step), low);
		vec_store_mask(sum + i, m, vec_add(vec_load_mask(sum + i, m), v));
		vec_store_mask(sum_q + i, m, vec_add(vec_load_mask(sum_q + i, m), q));
		vec_store_mask(x + i, m, q);
	}
}
