/* Top-k with ties and values that are not finite; errors over a range. */
#include <math.h>

#include "check.h"

#include "quant/metrics.h"
#include "report/error.h"

static void test_best(void **state)
{
	const double score[] = {1, 5, NAN, 5, -INFINITY, INFINITY, 2};
	int64_t best[10];
	(void)state;
	assert_int_equal(metrics_best(score, 7, 3, best), 3);
	assert_true(best[0] == 5 && best[1] == 1 && best[2] == 3);
	assert_int_equal(metrics_best(score, 7, 10, best), 7);
	assert_true(best[3] == 6 && best[4] == 0 && best[5] == 4 && best[6] == 2);
	assert_int_equal(metrics_best(score, 0, 3, best), 0);
}

static void test_rank(void **state)
{
	const double score[] = {3, 7, 7, NAN, 1};
	(void)state;
	assert_int_equal(metrics_rank(score, 5, 1), 0);
	assert_int_equal(metrics_rank(score, 5, 2), 1);
	assert_int_equal(metrics_rank(score, 5, 4), 3);
	assert_int_equal(metrics_rank(score, 5, 3), -1);
	assert_int_equal(metrics_rank(score, 5, 5), -1);
	assert_int_equal(metrics_rank(score, 5, -1), -1);
}

static struct tensor vector(float *v, int64_t n)
{
	return (struct tensor){.type = DT_F32, .rank = 1, .dim = {n}, .data = v};
}

static double error_of(float *a, float *b, int64_t na, int64_t nb)
{
	struct tensor x = vector(a, na), y = vector(b, nb);
	return error_over_range(&x, &y);
}

static void test_error(void **state)
{
	float a[] = {0, 5, 10}, b[] = {0, 5, 11}, c[] = {100, 101, 101}, d[] = {100, 101, 102};
	float nan1[] = {NAN, 1, INFINITY}, nan2[] = {0, 1, INFINITY}, zero[] = {0, 0, 0};
	(void)state;
	assert_true(error_of(a, a, 3, 3) == 0);
	assert_true(fabs(error_of(b, a, 3, 3) - 0.1) < 1e-12);
	/* The range is not the spread of 1 but the size of 101. */
	assert_true(fabs(error_of(d, c, 3, 3) - 1 / 101.) < 1e-12);
	assert_true(error_of(nan1, nan1, 3, 3) == 0);
	assert_true(isinf(error_of(nan1, nan2, 3, 3)));
	assert_true(isinf(error_of(nan2, nan1, 3, 3)));
	assert_true(isinf(error_of(a, a, 3, 2)));
	assert_true(error_of(a, a, 0, 0) == 0);
	assert_true(error_of(a, zero, 3, 3) > 1e6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_best),
	    cmocka_unit_test(test_rank),
	    cmocka_unit_test(test_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
