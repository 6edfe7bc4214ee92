/* One multiply-add in place of several operations, when its factors can be chosen so that every
 * level comes out the same: only values near the middle between two levels have to be looked at. */
#include <math.h>
#include <stdlib.h>

#include "base/vector.h"
#include "exec/fuse_u8.h"

#define NUDGES 8          /* of the factor, in units of its last place */
#define ROUNDINGS 0x1p-21 /* more than these and all roundings on the way make, relative */
#define WHOLE 0x1.8p23f   /* floats of this size are whole numbers */
#define SOME 32           /* levels looked at together */

static float result(const struct ties *t, float x)
{
	return fminf(fmaxf(x, t->lo), t->hi) + WHOLE - WHOLE;
}

static bool add_tie(struct ties *t, float x, float y)
{
	if (t->n == TIES)
		return false;
	t->tie[t->n].x = x;
	t->tie[t->n++].want = result(t, y);
	return true;
}

/* How many come out wrong, at most so many. x * mul is a double without rounding. */
static int wrong(const struct ties *t, float mul, float plus, int most)
{
	int n = 0;
	for (int i = 0; i < t->n && n < most; i++)
		n += result(t, (float)((double)t->tie[i].x * mul + plus)) != t->tie[i].want;
	return n;
}

/* What may be added to x * mul so that ties come out right, next to plus. */
static float fit_plus(const struct ties *t, float mul, float plus)
{
	double lo = -INFINITY, hi = INFINITY;
	double step = fmax(fabs((double)plus) * 0x1p-23, 0x1p-20);
	for (int i = 0; i < t->n; i++) {
		double y = (double)t->tie[i].want - (double)t->tie[i].x * (double)mul;
		if (t->tie[i].want > result(t, -INFINITY))
			lo = fmax(lo, y - 0.5);
		if (t->tie[i].want < result(t, INFINITY))
			hi = fmin(hi, y + 0.5);
	}
	if (hi - lo < 2 * step)
		return (float)((lo + hi) / 2);
	return (float)fmin(fmax((double)plus, lo + step), hi - step);
}

void fit_factors(const struct ties *t, float *mul, float *plus)
{
	float m = *mul, p = *plus;
	int least = wrong(t, m, p, t->n);
	for (int i = 0; i <= 2 * NUDGES && least; i++) {
		int nudge = i % 2 ? (i + 1) / 2 : -i / 2;
		float a = m * (1 + (float)nudge * 0x1p-23f), b = fit_plus(t, a, p);
		int n = wrong(t, a, b, least);
		if (n >= least)
			continue;
		least = n;
		*mul = a;
		*plus = b;
	}
}

/* x without its whole part, in parts of 2^32. */
static uint32_t part_of(double x)
{
	return (uint32_t)(int64_t)((x - floor(x)) * 0x1p32);
}

/* Is any of SOME numbers, first + step[i] without their whole parts, less than width? */
static VECTOR bool any_less(const uint32_t *step, uint32_t first, uint32_t width)
{
	uint32_t any = 0;
	for (int i = 0; i < SOME; i++)
		any |= first + step[i] < width;
	return any;
}

/* Level x, when what it gives is near the middle between two others. */
static void find_tie(
    struct ties *t, const struct course *k, int x, int from, double mul, double plus)
{
	double y = x * mul + plus, near = (fabs(y) + fabs(plus) + 256) * ROUNDINGS;
	if (y > t->lo - 1 && y < t->hi + 1 && fabs(y - floor(y) - 0.5) <= near)
		add_tie(t, (float)x, nearbyintf(course_end(k, (float)x)) - (float)from);
}

void find_level_ties(
    struct ties *t, const struct course *k, int first, int top, int from, float mul, float plus)
{
	/* What is near for results that are no larger than this, and as for parts of 2^32: rounding
	 * makes less of a difference than their double. Other results may be said to be near. */
	double slack = ((double)fabsf(t->lo) + (double)fabsf(t->hi) + 2 * fabs(plus) + 512) * 2 *
		       ROUNDINGS;
	bool all = !(slack < 0.25) || !(fabs((double)mul) < 0x1p20);
	uint32_t step[SOME], width = all ? UINT32_MAX : (uint32_t)(slack * 0x1p33);
	uint32_t one = all ? 0 : part_of(mul);
	uint32_t part = all ? 0 : part_of(first * (double)mul + plus - 0.5 + slack);
	for (uint32_t i = 0; i < SOME; i++)
		step[i] = i * one;
	for (int at = 0; at <= top; at += SOME, part += SOME * one) {
		int end = at + SOME <= top ? SOME : top + 1 - at;
		for (int i = any_less(step, part, width) ? 0 : end; i < end; i++)
			if (part + step[i] < width)
				find_tie(t, k, first + at + i, from, mul, plus);
	}
}
