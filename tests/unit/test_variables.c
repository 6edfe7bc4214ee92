/* Networks with state: what one run assigns, the next one reads. */
#include "check.h"

#include <string.h>

#include "exec/exec.h"
#include "graph/print.h"
#include "ops/op.h"

static struct graph *network(const char *text)
{
	struct err err = {0};
	struct graph *g = NULL;
	assert_int_equal(graph_scan(text, op_find, node_infer, &g, &err), OK);
	assert_int_equal(graph_infer(g, &err), OK);
	return g;
}

static double run(struct exec *e, float x, int64_t n)
{
	struct err err = {0};
	float v[] = {x, x, x};
	struct tensor in = {DT_F32, 2, {1, n}, v}, out;
	int status = exec_run(e, &in, &out, &err);
	if (status < 0)
		print_error("%s\n", err.text);
	assert_int_equal(status, OK);
	return tensor_f64(&out, tensor_count(&out) - 1) + 100 * (double)tensor_count(&out);
}

/* A sum goes from run to run, under both opsets, by kernels and by eval; it is read before the run
 * changes it, though the reading stands last. */
static void sums(void **state)
{
	(void)state;
	static const char *const text[] = {
	    "x = Parameter-1 {shape=1,3 element_type=f32}\n"
	    "start = Const f32[1,3] 10 10 10\n"
	    "r = ReadValue-6(start) {variable_id=v variable_type=f32 variable_shape=1,3}\n"
	    "s = Add-1(r, x)\na = Assign-6(s) {variable_id=v}\n"
	    "again = ReadValue-6(start) {variable_id=v variable_type=f32 variable_shape=1,3}\n"
	    "y = Add-1(again, x)\nResult-1(y)\n",
	    "x = Parameter-1 {shape=1,3 element_type=f32}\n"
	    "start = Const f32[1,3] 10 10 10\nr = ReadValue-3(start) {variable_id=v}\n"
	    "s = Add-1(r, x)\na = Assign-3(s) {variable_id=v}\nResult-1(s)\n",
	};
	for (int i = 0; i < 4; i++) {
		struct graph *g = network(text[i % 2]);
		struct exec *e = NULL;
		struct exec_options o = {.eval_only = i > 1};
		assert_int_equal(exec_new(g, &o, &e, NULL), OK);
		assert_true(run(e, 1, 3) == 311);
		assert_true(run(e, 2, 3) == 313);
		assert_true(run(e, 0, 3) == 313);
		exec_reset_state(e);
		assert_true(run(e, 1, 3) == 311);
		exec_free(e);
		graph_free(g);
	}
}

/* A variable that grows with each run, from nothing. */
static void grows(void **state)
{
	(void)state;
	struct graph *g = network(
	    "x = Parameter-1 {shape=1,? element_type=f32}\nnone = Const f32[1,0]\n"
	    "r = ReadValue-6(none) {variable_id=v variable_type=f32 variable_shape=1,?}\n"
	    "s = Concat-1(r, x) {axis=1}\na = Assign-6(s) {variable_id=v}\n"
	    "y = ReLU-1(s)\nResult-1(y)\n");
	struct exec *e = NULL;
	assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
	assert_true(run(e, 1, 3) == 301);
	assert_true(run(e, 2, 1) == 402);
	assert_true(run(e, 3, 2) == 603);
	exec_reset_state(e);
	assert_true(run(e, 4, 2) == 204);
	exec_free(e);
	graph_free(g);
}

/* Another size than the one that is kept is refused, and the state stays. */
static void refuses(void **state)
{
	(void)state;
	struct graph *g = network("x = Parameter-1 {shape=1,? element_type=f32}\n"
				  "r = ReadValue-3(x) {variable_id=v}\ns = Add-1(r, x)\n"
				  "a = Assign-3(s) {variable_id=v}\nResult-1(s)\n");
	struct err err = {0};
	struct exec *e = NULL;
	float v[] = {1, 1};
	struct tensor in = {DT_F32, 2, {1, 2}, v}, out;
	assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
	assert_true(run(e, 1, 3) == 302);
	assert_int_equal(exec_run(e, &in, &out, &err), E_USAGE);
	assert_non_null(strstr(err.text, "variable 'v' has another size"));
	err_clear(&err);
	assert_true(run(e, 1, 3) == 303);
	exec_free(e);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sums),
	    cmocka_unit_test(grows),
	    cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
