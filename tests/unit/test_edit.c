/* Edits that a user asks for: sizes, batch, layout, frozen inputs, cuts; and what layers cost. */
#include <stdio.h>
#include <string.h>

#include "network.h"

#include "ops/edit.h"
#include "report/cost.h"

static const char net[] =
    "x = Parameter-1 {shape=1,3,8,8 element_type=f32}\n"
    "s = Parameter-1 {shape=1 element_type=f32}\n"
    "w = Const f32[4,3,3,3] random(1)\n"
    "c = Convolution-1(x, w) {strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1}\n"
    "r = ReLU-1(c)\n"
    "m = Multiply-1(r, s)\n"
    "t = Const i64[2] 1 -1\n"
    "f = Reshape-1(m, t) {special_zero=false}\n"
    "y = Result-1(f)\n";

static int infer(struct graph *g)
{
	struct err err = {0};
	int r = graph_infer(g, &err);
	return r ? r : graph_verify(g, &err);
}

static void test_shape(void **state)
{
	struct graph *g = scan(net);
	struct shape s;
	struct err err = {0};
	(void)state;
	assert_true(shape_parse("?,3,16,1..9", &s));
	assert_int_equal(edit_shape(g, 0, &s, &err), OK);
	assert_int_equal(infer(g), OK);
	const struct shape *c = &graph_find_node(g, "c")->out[0].info.shape;
	assert_true(
	    c->rank == 4 && !dim_static(c->dim[0]) && c->dim[2].min == 16 && c->dim[3].max == 9);
	assert_true(shape_parse("1,3", &s));
	assert_int_equal(edit_shape(g, 0, &s, &err), E_USAGE);
	graph_free(g);
}

/* The input of 1x4x8x8, batch 1, through one Reshape with this target; "" when it goes wrong. */
static const char *reshaped(const char *middle, int64_t batch, struct err *err)
{
	static char out[200];
	char text[600];
	struct text t = {0};
	snprintf(text, sizeof text,
	    "x = Parameter-1 {shape=1,4,8,8 element_type=f32}\n%s\nResult-1(y)\n", middle);
	struct graph *g = scan(text);
	out[0] = 0;
	err_clear(err);
	if (!edit_batch(g, (int[]){0}, batch, err)) {
		shape_text(&t, &node_in(g->outputs[0], 0)->info.shape);
		snprintf(out, sizeof out, "%s", t.data);
	}
	text_free(&t);
	graph_free(g);
	return out;
}

static void test_batch(void **state)
{
	struct graph *g = scan(net);
	struct err err = {0};
	(void)state;
	assert_int_equal(edit_batch(g, (int[]){4, -1}, 5, &err), E_USAGE);
	graph_free(g);
	g = scan(net);
	assert_int_equal(edit_batch(g, (int[]){0, -1}, 5, &err), OK);
	assert_int_equal(node_in(g->outputs[0], 0)->info.shape.dim[0].min, 5);
	/* the new target copies the batch: it goes on to any other */
	assert_int_equal(edit_batch(g, (int[]){0, -1}, 7, &err), OK);
	assert_int_equal(node_in(g->outputs[0], 0)->info.shape.dim[1].min, 256);
	graph_free(g);
}

/* A number in the target that holds the batch is scaled where every sample keeps its elements. */
static void test_batch_targets(void **state)
{
	struct err err = {0};
	(void)state;
	assert_string_equal(
	    reshaped("t = Const i64[2] 1 256\ny = Reshape-1(x, t) {special_zero=false}", 5, &err),
	    "5,256");
	assert_string_equal(
	    reshaped("t = Const i64[2] 4 -1\ny = Reshape-1(x, t) {special_zero=true}", 5, &err),
	    "20,64");
	assert_string_equal(
	    reshaped("t = Const i64[3] 0 2 -1\ny = Reshape-1(x, t) {special_zero=true}", 5, &err),
	    "5,2,128");
	assert_string_equal(reshaped("p = Const i64[4] 1 0 2 3\nm = Transpose-1(x, p)\n"
				     "t = Const i64[3] 4 1 64\ny = Reshape-1(m, t) "
				     "{special_zero=false}",
				5, &err),
	    "4,5,64");
}

/* Rows before the batch, as attention has it, come together with it and part again; a constant that
 * joins one sample joins each. */
static void test_batch_inside(void **state)
{
	struct err err = {0};
	(void)state;
	assert_string_equal(reshaped("p = Const i64[4] 1 0 2 3\nm = Transpose-1(x, p)\n"
				     "s = Const i64[3] 4 1 64\na = Reshape-1(m, s) "
				     "{special_zero=false}\n"
				     "t = Const i64[2] 4 64\nb = Reshape-1(a, t) "
				     "{special_zero=false}\n"
				     "y = Reshape-1(b, s) {special_zero=false}",
				5, &err),
	    "4,5,64");
	assert_string_equal(
	    reshaped("k = Const f32[1,1,8,8] fill(1)\ny = Concat-1(k, x) {axis=1}", 5, &err),
	    "5,5,8,8");
}

/* Behind a transpose the samples' elements lie apart: one list of them cannot hold another batch.
 */
static void test_batch_pinned(void **state)
{
	struct err err = {0};
	(void)state;
	assert_string_equal(reshaped("p = Const i64[4] 1 0 2 3\nm = Transpose-1(x, p)\n"
				     "t = Const i64[1] 256\ny = Reshape-1(m, t) "
				     "{special_zero=false}",
				5, &err),
	    "");
	assert_non_null(strstr(err.text, "the Reshape 'y' pins it at 1 by its target [256], the "
					 "constant 't'"));
	assert_int_equal(err.status, E_USAGE);
	err_clear(&err);
}

static void test_layout(void **state)
{
	struct graph *g = scan(net);
	struct err err = {0};
	(void)state;
	assert_int_equal(edit_layout(g, 0, "nchw", "nhwx", &err), E_USAGE);
	assert_int_equal(edit_layout(g, 0, "nchw", "nhcc", &err), E_USAGE);
	assert_int_equal(edit_layout(g, 0, "nchw", "nhwc", &err), OK);
	assert_int_equal(infer(g), OK);
	assert_int_equal(g->inputs[0]->out[0].info.shape.dim[3].min, 3);
	assert_true(node_is(node_in(graph_find_node(g, "c"), 0)->node, OP_TRANSPOSE));
	assert_int_equal(shape_count(&graph_find_node(g, "c")->out[0].info.shape), 4 * 8 * 8);
	graph_free(g);
}

static void test_freeze(void **state)
{
	struct graph *g = scan(net);
	struct err err = {0};
	const double v[] = {2.5, 1};
	(void)state;
	assert_int_equal(edit_freeze(g, 1, 2, v, &err), E_USAGE);
	assert_int_equal(edit_freeze(g, 1, 1, v, &err), OK);
	assert_int_equal(infer(g), OK);
	assert_int_equal(g->ninputs, 1);
	struct tensor t = value_tensor(node_in(graph_find_node(g, "m"), 1));
	assert_true(t.type == DT_F32 && tensor_f64(&t, 0) == 2.5);
	graph_free(g);
}

static void test_cut(void **state)
{
	struct graph *g = scan(net);
	struct err err = {0};
	(void)state;
	assert_int_equal(
	    edit_cut(g, (const char *[]){"c"}, 1, (const char *[]){"m", "r"}, 2, &err), OK);
	assert_int_equal(infer(g), OK);
	assert_true(g->ninputs == 2 && g->noutputs == 2);
	assert_string_equal(value_name(&g->inputs[0]->out[0]), "c");
	assert_string_equal(node_in(g->outputs[0], 0)->node->name, "m");
	assert_null(graph_find_node(g, "w"));
	assert_null(graph_find_node(g, "f"));
	graph_free(g);
	g = scan(net);
	assert_int_equal(edit_cut(g, (const char *[]){"nosuch"}, 1, NULL, 0, &err), E_USAGE);
	graph_free(g);
	g = scan(net);
	assert_int_equal(
	    edit_cut(g, (const char *[]){"m"}, 1, (const char *[]){"r"}, 1, &err), E_USAGE);
	assert_non_null(strstr(err.text, "'m' feeds"));
	graph_free(g);
}

static void test_cost(void **state)
{
	struct graph *g = scan(net);
	(void)state;
	assert_int_equal(cost_macs(graph_find_node(g, "c")), 4 * 8 * 8 * 27);
	assert_int_equal(cost_macs(graph_find_node(g, "r")), 0);
	assert_int_equal(cost_parameters(g), 4 * 27);
	struct cost_weights w = cost_weights(graph_find_node(g, "c"));
	assert_true(w.elements == 108 && w.bytes == 432 && w.type == DT_F32);
	assert_int_equal(cost_output_bytes(graph_find_node(g, "c")), 4 * 8 * 8 * 4);
	graph_free(g);
	g = scan("a = Parameter-1 {shape=2,5,7 element_type=f32}\n"
		 "q = Const i8[7,3] random(3)\n"
		 "b = Convert-1(q) {destination_type=f32}\n"
		 "m = MatMul-1(a, b) {transpose_a=false transpose_b=false}\n"
		 "y = Result-1(m)\n");
	assert_int_equal(cost_macs(graph_find_node(g, "m")), 2 * 5 * 3 * 7);
	w = cost_weights(graph_find_node(g, "m"));
	assert_true(w.elements == 21 && w.bytes == 21 && w.type == DT_I8);
	graph_free(g);
	g = scan("a = Parameter-1 {shape=?,3,8,8 element_type=f32}\n"
		 "w = Const f32[3,4,2,2] random(3)\n"
		 "d = ConvolutionBackpropData-1(a, w) {strides=2,2 pads_begin=0,0 pads_end=0,0 "
		 "dilations=1,1}\n"
		 "y = Result-1(d)\n");
	assert_int_equal(cost_macs(graph_find_node(g, "d")), -1);
	assert_int_equal(cost_output_bytes(graph_find_node(g, "d")), -1);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shape),
	    cmocka_unit_test(test_batch),
	    cmocka_unit_test(test_batch_targets),
	    cmocka_unit_test(test_batch_inside),
	    cmocka_unit_test(test_batch_pinned),
	    cmocka_unit_test(test_layout),
	    cmocka_unit_test(test_freeze),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_cost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
