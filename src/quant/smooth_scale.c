/* By what each channel of an activation is divided, and its weights multiplied, so that 8 bits lose
 * least of their products. */
#include "quant/smooth_scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LOG2 12    /* a factor is at most 2 to this, and at least its inverse */
#define ROWS_ENOUGH 3e4 /* what is beyond the extremes of so many is rare enough */

static float weight_at(const struct smooth_known *k, int r, int64_t c, int64_t o)
{
	const struct linear *l = &k->reader[r];
	const float *w = k->weight[r].t.data;
	return l->p_is_out ? w[o * l->q + c] : w[c * l->q + o];
}

static void know_weights(struct smooth_known *k)
{
	for (int r = 0; r < k->nreaders; r++)
		for (int64_t c = 0; c < k->channels; c++)
			for (int64_t o = 0; o < linear_outputs(&k->reader[r]); o++) {
				double w = fabs(weight_at(k, r, c, o));
				k->most[c] = w > k->most[c] ? w : k->most[c];
				k->energy[c] += w * w;
			}
}

/* The extreme of each sample, of some tens of numbers, is about twice the deviation. */
static void know_channels(struct smooth_known *k)
{
	for (int64_t c = 0; c < k->channels; c++) {
		const struct stats_channel *s = &k->seen[c];
		double low = stats_mean(s->sum_low, (int64_t)k->samples);
		double high = stats_mean(s->sum_high, (int64_t)k->samples);
		k->act[c] = fmax(fabs(s->low), fabs(s->high));
		k->square[c] = fmax(low * low, high * high) / 4;
	}
}

int smooth_know(struct smooth_known *k, struct err *err)
{
	int64_t outputs = 0;
	for (int r = 0; r < k->nreaders; r++)
		if (linear_outputs(&k->reader[r]) > outputs)
			outputs = linear_outputs(&k->reader[r]);
	k->act = calloc(4 * (size_t)k->channels + (size_t)outputs, sizeof *k->act);
	if (!k->act)
		return fail_nomem(err);
	k->square = k->act + k->channels;
	k->most = k->square + k->channels;
	k->energy = k->most + k->channels;
	k->peak = k->energy + k->channels;
	know_channels(k);
	know_weights(k);
	return OK;
}

/* ---- choosing ---- */

/* As for a normal distribution. */
double smooth_margin(const struct smooth_site *s, int64_t samples)
{
	double rows = fmax(8, s->rows * (double)samples);
	return rows < ROWS_ENOUGH ? sqrt(log(ROWS_ENOUGH) / log(rows)) : 1;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* act^alpha / weight^(1 - alpha), around 1 in the middle; channels that are
 * small in that go with the tenth from below. */
static void factors(const struct smooth_known *k, double alpha, double *sorted, double *scale)
{
	int64_t n = k->channels;
	for (int64_t c = 0; c < n; c++) {
		double x = alpha * log2(fmax(k->act[c], 1e-20)) -
			   (1 - alpha) * log2(fmax(k->most[c], 1e-20));
		scale[c] = sorted[c] = k->act[c] > 0 && k->most[c] > 0 ? x : -INFINITY;
	}
	qsort(sorted, (size_t)n, sizeof *sorted, by_size);
	double least = sorted[n / 10], middle = sorted[n / 2];
	for (int64_t c = 0; c < n; c++) {
		double x = isfinite(middle) ? fmax(scale[c], least) - middle : 0;
		scale[c] = (float)exp2(fmax(-MOST_LOG2, fmin(MOST_LOG2, x)));
	}
}

#define LANES 8

/* The largest of n weights, each times its scale. */
static double largest(const float *w, const double *scale, int64_t n)
{
	double most[LANES] = {0};
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++) {
			double x = fabs((double)w[i + k]) * scale[i + k];
			most[k] = x > most[k] ? x : most[k];
		}
	for (int k = 1; k < LANES; k++)
		most[0] = most[k] > most[0] ? most[k] : most[0];
	for (; i < n; i++)
		most[0] = fmax(most[0], fabs((double)w[i]) * scale[i]);
	return most[0];
}

/* Widens peaks to n weights times one scale. */
static void widen(const float *restrict w, double scale, int64_t n, double *restrict peak)
{
	for (int64_t i = 0; i < n; i++) {
		double x = fabs((double)w[i]) * scale, was = peak[i];
		peak[i] = x > was ? x : was;
	}
}

/* The largest weight of each output of a reader, channels multiplied by their scale. */
static void find_peaks(const struct smooth_known *k, int r, const double *scale)
{
	const struct linear *l = &k->reader[r];
	const float *w = k->weight[r].t.data;
	int64_t outputs = linear_outputs(l);
	memset(k->peak, 0, (size_t)outputs * sizeof *k->peak);
	for (int64_t o = 0; o < outputs && l->p_is_out; o++)
		k->peak[o] = largest(w + o * k->channels, scale, k->channels);
	for (int64_t c = 0; c < k->channels && !l->p_is_out; c++)
		widen(w + c * outputs, scale[c], outputs, k->peak);
}

/* About the noise that 8 bits add to the products: of activations on one grid, and of weights on
 * one for each output. */
static double noise(const struct smooth_known *k, const double *scale)
{
	double low = 0, high = 0, through = 0, rest = 0, sum = 0;
	for (int64_t c = 0; c < k->channels; c++) {
		low = fmin(low, k->seen[c].low / scale[c]);
		high = fmax(high, k->seen[c].high / scale[c]);
		through += scale[c] * scale[c] * k->energy[c];
		rest += k->square[c] / (scale[c] * scale[c]);
	}
	for (int r = 0; r < k->nreaders; r++) {
		find_peaks(k, r, scale);
		for (int64_t o = 0; o < linear_outputs(&k->reader[r]); o++)
			sum += k->peak[o] * k->peak[o];
	}
	double range = (high - low) * k->margin;
	return range * range / (255. * 255) * through + sum / (127. * 127) * rest;
}

bool smooth_choose(struct smooth_known *k, double wanted, bool free_of_cost, double *room,
    double *scale, double *chosen)
{
	static const double tried[] = {0.3, 0.5, 0.65, 0.8, 0.95};
	double *sorted = room, *other = room + k->channels;
	for (int64_t c = 0; c < k->channels; c++)
		scale[c] = 1;
	double margin = k->margin;
	k->margin = 1;
	double least = noise(k, scale) * (free_of_cost ? 0.95 : 0.7);
	k->margin = margin;
	if (wanted >= 0) {
		factors(k, wanted, sorted, scale);
		*chosen = wanted;
	}
	for (size_t i = 0; i < sizeof tried / sizeof *tried && wanted < 0; i++) {
		factors(k, tried[i], sorted, other);
		double e = noise(k, other);
		if (e < least) {
			least = e;
			*chosen = tried[i];
			memcpy(scale, other, (size_t)k->channels * sizeof *scale);
		}
	}
	for (int64_t c = 0; c < k->channels; c++)
		if (scale[c] != 1)
			return true;
	return false;
}
