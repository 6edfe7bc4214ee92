/* Element by element and row kernels on each instruction set against the functions of the C library
 * in double precision; chains, norms and attention against loops. */
#include "../unit/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "kernels/attention_f32.h"
#include "kernels/chain_f32.h"
#include "kernels/norm_f32.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define GUARD -12345.5f

static const char *const levels[] = {"avx512", "avx2", "ref"};

static float *randoms(size_t n, uint64_t seed)
{
	float *p = malloc((n ? n : 1) * sizeof *p);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = 2 * rng_f32(&seed) - 1;
	return p;
}

static void assert_near(double got, double want, double bound)
{
	if (!(fabs(got - want) <= bound)) {
		print_error("%.9g, expected %.9g within %g\n", got, want, bound);
		assert_true(!"near");
	}
}

/* ---- functions ---- */

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double clamp(double x, double lo, double hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

static double truth(enum span_op op, double x, double y, double a, double b)
{
	switch (op) {
	case SPAN_ADD:
		return x + y;
	case SPAN_SUB:
		return x - y;
	case SPAN_SUB_FROM:
		return y - x;
	case SPAN_MUL:
		return x * y;
	case SPAN_DIV:
		return x / y;
	case SPAN_DIV_INTO:
		return y / x;
	case SPAN_MAX:
		return x > y ? x : y;
	case SPAN_MIN:
		return x < y ? x : y;
	case SPAN_SQUARED_DIFFERENCE:
		return (x - y) * (x - y);
	case SPAN_PRELU:
		return x < 0 ? x * y : x;
	case SPAN_SELECT:
		return y > 0 ? x : a;
	case SPAN_CLAMP:
		return clamp(x, a, b);
	case SPAN_ABS:
		return fabs(x);
	case SPAN_NEG:
		return -x;
	case SPAN_SQRT:
		return sqrt(x);
	case SPAN_CUBE:
		return x * x * x;
	case SPAN_ROUND:
		return nearbyint(x);
	case SPAN_FLOOR:
		return floor(x);
	case SPAN_TRUNC:
		return fabs(x) < 0x1p31 ? trunc(x) : -0x1p31;
	case SPAN_CEIL:
		return ceil(x);
	case SPAN_EXP:
		return exp(x);
	case SPAN_LOG:
		return log(x);
	case SPAN_SIGMOID:
		return sigmoid(x);
	case SPAN_TANH:
		return tanh(x);
	case SPAN_ERF:
		return erf(x);
	case SPAN_GELU_ERF:
		return 0.5 * x * (1 + erf(x * sqrt(0.5)));
	case SPAN_GELU_TANH:
		return 0.5 * x *
		       (1 + tanh(sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x)));
	case SPAN_SWISH:
		return x * sigmoid(a * x);
	case SPAN_HSWISH:
		return x * clamp(x + 3, 0, 6) / 6;
	case SPAN_HSIGMOID:
		return clamp(x + 3, 0, 6) / 6;
	case SPAN_HARD_SIGMOID:
		return clamp(a * x + b, 0, 1);
	case SPAN_ELU:
		return x < 0 ? a * expm1(x) : x;
	case SPAN_SOFT_PLUS:
		return log1p(exp(x));
	case SPAN_MISH:
		return x * tanh(log1p(exp(x)));
	default:
		return NAN;
	}
}

static bool needs_positive(int op)
{
	return op == SPAN_SQRT || op == SPAN_LOG;
}

static void check_op(const struct span_f32 *row, int op, int n, int ystep)
{
	float *x = randoms((size_t)n + 1, (uint64_t)n), *y = randoms((size_t)n, 7);
	float *in = malloc((size_t)n * sizeof *in);
	float a = op == SPAN_CLAMP ? -2.5f : 0.75f, b = op == SPAN_CLAMP ? 3 : 0.25f;
	x[n] = GUARD;
	for (int i = 0; i < n; i++) {
		x[i] *= i % 3 ? 12 : 0.5f;
		x[i] = needs_positive(op) ? fabsf(x[i]) + 1e-3f : x[i];
		in[i] = x[i];
	}
	row->op[op](x, y, ystep, n, a, b);
	assert_true(x[n] == GUARD);
	for (int i = 0; i < n; i++) {
		double want = truth(op, in[i], y[ystep ? i : 0], a, b);
		assert_near(x[i], want, 5e-7 + 5e-7 * fabs(want));
	}
	free(x);
	free(y);
	free(in);
}

static void test_functions(void **state)
{
	static const int sizes[] = {1, 7, 8, 15, 16, 17, 64, 67, 131};
	(void)state;
	for (const struct span_f32 *row = span_f32_rows; row->name; row++)
		for (int op = SPAN_NONE + 1; op < SPAN_OPS; op++)
			for (size_t i = 0; i < COUNT(sizes) && !(row->need & ~cpu_features()); i++)
				for (int ystep = 0; ystep < 2; ystep++)
					check_op(row, op, sizes[i], ystep);
}

/* NaN stays NaN; what is too large or too small ends where it should. */
static void test_function_ends(void **state)
{
	(void)state;
	for (const struct span_f32 *row = span_f32_rows; row->name; row++) {
		if (row->need & ~cpu_features())
			continue;
		float one = 1;
		for (int op = SPAN_NONE + 1; op < SPAN_OPS; op++) {
			float x = NAN;
			row->op[op](&x, &one, 1, 1, 0, 1);
			assert_true(op == SPAN_TRUNC ? x == -0x1p31f : isnan(x));
		}
		float e[] = {-INFINITY, INFINITY, 200, -200};
		row->op[SPAN_EXP](e, NULL, 0, 4, 0, 0);
		assert_true(e[0] == 0 && isinf(e[1]) && isinf(e[2]) && e[3] == 0);
		/* nothing denormal, which would be slow to go on with */
		float d[] = {-87.3f, -87.4f, -100, -103};
		row->op[SPAN_EXP](d, NULL, 0, 4, 0, 0);
		assert_true(isnormal(d[0]) && d[1] == 0 && d[2] == 0 && d[3] == 0);
		float s[] = {-87.4f, -95, -103, 200};
		row->op[SPAN_SWISH](s, NULL, 0, 4, 1, 0);
		assert_true(s[0] == 0 && s[1] == 0 && s[2] == 0 && s[3] == 200);
		float g[] = {0, -1, INFINITY};
		row->op[SPAN_LOG](g, NULL, 0, 3, 0, 0);
		assert_true(isinf(g[0]) && g[0] < 0 && isnan(g[1]) && isinf(g[2]));
		float i[] = {-0.5f, 0x1p31f, -0x1p31f, 2147483520.f, -INFINITY};
		row->op[SPAN_TRUNC](i, NULL, 0, 5, 0, 0);
		assert_true(i[0] == 0 && !signbit(i[0]) && i[1] == -0x1p31f && i[2] == -0x1p31f);
		assert_true(i[3] == 2147483520.f && i[4] == -0x1p31f);
		float t[] = {-INFINITY, INFINITY, -50, 50};
		row->op[SPAN_TANH](t, NULL, 0, 4, 0, 0);
		assert_true(t[0] == -1 && t[1] == 1 && t[2] == -1 && t[3] == 1);
	}
}

/* GELU's pieces meet, and end in 0 and x. */
static void test_gelu(void **state)
{
	(void)state;
	for (const struct span_f32 *row = span_f32_rows; row->name; row++)
		for (int op = SPAN_GELU_ERF; op <= SPAN_GELU_TANH && !(row->need & ~cpu_features());
		     op++) {
			for (int i = -60000; i <= 60000; i++) {
				float x = (float)i * 1e-4f, y = x;
				double want = truth(op, x, 0, 0, 0);
				row->op[op](&y, NULL, 0, 1, 0, 0);
				assert_near(y, want, x < 0 ? 3e-7 : 3e-7 * want);
			}
			float x[] = {-5.5f, -1e30f, 0, 5.5f, 1e30f, 1e-30f};
			row->op[op](x, NULL, 0, COUNT(x), 0, 0);
			assert_true(!x[0] && !x[1] && !x[2] && x[3] == 5.5f && x[4] == 1e30f);
			assert_near(x[5], 5e-31f, 1e-37);
		}
}

/* Those of x * sigmoid(a * x), too. */
static void test_swish(void **state)
{
	static const float a[] = {0.5f, 1, 1.702f};
	(void)state;
	for (const struct span_f32 *row = span_f32_rows; row->name; row++)
		for (size_t k = 0; k < COUNT(a) && !(row->need & ~cpu_features()); k++) {
			for (int i = -60000; i <= 60000; i++) {
				float x = (float)i * 4e-4f, y = x;
				double want = truth(SPAN_SWISH, x, 0, a[k], 0);
				row->op[SPAN_SWISH](&y, NULL, 0, 1, a[k], 0);
				assert_near(y, want, x < 0 ? 8e-7 : 4e-7 * want);
			}
			float x[] = {-1e30f, 0, 40, 1e30f};
			row->op[SPAN_SWISH](x, NULL, 0, COUNT(x), a[k], 0);
			assert_true(!x[0] && !x[1] && x[2] == 40 && x[3] == 1e30f);
		}
}

/* ---- rows ---- */

/* However large scores are, two that are largest have a half each. */
static void test_large_scores(void **state)
{
	static const float size[] = {1, 1e5f, 1e9f, 1e20f, 3e38f};
	enum { N = 19 };
	(void)state;
	for (const struct span_f32 *row = span_f32_rows; row->name; row++)
		for (size_t i = 0; i < COUNT(size) && !(row->need & ~cpu_features()); i++) {
			float x[N], y[N] = {0}, weight[N], down[N], want[N];
			for (int k = 0; k < N; k++) {
				want[k] = k == 3 || k == 17 ? 1 : size[i] > 1 ? 0 : expf(-0.7f);
				x[k] = k == 3 || k == 17 ? size[i] : 0.3f * size[i];
				down[k] = -x[k];
			}
			memcpy(weight, x, sizeof x);
			float sum = row->weigh(weight, y, N, 1);
			for (int k = 0; k < N; k++)
				assert_near(weight[k], want[k], 1e-6);
			sum = fabsf(sum - row->weigh(down, NULL, N, -1));
			assert_near(sum, 0, 1e-5);
			for (int k = 0; k < N; k++)
				assert_near(down[k], want[k], 1e-6);
			row->softmax(weight, x, N);
			row->softmax_columns(down, x, N, 1, 1);
			for (int k = 0; k < N; k++) {
				assert_near(weight[k], want[k] * weight[3], 1e-6);
				assert_near(down[k], weight[k], 1e-6);
			}
			assert_true(size[i] == 1 || weight[3] == 0.5f);
		}
}

static void check_rows(int n)
{
	enum { ROWS = 5 };
	float *x = randoms(ROWS * (size_t)n, 3), *g = randoms((size_t)n, 4);
	float *b = randoms((size_t)n, 5), *y = malloc(ROWS * (size_t)n * sizeof *y);
	struct norm_f32 soft = {.kind = NORM_SOFTMAX, .rows = ROWS, .n = n, .apart = 1};
	struct norm_f32 columns = {.kind = NORM_SOFTMAX, .rows = n, .n = ROWS, .apart = n};
	struct norm_f32 means = {.kind = NORM_MEAN, .rows = ROWS, .n = n, .apart = 1};
	struct norm_f32 mvn = {NORM_MVN, ROWS, n, 1, true, true, 1e-3f};
	norm_f32_run(&soft, NULL, x, NULL, NULL, y);
	for (int r = 0; r < ROWS; r++) {
		double sum = 0;
		for (int i = 0; i < n; i++)
			sum += exp(x[r * n + i]);
		for (int i = 0; i < n; i++)
			assert_near(y[r * n + i], exp(x[r * n + i]) / sum, 1e-6);
	}
	norm_f32_run(&columns, NULL, x, NULL, NULL, y);
	for (int i = 0; i < n; i++) {
		double sum = 0;
		for (int r = 0; r < ROWS; r++)
			sum += exp(x[r * n + i]);
		for (int r = 0; r < ROWS; r++)
			assert_near(y[r * n + i], exp(x[r * n + i]) / sum, 1e-6);
	}
	norm_f32_run(&means, NULL, x, NULL, NULL, y);
	for (int r = 0; r < ROWS; r++) {
		double sum = 0;
		for (int i = 0; i < n; i++)
			sum += x[r * n + i];
		assert_near(y[r], sum / n, 1e-5);
	}
	norm_f32_run(&mvn, NULL, x, g, b, y);
	for (int r = 0; r < ROWS; r++) {
		double mean = 0, var = 0;
		for (int i = 0; i < n; i++)
			mean += x[r * n + i] / (double)n;
		for (int i = 0; i < n; i++)
			var += pow(x[r * n + i] - mean, 2) / n;
		for (int i = 0; i < n; i++)
			assert_near(y[r * n + i],
			    (x[r * n + i] - mean) / sqrt(var + 1e-3f) * g[i] + b[i], 1e-5);
	}
	free(x);
	free(g);
	free(b);
	free(y);
}

static void test_rows(void **state)
{
	static const int sizes[] = {1, 5, 16, 49, 768, 1000, 9001};
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++)
		for (size_t i = 0; i < COUNT(sizes) && cpu_limit(levels[l]); i++)
			check_rows(sizes[i]);
	cpu_limit("bf16");
}

/* What is too small beside the largest is 0, and no denormal number. */
static void test_far_scores(void **state)
{
	static const float scores[] = {-87, 0, -60, -88, -100, -65504, -INFINITY};
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++) {
		enum { N = COUNT(scores) };
		struct norm_f32 soft = {.kind = NORM_SOFTMAX, .rows = 1, .n = N, .apart = 1};
		float y[N];
		cpu_limit(levels[l]);
		norm_f32_run(&soft, NULL, scores, NULL, NULL, y);
		for (int i = 0; i < N; i++)
			assert_near(y[i] / exp(i < 3 ? scores[i] : 0), i < 3, 1e-5);
	}
	cpu_limit("bf16");
}

/* ---- chains ---- */

/* (x * a[channel] + y) clamped, on [2][rows][cols] with x and y inside of lines wider by gap. */
static void check_chain(int rows, int cols, int gap, struct pool *pool)
{
	size_t each = gap ? (size_t)cols : 0; /* without a gap one a serves both halves */
	size_t wide = (size_t)(cols + gap), n = 2 * (size_t)rows * wide;
	float *x = randoms(n, 1), *y = randoms(n, 2), *a = randoms(2 * (size_t)cols, 3);
	float *out = malloc(n * sizeof *out);
	for (size_t i = 0; i < n; i++)
		out[i] = GUARD;
	struct chain_walk line = {(int64_t)wide * rows, (int64_t)wide, 1};
	struct chain_f32 c = {.outer = 2,
	    .rows = rows,
	    .cols = cols,
	    .in = line,
	    .out = line,
	    .noperands = 2,
	    .operand = {{(int64_t)each, 0, 1}, line},
	    .nops = 3,
	    .op = {{.op = SPAN_MUL, .y = 0}, {.op = SPAN_ADD, .y = 1},
		{.op = SPAN_CLAMP, .a = -0.5f, .b = 0.5f}}};
	const float *operand[CHAIN_OPERANDS] = {a, y};
	chain_f32_run(&c, pool, x, operand, out);
	for (size_t i = 0; i < n; i++) {
		size_t j = i % wide, o = i / wide / (size_t)rows;
		if (j < (size_t)cols)
			assert_near(
			    out[i], clamp((double)x[i] * a[o * each + j] + y[i], -0.5, 0.5), 1e-6);
		else
			assert_true(out[i] == GUARD);
	}
	free(x);
	free(y);
	free(a);
	free(out);
}

/* x times the level of x, which has factors of each column, to levels again; as floats or bytes. */
static void check_levels(int rows, int cols, bool bytes, struct pool *pool)
{
	size_t n = (size_t)rows * (size_t)cols, w = (size_t)cols;
	float *x = randoms(n, 1), *f = randoms(4 * w, 2);
	float *out = malloc((n + 1) * sizeof *out);
	uint8_t *byte = (uint8_t *)out;
	struct chain_walk line = {0, cols, 1}, column = {0, 0, 1};
	struct chain_f32 c = {.outer = 1,
	    .rows = rows,
	    .cols = cols,
	    .in = line,
	    .out = line,
	    .noperands = 4,
	    .operand = {column, column, column, column},
	    .nops = 5,
	    .op = {{.op = CHAIN_KEEP}, {.op = CHAIN_LEVELS, .y = 0, .top = 7}, {.op = CHAIN_SWAP},
		{.op = CHAIN_MUL_KEPT},
		{.op = bytes ? CHAIN_BYTES : CHAIN_LEVELS,
		    .constant = true,
		    .a = 9,
		    .b = 20,
		    .c = 2,
		    .d = 1,
		    .top = 40}}};
	const float *operand[CHAIN_OPERANDS] = {f, f + w, f + 2 * w, f + 3 * w};
	for (size_t j = 0; j < w; j++)
		f[j] *= 8;
	if (bytes)
		byte[n] = 77;
	else
		out[n] = GUARD;
	chain_f32_run(&c, pool, x, operand, out);
	for (size_t i = 0; i < n; i++) {
		size_t j = i % w;
		float level = rintf(fminf(fmaxf(fmaf(x[i], f[j], f[w + j]), 0), 7));
		float want = fmaf(x[i] * fmaf(level, f[2 * w + j], f[3 * w + j]), 9, 20);
		want = rintf(fminf(fmaxf(want, 0), 40));
		assert_near(bytes ? byte[i] : out[i], bytes ? want : fmaf(want, 2, 1), 0);
	}
	assert_true(bytes ? byte[n] == 77 : out[n] == GUARD);
	free(x);
	free(f);
	free(out);
}

static void test_chains(void **state)
{
	struct pool *pool = NULL;
	struct err err = {0};
	(void)state;
	assert_int_equal(pool_new(3, &pool, &err), OK);
	for (size_t l = 0; l < COUNT(levels); l++) {
		if (!cpu_limit(levels[l]))
			continue;
		for (int gap = 0; gap < 4; gap += 3) {
			check_chain(1, 1, gap, NULL);
			check_chain(7, 33, gap, pool);
			check_chain(300, 70, gap, pool);
			check_chain(5003, 8, gap, pool);
			check_chain(1, 70001, gap, pool);
		}
		for (int bytes = 0; bytes < 2; bytes++) {
			check_levels(1, 1, bytes, NULL);
			check_levels(9, 33, bytes, pool);
			check_levels(3001, 24, bytes, pool);
			check_levels(2, 50003, bytes, pool);
		}
	}
	cpu_limit("bf16");
	pool_free(pool);
}

/* ---- attention ---- */

/* What each query sees: a mask of its head's, or of its own, added, or kept where not 0. */
enum masks { NO_MASK, HEADS_MASK, QUERIES_MASK, KEPT, CAUSAL, ALL_MASKS };

static void check_attention(enum masks kind)
{
	enum { HEADS = 3, M = 201, N = 33, K = 20, WIDTH = 17 };
	struct attention_f32 a = {.m = M,
	    .n = N,
	    .k = K,
	    .width = WIDTH,
	    .heads = HEADS,
	    .nbatch = 1,
	    .dim = {HEADS},
	    .step = {{K}, {0}, {N * WIDTH}, {kind == QUERIES_MASK ? 0 : N}, {WIDTH}},
	    .row = {HEADS * K, K, WIDTH, 0, HEADS * WIDTH},
	    .mask = kind == KEPT                                 ? MASK_KEEP
		    : kind == HEADS_MASK || kind == QUERIES_MASK ? MASK_ADD
								 : MASK_NONE,
	    .mask_row = kind == QUERIES_MASK,
	    .mask_col = kind == HEADS_MASK || kind == KEPT,
	    .causal = kind == CAUSAL,
	    .scale = 0.3f};
	float *q = randoms(HEADS * M * K, 1), *k = randoms(N * K, 2);
	float *v = randoms(HEADS * N * WIDTH, 3), *mask = randoms(HEADS * N + M, 4);
	float *out = randoms(HEADS * M * WIDTH, 5);
	uint8_t keep[HEADS * N];
	for (int i = 0; i < HEADS * N; i++)
		keep[i] = i % 3 != 1;
	attention_f32_plan(&a, 1);
	float *scratch = aligned_alloc(64, (a.scratch + 63) / 64 * 64);
	attention_f32_run(
	    &a, NULL, q, k, v, kind == KEPT ? (void *)keep : (void *)mask, out, scratch);
	for (int h = 0; h < HEADS; h++)
		for (int i = 0; i < M; i++) {
			double w[N], sum = 0;
			for (int j = 0; j < N; j++) {
				bool seen = kind == KEPT ? keep[h * N + j]
							 : kind != CAUSAL || j <= i;
				double dot = 0;
				for (int c = 0; c < K; c++)
					dot += (double)q[(i * HEADS + h) * K + c] * k[j * K + c];
				dot = dot * a.scale + (kind == HEADS_MASK        ? mask[h * N + j]
							  : kind == QUERIES_MASK ? mask[i]
										 : 0);
				sum += w[j] = seen ? exp(dot) : 0;
			}
			for (int c = 0; c < WIDTH; c++) {
				double y = 0;
				for (int j = 0; j < N; j++)
					y += w[j] / sum * v[(h * N + j) * WIDTH + c];
				assert_near(out[(i * HEADS + h) * WIDTH + c], y, 1e-6);
			}
		}
	free(q);
	free(k);
	free(v);
	free(mask);
	free(out);
	free(scratch);
}

static void test_attention(void **state)
{
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++)
		for (int kind = 0; kind < ALL_MASKS && cpu_limit(levels[l]); kind++)
			check_attention(kind);
	cpu_limit("bf16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_functions),
	    cmocka_unit_test(test_function_ends),
	    cmocka_unit_test(test_gelu),
	    cmocka_unit_test(test_swish),
	    cmocka_unit_test(test_large_scores),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_far_scores),
	    cmocka_unit_test(test_chains),
	    cmocka_unit_test(test_attention),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
