/* The text form of graphs: what is read is printed again, and what is wrong is named. */
#include <string.h>

#include "network.h"

static const char sample[] =
    "x = Parameter-1 {shape=1,3,?,2..8 element_type=f32} : f32[1,3,?,2..8]\n"
    "b = Const f32[1,3,1,1] 0.5 -1 3\n"
    "big = Const f32[100] fill(2)\n"
    "s = Const i64[] -7\n"
    "u = Const u64[1] 18446744073709551615\n"
    "\"odd name\\\"\" = Result-1(x)\n"
    "Result-1(b)\n";

static struct graph *verified(const char *text)
{
	struct graph *g = scan(text);
	assert_int_equal(graph_verify(g, NULL), OK);
	return g;
}

static void text_there_and_back(void **state)
{
	(void)state;
	struct graph *g = verified(sample), *copy = graph_clone(g);
	struct text t = {0};
	graph_print(&t, g);
	assert_string_equal(t.data, sample);
	graph_free(g);
	text_free(&t);
	graph_print(&t, copy);
	assert_string_equal(t.data, sample);
	text_free(&t);
	graph_free(copy);
}

static void large_constants_are_hashed(void **state)
{
	(void)state;
	struct graph *g = verified("# a comment\n\n w = Const f16[3,3] random(7)  # and one\n"
				   "v = Const f16[3,3] random(8)\n");
	struct text t = {0};
	graph_print(&t, g);
	assert_int_equal(strncmp(t.data, "w = Const f16[3,3] hash(", 24), 0);
	assert_int_not_equal(strncmp(t.data + 24, strstr(t.data, "v = ") + 24, 16), 0);
	graph_free(g);
	text_free(&t);
}

static void refuse(const char *text, const char *message)
{
	struct graph *g = NULL;
	struct err e = {0};
	assert_int_not_equal(graph_scan(text, op_find, node_infer, &g, &e), OK);
	assert_holds(e.text, message);
	err_clear(&e);
}

static void mistakes_are_named(void **state)
{
	(void)state;
	refuse("x = Result-1(y)\n", "line 1: 'y' is not defined");
	refuse("\nx = Nothing-1", "line 2: no operator 'Nothing' in opset 1");
	refuse("x = Parameter-1 {shap=1}", "Parameter has no attribute 'shap'");
	refuse("x = Parameter-1 {shape=1 element_type=f33}", "'f33', expected an element type");
	refuse("x = Parameter-1 {shape=1}", "attribute 'element_type' of Parameter is missing");
	refuse("x = Parameter-1 {shape=1 element_type=f32} : f32[2]", "output 0 is f32[1], not");
	refuse("a = Const f32[2] 1", "is no number");
	refuse("a = Const f32[1] 1 2", "expected the end of the line before '2'");
	refuse("a = Const f32[?] 1", "a fixed shape");
	refuse("a = Const f32[1] 1\na = Const f32[1] 1", "line 2: 'a' is defined twice");
	refuse("a = Const f32[100000,100000] fill(1)", "in text");
	refuse("\"a", "end of a quoted name");
	refuse("Result-1()", "Result has 0 inputs, expected 1");
	refuse("Result-1(_)", "absent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(text_there_and_back),
	    cmocka_unit_test(large_constants_are_hashed), cmocka_unit_test(mistakes_are_named)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
