/* Every kernel row against the reference, with guards around the outputs; -b times the same rows.
 */
#include "../unit/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "kernels/conv_f32.h"
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

/* ---- depthwise rows ---- */

static void check_dw(const struct dw_f32 *row, int n, int nrows, int ntaps)
{
	int tap[5] = {2, 0, 7, 3, 1};
	float *w = randoms(25, 4), *want = guarded((size_t)n), *out = guarded((size_t)n);
	float *line[5];
	for (int r = 0; r < nrows; r++)
		line[r] = randoms((size_t)n + 7, (uint64_t)r);
	row->run(n, (const float *const *)line, nrows, tap, ntaps, w, 0.25f, -0.5f, 1, out);
	dw_f32__ref(n, (const float *const *)line, nrows, tap, ntaps, w, 0.25f, -0.5f, 1, want);
	assert_close(out, want, (size_t)n, nrows * ntaps);
	for (int r = 0; r < nrows; r++)
		free(line[r]);
	free(w);
	guarded_free(out, (size_t)n);
	guarded_free(want, (size_t)n);
}

static void test_dw_rows(void **state)
{
	(void)state;
	for (const struct dw_f32 *row = dw_f32_rows; row->run; row++) {
		if (!have(row->name, row->need))
			continue;
		for (int n = 1; n <= 90; n++)
			for (int r = 0; r <= 5; r++)
				check_dw(row, n, r, 1 + (n + r) % 5);
	}
}

static void check_max(const struct max_f32 *row, int n, int nrows, int ntaps)
{
	int tap[5] = {2, 0, 7, 3, 1};
	float *want = guarded((size_t)n), *out = guarded((size_t)n), *line[5];
	for (int r = 0; r < nrows; r++) {
		line[r] = randoms((size_t)n + 7, (uint64_t)r);
		line[r][n / 2] = r == 1 ? NAN : 5;
	}
	row->run(n, (const float *const *)line, nrows, tap, ntaps, out);
	max_f32__ref(n, (const float *const *)line, nrows, tap, ntaps, want);
	for (int i = 0; i < n; i++)
		assert_true(out[i] == want[i] || (isnan(out[i]) && isnan(want[i])));
	for (int r = 0; r < nrows; r++)
		free(line[r]);
	guarded_free(out, (size_t)n);
	guarded_free(want, (size_t)n);
}

static void test_max_rows(void **state)
{
	(void)state;
	for (const struct max_f32 *row = max_f32_rows; row->run; row++) {
		if (!have(row->name, row->need))
			continue;
		for (int n = 1; n <= 37; n++)
			for (int r = 0; r <= 5; r++)
				check_max(row, n, r, 1 + (n + r) % 5);
	}
}

/* ---- whole convolutions and products ---- */

/* The definition, in double. */
static void conv_naive(const struct conv_shape *s, const float *in, const float *w,
    const float *bias, float lo, float hi, float *out)
{
	const int *k = s->kernel, *d = s->in, *o = s->out;
	for (int64_t at = 0; at < (int64_t)s->batch * s->groups * s->cout * o[0] * o[1] * o[2];
	     at++) {
		int64_t x = at % o[2], y = at / o[2] % o[1], z = at / o[2] / o[1] % o[0];
		int64_t plane = at / o[2] / o[1] / o[0], oc = plane % (s->groups * s->cout);
		int64_t item = plane / s->cout;
		double sum = bias[oc];
		for (int64_t p = 0; p < (int64_t)s->cin * k[0] * k[1] * k[2]; p++) {
			int64_t kx = p % k[2], ky = p / k[2] % k[1], kz = p / k[2] / k[1] % k[0];
			int64_t c = p / k[2] / k[1] / k[0];
			int64_t ix = x * s->stride[2] - s->pad[2] + kx * s->dilation[2];
			int64_t iy = y * s->stride[1] - s->pad[1] + ky * s->dilation[1];
			int64_t iz = z * s->stride[0] - s->pad[0] + kz * s->dilation[0];
			if (ix < 0 || iy < 0 || iz < 0 || ix >= d[2] || iy >= d[1] || iz >= d[0])
				continue;
			sum += (double)w[oc * s->cin * k[0] * k[1] * k[2] + p] *
			       (double)
				   in[(((item * s->cin + c) * d[0] + iz) * d[1] + iy) * d[2] + ix];
		}
		out[at] = (float)fmin(fmax(sum, (double)lo), (double)hi);
	}
}

static size_t volume(const int d[3])
{
	return (size_t)d[0] * (size_t)d[1] * (size_t)d[2];
}

static void check_conv(const struct gemm_f32 *row, const struct dw_f32 *dw,
    const struct conv_shape *s, struct pool *pool)
{
	size_t items = (size_t)s->batch * (size_t)s->groups;
	size_t nin = items * (size_t)s->cin * volume(s->in);
	size_t nout = items * (size_t)s->cout * volume(s->out);
	int k = s->cin * (int)volume(s->kernel), channels = s->groups * s->cout;
	float *in = randoms(nin, 5), *w = randoms((size_t)channels * (size_t)k, 6);
	float *bias = randoms((size_t)channels, 7), *want = guarded(nout), *out = guarded(nout);
	conv_naive(s, in, w, bias, -1, 2, want);

	struct conv_f32 c = {.row = row, .s = *s, .bias = bias, .lo = -1, .hi = 2};
	float *packed = malloc(conv_f32_packed_size(row, s) * sizeof *packed);
	conv_f32_pack(row, s, w, packed);
	c.packed = packed;
	conv_f32_plan(&c, pool_size(pool));
	size_t nscratch = c.scratch * (size_t)pool_size(pool);
	float *scratch = guarded(nscratch);
	conv_f32_run(&c, pool, in, out, scratch);
	guarded_free(scratch, nscratch);
	assert_close(out, want, nout, k);
	free(packed);

	struct dw_conv_f32 d = {.row = dw, .s = *s, .w = w, .bias = bias, .lo = -1, .hi = 2};
	if (dw_conv_f32_plan(&d)) {
		nscratch = d.scratch * (size_t)pool_size(pool);
		scratch = guarded(nscratch);
		dw_conv_f32_run(&d, pool, in, out, scratch);
		guarded_free(scratch, nscratch);
		assert_close(out, want, nout, k);
	}
	free(in);
	free(w);
	free(bias);
	guarded_free(want, nout);
	guarded_free(out, nout);
}

static const struct conv_shape shapes[] = {
    /* batch, groups, cin, cout, in, kernel, out, stride, dilation, pad */
    {1, 1, 3, 5, {1, 7, 9}, {1, 3, 3}, {1, 7, 9}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {2, 1, 4, 13, {1, 8, 8}, {1, 1, 1}, {1, 8, 8}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 31, 37, {1, 11, 13}, {1, 3, 3}, {1, 6, 7}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 2, 3, 4, {1, 9, 7}, {1, 3, 2}, {1, 5, 6}, {1, 1, 1}, {1, 2, 3}, {0, 0, 1}},
    {3, 1, 2, 2, {1, 5, 5}, {1, 5, 5}, {1, 5, 5}, {1, 1, 1}, {1, 1, 1}, {0, 2, 2}},
    {1, 1, 2, 3, {1, 1, 50}, {1, 1, 7}, {1, 1, 23}, {1, 1, 2}, {1, 1, 1}, {0, 0, 1}},
    {1, 1, 2, 3, {4, 5, 6}, {2, 3, 3}, {5, 5, 3}, {1, 1, 2}, {1, 1, 1}, {1, 1, 1}},
    {1, 1, 1, 1, {1, 1, 1}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 64, 48, {1, 17, 19}, {1, 3, 3}, {1, 17, 19}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {2, 6, 1, 1, {1, 14, 15}, {1, 3, 3}, {1, 14, 15}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 5, 1, 2, {1, 13, 18}, {1, 3, 5}, {1, 6, 9}, {1, 2, 2}, {1, 1, 1}, {0, 0, 2}},
    {1, 3, 1, 1, {1, 20, 41}, {1, 3, 3}, {1, 18, 19}, {1, 1, 2}, {1, 2, 3}, {0, 1, 1}},
    {1, 4, 1, 1, {1, 3, 3}, {1, 7, 7}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 3, 3}},
};

static void test_convolutions(void **state)
{
	struct pool *pool;
	(void)state;
	assert_int_equal(pool_new(3, &pool, NULL), OK);
	const struct dw_f32 *dw = dw_f32_pick();
	for (const struct gemm_f32 *row = gemm_f32_rows; row->run; row++)
		for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
			if (!(row->need & ~cpu_features())) {
				check_conv(row, dw, &shapes[i], NULL);
				check_conv(row, dw, &shapes[i], pool);
			}
	pool_free(pool);
}

static void check_matmul(const struct gemm_f32 *row, struct matmul_f32 q, struct pool *pool)
{
	size_t mk = (size_t)q.m * (size_t)q.k, kn = (size_t)q.k * (size_t)q.n;
	size_t mn = (size_t)q.m * (size_t)q.n, nout = (size_t)q.batch * mn;
	float *a = randoms((size_t)q.na * mk, 8), *b = randoms((size_t)q.nb * kn, 9);
	float *c = guarded(nout), *want = guarded(nout);
	q.row = row;
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
			struct matmul_f32 q = {.batch = 1 + i % 3,
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

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The fastest of the runs that fit into a tenth of a second, at least three. */
#define BEST(best, statement)                                    \
	do {                                                     \
		double end_ = now() + 0.1;                       \
		best = 1e9;                                      \
		for (int i_ = 0; i_ < 3 || now() < end_; i_++) { \
			double t_ = now();                       \
			statement;                               \
			t_ = now() - t_;                         \
			best = t_ < best ? t_ : best;            \
		}                                                \
	} while (0)

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

static void bench_conv(const struct gemm_f32 *row, const struct conv_shape *s)
{
	struct conv_f32 c = {.row = row, .s = *s, .lo = 0, .hi = INFINITY};
	struct dw_conv_f32 d = {.row = dw_f32_pick(), .s = *s, .lo = 0, .hi = INFINITY};
	int k = s->cin * (int)volume(s->kernel), channels = s->groups * s->cout;
	size_t nout = (size_t)channels * volume(s->out);
	float *in = randoms((size_t)(s->groups * s->cin) * volume(s->in), 1);
	float *w = randoms((size_t)channels * (size_t)k, 2), *out = randoms(nout, 3);
	float *packed = randoms(conv_f32_packed_size(row, s), 4), *scratch;
	double t;
	if (dw_conv_f32_plan(&d)) {
		d.w = w;
		scratch = randoms(d.scratch, 5);
		BEST(t, dw_conv_f32_run(&d, NULL, in, out, scratch));
	} else {
		conv_f32_pack(row, s, w, packed);
		c.packed = packed;
		conv_f32_plan(&c, 1);
		scratch = randoms(c.scratch, 5);
		BEST(t, conv_f32_run(&c, NULL, in, out, scratch));
	}
	printf("%-28s %4d x%-3d %3dx%-3d -> %4d, %dx%d/%d %8.3f ms %6.1f GFLOP/s\n",
	    d.w ? d.row->name : row->name, s->cin * s->groups, s->groups, s->in[1], s->in[2],
	    channels, s->kernel[1], s->kernel[2], s->stride[1], t * 1e3,
	    2e-9 * (double)nout * k / t);
	free(in);
	free(w);
	free(out);
	free(packed);
	free(scratch);
}

#define SAME(c, o, size, kernel, g)                                                           \
	{                                                                                     \
		1, g, c, o, {1, size, size}, {1, kernel, kernel}, {1, size, size}, {1, 1, 1}, \
		    {1, 1, 1},                                                                \
		{                                                                             \
			0, kernel / 2, kernel / 2                                             \
		}                                                                             \
	}
static const struct conv_shape bench_shapes[] = {
    {1, 1, 3, 64, {1, 224, 224}, {1, 7, 7}, {1, 112, 112}, {1, 2, 2}, {1, 1, 1}, {0, 3, 3}},
    SAME(64, 64, 56, 1, 1),
    SAME(64, 64, 56, 3, 1),
    SAME(64, 256, 56, 1, 1),
    SAME(256, 64, 56, 1, 1),
    SAME(128, 128, 28, 3, 1),
    SAME(512, 128, 28, 1, 1),
    SAME(256, 256, 14, 3, 1),
    SAME(1024, 256, 14, 1, 1),
    SAME(512, 512, 7, 3, 1),
    SAME(2048, 512, 7, 1, 1),
    SAME(1, 1, 112, 3, 32),
    SAME(1, 1, 14, 3, 576),
    {1, 144, 1, 1, {1, 56, 56}, {1, 3, 3}, {1, 28, 28}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
};

static void bench_fc(const struct gemm_f32 *row, int k, int n)
{
	struct matmul_f32 q = {.row = row, .batch = 1, .m = 1, .n = n, .k = k, .na = 1, .nb = 1};
	float *a = randoms((size_t)k, 1), *c = randoms((size_t)n, 2), *scratch;
	float *b = randoms(gemm_f32_size_b(row, k, n), 3);
	double t;
	q.lo = -INFINITY;
	q.hi = INFINITY;
	q.packed_b = b;
	matmul_f32_plan(&q, 1);
	scratch = randoms(q.scratch, 4);
	BEST(t, matmul_f32_run(&q, NULL, a, NULL, c, scratch));
	printf(
	    "%-28s 1 x %d x %d %27.3f ms %6.1f GB/s\n", row->name, k, n, t * 1e3, 4e-9 * k * n / t);
	free(a);
	free(b);
	free(c);
	free(scratch);
}

static int bench(void)
{
	for (const struct gemm_f32 *row = gemm_f32_rows; row->run; row++) {
		if (row->need & ~cpu_features())
			continue;
		bench_gemm(row, 64);
		bench_gemm(row, 256);
		for (size_t i = 0; i < sizeof bench_shapes / sizeof *bench_shapes && row->need; i++)
			bench_conv(row, &bench_shapes[i]);
		if (row->need)
			bench_fc(row, 25088, 1000);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gemm_tiles),
	    cmocka_unit_test(test_gemm_nan),
	    cmocka_unit_test(test_dw_rows),
	    cmocka_unit_test(test_max_rows),
	    cmocka_unit_test(test_convolutions),
	    cmocka_unit_test(test_products),
	};
	if (argc > 1 && !strcmp(argv[1], "-b"))
		return bench();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
