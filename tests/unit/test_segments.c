/* Layers behind sizes that only the data tell: planned for each size that comes, equal to eval. */
#include "engine.h"

#include <math.h>
#include <string.h>

/* n ones at random places of the list. */
static void ones(struct tensor *t, int n, uint64_t seed)
{
	memset(t->data, 0, tensor_bytes(t));
	while (n > 0) {
		int64_t i = (int64_t)(rng_next(&seed) % (uint64_t)tensor_count(t));
		n -= tensor_f64(t, i) == 0;
		tensor_set_f64(t, i, 1);
	}
}

/* Runs it on lists with 0 to 9 ones, twice each, against eval. */
static void check(const char *text, int segments)
{
	struct graph *g = scan(text);
	struct exec *e = make(g, NULL), *ref = make_eval(g);
	int64_t dim = 40;
	struct tensor in, want[4], got[4];
	struct err err = {0};
	assert_int_equal(tensor_alloc(&in, DT_F32, 1, &dim, NULL), OK);
	for (int i = 0; i < 20; i++) {
		ones(&in, i % 10, (uint64_t)i);
		assert_int_equal(exec_run(ref, &in, want, &err), OK);
		int r = exec_run(e, &in, got, &err);
		if (r)
			print_error("%s\n", err.text);
		assert_int_equal(r, OK);
		for (int k = 0; k < g->noutputs; k++)
			assert_same(&got[k], &want[k], 1e-4);
	}
	assert_int_equal(count_calls(e, CALL_SEGMENT), segments);
	tensor_free(&in);
	exec_free(e);
	exec_free(ref);
	graph_free(g);
}

#define HEAD                                                                  \
	"x = Parameter-1 {shape=40 element_type=f32}\n"                       \
	"i = NonZero-3(x) {output_type=i64}\na = Const i64[] 0\n"             \
	"o = Const i64[2] -1 1\nj = Reshape-1(i, o) {special_zero=false}\n"   \
	"t = Convert-1(j) {destination_type=f32}\nk = Const f32[] 0.025\n"    \
	"f = Multiply-1(t, k)\nw = Const f32[1,8] random(1)\n"                \
	"m = MatMul-1(f, w)\nb = Const f32[1,8] random(2)\nn = Add-1(m, b)\n" \
	"r = ReLU-1(n)\n"

static void test_one(void **state)
{
	(void)state;
	check(HEAD "Result-1(r)\n", 1);
	/* values of the middle are outputs too */
	check(HEAD "Result-1(m)\nResult-1(r)\nResult-1(i)\n", 1);
	/* nothing that has a kernel: eval does as well */
	check("x = Parameter-1 {shape=40 element_type=f32}\ni = NonZero-3(x) {output_type=i64}\n"
	      "y = Convert-1(i) {destination_type=f32}\nz = Sigmoid-1(y)\nResult-1(z)\n",
	    0);
}

/* A second source between; what is planned comes from before and after. */
static void test_two(void **state)
{
	(void)state;
	check(HEAD "v = Const f32[8,8] random(3)\nq = MatMul-1(r, v)\n"
		   "i2 = NonZero-3(q) {output_type=i64}\nax = Const i64[] 0\nat = Const i64[] 1\n"
		   "rows = Gather-8(i2, ax, ax)\npicked = Gather-8(r, rows, ax)\n"
		   "u = Const f32[40,8] random(6)\ns = MatMul-1(x, u)\n"
		   "p = MatMul-1(picked, v)\nRes = Add-1(p, s)\n"
		   "Result-1(Res)\nResult-1(q)\n",
	    2);
}

/* A size read from a value in the middle of a segment is known when that runs. */
static void test_inner_source(void **state)
{
	(void)state;
	check(HEAD "one = Const i64[1] 1\nsum = ReduceSum-1(j, a) {keep_dims=false}\n"
		   "s8 = Const i64[1] 8\ntop = Const i64[1] 5\nto = Maximum-1(sum, top)\n"
		   "shape = Concat-1(to, s8) {axis=0}\nz = Const f32[1,8] random(4)\n"
		   "big = Broadcast-3(z, shape) {mode=numpy}\nv = Const f32[8,3] random(5)\n"
		   "y = MatMul-1(big, v)\nResult-1(y)\nResult-1(r)\n",
	    1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one),
	    cmocka_unit_test(test_two),
	    cmocka_unit_test(test_inner_source),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
