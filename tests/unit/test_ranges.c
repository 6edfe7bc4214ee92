/* What is seen of values, and ranges from it, against direct computations on random data. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "quant/histogram.h"
#include "quant/observe.h"

#define N 20000
#define TIMES 400 /* in test_mse and test_entropy each value counts so often, but the last */

/* Bells with a few values further out; at least `from`. */
static void draw(float *x, int n, float from, uint64_t seed)
{
	for (int i = 0; i < n; i++) {
		float v = -6;
		for (int k = 0; k < 12; k++)
			v += rng_f32(&seed);
		if (rng_f32(&seed) < 0.002f)
			v *= 5;
		x[i] = v < from ? from : v;
	}
}

static void see(struct stats *s, int site, const float *x, const int64_t *dim, int64_t ld)
{
	struct err err = {0};
	struct tensor t = {.type = DT_F32, .rank = 4, .data = (void *)x};
	float room[64];
	memcpy(t.dim, dim, 4 * sizeof *dim);
	struct exec_view v = {.t = &t, .channels_last = ld > 0, .ld = ld};
	assert_int_equal(observe(&s->site[site], &v, room, &err), OK);
	s->samples++;
}

static struct stats *open_stats(int64_t channels, bool bins)
{
	struct err err = {0};
	struct stats *s = stats_new(1);
	assert_non_null(s);
	assert_int_equal(stats_site_open(s, 0, "x", channels, bins, &err), OK);
	return s;
}

/* ---- observe ---- */

/* Of [1][C][pixels] in either layout, for the whole and for each channel. */
static void check_extremes(int64_t channels, bool last)
{
	enum { C = 5, PIXELS = 77, LD = 8, SAMPLES = 3 };
	struct stats *s = open_stats(channels, false);
	static float x[SAMPLES][C * PIXELS], y[PIXELS * LD];
	const int64_t dim[4] = {1, C, 7, 11};
	for (int i = 0; i < SAMPLES; i++) {
		draw(x[i], C * PIXELS, -INFINITY, (uint64_t)i + 1);
		for (int k = 0; k < PIXELS * LD; k++) /* the gap holds what must not be read */
			y[k] = k % LD < C ? x[i][k % LD * PIXELS + k / LD] : NAN;
		see(s, 0, last ? y : x[i], dim, last ? LD : 0);
	}
	for (int c = 0; c < channels; c++) {
		float low = INFINITY, high = -INFINITY;
		double sum[2] = {0, 0};
		for (int i = 0; i < SAMPLES; i++) {
			float l = INFINITY, h = -INFINITY;
			for (int k = 0; k < C * PIXELS; k++)
				if (channels == 1 || k / PIXELS == c) {
					l = fminf(l, x[i][k]);
					h = fmaxf(h, x[i][k]);
				}
			low = fminf(low, l);
			high = fmaxf(high, h);
			sum[0] += l;
			sum[1] += h;
		}
		const struct stats_channel *got = &s->site[0].channel[c];
		assert_true(got->low == low && got->high == high);
		assert_true(fabs(stats_mean(got->sum_low, 3) - sum[0] / 3) < 1e-6);
		assert_true(fabs(stats_mean(got->sum_high, 3) - sum[1] / 3) < 1e-6);
	}
	stats_free(s);
}

static void test_extremes(void **state)
{
	(void)state;
	check_extremes(1, false);
	check_extremes(1, true);
	check_extremes(5, false);
	check_extremes(5, true);
}

static void test_bins(void **state)
{
	const int64_t dim[4] = {1, 10, 2, 1000};
	struct stats *s = open_stats(1, true);
	static float x[N];
	uint64_t sum = 0;
	(void)state;
	draw(x, N, -INFINITY, 3);
	see(s, 0, x, dim, 0);
	see(s, 0, x, dim, 10);
	for (int b = 0; b < STATS_BINS; b++)
		sum += s->site[0].bins[b];
	assert_int_equal(sum, 2 * N);
	for (int i = 0; i < N; i += 997) {
		uint32_t bits, n = 0;
		memcpy(&bits, &x[i], sizeof bits);
		for (int k = 0; k < N; k++) {
			uint32_t other;
			memcpy(&other, &x[k], sizeof other);
			n += bits >> 16 == other >> 16;
		}
		assert_int_equal(s->site[0].bins[bits >> 16], 2 * n);
		assert_true(fabs(stats_bin_value((int)(bits >> 16)) - x[i]) <= fabs(x[i]) / 128);
	}
	stats_free(s);
}

static void test_bad_values(void **state)
{
	const float bad[] = {NAN, INFINITY, -INFINITY, 0x1p61f};
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct stats *s = open_stats(1, false);
		struct err err = {0};
		float x[3] = {1, bad[i], 2}, room[2];
		struct tensor t = {.type = DT_F32, .rank = 2, .dim = {1, 3}, .data = x};
		struct exec_view v = {.t = &t};
		assert_int_equal(observe(&s->site[0], &v, room, &err), E_FORMAT);
		err_clear(&err);
		stats_free(s);
	}
}

/* ---- ranges ---- */

static void range_of(
    const float *x, int times, const struct calibrate_options *o, float *low, float *high)
{
	const int64_t dim[4] = {1, 1, 1, N};
	struct stats *s = open_stats(1, true);
	struct err err = {0};
	see(s, 0, x, dim, 0);
	uint32_t last;
	memcpy(&last, &x[N - 1], sizeof last);
	for (int b = 0; b < STATS_BINS; b++)
		s->site[0].bins[b] *= (uint64_t)times;
	s->site[0].bins[last >> 16] -= (uint64_t)times - 1;
	*low = s->site[0].channel[0].low;
	*high = s->site[0].channel[0].high;
	assert_int_equal(
	    histogram_range(s->site[0].bins, o, o->preset == PRESET_PERFORMANCE, low, high, &err),
	    OK);
	stats_free(s);
}

static int ascending(const void *a, const void *b)
{
	const float *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void assert_close(double got, double want, double bound)
{
	if (!(fabs(got - want) <= bound)) {
		print_error("%g, expected %g within %g\n", got, want, bound);
		assert_true(!"close");
	}
}

/* A bin is 1/128 of what it holds. */
static void test_quantiles(void **state)
{
	static float x[N], sorted[N];
	const double quantile[] = {0.9, 0.99, 0.999, 1};
	(void)state;
	draw(x, N, -INFINITY, 5);
	memcpy(sorted, x, sizeof x);
	qsort(sorted, N, sizeof *sorted, ascending);
	for (int i = 0; i < 4; i++) {
		struct calibrate_options o = {.range = RANGE_QUANTILE, .quantile = quantile[i]};
		float low, high;
		int out = (int)((1 - quantile[i]) * N + 0.5);
		range_of(x, 1, &o, &low, &high);
		assert_close(low, sorted[out], fabs(sorted[out]) / 100);
		assert_close(high, sorted[N - 1 - out], fabs(sorted[N - 1 - out]) / 100);
	}
}

/* Mean square error of values on 256 levels of a range that holds 0 as a level. */
static double error_of(const float *x, double low, double high)
{
	double step = (high - low) / 255, sum = 0, zero = nearbyint(-low / step) * step;
	for (int i = 0; i < N; i++) {
		double q = nearbyint((fmin(fmax(x[i], -zero), high - low - zero) + zero) / step);
		sum += (i < N - 1 ? TIMES : 1) * pow(x[i] - (q * step - zero), 2);
	}
	return sum / N / TIMES;
}

/* Among all ranges tried here none has much less of an error; the extremes have more. */
static void check_mse(float from, enum preset preset)
{
	static float x[N];
	struct calibrate_options o = {.range = RANGE_MSE, .preset = preset};
	float low, high, least = INFINITY, most = -INFINITY;
	double best = INFINITY;
	draw(x, N, from, 11);
	x[N - 1] = 40;
	for (int i = 0; i < N; i++) {
		least = fminf(least, x[i]);
		most = fmaxf(most, x[i]);
	}
	range_of(x, TIMES, &o, &low, &high);
	bool symmetric = preset == PRESET_PERFORMANCE && least < 0;
	double end = fmax(-least, most);
	for (int i = 5; i <= 40; i++)
		for (int k = 5; k <= 40; k++) {
			if (symmetric)
				best = fmin(
				    best, error_of(x, -end * i / 40 * 256 / 254, end * i / 40));
			else
				best = fmin(
				    best, error_of(x, fmin(least, 0) * k / 40, most * i / 40));
		}
	double got = error_of(x, low, high);
	assert_true(got <= best * 1.05);
	assert_true(
	    got < 0.8 * error_of(x, symmetric ? -end : fmin(least, 0), symmetric ? end : most));
}

static void test_mse(void **state)
{
	(void)state;
	check_mse(-INFINITY, PRESET_MIXED);
	check_mse(0, PRESET_MIXED);
	check_mse(-INFINITY, PRESET_PERFORMANCE);
}

/* Kullback-Leibler divergence of the values in 2048 bins, clipped to [low, high], from the same in
 * 256 levels; directly from the values. */
static double divergence(const float *x, double first, double last, double low, double high)
{
	enum { FINE = 2048 };
	static double p[FINE], q[FINE];
	double width = (last - first) / FINE, sum = 0, all = 0;
	int from = (int)nearbyint((low - first) / width),
	    to = (int)nearbyint((high - first) / width);
	memset(p, 0, sizeof p);
	for (int i = 0; i < N; i++) {
		int b = (int)((x[i] - first) / width);
		if (x[i] != 0)
			p[b < 0 ? 0 : b >= FINE ? FINE - 1 : b] += i < N - 1 ? TIMES : 1;
	}
	for (int i = 0; i < FINE; i++)
		all += p[i];
	for (int l = 0; l < 256; l++) {
		int a = from + (to - from) * l / 256, b = from + (to - from) * (l + 1) / 256;
		double mass = 0, filled = 0;
		for (int i = a; i < b; i++) {
			mass += p[i];
			filled += p[i] > 0;
		}
		for (int i = a; i < b; i++)
			q[i] = p[i] > 0 ? mass / filled : 0;
	}
	for (int i = 0; i < FINE; i++)
		if (i < from)
			p[from] += p[i];
		else if (i >= to)
			p[to - 1] += p[i];
	for (int i = from; i < to; i++)
		if (p[i] > 0)
			sum += p[i] / all * log(p[i] / fmax(q[i], 1e-9 * all));
	return sum;
}

static void test_entropy(void **state)
{
	static float x[N];
	struct calibrate_options o = {.range = RANGE_ENTROPY};
	float low, high, first = 0, last = 0;
	double best = INFINITY;
	(void)state;
	draw(x, N, -INFINITY, 17);
	x[N - 1] = 40;
	x[N - 2] = -30;
	for (int i = 0; i < N; i++) {
		first = fminf(first, x[i]);
		last = fmaxf(last, x[i]);
	}
	range_of(x, TIMES, &o, &low, &high);
	for (int k = 64; k > 8; k--)
		best = fmin(best, divergence(x, first, last, first * k / 64, last * k / 64));
	double got = divergence(x, first, last, low, high);
	assert_true(got <= best * 1.1 + 1e-3);
	assert_true(got < divergence(x, first, last, first, last));
	assert_true(low > first && high < last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_extremes),
	    cmocka_unit_test(test_bins), cmocka_unit_test(test_bad_values),
	    cmocka_unit_test(test_quantiles), cmocka_unit_test(test_mse),
	    cmocka_unit_test(test_entropy)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
