/* How far an answer is from the one expected. */
#include <math.h>

#include "report/error.h"

static bool same_sizes(const struct tensor *a, const struct tensor *b)
{
	for (int i = 0; i < a->rank && i < b->rank; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return a->rank == b->rank;
}

static double range_of(const struct tensor *t, int64_t n)
{
	double lo = INFINITY, hi = -INFINITY;
	for (int64_t i = 0; i < n; i++) {
		double v = tensor_f64(t, i);
		if (!isfinite(v))
			continue;
		lo = fmin(lo, v);
		hi = fmax(hi, v);
	}
	return lo > hi ? 0 : fmax(hi - lo, fmax(fabs(lo), fabs(hi)));
}

double error_over_range(const struct tensor *got, const struct tensor *want)
{
	int64_t n = tensor_count(want);
	double worst = 0, range;
	if (!same_sizes(got, want))
		return INFINITY;
	for (int64_t i = 0; i < n; i++) {
		double a = tensor_f64(got, i), b = tensor_f64(want, i);
		if (a == b || (isnan(a) && isnan(b)))
			continue;
		if (!isfinite(a) || !isfinite(b))
			return INFINITY;
		worst = fmax(worst, fabs(a - b));
	}
	range = worst > 0 ? range_of(want, n) : 1;
	return worst / fmax(range, 1e-12);
}
