/* One multiply-add in place of several operations, when its factors can be chosen so that every
 * level comes out the same: only values near the middle between two levels have to be looked at. */
#include <math.h>
#include <stdlib.h>

#include "exec/fuse_u8.h"

#define NUDGES 8          /* of the factor, in units of its last place */
#define ROUNDINGS 0x1p-21 /* more than these and all roundings on the way make, relative */
#define WHOLE 0x1.8p23f   /* floats of this size are whole numbers */
#define SOME 16           /* levels looked at together */

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

/* Is any of the results of SOME levels from x on nearer to a middle than slack, as floats tell it?
 * Those of results that are no levels may be said to be. Without a branch, for vectors. */
static bool any_near(int x, float mul, float plus, float slack)
{
	int any = 0;
	for (int i = 0; i < SOME; i++) {
		float y = (float)(x + i) * mul + plus;
		any |= fabsf(y - (y + WHOLE - WHOLE)) > 0.5f - slack;
	}
	return any;
}

void find_level_ties(
    struct ties *t, const struct course *k, int first, int top, int from, float mul, float plus)
{
	/* floats are off by a few roundings of results that are no larger than this */
	float slack = (fabsf(t->lo) + fabsf(t->hi) + 2 * fabsf(plus) + 512) * 2 * (float)ROUNDINGS;
	for (int at = first; at <= first + top; at += SOME) {
		int end = any_near(at, mul, plus, slack) ? at + SOME : at;
		for (int x = at; x < end && x <= first + top; x++) {
			double y = (double)x * mul + plus;
			double near = (fabs(y) + fabs(plus) + 256) * ROUNDINGS;
			if (y > t->lo - 1 && y < t->hi + 1 && fabs(y - floor(y) - 0.5) <= near)
				add_tie(
				    t, (float)x, nearbyintf(course_end(k, (float)x)) - (float)from);
		}
	}
}
