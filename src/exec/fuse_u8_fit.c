/* One multiply-add in place of several operations, when its factors can be chosen so that every
 * level comes out the same: only values near the middle between two levels have to be looked at. */
#include <math.h>
#include <stdlib.h>

#include "base/vector.h"
#include "exec/fuse_u8.h"

#define NUDGES 8          /* of the factor, in units of its last place */
#define ROUNDINGS 0x1p-21 /* more than these and all roundings on the way make, relative */
#define WHOLE 0x1.8p23f   /* floats of this size are whole numbers */
#define SOME 128          /* levels looked at together */

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
	return (uint32_t)(int64_t)(x * 0x1p32);
}

/* Is any of n numbers, first and on in steps of one without their whole parts, less than width?
 * Compared as signed ones, which vectors of any x86-64 can. */
static VECTOR bool any_less(uint32_t first, uint32_t one, uint32_t width, int n)
{
	int32_t any = 0, end = (int32_t)(width + (uint32_t)INT32_MIN);
	first += (uint32_t)INT32_MIN;
	for (int i = 0; i < n; i++, first += one)
		any |= -((int32_t)first < end);
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
	/* What is near for the largest results that count, and what parts of 2^32 are off by after
	 * so many steps. Other results may be said to be near. */
	double most = (double)fmaxf(fabsf(t->lo), fabsf(t->hi)) + 1;
	double slack = (most + fabs(plus) + 256) * ROUNDINGS + (top + 4) * 0x1p-32;
	bool all = !(slack < 0.25) || !(fabs((double)mul) < 0x1p20);
	uint32_t width = all ? UINT32_MAX : (uint32_t)(slack * 0x1p33);
	uint32_t one = all ? 0 : part_of(mul);
	uint32_t part = all ? 0 : part_of(first * (double)mul + plus - 0.5 + slack);
	t->n = 0;
	for (int at = 0; at <= top; at += SOME) {
		int end = at + SOME <= top ? at + SOME : top + 1;
		if (!any_less(part + (uint32_t)at * one, one, width, end - at))
			continue;
		for (int i = at; i < end; i++)
			if (part + (uint32_t)i * one < width)
				find_tie(t, k, first + i, from, mul, plus);
	}
}
