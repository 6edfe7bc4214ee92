/* What calibration does to many floats, on each instruction set: the bits of plain loops. */
#include "../unit/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "kernels/seen_f32.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define GUARD 1e9f

static float *randoms(size_t n, uint64_t seed)
{
	float *p = malloc((n + 1) * sizeof *p);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = 2 * rng_f32(&seed) - 1;
	p[n] = GUARD;
	return p;
}

static bool usable(const struct seen_f32 *row)
{
	return !(row->need & ~cpu_features());
}

static void check_ends(const struct seen_f32 *row, int n)
{
	float *x = randoms((size_t)n, (uint64_t)n), low = INFINITY, high = -INFINITY;
	float want_low = INFINITY, want_high = -INFINITY;
	for (int i = 0; i < n; i++) {
		want_low = fminf(want_low, x[i]);
		want_high = fmaxf(want_high, x[i]);
	}
	assert_true(row->ends(x, n, &low, &high));
	assert_true(low == want_low && high == want_high);
	low = -2;
	high = 2;
	assert_true(row->ends(x, n, &low, &high));
	assert_true(low == -2 && high == 2);
	for (int i = 0; i < n; i += n / 7 + 1) {
		float was = x[i], bad[] = {NAN, INFINITY, -INFINITY};
		for (size_t k = 0; k < COUNT(bad); k++) {
			x[i] = bad[k];
			assert_false(row->ends(x, n, &low, &high));
		}
		x[i] = was;
	}
	free(x);
}

static void check_columns(const struct seen_f32 *row, int rows, int n)
{
	int ld = n + 3;
	float *x = randoms((size_t)(rows * ld), 7), *low = randoms((size_t)n, 8);
	float *high = randoms((size_t)n, 9), *l = malloc((size_t)n * sizeof *l);
	float *h = malloc((size_t)n * sizeof *h);
	for (int i = 0; i < rows; i++) /* what lies between the rows does not count */
		for (int c = n; c < ld; c++)
			x[i * ld + c] = NAN;
	memcpy(l, low, (size_t)n * sizeof *l);
	memcpy(h, high, (size_t)n * sizeof *h);
	for (int i = 0; i < rows * n; i++) {
		l[i % n] = fminf(l[i % n], x[i / n * ld + i % n]);
		h[i % n] = fmaxf(h[i % n], x[i / n * ld + i % n]);
	}
	assert_true(row->columns(x, rows, ld, n, low, high));
	assert_memory_equal(low, l, (size_t)n * sizeof *l);
	assert_memory_equal(high, h, (size_t)n * sizeof *h);
	assert_true(low[n] == GUARD && high[n] == GUARD);
	x[(rows - 1) * ld + n - 1] = NAN;
	assert_false(row->columns(x, rows, ld, n, low, high));
	free(x);
	free(low);
	free(high);
	free(l);
	free(h);
}

/* What is left to do to results, and what is seen of them before and behind. */
static void check_settle(const struct seen_f32 *row, int rows, int n, bool sum)
{
	int ld = n + 1;
	size_t all = (size_t)(rows * ld);
	float *x = randoms(all, 11), *was = randoms(all, 11), *add = randoms(all, 12);
	struct seen_lanes before, after;
	struct seen_settle q = {x, rows, n, ld, sum ? add : NULL, ld, -0.75f, 0.5f, NULL, &after};
	for (int twice = 0; twice < 2; twice++) {
		float end[4] = {INFINITY, -INFINITY, INFINITY, -INFINITY}, got[4];
		for (int k = 0; k < SEEN_LANES; k++) {
			before.low[k] = after.low[k] = INFINITY;
			before.high[k] = after.high[k] = -INFINITY;
			before.bad[k] = after.bad[k] = 0;
		}
		memcpy(x, was, all * sizeof *x);
		q.before = twice ? &before : NULL;
		row->settle(&q);
		memcpy(got, end, sizeof got);
		for (int i = 0; i < rows * ld; i++) {
			float y = sum ? was[i] + add[i] : was[i];
			y = fminf(fmaxf(y, q.lo), q.hi);
			assert_true(x[i] == (i % ld == n ? was[i] : y));
			if (i % ld == n)
				continue;
			end[0] = fminf(end[0], was[i]);
			end[1] = fmaxf(end[1], was[i]);
			end[2] = fminf(end[2], y);
			end[3] = fmaxf(end[3], y);
		}
		for (int k = 0; k < SEEN_LANES; k++) {
			got[0] = fminf(got[0], before.low[k]);
			got[1] = fmaxf(got[1], before.high[k]);
			got[2] = fminf(got[2], after.low[k]);
			got[3] = fmaxf(got[3], after.high[k]);
			assert_true(before.bad[k] == 0 && after.bad[k] == 0);
		}
		assert_memory_equal(got + 2 - 2 * twice, end + 2 - 2 * twice,
		    (size_t)(2 + 2 * twice) * sizeof *got);
	}
	bool good = true;
	x[(rows - 1) * ld + n - 1] = NAN;
	row->settle(&q);
	for (int k = 0; k < SEEN_LANES; k++)
		good &= before.bad[k] == 0 && after.bad[k] == 0;
	assert_false(good);
	free(x);
	free(was);
	free(add);
}

static void check_levels(const struct seen_f32 *row, int n)
{
	const struct seen_levels l = {.low = -0.5f, .high = 0.775f, .step = 1.275f / 255};
	float *x = randoms((size_t)n, 3), *was = randoms((size_t)n, 3);
	float *sum = randoms((size_t)n, 4), *sum_q = randoms((size_t)n, 5);
	float *s = randoms((size_t)n, 4), *q = randoms((size_t)n, 5);
	row->levels(x, n, &l, sum, sum_q);
	for (int i = 0; i < n; i++) {
		float want = rintf((fminf(fmaxf(was[i], l.low), l.high) - l.low) * (1 / l.step));
		volatile float at = want * l.step;
		assert_true(x[i] == at + l.low);
		assert_true(sum[i] == s[i] + was[i] && sum_q[i] == q[i] + x[i]);
	}
	assert_true(x[n] == GUARD && sum[n] == GUARD && sum_q[n] == GUARD);
	free(x);
	free(was);
	free(sum);
	free(sum_q);
	free(s);
	free(q);
}

/* A row of weights by itself, in plain order. */
static float round_row(const struct seen_round *r, int k, float *q)
{
	float e[200], cost = 0;
	for (int j = 0; j < r->n; j++) {
		volatile float sum = 0, x;
		for (int i = 0; i < j; i++) {
			volatile float product = r->rt[j * r->n + i] * e[i];
			sum += product;
		}
		float w = r->w[j * SEEN_ROWS + k], near = rintf(w + sum);
		q[j] = r->given ? r->q[j * SEEN_ROWS + k] : fminf(fmaxf(near, -r->most), r->most);
		e[j] = w - q[j];
		x = (sum + e[j]) * r->diag[j];
		x *= x;
		cost += x;
	}
	return cost;
}

static void check_round(const struct seen_f32 *row, int n, bool given)
{
	size_t all = (size_t)n * SEEN_ROWS;
	float *rt = randoms((size_t)n * (size_t)n, 3), *w = randoms(all, 4), *e = randoms(all, 5);
	float *q = randoms(all, 6), *diag = randoms((size_t)n, 7), want[200];
	struct seen_round r = {
	    .n = n, .rt = rt, .diag = diag, .w = w, .q = q, .e = e, .given = given, .most = 3};
	for (size_t i = 0; i < all; i++) {
		w[i] *= 4;
		q[i] = rintf(3 * q[i]);
	}
	row->round(&r);
	for (int k = 0; k < SEEN_ROWS; k++) {
		assert_true(round_row(&r, k, want) == r.cost[k]);
		for (int j = 0; j < n; j++)
			assert_true(q[j * SEEN_ROWS + k] == want[j]);
	}
	assert_true(q[all] == GUARD && e[all] == GUARD);
	free(rt);
	free(w);
	free(e);
	free(q);
	free(diag);
}

static void check_dots(const struct seen_f32 *row, int n)
{
	enum { LD = 3 };
	double *a = malloc((SEEN_DOTS + 1) * (size_t)(n + LD) * sizeof *a);
	double *b = a + SEEN_DOTS * (n + LD), sum[SEEN_DOTS], one;
	uint64_t seed = (uint64_t)n;
	for (int i = 0; i < (SEEN_DOTS + 1) * (n + LD); i++)
		a[i] = rng_f32(&seed) - 0.5;
	for (int rows = 1; rows <= SEEN_DOTS; rows++) {
		row->dots(a, n + LD, rows, b, n, sum);
		for (int r = 0; r < rows; r++) {
			const double *x = a + r * (n + LD);
			double want = 0;
			for (int i = 0; i < n; i++)
				want += x[i] * b[i];
			assert_true(fabs(sum[r] - want) < 1e-12 * n);
			for (const struct seen_f32 *o = seen_f32_rows; o->name; o++)
				if (usable(o)) {
					o->dots(x, 0, 1, b, n, &one);
					assert_true(one == sum[r]);
				}
		}
	}
	free(a);
}

static void test_seen(void **state)
{
	static const int sizes[] = {1, 2, 7, 15, 16, 17, 63, 64, 65, 127, 1000, 4099};
	(void)state;
	for (const struct seen_f32 *row = seen_f32_rows; row->name; row++)
		for (size_t i = 0; i < COUNT(sizes) && usable(row); i++) {
			check_ends(row, sizes[i]);
			check_columns(row, 5, sizes[i]);
			check_columns(row, 1, sizes[i]);
			check_levels(row, sizes[i]);
			check_settle(row, 5, sizes[i], false);
			check_settle(row, 3, sizes[i], true);
			check_dots(row, sizes[i]);
			if (sizes[i] > 200)
				continue;
			check_round(row, sizes[i], false);
			check_round(row, sizes[i], true);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_seen)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
