/* Extremes and carried errors on each instruction set: the bits of plain loops. */
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

static void check_carry(const struct seen_f32 *row, int n)
{
	float *by = randoms((size_t)n, 3), *e = randoms((size_t)n * SEEN_CARRY, 4);
	float *sum = randoms(SEEN_CARRY, 5), want[SEEN_CARRY] = {0};
	for (int i = 0; i < n * SEEN_CARRY; i++) {
		volatile float product = by[i / SEEN_CARRY] * e[i];
		want[i % SEEN_CARRY] += product;
	}
	row->carry(by, e, n, sum);
	assert_memory_equal(sum, want, sizeof want);
	assert_true(sum[SEEN_CARRY] == GUARD);
	free(by);
	free(e);
	free(sum);
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
			check_carry(row, sizes[i]);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_seen)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
