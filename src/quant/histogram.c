/* Ranges from the distribution of values: quantiles, least mean square error, least divergence. */
#include "quant/histogram.h"

#include <math.h>
#include <stdlib.h>

#include "formats/stats.h"

#define LEVELS 256
#define TRIES 128 /* candidates for an end */
#define FINE 2048 /* equal bins that the divergence looks at */
#define COARSE 64 /* candidates for the divergence */

/* The bins that hold something, from the lowest value to the highest, with sums over all before. */
struct spread {
	int n;
	double *x, *width, *count; /* n */
	double *sum[3];            /* n + 1: of count, count * x, count * x * x */
	double low, high;          /* extremes of all values */
	bool symmetric;
};

static void add_bin(struct spread *d, const uint64_t *bins, int b)
{
	if (!bins[b])
		return;
	double x = fmin(fmax(stats_bin_value(b), d->low), d->high);
	d->x[d->n] = x;
	d->width[d->n] = b & 0x7fff ? ldexp(1, ilogb(x) - 7) : 0;
	d->count[d->n] = (double)bins[b];
	for (int k = 0; k < 3; k++)
		d->sum[k][d->n + 1] = d->sum[k][d->n] + (double)bins[b] * pow(x, k);
	d->n++;
}

static void spread_close(struct spread *d)
{
	free(d->x);
	free(d->count);
	free(d->width);
	for (int k = 0; k < 3; k++)
		free(d->sum[k]);
}

static int spread_open(struct spread *d, const uint64_t *bins, struct err *err)
{
	size_t n = 1;
	for (int b = 0; b < STATS_BINS; b++)
		n += bins[b] > 0;
	d->x = calloc(n, sizeof *d->x);
	d->count = calloc(n, sizeof *d->count);
	d->width = calloc(n, sizeof *d->width);
	bool ok = d->x && d->count && d->width;
	for (int k = 0; k < 3; k++)
		ok &= (d->sum[k] = calloc(n + 1, sizeof *d->sum[k])) != NULL;
	if (!ok)
		return fail_nomem(err);
	for (int b = STATS_BINS - 1; b >= STATS_BINS / 2; b--)
		add_bin(d, bins, b);
	for (int b = 0; b < STATS_BINS / 2; b++)
		add_bin(d, bins, b);
	return OK;
}

/* How many bins lie below x. */
static int below(const struct spread *d, double x)
{
	int from = 0, to = d->n;
	while (from < to) {
		int mid = (from + to) / 2;
		if (d->x[mid] < x)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static double between(const struct spread *d, int k, int from, int to)
{
	return to > from ? d->sum[k][to] - d->sum[k][from] : 0;
}

/* ---- quantile ---- */

static void quantile(const struct spread *d, double q, double *low, double *high)
{
	double all = d->sum[0][d->n];
	int at = 0, to = d->n - 1;
	while (at < to && d->sum[0][at + 1] <= (1 - q) * all)
		at++;
	while (to > at && d->sum[0][to] >= q * all)
		to--;
	*low = d->x[at];
	*high = d->x[to];
}

/* ---- mean square error ---- */

/* Sum over bins from..to-1 of count * (x - end)^2. */
static double beyond(const struct spread *d, int from, int to, double end)
{
	return fmax(0, between(d, 2, from, to) - 2 * end * between(d, 1, from, to) +
			   end * end * between(d, 0, from, to));
}

/* Values within are a twelfth of a squared step off on average, but those that become 0. */
static double error_of(const struct spread *d, double low, double high)
{
	double step = (high - low) / (LEVELS - 1), half = step / 2;
	int a = below(d, low), b = below(d, high);
	int z0 = below(d, fmax(low, -half)), z1 = below(d, fmin(high, half));
	double inside = between(d, 0, a, b) - between(d, 0, z0, z1);
	return inside * step * step / 12 + between(d, 2, z0, z1) + beyond(d, 0, a, low) +
	       beyond(d, b, d->n, high);
}

static double symmetric_low(double high)
{
	return -high * LEVELS / (LEVELS - 2);
}

/* The best of an end, from a fortieth of its extreme to all of it, the other one given. */
static double best_end(const struct spread *d, double most, bool is_high, double other)
{
	double best = most, least = INFINITY;
	for (int k = TRIES; k > TRIES / 40; k--) {
		double x = most * k / TRIES;
		double low = d->symmetric ? symmetric_low(x) : is_high ? other : x;
		double e = error_of(d, low, is_high ? x : other);
		if (e < least) {
			least = e;
			best = x;
		}
	}
	return best;
}

static void least_error(const struct spread *d, double *low, double *high)
{
	if (d->symmetric) {
		*high = best_end(d, fmax(-*low, *high), true, 0);
		*low = symmetric_low(*high);
		return;
	}
	for (int round = 0; round < 3; round++) {
		if (d->high > 0)
			*high = best_end(d, d->high, true, *low);
		if (d->low < 0)
			*low = best_end(d, d->low, false, *high);
	}
}

/* ---- divergence ---- */

static int even_bin(const struct spread *d, double x)
{
	double at = (x - d->low) * FINE / (d->high - d->low);
	return at < 0 ? 0 : at >= FINE ? FINE - 1 : (int)at;
}

/* The distribution in equal bins over [low, high], without what is 0 and stays it. */
static void even(const struct spread *d, double *p)
{
	for (int i = 0; i < FINE; i++)
		p[i] = 0;
	for (int i = 0; i < d->n; i++) {
		int from = even_bin(d, d->x[i] - d->width[i] / 2);
		int to = even_bin(d, d->x[i] + d->width[i] / 2);
		for (int k = from; k <= to && d->x[i] != 0; k++)
			p[k] += d->count[i] / (to - from + 1);
	}
}

/* Of the distribution clipped to bins from..to-1 from the same one in levels, each of which
 * is spread evenly over what it holds of bins that are not empty. */
static double divergence(const double *p, int from, int to)
{
	double ends[2] = {0, 0}, all = 0, sum = 0;
	for (int i = 0; i < FINE; i++) {
		all += p[i];
		ends[0] += i < from ? p[i] : 0;
		ends[1] += i >= to ? p[i] : 0;
	}
	for (int l = 0; l < LEVELS; l++) {
		int a = from + (to - from) * l / LEVELS, b = from + (to - from) * (l + 1) / LEVELS;
		double mass = 0, filled = 0;
		for (int i = a; i < b; i++) {
			mass += p[i];
			filled += p[i] > 0;
		}
		for (int i = a; i < b; i++) {
			double x = p[i] + (i == from ? ends[0] : 0) + (i == to - 1 ? ends[1] : 0);
			double q = p[i] > 0 ? mass / filled : 0;
			if (x > 0)
				sum += x * log(x / fmax(q, 1e-9 * all));
		}
	}
	return all > 0 ? sum / all : 0;
}

static void least_divergence(const struct spread *d, double *low, double *high)
{
	double p[FINE], least = INFINITY, best = 1;
	even(d, p);
	int zero = (int)(-d->low / (d->high - d->low) * FINE);
	zero = zero < 0 ? 0 : zero > FINE ? FINE : zero;
	for (int k = COARSE; k > COARSE / 8; k--) {
		double f = (double)k / COARSE;
		int from = zero - (int)(zero * f), to = zero + (int)((FINE - zero) * f);
		double e = to - from >= LEVELS ? divergence(p, from, to) : INFINITY;
		if (e < least) {
			least = e;
			best = f;
		}
	}
	*low *= best;
	*high *= best;
}

int histogram_range(const uint64_t *bins, const struct calibrate_options *o, bool symmetric,
    float *low, float *high, struct err *err)
{
	double lo = fmin(*low, 0), hi = fmax(*high, 0);
	struct spread d = {.low = lo, .high = hi};
	if (!(hi > lo))
		return OK;
	d.symmetric = symmetric && lo < 0;
	int status = spread_open(&d, bins, err);
	if (!status && d.n) {
		if (o->range == RANGE_QUANTILE)
			quantile(&d, o->quantile, &lo, &hi);
		else if (o->range == RANGE_MSE)
			least_error(&d, &lo, &hi);
		else
			least_divergence(&d, &lo, &hi);
		*low = (float)lo;
		*high = (float)hi;
	}
	spread_close(&d);
	return status;
}
