/* Products with constant matrices in FP16, 8 or 4 bits: which of them run compressed, and that they
 * agree with eval. */
#include "engine.h"

#include <math.h>
#include <string.h>

#define X(rows) "x = Parameter-1 {shape=1," rows ",256 element_type=f32}\n"
#define WIDE(name, from, type) name " = Convert-1(" from ") {destination_type=" type "}\n"
#define PRODUCT(turned) \
	"y = MatMul-1(x, w) {transpose_a=false transpose_b=" turned "}\nResult-1(y)\n"

/* The network by its kernels and by eval. n products are compressed, whose packs take as many
 * bytes at most; 0: no limit. */
static void check(const char *text, int64_t rows, int n, size_t bytes)
{
	struct graph *g = scan(text);
	if (!linear_cw_pays((int)rows, 256, 160))
		n = 0; /* fewer rows are few where there are fewer registers */
	struct exec *e = make(g, NULL), *ref = make_eval(g);
	struct tensor in = random_input(g, 0, rows), got[2], want[2];
	run(e, &in, got);
	run(ref, &in, want);
	for (int k = 0; k < g->noutputs; k++)
		assert_close(&got[k], &want[k], 2e-5);
	if (count_calls(e, CALL_LINEAR_CW) != n)
		print_error("%s", text);
	assert_int_equal(count_calls(e, CALL_LINEAR_CW), n);
	assert_int_equal(exec_products(e).all, g->noutputs);
	assert_true(!bytes || exec_packed(e) <= bytes);
	exec_free(e);
	exec_free(ref);
	graph_free(g);
	tensor_free(&in);
}

#define ELEMENTS ((size_t)256 * 160)
#define F16(dims) "h = Const f16[" dims "] random(3)\n" WIDE("w", "h", "f32")

static void halves(void **state)
{
	(void)state;
	check(X("1") F16("256,160") PRODUCT("false"), 1, 1, ELEMENTS * 2);
	check(X("3") F16("160,256") PRODUCT("true"), 3, 1, ELEMENTS * 2);
	/* many rows: floats are faster */
	check(X("40") F16("160,256") PRODUCT("true"), 40, 0, ELEMENTS * 4);
	check(X("40") F16("256,160") PRODUCT("false"), 40, 0, ELEMENTS * 4);
	/* a small matrix */
	check(X("1") F16("256,16") PRODUCT("false"), 1, 0, 0);
	/* two readers of the matrix */
	check(X("1") F16("256,256") PRODUCT("false") "z = MatMul-1(x, w) {transpose_a=false "
						     "transpose_b=true}\nResult-1(z)\n",
	    1, 2, (size_t)256 * 256 * 4);
	/* rounded on the way: not that matrix */
	check(X("1") "f = Const f32[256,160] random(3)\n" WIDE("h", "f", "f16")
		  WIDE("w", "h", "f32") PRODUCT("false"),
	    1, 0, 0);
}

/* Integers, their zero points and scales of these dims. */
#define INTEGERS(type, dims, zeros, scales)                                                      \
	"q = Const " type "[" dims                                                               \
	"] random(3)\n" WIDE("qf", "q", "f16") "z = Const " type "[" zeros "] random(4)\n" WIDE( \
	    "zf", "z", "f16") "d = Subtract-1"                                                   \
			      "(qf, zf)\n"                                                       \
			      "s = Const f16[" scales "] random(5)\n"
#define SCALED WIDE("w", "m", "f32")
#define MULTIPLY "m = Multiply-1(d, s)\n"
#define GROUPED(dims)             \
	"to = Const i64[2] " dims \
	"\nr = Reshape-1(m, to) {special_zero=false}\n" WIDE("w", "r", "f32")

static void integers(void **state)
{
	(void)state;
	check(X("1") INTEGERS("u8", "160,256", "160,1", "160,1") MULTIPLY SCALED PRODUCT("true"), 1,
	    1, ELEMENTS + 160 * 8);
	check(X("2") INTEGERS("u8", "256,160", "1,1", "1,160") MULTIPLY SCALED PRODUCT("false"), 2,
	    1, ELEMENTS + 160 * 8);
	check(X("7") INTEGERS("i8", "160,256", "160,1", "160,1") MULTIPLY SCALED PRODUCT("true"), 7,
	    1, 0);
	check(X("1") INTEGERS("u4", "160,256", "160,1", "160,1") MULTIPLY SCALED PRODUCT("true"), 1,
	    1, ELEMENTS / 2 + 160 * 8);
	check(X("1") INTEGERS("i4", "256,160", "1,160", "1,160") MULTIPLY SCALED PRODUCT("false"),
	    1, 1, ELEMENTS / 2 + 160 * 8);
	check(X("1") INTEGERS("u4", "160,8,32", "160,8,1", "160,8,1") MULTIPLY GROUPED("160 256")
		  PRODUCT("true"),
	    1, 1, ELEMENTS / 2 + 160 * 8 * 8);
	check(X("5") INTEGERS("i4", "8,32,160", "8,1,160", "8,1,160") MULTIPLY GROUPED("256 160")
		  PRODUCT("false"),
	    5, 1, 0);
	check(X("40") INTEGERS("u8", "160,256", "160,1", "160,1") MULTIPLY SCALED PRODUCT("true"),
	    40, 0, ELEMENTS * 4);
}

/* What the kernel does not read is computed otherwise, as before. */
static void others(void **state)
{
	(void)state;
	/* a scale for each depth */
	check(X("1") INTEGERS("u8", "160,256", "1,1", "1,256") MULTIPLY SCALED PRODUCT("true"), 1,
	    0, 0);
	/* groups of 4 depths in 4 bits */
	check(X("1") INTEGERS("u4", "160,64,4", "160,64,1", "160,64,1") MULTIPLY GROUPED("160 256")
		  PRODUCT("true"),
	    1, 0, 0);
	/* a fraction as zero point */
	check(X("1") "q = Const u8[160,256] random(3)\n" WIDE(
		  "qf", "q", "f32") "z = Const f32[1,1] 0.5\nd = Subtract-1(qf, z)\ns = Const "
				    "f32[160,1] random(5)\n"
				    "w = Multiply-1(d, s)\n" PRODUCT("true"),
	    1, 0, 0);
	/* the scale on the left */
	check(X("1") "q = Const i8[160,256] random(3)\n" WIDE("qf", "q",
		  "f32") "s = Const f32[160,1] random(5)\nw = Multiply-1(s, qf)\n" PRODUCT("true"),
	    1, 0, 0);
	/* no zero point at all */
	check(X("1") "q = Const i8[160,256] random(3)\n" WIDE("qf", "q",
		  "f32") "s = Const f32[160,1] random(5)\nw = Multiply-1(qf, s)\n" PRODUCT("true"),
	    1, 1, 0);
}

/* Bias, sum, clamp and a function behind: taken along. */
static void epilogue(void **state)
{
	(void)state;
	struct graph *g = scan(X("2") F16("256,256") "a = MatMul-1(x, w) {transpose_a=false "
						     "transpose_b=false}\nb = Const f32[256] "
						     "random(8)\nc = Add-1(a, b)\nd = Add-1(c, "
						     "x)\ne = Gelu-7(d) "
						     "{approximation_mode=ERF}\nResult-1(e)\n");
	struct exec *e = make(g, NULL), *ref = make_eval(g);
	struct tensor in = random_input(g, 0, 2), got, want;
	run(e, &in, &got);
	run(ref, &in, &want);
	assert_close(&got, &want, 2e-5);
	assert_int_equal(e->plan[0]->ncalls, 1);
	exec_free(e);
	exec_free(ref);
	graph_free(g);
	tensor_free(&in);
}

/* Another number of rows: the matrix is read from where it was, floats and compressed. */
static void two_plans(void **state)
{
	struct graph *g = scan(
	    "x = Parameter-1 {shape=1,?,256 element_type=f32}\n" F16("256,160") PRODUCT("false"));
	struct exec *e = make(g, NULL), *ref = make_eval(g);
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct tensor in = random_input(g, 0, i % 2 ? 1 : 40), got, want;
		run(e, &in, &got);
		run(ref, &in, &want);
		assert_close(&got, &want, 2e-5);
		assert_int_equal(count_calls(e, CALL_LINEAR_CW), i % 2);
		tensor_free(&in);
	}
	assert_int_equal(exec_packed(e), ELEMENTS * 6);
	exec_free(e);
	exec_free(ref);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(halves), cmocka_unit_test(integers),
	    cmocka_unit_test(others), cmocka_unit_test(epilogue), cmocka_unit_test(two_plans)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
