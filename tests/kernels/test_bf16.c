/* The tiles that multiply in BF16, and its rounding, on each instruction set. */
#include "floats.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/half.h"
#include "kernels/nhwc_kernel.h"

/* Pairs of small integers and halves, whose sums are exact, and the rounding of every row. */
static void check_bf16_tile(const struct igemm_bf16 *row, int m, int n, int taps, int k)
{
	size_t wide = (size_t)(n <= row->nr / 2 ? row->nr / 2 : row->nr), ldc = (size_t)n + 3;
	size_t depth = (size_t)taps * (size_t)k, size = (size_t)(m - 1) * ldc + (size_t)n;
	size_t na = ((size_t)m * depth + 5) * 2, nb = wide * depth * 2;
	float *a = randoms(na, 1), *b = randoms(nb, 2), *bias = randoms((size_t)n, 2);
	float *c = guarded(size);
	uint32_t *pa = malloc(na * 2 + 4), *pb = malloc(nb * 2 + 4);
	const uint32_t *rows[200];
	for (size_t i = 0; i < na; i++)
		a[i] = floorf(a[i] * 8);
	for (size_t i = 0; i < nb; i++)
		b[i] = floorf(b[i] * 32) / 2;
	for (int i = 0; i < n; i++)
		bias[i] = floorf(bias[i] * 64);
	row->round(a, (int)na, pa);
	row->round(b, (int)nb, pb);
	for (int i = 0; i < taps * m; i++)
		rows[i] = pa + (size_t)i * (size_t)k;
	struct igemm_bf16_args q = {
	    rows, 5, taps, k, pb, {.bias = bias, .c = c, .ldc = ldc, .lo = -300, .hi = 250}};
	row->run(&q, m, n);
	for (int i = 0; i < m; i++)
		for (size_t j = 0; j < (size_t)n; j++) {
			float sum = bias[j];
			for (int t = 0; t < taps; t++)
				for (int p = 0; p < 2 * k; p++) {
					size_t at = (size_t)((t * m + i) * k + 5) * 2 + (size_t)p;
					size_t pair = (size_t)(t * k + p / 2) * wide + j;
					sum += a[at] * b[pair * 2 + (size_t)(p & 1)];
				}
			assert_true(c[(size_t)i * ldc + j] == clampf(sum, -300, 250));
		}
	for (size_t i = 0; i < size; i++)
		assert_true(i % ldc < (size_t)n || c[i] == GUARD_VALUE);
	free(a);
	free(b);
	free(bias);
	free(pa);
	free(pb);
	guarded_free(c, size);
}

/* To nearest, ties to even; infinities and NaN stay; only whole pairs are written. */
static void check_round(const struct igemm_bf16 *row)
{
	static const float special[] = {0, -0.0f, INFINITY, -INFINITY, 1.00390625f, 1.01171875f,
	    -1.00390625f, 3.4e38f, 1.00390637f, 1.5f};
	float *x = randoms(100, 4);
	memcpy(x, special, sizeof special);
	for (int n = 0; n <= 100; n++) {
		size_t pairs = (size_t)(n + 1) / 2;
		uint32_t *got = (uint32_t *)guarded(pairs);
		row->round(x, n, got);
		for (int i = 0; i < n; i++)
			assert_int_equal(got[i / 2] >> (i & 1) * 16 & 0xffff, f32_to_bf16(x[i]));
		assert_true(!(n & 1) || !(got[n / 2] >> 16));
		guarded_free((float *)got, pairs);
	}
	uint32_t nan;
	row->round(&(float){NAN}, 1, &nan);
	assert_true(isnan(bf16_to_f32((uint16_t)nan)));
	free(x);
}

static void test_bf16_tiles(void **state)
{
	static const int depths[][2] = {{1, 1}, {1, 7}, {3, 5}, {9, 16}, {1, 131}, {2, 0}};
	(void)state;
	for (const struct igemm_bf16 *row = igemm_bf16_rows; row->run; row++) {
		if (row->need & ~cpu_features()) {
			print_message("skipped: %s, the processor lacks it\n", row->name);
			continue;
		}
		check_round(row);
		for (int m = 1; m <= row->mr; m++)
			for (int n = 1; n <= row->nr; n++)
				for (size_t d = 0; d < COUNT(depths); d++)
					check_bf16_tile(row, m, n, depths[d][0], depths[d][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bf16_tiles)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
