/* Spans of elements: every type there and back, one rounding to 16 bits, integers that saturate. */
#include <math.h>

#include "check.h"

#include "base/half.h"
#include "base/rng.h"
#include "ops/elem.h"

static struct tensor make(enum dtype type, int64_t n)
{
	struct tensor t = {0};
	assert_int_equal(tensor_alloc(&t, type, 1, &n, NULL), OK);
	return t;
}

/* Ties that a first rounding to float would make or break, the ends of the ranges, NaN. */
static void half_once(void **state)
{
	(void)state;
	enum { N = 20000 };
	static double v[N];
	struct tensor f16 = make(DT_F16, N), bf16 = make(DT_BF16, N);
	uint64_t seed = 7;
	for (int i = 0; i < N; i++) {
		int e = (int)(rng_next(&seed) % 60) - 35;
		int64_t m = (int64_t)(rng_next(&seed) >> 41) * 2 + 1;
		double tiny = i % 3 ? ldexp(i % 3 == 1 ? 1 : -1, e - 30) : 0;
		v[i] = (i & 1 ? -1 : 1) * (ldexp((double)(m >> (i % 13)), e - 23 + i % 13) + tiny);
	}
	const double odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 65504, 65519.99, 65520, 1e300,
	    -1e-300, 0x1p-24, 0x1p-25, 0x1.000001p-25, 1e39, 3.4e38, 0x1.fffffffp127};
	memcpy(v, odd, sizeof odd);
	span_put_f64(&f16, 0, N, v);
	span_put_f64(&bf16, 0, N, v);
	for (int i = 0; i < N; i++) {
		uint16_t h = ((uint16_t *)f16.data)[i], b = ((uint16_t *)bf16.data)[i];
		if (v[i] != v[i]) {
			assert_true(isnan(f16_to_f32(h)) && isnan(bf16_to_f32(b)));
			continue;
		}
		assert_int_equal(h, f64_to_f16(v[i]));
		assert_int_equal(b, f64_to_bf16(v[i]));
	}
	tensor_free(&f16);
	tensor_free(&bf16);
}

static void there_and_back(void **state)
{
	(void)state;
	for (enum dtype type = DT_F32; type < DT_COUNT; type++) {
		double v[7] = {0, 1, 0, 1, 1, 0, 1}, back[7] = {0};
		int64_t k[7];
		if (type == DT_NF4)
			continue;
		struct tensor t = make(type, 9);
		span_put_f64(&t, 2, 7, v);
		span_f64(back, &t, 2, 7);
		assert_memory_equal(v, back, sizeof v);
		span_i64(k, &t, 2, 7);
		for (int i = 0; i < 7; i++)
			assert_int_equal(k[i], (int64_t)v[i]);
		span_put_i64(&t, 1, 7, k);
		span_fill_f64(back, &t, 2, 7);
		assert_true(back[6] == 1);
		span_fill_i64(k, &t, 2, 7);
		assert_int_equal(k[6], 1);
		tensor_free(&t);
	}
}

static void integers_saturate(void **state)
{
	(void)state;
	const double v[6] = {2.5, -2.5, 1e30, -1e30, NAN, 200};
	const int64_t i8[6] = {3, -3, 127, -128, 0, 127}, u8[6] = {3, 0, 255, 0, 0, 200};
	int64_t k[6];
	struct tensor a = make(DT_I8, 6), b = make(DT_U8, 6), c = make(DT_U64, 6),
		      d = make(DT_I64, 6);
	span_put_f64(&a, 0, 6, v);
	span_i64(k, &a, 0, 6);
	assert_memory_equal(k, i8, sizeof k);
	span_put_f64(&b, 0, 6, v);
	span_i64(k, &b, 0, 6);
	assert_memory_equal(k, u8, sizeof k);
	span_put_f64(&c, 0, 6, v);
	assert_true(((uint64_t *)c.data)[2] == UINT64_MAX && ((uint64_t *)c.data)[3] == 0);
	span_put_f64(&d, 0, 6, v);
	assert_true(((int64_t *)d.data)[2] == INT64_MAX && ((int64_t *)d.data)[3] == INT64_MIN);
	tensor_free(&a);
	tensor_free(&b);
	tensor_free(&c);
	tensor_free(&d);
}

/* Rows: [2,3,4] against [3,1] and [4] keeps the last dim, merges nothing else. */
static void walks(void **state)
{
	(void)state;
	struct walk w;
	const int64_t out[3] = {2, 3, 4}, a[2] = {3, 1}, b[1] = {4};
	int rows = 0;
	for (walk_start(&w, 3, out, 2, (int[]){2, 1}, (const int64_t *const[]){a, b}); !w.done;
	     walk_next(&w), rows++) {
		assert_int_equal(w.n, 4);
		assert_int_equal(w.out, rows * 4);
		assert_true(w.step[0] == 0 && w.step[1] == 1);
		assert_int_equal(w.at[0], rows % 3);
		assert_int_equal(w.at[1], 0);
	}
	assert_int_equal(rows, 6);
	walk_start(&w, 3, out, 1, (int[]){3}, (const int64_t *const[]){out});
	assert_int_equal(w.n, 24);
	walk_start(&w, 1, (int64_t[]){0}, 1, (int[]){1}, (const int64_t *const[]){(int64_t[]){0}});
	assert_true(w.done);
	walk_start(&w, 0, NULL, 1, (int[]){0}, (const int64_t *const[]){NULL});
	assert_true(!w.done && w.n == 1);
	walk_next(&w);
	assert_true(w.done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(half_once),
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(integers_saturate),
	    cmocka_unit_test(walks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
