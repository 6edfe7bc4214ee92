/* Weights rounded against the errors of those before them: better than to nearest, by the sums of
 * products that stand for the data, and never worse. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "base/rng.h"
#include "exec/gram.h"
#include "quant/rounding.h"

#define N 40
#define OUT 21
#define ROWS 300

static struct room room;

static int close_room(void **state)
{
	(void)state;
	room_free(&room);
	return 0;
}

/* Inputs that go together: each is a mix of a few. */
static void make_rows(float *x, int n, int rows, uint64_t seed)
{
	float mix[4][N];
	for (int k = 0; k < 4 * n; k++)
		mix[k / n][k % n] = rng_f32(&seed) - 0.3f;
	for (int r = 0; r < rows; r++) {
		float part[4];
		for (int k = 0; k < 4; k++)
			part[k] = rng_f32(&seed);
		for (int i = 0; i < n; i++) {
			x[r * n + i] = 0.05f * rng_f32(&seed);
			for (int k = 0; k < 4; k++)
				x[r * n + i] += part[k] * mix[k][i];
		}
	}
}

static double error_of(const float *x, const float *w, const int8_t *q, const float *scale)
{
	double sum = 0;
	for (int r = 0; r < ROWS; r++)
		for (int o = 0; o < OUT; o++) {
			double e = 0;
			for (int i = 0; i < N; i++)
				e += x[r * N + i] *
				     (w[o * N + i] - (double)scale[o] * q[o * N + i]);
			sum += e * e;
		}
	return sum;
}

static void test_better(void **state)
{
	static float x[ROWS * N], second[N * N], w[OUT * N], scale[OUT];
	static int8_t q[OUT * N], nearest[OUT * N];
	struct rounding_gain gain;
	uint64_t seed = 5;
	(void)state;
	make_rows(x, N, ROWS, 1);
	assert_int_equal(gram(x, N, ROWS, N, second, &room, NULL), 0);
	for (int i = 0; i < OUT * N; i++)
		w[i] = rng_f32(&seed) - 0.5f;
	for (int o = 0; o < OUT; o++) {
		scale[o] = 0.5f / 7;
		for (int i = 0; i < N; i++)
			nearest[o * N + i] = (int8_t)nearbyintf(w[o * N + i] / scale[o]);
	}
	memcpy(q, nearest, sizeof q);
	struct rounding r = {.n = N,
	    .out = OUT,
	    .stride = N,
	    .w = w,
	    .scale = scale,
	    .most = 7,
	    .second = second,
	    .q = q};
	assert_int_equal(rounding_solve(&r, &room, &gain, NULL), 0);
	double before = error_of(x, w, nearest, scale), after = error_of(x, w, q, scale);
	assert_true(after < before / 4);
	assert_true(gain.after < gain.before / 3);
	for (int i = 0; i < OUT * N; i++)
		assert_true(abs(q[i]) <= 7);
	/* What is exact already stays. */
	for (int i = 0; i < OUT * N; i++)
		w[i] = scale[i / N] * nearest[i];
	memcpy(q, nearest, sizeof q);
	assert_int_equal(rounding_solve(&r, &room, &gain, NULL), 0);
	assert_memory_equal(q, nearest, sizeof q);
}

static void test_no_data(void **state)
{
	float w[] = {0.4f, 0.6f}, scale[] = {1}, second[4] = {0};
	int8_t q[] = {0, 1};
	struct rounding_gain gain;
	struct rounding r = {.n = 2,
	    .out = 1,
	    .stride = 2,
	    .w = w,
	    .scale = scale,
	    .most = 127,
	    .second = second,
	    .q = q};
	(void)state;
	assert_int_equal(rounding_solve(&r, &room, &gain, NULL), 0);
	assert_true(q[0] == 0 && q[1] == 1 && gain.before == 0);
	/* Two inputs that are always equal: only the sum of the weights counts. */
	for (int i = 0; i < 4; i++)
		second[i] = 1;
	w[1] = 0.4f;
	q[1] = 0;
	assert_int_equal(rounding_solve(&r, &room, &gain, NULL), 0);
	assert_int_equal(q[0] + q[1], 1);
}

static void test_gram(void **state)
{
	static float x[7 * N], sum[N * N];
	(void)state;
	for (int n = 3; n <= N; n += N - 3) {
		make_rows(x, n, 7, 3);
		assert_int_equal(gram(x, n, 7, n, sum, &room, NULL), 0);
		for (int i = 0; i < n * n; i++) {
			double want = 0;
			for (int r = 0; r < 7; r++)
				want += (double)x[r * n + i / n] * x[r * n + i % n];
			assert_true(fabs(sum[i] - want) < 1e-5 * (1 + fabs(want)));
		}
	}
}

/* Columns of a longer row. */
static void test_gram_part(void **state)
{
	static float x[7 * N];
	float sum[9];
	(void)state;
	make_rows(x, N, 7, 4);
	assert_int_equal(gram(x + 5, N, 7, 3, sum, &room, NULL), 0);
	for (int i = 0; i < 9; i++) {
		float want = 0;
		for (int r = 0; r < 7; r++)
			want += x[r * N + 5 + i / 3] * x[r * N + 5 + i % 3];
		assert_true(fabsf(sum[i] - want) < 1e-5f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_better),
	    cmocka_unit_test(test_no_data),
	    cmocka_unit_test(test_gram),
	    cmocka_unit_test(test_gram_part),
	};
	return cmocka_run_group_tests(tests, NULL, close_room);
}
