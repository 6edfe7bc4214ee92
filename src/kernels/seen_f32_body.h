/* The functions of a row of seen_f32_rows, for the vectors of the including file's instruction set:
 * NAME(ends), columns, settle and levels. */
#include "kernels/seen_ends.h"

#ifndef NAME
#define NAME(what) seen_f32_##what##__ref
#endif

#define SIDE 4 /* vectors of extremes that do not wait for each other */

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
			ends_widen(&e[k], vec_load(x + i + k * VEC));
	for (; i < n; i++)
		ends_widen(&e[0], vec_set1(x[i]));
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
			ends_widen(&e, vec_load_mask(x + i * ld + c, m));
		vec_store_mask(low + c, m, e.low);
		vec_store_mask(high + c, m, e.high);
		good &= all_zero(e.bad);
	}
	return good;
}

/* ---- results as they are finished ---- */

/* Of even vectors and of odd ones, before the sum and after the clamp. */
struct settling {
	struct ends before[2], after[2];
};

INLINE vec settle_vec(
    const struct seen_settle *q, vec x, vec y, bool before, bool add, int k, struct settling *t)
{
	if (before)
		ends_widen(&t->before[k], x);
	x = vec_clamp(add ? vec_add(x, y) : x, vec_set1(q->lo), vec_set1(q->hi));
	ends_widen(&t->after[k], x);
	return x;
}

/* n floats of a row. */
INLINE void settle_row(const struct seen_settle *q, float *x, const float *y, bool before, bool add,
    struct settling *t)
{
	int i = 0;
	for (; i + 2 * VEC <= q->n; i += 2 * VEC)
#pragma GCC unroll 2
		for (int k = 0; k < 2; k++) {
			float *at = x + i + k * VEC;
			vec v = vec_load(at), w = vec_load(y + i + k * VEC);
			vec_store(at, settle_vec(q, v, w, before, add, k, t));
		}
	for (; i + VEC <= q->n; i += VEC)
		vec_store(
		    x + i, settle_vec(q, vec_load(x + i), vec_load(y + i), before, add, 0, t));
	for (; i < q->n; i++) {
		vec v = vec_set1(x[i]), w = vec_set1(y[i]);
		vec_store_mask(x + i, vec_first(1), settle_vec(q, v, w, before, add, 0, t));
	}
}

INLINE void settle_rows(const struct seen_settle *q, bool before, bool add)
{
	struct ends b = ends_load(q->before), a = ends_load(q->after);
	struct settling t = {{b, b}, {a, a}};
	for (int i = 0; i < q->rows; i++) {
		float *x = q->x + i * q->ld;
		settle_row(q, x, add ? q->add + i * q->ld_add : x, before, add, &t);
	}
	ends_store(q->before, &t.before[0], &t.before[1]);
	ends_store(q->after, &t.after[0], &t.after[1]);
}

void NAME(settle)(const struct seen_settle *q)
{
	if (q->before && q->add)
		settle_rows(q, true, true);
	else if (q->add)
		settle_rows(q, false, true);
	else
		settle_rows(q, q->before, false);
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
