/* What bounds a call, and what is said of a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/advice.h"

static const struct advice_limits limits = {100, 20, 100, 2000000, 30000000};
static const struct advice_call calls[] = {
    {"conv", "Convolution", "conv", 8, 300000000, 1000000, 0}, /* 6 ms at 100 GFLOP/s */
    {"fc", "MatMul", "gemv", 1.5, 5000000, 20000000, 0},       /* 1 ms at 20 GB/s */
    {"odd", "CumSum", "eval", 0.5, 0, 1000, 0},
};

static void test_bound(void **state)
{
	(void)state;
	assert_int_equal(advice_bound(&calls[0], &limits), BOUND_COMPUTE);
	assert_int_equal(advice_bound(&calls[1], &limits), BOUND_MEMORY);
	assert_int_equal(advice_bound(&calls[2], &limits), BOUND_OVERHEAD);
}

/* 1.5 MB of a network whose weights do not fit into the cache: where they come from. */
static void test_levels(void **state)
{
	struct advice_call c = {"add", "Add", "chain", 0.02, 0, 1500000, 0};
	struct advice_limits small = limits;
	(void)state;
	assert_int_equal(advice_bound(&c, &limits), BOUND_CACHE);
	c.ms = 0.1; /* as long as memory would take, which it does not wait for */
	assert_int_equal(advice_bound(&c, &limits), BOUND_OVERHEAD);
	c.weights = 1400000;
	assert_int_equal(advice_bound(&c, &limits), BOUND_MEMORY);
	small.weights = c.weights;
	assert_int_equal(advice_bound(&c, &small), BOUND_OVERHEAD);
	c.bytes = 3000000; /* more than fits */
	assert_int_equal(advice_bound(&c, &small), BOUND_MEMORY);
}

static void test_text(void **state)
{
	(void)state;
	struct text t = {0};
	const struct advice_run r = {.call = calls,
	    .n = 3,
	    .limits = limits,
	    .latency = 10,
	    .read = 5,
	    .compile = 20,
	    .first = 11,
	    .products = 2,
	    .int8 = 1,
	    .dynamic_inputs = 1,
	    .source = "IR"};
	advice_write(&t, &r);
	assert_non_null(
	    strstr(t.data, "100 % of the time is in 3 of 3 calls: conv (80 %), fc (15 %)"));
	assert_non_null(strstr(t.data, "80 % of the time is bound by compute: INT8, pruning or"));
	assert_non_null(
	    strstr(t.data, "fc (MatMul, gemv): 1.500 ms, 7 GFLOP/s, 13.3 GB/s: bound by memory"));
	assert_non_null(strstr(t.data, "1 layers without a kernel take 5 % of the time"));
	assert_non_null(strstr(t.data, "1 of 2 products with weights are not in 8 bits"));
	assert_non_null(strstr(t.data, "reading and compiling take 25.0 ms, 2.5 inferences"));
	assert_non_null(strstr(t.data, "sizes that are not fixed"));
	text_free(&t);
	struct advice_run why = r;
	why.floats = "fc stays\n";
	advice_write(&t, &why);
	assert_non_null(strstr(t.data, "\nfc stays\n"));
	assert_null(strstr(t.data, "are not in 8 bits"));
	text_free(&t);
	const struct advice_run none = {
	    .call = calls, .limits = limits, .latency = 10, .source = "blob"};
	advice_write(&t, &none);
	assert_null(t.data);
}

/* What streams and 8 bits may come to. */
static void test_gains(void **state)
{
	(void)state;
	struct text t = {0};
	struct advice_run r = {.call = calls,
	    .n = 3,
	    .limits = limits,
	    .latency = 10,
	    .threads = 2,
	    .one_thread = 16,
	    .source = "blob"};
	advice_write(&t, &r);
	/* 8 of 10 ms are halved */
	assert_non_null(strstr(t.data, "multiply up to 2 times as fast"));
	assert_non_null(strstr(t.data, "make the whole at most 1.7 times as fast"));
	assert_non_null(strstr(t.data,
	    "2 streams of one thread do at most 125.0 inferences a second instead of 100.0, each "
	    "in 16.00 ms instead of 10.00"));
	text_free(&t);
	r.vnni = true;
	r.one_thread = 20;
	advice_write(&t, &r);
	assert_non_null(strstr(t.data, "make the whole at most 2.5 times as fast"));
	assert_non_null(strstr(t.data, "2 threads for one inference lose nothing"));
	text_free(&t);
	struct advice_call already = calls[0];
	already.kernel = "conv u8";
	r.call = &already;
	r.n = 1;
	advice_write(&t, &r);
	assert_null(strstr(t.data, "in 8 bits, which"));
	assert_non_null(strstr(t.data, "by compute: pruning or more threads"));
	text_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bound),
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_gains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
