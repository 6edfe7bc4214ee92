/* Every kernel row against the reference, with guards around the outputs; -b times the same rows.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "kernels/matmul_f32.h"

#define GUARD 16 /* floats before and behind a buffer */
#define GUARD_VALUE -12345.5f

/* n floats between guards. */
static float *guarded(size_t n)
{
	float *p = aligned_alloc(64, (n + 2 * GUARD + 15) / 16 * 64);
	assert_non_null(p);
	for (size_t i = 0; i < n + 2 * GUARD; i++)
		p[i] = GUARD_VALUE;
	return p + GUARD;
}

static void guarded_free(float *p, size_t n)
{
	for (int i = 0; i < GUARD; i++) {
		assert_true(p[i - GUARD] == GUARD_VALUE);
		assert_true(p[n + (size_t)i] == GUARD_VALUE);
	}
	free(p - GUARD);
}

/* n random floats in [-1, 1) in a buffer of exactly that size, so that sanitizers see overreads. */
static float *randoms(size_t n, uint64_t seed)
{
	float *p = malloc((n ? n : 1) * sizeof *p);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = 2 * rng_f32(&seed) - 1;
	return p;
}

/* A chain of k products of numbers below 1 differs by rounding of each step at most. */
static void assert_close(const float *a, const float *b, size_t n, int k)
{
	for (size_t i = 0; i < n; i++) {
		float bound = 1.2e-7f * (float)(k + 4) * (1 + fabsf(b[i]));
		if (!(fabsf(a[i] - b[i]) <= bound)) {
			print_error("element %zu: %g, expected %g\n", i, a[i], b[i]);
			assert_true(fabsf(a[i] - b[i]) <= bound);
		}
	}
}

static bool have(const char *name, unsigned need)
{
	if (!(need & ~cpu_features()))
		return true;
	print_message("skipped: %s, the processor lacks it\n", name);
	return false;
}

/* ---- GEMM tiles ---- */

static void check_tile(const struct gemm_f32 *row, int m, int n, int k, bool add, bool end)
{
	size_t ldb = (size_t)n + 3, ldc = (size_t)row->nr + 5, size = (size_t)m * ldc;
	float *a = randoms((size_t)row->mr * (size_t)k, 1), *bias = randoms(64, 3);
	float *b = randoms(k ? (size_t)(k - 1) * ldb + (size_t)n : 0, 2);
	float *c = guarded(size), *want = guarded(size);
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++)
			c[(size_t)i * ldc + (size_t)j] = want[(size_t)i * ldc + (size_t)j] =
			    (float)(i - j) * 0.01f;
	struct epilogue e = {bias, bias + 16, -0.75f, 0.5f};
	row->run(k, a, b, ldb, c, ldc, m, n, add, end ? &e : NULL);
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++) {
			float *to = &want[(size_t)i * ldc + (size_t)j], x = add ? *to : 0;
			for (int p = 0; p < k; p++)
				x += a[p * row->mr + i] * b[(size_t)p * ldb + (size_t)j];
			x += end ? e.row_bias[i] + e.col_bias[j] : 0;
			*to = end ? fminf(fmaxf(x, e.lo), e.hi) : x;
		}
	assert_close(c, want, size, k);
	free(a);
	free(b);
	free(bias);
	guarded_free(c, size);
	guarded_free(want, size);
}

static void test_gemm_tiles(void **state)
{
	static const int depths[] = {0, 1, 2, 7, 64, 131};
	(void)state;
	for (const struct gemm_f32 *row = gemm_f32_rows; row->run; row++) {
		if (!have(row->name, row->need))
			continue;
		for (int m = 1; m <= row->mr; m++)
			for (int n = 1; n <= row->nr; n++)
				for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
					check_tile(row, m, n, depths[d], d & 1, n & 1 || d > 2);
	}
}

/* NaN passes the clamp in every row. */
static void test_gemm_nan(void **state)
{
	float a[64] = {NAN}, b[64] = {1}, c[64] = {0};
	struct epilogue e = {NULL, NULL, 0, 6};
	(void)state;
	for (const struct gemm_f32 *row = gemm_f32_rows; row->run; row++) {
		if (!have(row->name, row->need))
			continue;
		row->run(1, a, b, 64, c, 64, 1, row->nr, false, &e);
		assert_true(isnan(c[0]));
	}
}

/* ---- products ---- */

static void check_matmul(const struct gemm_f32 *row, struct matmul_f32 q, struct pool *pool)
{
	size_t mk = (size_t)q.m * (size_t)q.k, kn = (size_t)q.k * (size_t)q.n;
	size_t mn = (size_t)q.m * (size_t)q.n, nout = (size_t)q.dim[0] * mn;
	float *a = randoms((size_t)q.na * mk, 8), *b = randoms((size_t)q.nb * kn, 9);
	float *c = guarded(nout), *want = guarded(nout);
	q.row = (int)(row - gemm_f32_rows);
	matmul_f32_plan(&q, pool_size(pool));
	float *scratch = guarded(q.scratch);
	matmul_f32_run(&q, pool, a, b, c, scratch);
	guarded_free(scratch, q.scratch);
	for (size_t at = 0; at < nout; at++) {
		size_t j = at % (size_t)q.n, i = at / (size_t)q.n % (size_t)q.m, t = at / mn;
		double sum = 0;
		for (size_t p = 0; p < (size_t)q.k; p++)
			sum +=
			    (double)a[t % (size_t)q.na * mk +
				      (q.transpose_a ? p * (size_t)q.m + i : i * (size_t)q.k + p)] *
			    (double)b[t % (size_t)q.nb * kn +
				      (q.transpose_b ? j * (size_t)q.k + p : p * (size_t)q.n + j)];
		want[at] = (float)sum;
	}
	assert_close(c, want, nout, q.k);
	free(a);
	free(b);
	guarded_free(c, nout);
	guarded_free(want, nout);
}

static void test_products(void **state)
{
	struct pool *pool;
	(void)state;
	assert_int_equal(pool_new(2, &pool, NULL), OK);
	for (const struct gemm_f32 *row = gemm_f32_rows; row->run; row++)
		for (int i = 0; i < 8 && !(row->need & ~cpu_features()); i++) {
			struct matmul_f32 q = {.nbatch = 1,
			    .dim = {1 + i % 3},
			    .step = {{!(i & 4)}, {(i & 4) != 0}},
			    .m = i * 13 % 50 + 1,
			    .n = i * 29 % 70 + 1,
			    .k = i * 101 % 600 + 1,
			    .transpose_a = i & 1,
			    .transpose_b = i & 2,
			    .na = i & 4 ? 1 : 1 + i % 3,
			    .nb = i & 4 ? 1 + i % 3 : 1,
			    .lo = -INFINITY,
			    .hi = INFINITY};
			check_matmul(row, q, NULL);
			check_matmul(row, q, pool);
		}
	pool_free(pool);
}

/* ---- -b ---- */

static void bench_gemm(const struct gemm_f32 *row, int k)
{
	float *a = randoms((size_t)row->mr * (size_t)k, 1);
	float *b = randoms((size_t)row->nr * (size_t)k, 2), c[1024];
	struct epilogue e = {NULL, NULL, -INFINITY, INFINITY};
	double t;
	BEST(t, for (int i = 0; i < 100; i++) row->run(
		    k, a, b, (size_t)row->nr, c, (size_t)row->nr, row->mr, row->nr, false, &e));
	printf(
	    "%-28s k %5d %34.1f GFLOP/s\n", row->name, k, 2e-9 * row->mr * row->nr * k * 100 / t);
	free(a);
	free(b);
}

static int bench(void)
{
	for (const struct gemm_f32 *row = gemm_f32_rows; row->run; row++) {
		if (row->need & ~cpu_features())
			continue;
		bench_gemm(row, 64);
		bench_gemm(row, 256);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gemm_tiles),
	    cmocka_unit_test(test_gemm_nan),
	    cmocka_unit_test(test_products),
	};
	if (argc > 1 && !strcmp(argv[1], "-b"))
		return bench();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
