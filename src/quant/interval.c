/* Tango's score interval of a paired difference of shares, and the percentile bootstrap. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/sorted.h"
#include "quant/interval.h"

#define REPLICATES 2000

/* The score statistic for the difference d: how many standard errors the data lie above it. The
 * error takes the likeliest share of gained samples under d, the larger root of A q^2 + B q + C. */
static double score(double lost, double gained, double n, double d)
{
	double a = 2 * n, b = -lost - gained + (2 * n - lost + gained) * d;
	double c = -gained * d * (1 - d), root = sqrt(fmax(0, b * b - 4 * a * c));
	double q = (root - b) / (2 * a);
	double error = sqrt(fmax(0, n * (2 * q + d * (1 - d))));
	double above = lost - gained - n * d;
	return error > 0 ? above / error : above > 0 ? INFINITY : above < 0 ? -INFINITY : 0;
}

/* The statistic falls as d grows: the d where it passes the level. */
static double solve(double lost, double gained, double n, double level, double lo, double hi)
{
	for (int i = 0; i < 100 && hi - lo > 1e-12; i++) {
		double mid = (lo + hi) / 2;
		if (score(lost, gained, n, mid) > level)
			lo = mid;
		else
			hi = mid;
	}
	return (lo + hi) / 2;
}

struct interval interval_paired(int64_t lost, int64_t gained, int64_t n, double z)
{
	if (n < 1)
		return (struct interval){NAN, NAN};
	double at = (double)(lost - gained) / n;
	return (struct interval){
	    .low = solve(lost, gained, n, z, -1, at),
	    .high = solve(lost, gained, n, -z, at, 1),
	};
}

static void draw(int32_t *weight, int64_t n, uint64_t *state)
{
	memset(weight, 0, n * sizeof *weight);
	for (int64_t i = 0; i < n; i++)
		weight[(unsigned __int128)rng_next(state) * n >> 64]++;
}

struct interval interval_bootstrap(
    int64_t n, double (*value)(void *user, const int32_t *weight), void *user, uint64_t seed)
{
	struct interval r = {NAN, NAN};
	int32_t *weight = n > 0 ? calloc(n, sizeof *weight) : NULL;
	double *v = calloc(REPLICATES, sizeof *v);
	int have = 0;
	for (int i = 0; weight && v && i < REPLICATES; i++) {
		draw(weight, n, &seed);
		v[have] = value(user, weight);
		have += !isnan(v[have]);
	}
	if (have) {
		qsort(v, have, sizeof *v, ascending_f64);
		r.low = v[(int)(0.025 * (have - 1) + 0.5)];
		r.high = v[(int)(0.975 * (have - 1) + 0.5)];
	}
	free(weight);
	free(v);
	return r;
}
