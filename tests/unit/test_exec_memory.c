/* The executor and the comparison when memory runs out, at each allocation in turn. */
#include "alloc_fail.h"
#include "network.h"

#include <string.h>

#include "exec/exec.h"
#include "report/compare.h"

#define CONV "{strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1 auto_pad=explicit}\n"
static const char with_kernels[] =
    "x = Parameter-1 {shape=?,4,6,6 element_type=f32}\n"
    "h = Const f16[8,4,3,3] random(1)\nw = Convert-1(h) {destination_type=f32}\n"
    "b = Const f32[1,8,1,1] random(2)\n"
    "c = Convolution-1(x, w) " CONV "a = Add-1(c, b)\nr = ReLU-1(a)\n"
    "d = Const f32[8,1,1,3,3] random(3)\ng = GroupConvolution-1(r, d) " CONV
    "p, i = MaxPool-8(g) {kernel=2,2 strides=2,2 pads_begin=0,0 pads_end=0,0}\n"
    "s = ShapeOf-3(p) {output_type=i64}\nn = Const i64[1] 0\nz = Const i64[] 0\n"
    "f = Gather-8(s, n, z) {batch_dims=0}\nm = Const i64[1] -1\nt = Concat-1(f, m) {axis=0}\n"
    "v = Reshape-1(p, t) {special_zero=false}\nu = Const f32[72,5] random(4)\n"
    "y = MatMul-1(v, u)\ny2 = MatMul-1(y, y) {transpose_a=true}\nResult-1(y2)\nResult-1(x)\n";
static const char with_data_sizes[] = "x = Parameter-1 {shape=?,4,6,6 element_type=f32}\n"
				      "i = NonZero-3(x) {output_type=i64}\n"
				      "k = Convert-1(i) {destination_type=f32}\nr = ReLU-1(k)\n"
				      "Result-1(r)\nResult-1(r)\n";

static int make_and_run(struct graph *g, const struct tensor *in)
{
	struct err err = {0};
	struct tensor out[2];
	struct exec *e = NULL;
	int status = exec_new(g, NULL, &e, &err);
	if (status == OK)
		status = exec_run(e, in, out, &err);
	exec_free(e);
	assert_int_equal(err.status, status);
	err_clear(&err);
	return status;
}

static int compare(struct graph *g, const struct tensor *in)
{
	struct err err = {0};
	struct compare c;
	int status = compare_graphs(g, g, in, &(struct compare_options){.tolerance = 0}, &c, &err);
	if (status == OK)
		compare_free(&c);
	assert_int_equal(err.status, status);
	err_clear(&err);
	return status;
}

/* Fails the first allocation, then the second, ... until there is none to fail. What can do without
 * (an estimate, say) may still succeed. */
static void sweep(const char *text, int (*work)(struct graph *, const struct tensor *))
{
	static float data[4 * 36];
	struct tensor in = {.type = DT_F32, .rank = 4, .dim = {1, 4, 6, 6}, .data = data};
	struct graph *g = scan(text);
	bool failed = true;
	long n = 0;
	for (int i = 0; i < 4 * 36; i++)
		data[i] = (float)(i % 7 - 3);
	assert_int_equal(work(g, &in), OK);
	if (!ALLOC_FAIL_WORKS) {
		graph_free(g);
		skip();
	}
	long live = alloc_live;
	while (failed) {
		alloc_countdown = ++n;
		int status = work(g, &in);
		failed = !alloc_countdown;
		alloc_countdown = 0;
		assert_true(status == E_NOMEM || status == OK);
		assert_true(failed || status == OK);
		assert_int_equal(alloc_live, live); /* nothing leaks */
	}
	print_message("%ld allocations\n", n - 1);
	graph_free(g);
}

static void test_kernels(void **state)
{
	(void)state;
	sweep(with_kernels, make_and_run);
}

static void test_data_sizes(void **state)
{
	(void)state;
	sweep(with_data_sizes, make_and_run);
}

static void test_compare(void **state)
{
	(void)state;
	sweep(with_kernels, compare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kernels),
	    cmocka_unit_test(test_data_sizes),
	    cmocka_unit_test(test_compare),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
