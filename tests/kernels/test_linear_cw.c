/* Products with compressed matrices on each instruction set against the widened matrix; -b times
 * them beside FP32. */
#include "floats.h"
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/half.h"
#include "kernels/linear_cw.h"
#include "kernels/nhwc_conv_f32.h"

#define EXTRA 3 /* floats between rows that must survive */

/* A matrix in the form of a file, and the same as floats [n][k]. */
struct matrix {
	struct cw_source s;
	uint8_t *data;
	float *scale, *w;
	int16_t *zero;
};

static struct matrix matrix_of(const struct linear_cw *c, bool turned, bool is_signed)
{
	size_t count = (size_t)c->k * (size_t)c->n, groups = (size_t)(c->k / c->group);
	struct matrix m = {.data = calloc(count * 2 + 1, 1),
	    .scale = randoms(groups * (size_t)c->n, 4),
	    .zero = calloc(groups * (size_t)c->n + 1, sizeof *m.zero),
	    .w = malloc(count * sizeof *m.w)};
	uint64_t seed = 9;
	for (size_t i = 0; i < count * 2; i++)
		m.data[i] = (uint8_t)rng_next(&seed);
	for (size_t i = 0; i < count && c->type == CW_F16; i++) {
		uint16_t h = f32_to_f16(2 * rng_f32(&seed) - 1);
		memcpy(m.data + 2 * i, &h, 2);
	}
	for (size_t i = 0; i < groups * (size_t)c->n; i++) {
		int range = c->type == CW_I8 ? 256 : 16;
		m.zero[i] = (int16_t)(rng_next(&seed) % (uint64_t)range);
		m.zero[i] = (int16_t)(m.zero[i] - (is_signed ? range / 2 : 0));
	}
	m.s = (struct cw_source){m.data, turned, is_signed, m.scale, c->zero ? m.zero : NULL};
	if (c->type == CW_F16)
		m.s.scale = NULL;
	linear_cw_widen(c, &m.s, m.w);
	return m;
}

static void matrix_free(struct matrix *m)
{
	free(m->data);
	free(m->scale);
	free(m->zero);
	free(m->w);
}

/* The definition, told from the bytes once more. */
static double element(const struct linear_cw *c, const struct cw_source *s, int p, int j)
{
	size_t at = s->turned ? (size_t)j * (size_t)c->k + (size_t)p
			      : (size_t)p * (size_t)c->n + (size_t)j;
	size_t g = (size_t)(p / c->group) * (size_t)c->n + (size_t)j;
	const uint8_t *b = s->data;
	int x = c->type == CW_I8 ? b[at] : b[at / 2] >> (at % 2 * 4) & 15;
	int half = c->type == CW_I8 ? 128 : 8;
	if (c->type == CW_F16)
		return (double)f16_to_f32((uint16_t)(b[2 * at] | b[2 * at + 1] << 8));
	if (s->is_signed && x >= half)
		x -= 2 * half;
	return (double)((float)(x - (s->zero ? s->zero[g] : 0)) * s->scale[g]);
}

struct sides {
	float *in, *bias, *add;
};

static void check_result(
    const struct linear_cw *c, const struct matrix *m, const struct sides *d, const float *out)
{
	for (int i = 0; i < c->m; i++)
		for (int j = 0; j < c->n; j++) {
			double sum = d->bias ? (double)d->bias[j] : 0, size = 1;
			for (int p = 0; p < c->k; p++) {
				double w = (double)m->w[(size_t)j * (size_t)c->k + (size_t)p];
				double x = (double)d->in[i * c->ld_in + p] * w;
				sum += x;
				size += fabs(x);
			}
			if (c->zero) /* its product and that of the zero point cancel */
				size += 16.0 * c->k;
			sum += d->add ? (double)d->add[i * c->ld_add + j] : 0;
			sum = sum < (double)c->lo ? (double)c->lo : sum;
			float want = (float)sum, got = out[i * c->ld_out + j];
			if (c->act == SPAN_TANH)
				want = tanhf(want);
			if (!(fabs((double)(got - want)) <= 2e-7 * size * sqrt(c->k + 1)))
				print_error("[%d %d %d] type %d: %d,%d is %g, expected %g\n", c->m,
				    c->k, c->n, c->type, i, j, (double)got, (double)want);
			assert_true(fabs((double)(got - want)) <= 2e-7 * size * sqrt(c->k + 1));
		}
}

static void run_on(struct linear_cw *c, const struct matrix *m, const struct sides *d,
    struct pool *pool, float *out)
{
	linear_cw_plan(c, pool_size(pool));
	size_t n = linear_cw_packed(c) / sizeof(float), ns = c->scratch / sizeof(float);
	float *packed = guarded(n), *scratch = guarded(ns);
	linear_cw_pack(c, &m->s, packed);
	struct linear_cw_args a = {d->in, packed, d->bias, d->add, out, scratch};
	linear_cw_run(c, pool, &a);
	guarded_free(packed, n);
	guarded_free(scratch, ns);
}

/* One thread and three give the same bits; nothing between the rows is touched. */
static void check(struct linear_cw c, bool turned, bool is_signed, bool sides)
{
	struct pool *pool;
	size_t rows = (size_t)c.m, size;
	c.ld_in = c.k + EXTRA;
	c.ld_out = c.ld_add = c.n + EXTRA;
	size = rows * (size_t)c.ld_out;
	struct matrix m;
	c.zero |= c.type != CW_F16 && !is_signed;
	m = matrix_of(&c, turned, is_signed);
	struct sides d = {.in = randoms(rows * (size_t)c.ld_in, 2)};
	if (sides) {
		d.bias = randoms((size_t)c.n, 3);
		d.add = randoms(size, 5);
	}
	for (int j = 0; j < c.n; j++)
		for (int p = 0; p < c.k; p++)
			assert_true((double)m.w[j * c.k + p] == element(&c, &m.s, p, j));
	float *one = guarded(size), *three = guarded(size);
	assert_int_equal(pool_new(3, &pool, NULL), OK);
	run_on(&c, &m, &d, NULL, one);
	run_on(&c, &m, &d, pool, three);
	check_result(&c, &m, &d, one);
	assert_memory_equal(one, three, size * sizeof *one);
	for (size_t i = 0; i < size; i++)
		assert_true(i % (size_t)c.ld_out < (size_t)c.n || one[i] == GUARD_VALUE);
	pool_free(pool);
	guarded_free(one, size);
	guarded_free(three, size);
	free(d.in);
	free(d.bias);
	free(d.add);
	matrix_free(&m);
}

static const char *const levels[] = {"ref", "avx2", "avx512", "bf16"};

static void test_products(void **state)
{
	static const int rows[] = {1, 2, 3, 5, 6, 7, 12, 13, 40}, columns[] = {1, 9, 16, 33, 70};
	static const int depths[][2] = {{1, 1}, {13, 13}, {40, 8}, {96, 32}, {131, 131}};
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++) {
		assert_true(cpu_limit(levels[l]));
		for (size_t i = 0; i < COUNT(rows) * COUNT(columns) * COUNT(depths); i++)
			for (int way = 0; way < 5; way++) {
				const int *k = depths[i % COUNT(depths)];
				struct linear_cw c = {.m = rows[i / COUNT(depths) / COUNT(columns)],
				    .k = k[0],
				    .n = columns[i / COUNT(depths) % COUNT(columns)],
				    .group = k[1],
				    .type = way / 2,
				    .zero = way & 1,
				    .lo = i & 1 ? -1 : -INFINITY,
				    .hi = INFINITY};
				c.type = way == 0 ? CW_F16 : way < 3 ? CW_I8 : CW_I4;
				c.zero = way == 2 || way == 4;
				if (way == 0)
					c.group = c.k;
				c.act = i % 3 ? SPAN_NONE : SPAN_TANH;
				check(c, i & 2, i & 4, i & 1);
			}
	}
	cpu_limit("bf16");
}

/* Rows 700 times: blocks of rows. */
static void test_blocks(void **state)
{
	(void)state;
	for (int type = CW_F16; type <= CW_I4; type++)
		check((struct linear_cw){.m = 700,
			  .k = 24,
			  .n = 40,
			  .group = type == CW_F16 ? 24 : 8,
			  .type = type,
			  .zero = type == CW_I8,
			  .lo = -INFINITY,
			  .hi = INFINITY},
		    true, false, true);
}

/* From FP16 results are those of the FP32 kernel, bit for bit; from integers when rows are many. */
static void test_same_bits(void **state)
{
	static const int rows[] = {1, 4, 12, 13, 50};
	(void)state;
	for (size_t i = 0; i < COUNT(rows) * 3; i++) {
		struct linear_cw c = {.m = rows[i / 3],
		    .k = 96,
		    .n = 77,
		    .ld_in = 96,
		    .ld_out = 77,
		    .ld_add = 77,
		    .group = i % 3 ? 32 : 96,
		    .type = (int)(i % 3),
		    .lo = -INFINITY,
		    .hi = INFINITY};
		struct nhwc_conv_f32 k = {.s = {.batch = c.m,
					      .groups = 1,
					      .cin = c.k,
					      .cout = c.n,
					      .in = {1, 1, 1},
					      .kernel = {1, 1, 1},
					      .out = {1, 1, 1},
					      .stride = {1, 1, 1},
					      .dilation = {1, 1, 1}},
		    .ld_in = c.k,
		    .ld_out = c.n,
		    .lo = -INFINITY,
		    .hi = INFINITY};
		struct matrix m = matrix_of(&c, true, true);
		struct sides d = {
		    .in = randoms((size_t)(c.m * c.k), 2), .bias = randoms((size_t)c.n, 3)};
		size_t size = (size_t)(c.m * c.n);
		float *got = guarded(size), *want = guarded(size);
		run_on(&c, &m, &d, NULL, got);
		nhwc_conv_f32_plan(&k, 1);
		float *packed = guarded(nhwc_conv_f32_packed(&k) / sizeof(float));
		void *scratch = calloc(1, k.scratch + 64);
		nhwc_conv_f32_pack(&k, NULL, m.w, packed);
		struct nhwc_conv_f32_args a = {
		    .in = d.in, .packed = packed, .bias = d.bias, .out = want, .scratch = scratch};
		nhwc_conv_f32_run(&k, NULL, &a);
		if (c.type == CW_F16 || c.m > 12)
			assert_memory_equal(got, want, size * sizeof *got);
		guarded_free(packed, nhwc_conv_f32_packed(&k) / sizeof(float));
		free(scratch);
		guarded_free(got, size);
		guarded_free(want, size);
		free(d.in);
		free(d.bias);
		matrix_free(&m);
	}
}

/* ---- times ---- */

/* The least time of runs on copies in turn, which are too many for the cache. */
static double time_cw(struct linear_cw c)
{
	enum { COPIES = 4, RUNS = 24 };
	struct matrix m = matrix_of(&c, true, true);
	float *in = randoms((size_t)(c.m * c.k), 2), *out = guarded((size_t)(c.m * c.n));
	double best = 1e9;
	linear_cw_plan(&c, 1);
	void *packed[COPIES], *scratch = aligned_alloc(64, c.scratch + 64);
	for (int i = 0; i < COPIES; i++) {
		packed[i] = aligned_alloc(64, linear_cw_packed(&c));
		linear_cw_pack(&c, &m.s, packed[i]);
	}
	for (int i = 0; i < RUNS; i++) {
		struct linear_cw_args a = {in, packed[i % COPIES], NULL, NULL, out, scratch};
		double start = now();
		linear_cw_run(&c, NULL, &a);
		best = fmin(best, now() - start);
	}
	for (int i = 0; i < COPIES; i++)
		free(packed[i]);
	free(scratch);
	free(in);
	guarded_free(out, (size_t)(c.m * c.n));
	matrix_free(&m);
	return best;
}

static double time_f32(int m, int k, int n)
{
	enum { COPIES = 4, RUNS = 24 };
	struct nhwc_conv_f32 c = {.s = {.batch = m,
				      .groups = 1,
				      .cin = k,
				      .cout = n,
				      .in = {1, 1, 1},
				      .kernel = {1, 1, 1},
				      .out = {1, 1, 1},
				      .stride = {1, 1, 1},
				      .dilation = {1, 1, 1}},
	    .ld_in = k,
	    .ld_out = n,
	    .lo = -INFINITY,
	    .hi = INFINITY};
	float *in = randoms((size_t)(m * k), 2), *w = randoms((size_t)(n * k), 3);
	float *out = guarded((size_t)(m * n)), *packed[COPIES];
	double best = 1e9;
	nhwc_conv_f32_plan(&c, 1);
	void *scratch = aligned_alloc(64, c.scratch + 64);
	for (int i = 0; i < COPIES; i++) {
		packed[i] = aligned_alloc(64, nhwc_conv_f32_packed(&c));
		nhwc_conv_f32_pack(&c, NULL, w, packed[i]);
	}
	for (int i = 0; i < RUNS; i++) {
		struct nhwc_conv_f32_args a = {
		    .in = in, .packed = packed[i % COPIES], .out = out, .scratch = scratch};
		double start = now();
		nhwc_conv_f32_run(&c, NULL, &a);
		best = fmin(best, now() - start);
	}
	for (int i = 0; i < COPIES; i++)
		free(packed[i]);
	free(scratch);
	free(in);
	free(w);
	guarded_free(out, (size_t)(m * n));
	return best;
}

static void bench(int m, int k, int n)
{
	static const struct {
		const char *name;
		int type, group;
		bool zero;
	} ways[] = {{"f16", CW_F16, 0, false}, {"i8", CW_I8, 0, false}, {"i8 z", CW_I8, 0, true},
	    {"i8:128", CW_I8, 128, false}, {"i4", CW_I4, 0, false}, {"i4:64 z", CW_I4, 64, true},
	    {"i4:128", CW_I4, 128, false}};
	double f32 = time_f32(m, k, n);
	printf("%4d x %5d x %5d  f32 %8.3f ms %5.1f GB/s", m, k, n, f32 * 1e3, 4e-9 * k * n / f32);
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct linear_cw c = {.m = m,
		    .k = k,
		    .n = n,
		    .ld_in = k,
		    .ld_out = n,
		    .type = ways[i].type,
		    .group = ways[i].group ? ways[i].group : k,
		    .zero = ways[i].zero,
		    .lo = -INFINITY,
		    .hi = INFINITY};
		printf("  %s %.2f", ways[i].name, time_cw(c) / f32);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	static const int rows[] = {1, 2, 4, 8, 12, 13, 24, 64, 128, 512};
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_products),
	    cmocka_unit_test(test_blocks), cmocka_unit_test(test_same_bits)};
	if (argc < 2 || strcmp(argv[1], "-b"))
		return cmocka_run_group_tests(tests, NULL, NULL);
	if (argc > 3)
		cpu_limit(argv[3]);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (argc < 3 || rows[i] <= atoi(argv[2])) {
			bench(rows[i], 4096, 4096);
			bench(rows[i], 768, 3072);
		}
	return 0;
}
