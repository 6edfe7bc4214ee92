/* Choosing among measured points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/sweep.h"

static const struct sweep_point points[] = {
    {1, 1, 1, "fp32", "sync", true, 10, 100},
    {1, 1, 2, "fp32", "sync", true, 6, 166},
    {1, 2, 2, "fp32", "sync", true, 11, 181},
    {4, 1, 2, "fp32", "sync", true, 22, 182},
    {8, 1, 2, "fp32", "sync", true, 44, 184},
    {16, 1, 2, "fp32", "sync", false, 1, 999},
};
#define N (int)(sizeof points / sizeof *points)

static void test_choose(void **state)
{
	(void)state;
	assert_int_equal(sweep_choose(points, N, 0), 2);  /* within 3 % of 184, and soonest */
	assert_int_equal(sweep_choose(points, N, 50), 4); /* a bound: the most throughput within */
	assert_int_equal(sweep_choose(points, N, 8), 1);  /* the others take too long */
	assert_int_equal(sweep_choose(points, N, 5), -1); /* all do */
	assert_int_equal(sweep_choose(points, 0, 0), -1);
	assert_int_equal(sweep_choose(points + 5, 1, 0), -1); /* failed */
}

static void test_scaling(void **state)
{
	(void)state;
	assert_float_equal(sweep_scaling(points, N, 1), 0.83, 1e-9);
	assert_float_equal(sweep_scaling(points, N, 0), 1, 1e-9);
	assert_float_equal(sweep_scaling(points, N, 3), 0, 0); /* no batch 4 with one thread */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_choose),
	    cmocka_unit_test(test_scaling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
