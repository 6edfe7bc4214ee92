/* Resizing and local response normalisation with channels last against their definitions on each
 * instruction set, with guards, and the same bits for any number of threads. */
#include "floats.h"
#include "harness.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/nhwc_lrn_f32.h"
#include "kernels/nhwc_resize_f32.h"

static const char *const levels[] = {"bf16", "avx512", "avx2", "ref"};

/* ---- resizing ---- */

static int32_t *table_of(const struct nhwc_resize_f32 *r, int d, uint64_t seed)
{
	int32_t *t = malloc(nhwc_resize_f32_table(r, d));
	int n = r->out[d] * r->taps[d];
	assert_non_null(t);
	for (int i = 0; i < n; i++) {
		float w = r->taps[d] == 1 ? 1 : 2 * rng_f32(&seed) - 1;
		t[i] = (int32_t)(rng_f32(&seed) * (float)r->in[d]);
		memcpy(t + n + i, &w, sizeof w);
	}
	assert_true(nhwc_resize_f32_inside(r, d, t));
	t[0] = r->in[d];
	assert_false(nhwc_resize_f32_inside(r, d, t));
	t[0] = -1;
	assert_false(nhwc_resize_f32_inside(r, d, t));
	t[0] = r->in[d] - 1;
	return t;
}

static double resized(const struct nhwc_resize_f32 *r, const float *in, const int32_t *const t[2],
    int b, int y, int x, int c)
{
	const float *wy = (const float *)(t[0] + r->out[0] * r->taps[0]);
	const float *wx = (const float *)(t[1] + r->out[1] * r->taps[1]);
	double sum = 0;
	for (int i = y * r->taps[0]; i < (y + 1) * r->taps[0]; i++)
		for (int j = x * r->taps[1]; j < (x + 1) * r->taps[1]; j++)
			sum +=
			    (double)wy[i] * (double)wx[j] *
			    (double)
				in[((b * r->in[0] + t[0][i]) * r->in[1] + t[1][j]) * r->ld_in + c];
	return sum;
}

static void check_resize(const struct nhwc_resize_f32 *shape)
{
	struct nhwc_resize_f32 r = *shape;
	int pixels = r.batch * r.out[0] * r.out[1];
	size_t nin = (size_t)(r.batch * r.in[0] * r.in[1] * (int)r.ld_in) - (size_t)(r.ld_in - r.n);
	size_t nout = (size_t)(pixels * (int)r.ld_out) - (size_t)(r.ld_out - r.n);
	float *in = randoms(nin, 1), *first = NULL;
	int32_t *t[2] = {table_of(&r, 0, 2), table_of(&r, 1, 3)};
	const void *table[2] = {t[0], t[1]};
	for (size_t k = 0; k < COUNT(pools); k++) {
		nhwc_resize_f32_plan(&r, pool_size(pools[k]));
		size_t ns = r.scratch / sizeof(float);
		float *out = guarded(nout), *scratch = guarded(ns);
		nhwc_resize_f32_run(&r, pools[k], in, table, out, scratch);
		if (first)
			assert_memory_equal(out, first, nout * sizeof *out);
		for (int p = 0; p < pixels && !first; p++)
			for (int c = 0; c < r.ld_out && (size_t)(p * (int)r.ld_out + c) < nout;
			     c++) {
				float got = out[p * r.ld_out + c];
				if (c >= r.n) {
					assert_true(got == GUARD_VALUE);
					continue;
				}
				double want = resized(&r, in, (const int32_t *const *)t,
				    p / r.out[1] / r.out[0], p / r.out[1] % r.out[0], p % r.out[1],
				    c);
				assert_true(fabs((double)got - want) < 1e-5);
			}
		guarded_free(scratch, ns);
		if (first)
			guarded_free(out, nout);
		else
			first = out;
	}
	guarded_free(first, nout);
	free(in);
	free(t[0]);
	free(t[1]);
}

static void test_resize(void **state)
{
	static const struct nhwc_resize_f32 shapes[] = {
	    {1, 1, {1, 1}, {3, 5}, {1, 1}, 1, 1, 0, 0, 0},
	    {2, 17, {5, 7}, {10, 14}, {1, 1}, 17, 20, 0, 0, 0},
	    {1, 21, {6, 5}, {17, 13}, {2, 2}, 21, 21, 0, 0, 0},
	    {2, 48, {9, 8}, {4, 3}, {2, 2}, 50, 49, 0, 0, 0},
	    {1, 5, {7, 7}, {15, 11}, {4, 4}, 5, 9, 0, 0, 0},
	    {1, 33, {40, 30}, {13, 10}, {7, 5}, 33, 33, 0, 0, 0},
	    {3, 64, {16, 16}, {32, 32}, {2, 1}, 64, 64, 0, 0, 0},
	};
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++) {
		cpu_limit(levels[l]);
		for (size_t i = 0; i < COUNT(shapes); i++)
			check_resize(&shapes[i]);
	}
	cpu_limit("bf16");
}

/* ---- LRN ---- */

static double normalised(const struct nhwc_lrn_f32 *r, const float *in, int c)
{
	double sum = 0;
	for (int k = c - (r->size - 1) / 2; k <= c + r->size / 2; k++)
		sum += k >= 0 && k < r->n ? (double)in[k] * (double)in[k] : 0;
	return (double)in[c] / pow((double)r->bias + (double)r->scale * sum, (double)r->beta);
}

static void check_lrn(const struct nhwc_lrn_f32 *shape)
{
	struct nhwc_lrn_f32 r = *shape;
	size_t nin = (size_t)(r.rows * (int)r.ld_in) - (size_t)(r.ld_in - r.n);
	size_t nout = (size_t)(r.rows * (int)r.ld_out) - (size_t)(r.ld_out - r.n);
	float *in = randoms(nin, 5), *first = NULL;
	for (size_t k = 0; k < COUNT(pools); k++) {
		nhwc_lrn_f32_plan(&r, pool_size(pools[k]));
		size_t ns = r.scratch / sizeof(float);
		float *out = guarded(nout), *scratch = guarded(ns);
		nhwc_lrn_f32_run(&r, pools[k], in, out, scratch);
		if (first)
			assert_memory_equal(out, first, nout * sizeof *out);
		for (int p = 0; p < r.rows && !first; p++)
			for (int c = 0; c < r.n; c++) {
				double want = normalised(&r, in + p * r.ld_in, c);
				assert_true(fabs((double)out[p * r.ld_out + c] - want) <
					    2e-6 * fabs(want) + 1e-7);
			}
		guarded_free(scratch, ns);
		if (first)
			guarded_free(out, nout);
		else
			first = out;
	}
	guarded_free(first, nout);
	free(in);
}

static void test_lrn(void **state)
{
	static const struct nhwc_lrn_f32 shapes[] = {
	    {1, 1, 1, 0.5f, 0.75f, 1, 1, 1, 0, 0, 0},
	    {7, 3, 5, 0.3f, 0.75f, 1, 4, 5, 0, 0, 0},
	    {400, 64, 5, 2e-5f, 0.75f, 1, 64, 64, 0, 0, 0},
	    {11, 37, 4, 0.7f, 0.5f, 2, 37, 40, 0, 0, 0},
	    {13, 17, 9, 0.4f, 0.6f, 1.5f, 20, 17, 0, 0, 0},
	    {2, 5, 31, 0.4f, 1, 1, 5, 5, 0, 0, 0},
	};
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++) {
		cpu_limit(levels[l]);
		for (size_t i = 0; i < COUNT(shapes); i++)
			check_lrn(&shapes[i]);
	}
	cpu_limit("bf16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_resize),
	    cmocka_unit_test(test_lrn),
	};
	return cmocka_run_group_tests(tests, make_pools, free_pools);
}
