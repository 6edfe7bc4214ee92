/* Two networks side by side: what is paired, where they part, what the verdict is. */
#include "network.h"

#include <math.h>
#include <string.h>

#include "report/compare.h"

/* Compares on x = 1, 2, 3, 4 (and y = -x where there is a second input). */
static struct compare compare(struct graph *want, struct graph *got, double tolerance)
{
	float x[] = {1, 2, 3, 4}, y[] = {-1, -2, -3, -4};
	struct tensor in[2] = {{.type = DT_F32, .rank = 1, .dim = {4}, .data = x},
	    {.type = DT_F32, .rank = 1, .dim = {4}, .data = y}};
	struct compare_options o = {.tolerance = tolerance};
	struct compare c;
	struct err err = {0};
	int status = compare_graphs(want, got, in, &o, &c, &err);
	if (status < 0)
		print_error("%s\n", err.text);
	assert_int_equal(status, OK);
	return c;
}

static void drop(struct compare *c, struct graph *want, struct graph *got)
{
	compare_free(c);
	graph_free(want);
	graph_free(got);
}

#define HEAD "x = Parameter-1 {shape=4 element_type=f32}\n"

static void test_equal(void **state)
{
	(void)state;
	const char *text = HEAD "c = Const f32[1] 2\na = Multiply-1(x, c)\nb = ReLU-1(a)\n"
				"Result-1(b)\n";
	struct graph *want = scan(text), *got = scan(text);
	struct compare c = compare(want, got, 0);
	assert_true(c.ok);
	assert_int_equal(c.ntensors, 2);
	assert_string_equal(c.tensor[0].name, "a");
	assert_string_equal(c.tensor[1].op, "ReLU");
	assert_int_equal(c.first_differs, -1);
	assert_int_equal(c.first_nonfinite, -1);
	assert_int_equal(c.unmatched, 0);
	assert_true(isinf(c.tensor[0].sqnr));
	drop(&c, want, got);
}

/* The second layer is off by 1 of 8; what follows is off too; a layer is new. */
static void test_parts(void **state)
{
	(void)state;
	struct graph *want = scan(HEAD "c = Const f32[1] 2\na = Multiply-1(x, c)\n"
				       "d = Const f32[1] 0\nb = Add-1(a, d)\nz = ReLU-1(b)\n"
				       "Result-1(z)\n");
	struct graph *got = scan(HEAD "c = Const f32[1] 2\na = Multiply-1(x, c)\n"
				      "d = Const f32[1] 1\nb = Add-1(a, d)\nn = Abs-1(b)\n"
				      "z = ReLU-1(n)\nResult-1(z)\n");
	struct compare c = compare(want, got, 0.1);
	assert_false(c.ok);
	assert_int_equal(c.ntensors, 3);
	assert_int_equal(c.unmatched, 1);
	assert_int_equal(c.first_differs, 1);
	assert_string_equal(c.tensor[1].layer, "b");
	assert_true(fabs(c.tensor[1].error - 1.0 / 8) < 1e-9);
	assert_true(c.tensor[1].max_abs == 1);
	assert_true(fabs(c.tensor[1].sqnr - 10 * log10(120.0 / 4)) < 1e-9);
	assert_int_equal(c.worst[0], 1);
	assert_int_equal(c.worst[2], 0);
	compare_free(&c);
	c = compare(want, got, 0.2);
	assert_true(c.ok);
	assert_int_equal(c.first_differs, -1);
	drop(&c, want, got);
}

static void test_not_finite(void **state)
{
	(void)state;
	struct graph *want = scan(HEAD "c = Const f32[1] 1\na = Divide-1(x, c)\nResult-1(a)\n");
	struct graph *got = scan(HEAD "c = Const f32[1] 0\na = Divide-1(x, c)\nResult-1(a)\n");
	struct compare c = compare(want, got, 1e9);
	assert_false(c.ok);
	assert_int_equal(c.first_nonfinite, 0);
	assert_true(c.tensor[0].want_finite);
	drop(&c, want, got);
}

/* Inputs in another order under the same names; an output more, an output less. */
static void test_edges(void **state)
{
	(void)state;
	struct graph *want = scan(HEAD "y = Parameter-1 {shape=4 element_type=f32}\n"
				       "a = Subtract-1(x, y)\nb = ReLU-1(a)\n"
				       "Result-1(b)\nResult-1(a)\n");
	struct graph *got = scan("y = Parameter-1 {shape=4 element_type=f32}\n" HEAD
				 "a = Subtract-1(x, y)\nb = ReLU-1(a)\nResult-1(b)\n");
	struct compare c = compare(want, got, 0);
	assert_false(c.ok);
	assert_int_equal(c.noutputs, 2);
	assert_true(c.output[0].ok);
	assert_false(c.output[1].found);
	assert_string_equal(c.output[1].name, "a");
	compare_free(&c);
	c = compare(got, want, 0);
	assert_true(c.ok); /* every output of the reference is there; the other is reported */
	assert_int_equal(c.extra_outputs, 1);
	drop(&c, want, got);
}

/* Sizes and types that differ are no agreement. */
static void test_sizes(void **state)
{
	(void)state;
	struct graph *want = scan(HEAD "a = ReLU-1(x)\nResult-1(a)\n");
	struct graph *got = scan(HEAD "s = Const i64[2] 2 2\n"
				      "a = Reshape-1(x, s) {special_zero=false}\nResult-1(a)\n");
	struct compare c = compare(want, got, 1);
	assert_false(c.ok);
	assert_false(c.output[0].t.same_size);
	drop(&c, want, got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_equal),
	    cmocka_unit_test(test_parts),
	    cmocka_unit_test(test_not_finite),
	    cmocka_unit_test(test_edges),
	    cmocka_unit_test(test_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
