/* Graphs: building, rewriting, sorting, cloning, attributes, shapes, inference. */
#include <string.h>

#include "check.h"
#include "const_f32.h"

#include "graph/graph.h"
#include "ops/op.h"

static struct node *add(
    struct graph *g, enum op_id id, const char *name, struct value *a, struct value *b)
{
	struct value *in[] = {a, b};
	struct node *n = graph_add(g, op_row(id), name, in, b ? 2 : a ? 1 : 0, op_row(id)->nout);
	assert_non_null(n);
	return n;
}

static struct node *parameter(struct graph *g, const char *name, const char *shape)
{
	struct shape s;
	struct node *n = add(g, OP_PARAMETER, name, NULL, NULL);
	assert_true(shape_parse(shape, &s));
	assert_true(attr_set_shape(n, "shape", &s) && attr_set_type(n, "element_type", DT_F32));
	return n;
}

static void verified(const struct graph *g)
{
	struct err e = {0};
	if (graph_verify(g, &e))
		print_error("%s\n", e.text);
	assert_int_equal(e.status, OK);
}

/* x -> relu -> add(relu, c) -> result */
static struct graph *small(void)
{
	struct graph *g = graph_new("small");
	const float v[] = {1, 2, 3};
	struct node *x = parameter(g, "x", "1,3");
	struct node *relu = add(g, OP_RELU, "relu", x->out, NULL);
	struct node *c = const_f32(g, NULL, "c", 3, v);
	struct node *sum = add(g, OP_ADD, "sum", relu->out, c->out);
	add(g, OP_RESULT, "out", sum->out, NULL);
	assert_true(value_add_name(relu->out, "relu_name") && value_add_name(sum->out, "y"));
	return g;
}

static void rewriting(void **state)
{
	(void)state;
	struct graph *g = small();
	struct err e = {0};
	verified(g);
	assert_int_equal(graph_infer(g, &e), OK);
	struct node *relu = graph_find_node(g, "relu"), *sum = graph_find_node(g, "sum");
	struct node *tanh = graph_insert_after(
	    relu, op_row(OP_TANH), "tanh", &(struct value *){relu->out}, 1, 1);
	graph_replace(relu->out, tanh->out); /* but for tanh's own input */
	assert_ptr_equal(node_in(tanh, 0), relu->out);
	assert_ptr_equal(node_in(sum, 0), tanh->out);
	assert_ptr_equal(graph_find_value(g, "relu_name"), tanh->out);
	assert_int_equal(relu->out->nuses, 1);
	verified(g);
	struct node *abs = graph_insert_before(
	    relu, op_row(OP_ABS), "abs", &(struct value *){g->inputs[0]->out}, 1, 1);
	assert_true(node_add_meta(relu, "origin", NULL, "here"));
	graph_replace_node(relu, abs);
	assert_null(graph_find_node(g, "relu"));
	assert_string_equal(node_meta(abs, "origin")->value, "here");
	verified(g);
	assert_true(node_resize_inputs(sum, 4));
	assert_null(node_in(sum, 3));
	assert_int_equal(graph_verify(g, &e), E_FORMAT);
	assert_true(node_resize_inputs(sum, 2));
	verified(g);
	graph_remove(g->outputs[0]);
	assert_int_equal(g->noutputs, 0);
	assert_int_equal(sum->out->nuses, 0);
	graph_remove(sum);
	verified(g);
	graph_free(g);
}

static void finding(void **state)
{
	(void)state;
	struct graph *g = small();
	assert_int_equal(graph_find_input(g, "x"), 0);
	assert_int_equal(graph_find_input(g, "y"), -1);
	assert_int_equal(graph_find_output(g, "y"), 0);
	assert_int_equal(graph_find_output(g, "out"), 0);
	assert_int_equal(graph_find_output(g, "sum"), 0);
	assert_string_equal(value_name(graph_find_value(g, "y")), "y");
	assert_true(value_add_name(graph_find_value(g, "y"), "other"));
	assert_string_equal(graph_output_name(g, 0), "y");
	g->outputs[0]->name = "other/sink_port_0";
	assert_string_equal(graph_output_name(g, 0), "other");
	struct tensor t = value_tensor(graph_find_node(g, "c")->out);
	assert_int_equal(t.rank, 1);
	assert_true(tensor_f64(&t, 2) == 3);
	t = value_tensor(graph_find_value(g, "y"));
	assert_int_equal(t.type, DT_NONE);
	graph_free(g);
}

static void sorting(void **state)
{
	(void)state;
	struct graph *g = small();
	struct err e = {0};
	struct node *sum = graph_find_node(g, "sum"), *relu = graph_find_node(g, "relu");
	struct node *last = add(g, OP_ABS, "late", node_in(sum, 0), NULL);
	node_set_input(sum, 0, last->out);
	assert_int_equal(graph_verify(g, &e), E_FORMAT);
	assert_holds(e.text, "node 'sum': input 0, 'late', comes later");
	assert_int_equal(graph_sort(g, &e), OK);
	verified(g);
	const char *order[] = {"x", "relu", "c", "late", "sum", "out"};
	int i = 0;
	graph_each (g, n)
		assert_string_equal(n->name, order[i++]);
	node_set_input(relu, 0, sum->out);
	assert_int_equal(graph_sort(g, &e), E_FORMAT);
	assert_holds(e.text, "depends on itself");
	graph_free(g);
}

static void sorting_a_deep_chain(void **state)
{
	(void)state;
	enum { N = 200000 };
	struct graph *g = graph_new("deep");
	struct node *first = NULL, *after = NULL;
	for (int i = 0; i < N; i++) { /* made from the end to the start */
		struct node *n = graph_add(g, op_row(OP_ABS), "n", NULL, 1, 1);
		if (after)
			node_set_input(after, 0, n->out);
		else
			first = n;
		after = n;
	}
	node_set_input(after, 0, parameter(g, "x", "1")->out);
	struct err e = {0};
	assert_int_equal(graph_sort(g, &e), OK);
	verified(g);
	assert_ptr_equal(g->last, first);
	graph_free(g);
}

static void cloning(void **state)
{
	(void)state;
	struct graph *g = small(), *copy;
	struct err e = {0};
	assert_int_equal(graph_infer(g, &e), OK);
	copy = graph_clone(g);
	struct blob *shared = graph_find_node(g, "c")->data;
	assert_ptr_equal(graph_find_node(copy, "c")->data, shared);
	graph_free(g);
	verified(copy);
	assert_int_equal(graph_find_output(copy, "y"), 0);
	assert_int_equal(copy->outputs[0]->in[0].value->info.shape.dim[1].min, 3);
	assert_int_equal(attr_type(copy->inputs[0], "element_type"), DT_F32);
	assert_int_equal(graph_infer(copy, &e), OK);
	graph_free(copy);
}

static void attributes(void **state)
{
	(void)state;
	struct graph *g = graph_new("a");
	struct err e = {0};
	struct node *n = graph_add(g, op_row(OP_CONVOLUTION), "conv", NULL, 2, 1);
	const int64_t *v;
	assert_int_equal(attr_ints(n, "strides", &v), 0);
	assert_int_equal(
	    attr_parse(n, n->op->attrs + (node_attr(n, "strides") - n->attr), " 2, 3", &e), OK);
	assert_int_equal(attr_ints(n, "strides", &v), 2);
	assert_int_equal(v[1], 3);
	const struct attr_def *pad = n->op->attrs + (node_attr(n, "auto_pad") - n->attr);
	assert_int_equal(attr_parse(n, pad, "SAME_UPPER", &e), OK);
	assert_true(attr_is(n, "auto_pad", "same_upper"));
	assert_int_equal(attr_parse(n, pad, "same", &e), E_FORMAT);
	assert_holds(e.text, "attribute 'auto_pad' is 'same', expected one of");
	struct text t = {0};
	attr_text(&t, n->op->attrs + (node_attr(n, "strides") - n->attr), node_attr(n, "strides"));
	assert_string_equal(t.data, "2, 3");
	text_free(&t);
	struct node *same = graph_add(g, op_row(OP_GROUP_CONVOLUTION), "group", NULL, 2, 1);
	assert_true(node_copy_attrs(same, n));
	assert_int_equal(attr_ints(same, "strides", &v), 2);
	graph_free(g);
}

static void check_shape(const char *text, const char *printed)
{
	struct shape s;
	struct text t = {0};
	if (!printed) {
		assert_false(shape_parse(text, &s));
		return;
	}
	assert_true(shape_parse(text, &s));
	shape_text(&t, &s);
	assert_string_equal(t.data ? t.data : "", printed);
	text_free(&t);
}

static void shape_spelling(void **state)
{
	(void)state;
	check_shape("1, 3,?,2..8", "1,3,?,2..8");
	check_shape("[-1,..4,3..]", "?,0..4,3..");
	check_shape("...", "...");
	check_shape("[]", "");
	check_shape(" ", "");
	check_shape("1,", NULL);
	check_shape("-2", NULL);
	check_shape("5..2", NULL);
	check_shape("[1", NULL);
	check_shape("1]", NULL);
	check_shape("99999999999999999999", NULL);
	check_shape("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", NULL);
}

/* "a b -> result", each a shape; "!" for a failure */
static void check_broadcast(const char *a, const char *b, const char *result)
{
	struct shape sa, sb, out;
	struct text t = {0};
	assert_true(shape_parse(a, &sa) && shape_parse(b, &sb));
	for (int swap = 0; swap < 2; swap++) {
		bool ok = shape_broadcast(swap ? &sb : &sa, swap ? &sa : &sb, &out);
		assert_int_equal(ok, *result != '!');
		if (!ok)
			continue;
		t.len = 0;
		text_add(&t, "");
		shape_text(&t, &out);
		assert_string_equal(t.data, result);
	}
	text_free(&t);
}

static void shape_arithmetic(void **state)
{
	(void)state;
	check_broadcast("2,3", "3", "2,3");
	check_broadcast("2,1", "1,5", "2,5");
	check_broadcast("?,3", "4,1", "4,3");
	check_broadcast("?", "1", "?");
	check_broadcast("2..5", "?", "2..5");
	check_broadcast("0..5", "1..9", "0..9");
	check_broadcast("2..5", "4..9", "4..5");
	check_broadcast("2", "3", "!");
	check_broadcast("0", "1", "0");
	check_broadcast("...", "1,2", "...");
	struct dim d = dim_mul((struct dim){2, 3, 0}, (struct dim){-4, 5, 0});
	assert_true(d.min == -12 && d.max == 15);
	d = dim_mul(dim_any(), dim_of(4));
	assert_true(d.min == 0 && d.max == DIM_INF);
	d = dim_add((struct dim){2, DIM_INF, 7}, dim_of(0));
	assert_int_equal(d.symbol, 7);
	d = dim_add(dim_of(INT64_MAX - 1), dim_of(INT64_MAX - 1));
	assert_false(dim_static(d));
	int64_t big[] = {INT64_C(1) << 40, 0, INT64_C(1) << 40};
	struct shape s = shape_of(3, big);
	assert_int_equal(shape_count(&s), -1);
}

static void inference_names_mistakes(void **state)
{
	(void)state;
	struct graph *g = graph_new("a");
	struct err e = {0};
	struct node *x = parameter(g, "x", "1,3");
	struct node *bad = graph_add(g, op_row(OP_ADD), "bad", &(struct value *){x->out}, 1, 1);
	assert_int_equal(graph_infer(g, &e), E_FORMAT);
	assert_string_equal(e.text, "node 'bad': Add has 1 inputs, expected 2");
	node_resize_inputs(bad, 2);
	assert_int_equal(graph_infer(g, &e), E_FORMAT);
	assert_string_equal(e.text, "node 'bad': input 1 of Add is absent");
	graph_free(g);
}

static void constants_tell_their_content(void **state)
{
	(void)state;
	struct graph *g = graph_new("a");
	struct err e = {0};
	const int64_t v[] = {1, -1, 7};
	struct node *c = graph_const_i64(g, NULL, "c", 3, v);
	struct node *s = graph_const_i64(g, NULL, "s", -1, v + 1);
	assert_int_equal(graph_infer(g, &e), OK);
	assert_int_equal(c->out->info.elems[2].min, 7);
	assert_int_equal(s->out->info.shape.rank, 0);
	assert_int_equal(s->out->info.elems[0].max, -1);
	const struct dim *before = c->out->info.elems;
	assert_int_equal(graph_infer(g, &e), OK);
	assert_ptr_equal(c->out->info.elems, before); /* no growth when inferred again */
	graph_free(g);
}

static void evaluation(void **state)
{
	(void)state;
	struct graph *g = small();
	struct err e = {0};
	struct tensor in[2], out;
	int64_t dims[] = {2, 3};
	assert_int_equal(tensor_alloc(&in[0], DT_F32, 2, dims, &e), OK);
	for (int i = 0; i < 6; i++)
		tensor_set_f64(&in[0], i, i);
	in[1] = value_tensor(graph_find_node(g, "c")->out);
	assert_int_equal(node_eval(graph_find_node(g, "sum"), in, 2, &out, &e), OK);
	assert_int_equal(out.rank, 2);
	assert_true(tensor_f64(&out, 5) == 8);
	tensor_free(&out);
	assert_int_equal(node_eval(graph_find_node(g, "sum"), in, 1, &out, &e), E_FORMAT);
	assert_null(out.data);
	tensor_free(&in[0]);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rewriting), cmocka_unit_test(finding),
	    cmocka_unit_test(sorting), cmocka_unit_test(sorting_a_deep_chain),
	    cmocka_unit_test(cloning), cmocka_unit_test(attributes),
	    cmocka_unit_test(shape_spelling), cmocka_unit_test(shape_arithmetic),
	    cmocka_unit_test(inference_names_mistakes),
	    cmocka_unit_test(constants_tell_their_content), cmocka_unit_test(evaluation)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
