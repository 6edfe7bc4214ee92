/* FP16 as a compression: what overflows on samples stays FP32 with its readers, constants by layer.
 */
#include <math.h>

#include "network.h"

#include "quant/aware_fp16.h"

#define WIDTH 64
#define SAMPLES 20

static const char net[] = "x = Parameter-1 {shape=1,64 element_type=f32}\n"
			  "k = Const f32[] 300000\n"
			  "up = Multiply-1(x, k)\n"
			  "down = Log-1(up)\n"
			  "w = Const f32[64,64] random(3)\n"
			  "m = MatMul-1(down, w)\n"
			  "r = ReLU-1(m)\n"
			  "v = Const f32[64,64] random(4)\n"
			  "o = MatMul-1(r, v)\n"
			  "y = Result-1(o)\n";

static int get(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err)
{
	int r = tensor_alloc(in, DT_F32, 2, (int64_t[]){1, WIDTH}, err);
	(void)user;
	for (int k = 0; k < WIDTH && !r; k++)
		((float *)in->data)[k] = (float)((k * 7 + i * 3) % 11 + 1) / 20;
	*label = -1;
	return r;
}

static int group(const struct aware_fp16 *a, const char *name)
{
	for (int k = 0; k < a->c.ngroups; k++)
		if (!strcmp(a->group[k].name, name))
			return k;
	return -1;
}

static const struct samples samples = {.count = SAMPLES, .get = get};

static void test_constants(void **state)
{
	struct aware_fp16 a;
	struct err err = {0};
	struct graph *g = scan(net), *out;
	const char *keep[] = {"o"};
	(void)state;
	assert_int_equal(aware_fp16_new(&a, g, keep, 1, false, NULL, &err), OK);
	assert_int_equal(a.c.ngroups, 1); /* numbers alone are not worth a layer */
	assert_string_equal(a.group[0].name, "m");
	assert_true(a.group[0].gain == 64 * 64 * 2);
	assert_int_equal(a.c.make(a.c.user, (int[]){0}, &out, &err), OK);
	struct node *w = node_in(graph_find_node(out, "m"), 1)->node;
	assert_string_equal(w->op->type, "Convert");
	assert_string_equal(node_in(graph_find_node(out, "o"), 1)->node->op->type, "Const");
	graph_free(out);
	assert_int_equal(a.c.make(a.c.user, (int[]){AWARE_KEPT}, &out, &err), OK);
	assert_string_equal(node_in(graph_find_node(out, "m"), 1)->node->op->type, "Const");
	graph_free(out);
	aware_fp16_free(&a);
	graph_free(g);
}

static void test_overflow(void **state)
{
	struct aware_fp16 a;
	struct aware_result r;
	struct deal d;
	struct err err = {0};
	struct graph *g = scan(net), *out;
	(void)state;
	assert_int_equal(deal_new(&d, &samples, 0, SAMPLES, g, &err), OK);
	assert_int_equal(aware_fp16_new(&a, g, NULL, 0, true, &d, &err), OK);
	deal_free(&d);
	assert_int_equal(a.noverflows, 1);
	assert_string_equal(a.overflow[0].layer, "up");
	assert_true(a.overflow[0].largest > 164999 && a.overflow[0].largest < 165001);
	int up = group(&a, "up"), down = group(&a, "down"), m = group(&a, "m");
	assert_true(up >= 0 && down >= 0 && m >= 0 && group(&a, "w") < 0);
	assert_true(a.group[up].fixed && a.group[down].fixed && !a.group[m].fixed);
	struct aware_options o = {.metric = METRIC_SQNR,
	    .max_drop = 0.01, /* 40 dB */
	    .samples = &samples,
	    .nrank = SAMPLES,
	    .cache_bytes = 1 << 20};
	assert_int_equal(aware_search(g, &a.c, &o, &r, &err), OK);
	assert_true(r.held && isfinite(r.result) && r.result > 40 && r.result < 120);
	assert_true(r.way[up] == AWARE_KEPT && r.way[m] == 0);
	/* rounding is emulated, not written */
	assert_non_null(graph_find_node(r.graph, "m/f16"));
	assert_int_equal(aware_fp16_finish(&a, r.way, &out, NULL, &err), OK);
	assert_null(graph_find_node(out, "m/f16"));
	assert_non_null(node_meta(graph_find_node(out, "up"), "precise"));
	assert_null(node_meta(graph_find_node(out, "m"), "precise"));
	graph_free(out);
	/* were it not kept, nothing would be left of the answers */
	a.group[up].fixed = a.group[down].fixed = false;
	aware_free(&r);
	o.max_drop = INFINITY;
	assert_int_equal(aware_search(g, &a.c, &o, &r, &err), OK);
	assert_true(!(r.result > -1e9));
	aware_free(&r);
	aware_fp16_free(&a);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_constants),
	    cmocka_unit_test(test_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
