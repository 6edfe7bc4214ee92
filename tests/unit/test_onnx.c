/* Models as the ONNX reader makes graphs of them: names, scopes, functions, versions, refusals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "onnx_pb.h"

#include "formats/onnx_translate.h"
#include "ops/op.h"
#include "passes/rewrite.h"

static const int64_t dims[] = {-1, 3};

/* A graph with the input x [n, 3] and the output y. */
static struct pb new_graph(void)
{
	struct pb g = {0}, x = pb_value("x", 2, dims), y = pb_value("y", 2, dims);
	pb_str(&g, 2, "g");
	pb_msg(&g, 11, &x);
	pb_msg(&g, 12, &y);
	return g;
}

static void add_node(
    struct pb *g, const char *op, const char *name, const char *in, const char *out)
{
	struct pb n = pb_node(op, name, in, out);
	pb_msg(g, 1, &n);
}

static void add_floats(struct pb *g, const char *name, int n, const float *v)
{
	struct pb t = pb_tensor(name, 1, 1, (int64_t[]){n});
	pb_bytes(&t, 9, v, (size_t)n * 4);
	pb_msg(g, 5, &t);
}

static int read_model(
    const struct pb *m, const struct onnx_options *o, struct graph **g, struct err *err)
{
	struct file *f = pb_file(m, m->n);
	int status = onnx_read_file(f, "m.onnx", NULL, o, g, err);
	pb_file_free(f);
	return status;
}

static struct graph *read_good(const struct pb *m)
{
	struct graph *g = NULL;
	struct err err = {0};
	if (read_model(m, NULL, &g, &err))
		print_error("%s\n%s", err.text, err.details ? err.details : "");
	assert_int_equal(err.status, OK);
	assert_int_equal(graph_verify(g, &err), OK);
	return g;
}

static struct err read_bad(const struct pb *m, int status)
{
	struct graph *g = NULL;
	struct err err = {0};
	assert_int_equal(read_model(m, NULL, &g, &err), status);
	return err;
}

static void assert_bad(const struct pb *graph, int status, const char *why)
{
	struct pb m = pb_model(13, graph);
	struct err err = read_bad(&m, status);
	assert_holds(err.details && strstr(err.details, why) ? err.details : err.text, why);
	err_clear(&err);
}

static void names_and_symbols(void **state)
{
	(void)state;
	struct pb g = new_graph(), z = pb_value("z", 2, dims);
	pb_msg(&g, 11, &z);
	add_node(&g, "Add", "first", "x z", "t");
	add_node(&g, "Relu", "", "t", "y");
	struct pb m = pb_model(13, &g);
	struct graph *r = read_good(&m);
	assert_int_equal(r->ninputs, 2);
	assert_string_equal(r->inputs[1]->name, "z");
	const struct dim *a = r->inputs[0]->out[0].info.shape.dim,
			 *b = r->inputs[1]->out[0].info.shape.dim;
	assert_true(a[0].symbol != 0 && a[0].symbol == b[0].symbol);
	assert_int_equal(a[1].min, 3);
	struct value *t = graph_find_value(r, "t"), *y = graph_find_value(r, "y");
	assert_string_equal(t->node->name, "first");
	assert_string_equal(y->node->name, "y"); /* without a name: its output's */
	assert_true(node_is(y->node, OP_RELU));
	assert_int_equal(graph_find_output(r, "y"), 0);
	graph_free(r);
}

/* "?" stands for any size, not for the same one each time. */
static void unknown_is_no_symbol(void **state)
{
	(void)state;
	struct pb g = new_graph(), z = pb_value("z", 2, (int64_t[]){-2, -2});
	pb_msg(&g, 11, &z);
	add_node(&g, "Relu", "r", "z", "y");
	struct pb m = pb_model(13, &g);
	struct graph *r = read_good(&m);
	const struct dim *d = r->inputs[1]->out[0].info.shape.dim;
	assert_true(!d[0].symbol || d[0].symbol != d[1].symbol);
	graph_free(r);
}

/* An initializer that is listed as an input is no input. */
static void initializers_are_constants(void **state)
{
	(void)state;
	struct pb g = new_graph(), w = pb_value("w", 1, (int64_t[]){3});
	float v[] = {1, 2, 3};
	pb_msg(&g, 11, &w);
	add_floats(&g, "w", 3, v);
	add_floats(&g, "unused", 3, v);
	add_node(&g, "Mul", "n", "x w", "y");
	struct pb m = pb_model(13, &g);
	struct graph *r = read_good(&m);
	assert_int_equal(r->ninputs, 1);
	assert_non_null(value_const(graph_find_value(r, "w")));
	assert_null(graph_find_value(r, "unused"));
	graph_free(r);
}

/* A float tensor without bytes is an error, or gets the same random numbers each time. */
static void weights_left_out(void **state)
{
	(void)state;
	double sum[2] = {0};
	struct pb g = new_graph(), w = pb_tensor("w", 1, 2, (int64_t[]){3, 3});
	pb_msg(&g, 5, &w);
	add_node(&g, "MatMul", "n", "x w", "y");
	struct pb m = pb_model(13, &g);
	struct onnx_options o = {.random_weights = true};
	struct err err = read_bad(&m, E_FORMAT);
	err_clear(&err);
	for (int turn = 0; turn < 2; turn++) {
		struct graph *r;
		m = pb_model(13, &g);
		assert_int_equal(read_model(&m, &o, &r, NULL), OK);
		struct const_view v;
		assert_int_equal(const_open(graph_find_value(r, "w"), &v, NULL), OK);
		for (int i = 0; i < 9; i++) {
			double x = tensor_f64(&v.t, i);
			assert_true(fabs(x) <= sqrt(2) && x != 0);
			sum[turn] += x;
		}
		const_close(&v);
		graph_free(r);
	}
	assert_true(sum[0] == sum[1]);
}

static void broken_names(void **state)
{
	(void)state;
	struct pb g = new_graph();
	add_node(&g, "Relu", "a", "t", "y");
	add_node(&g, "Relu", "b", "x", "t");
	assert_bad(&g, E_FORMAT, "node 'a': input 't' is computed by the later node 'b'");
	g = new_graph();
	add_node(&g, "Relu", "a", "nowhere", "y");
	assert_bad(&g, E_FORMAT, "'m.onnx': node 'a': input 'nowhere' does not exist");
	g = new_graph();
	add_node(&g, "Relu", "a", "x", "y");
	add_node(&g, "Relu", "b", "x", "y");
	assert_bad(&g, E_FORMAT, "node 'b': output 'y' is given before");
	g = new_graph();
	add_node(&g, "Relu", "a", "y", "y");
	assert_bad(&g, E_FORMAT, "is computed by the later node 'a'");
	g = new_graph();
	assert_bad(&g, E_FORMAT, "output 'y' is computed by no node");
}

static void all_that_cannot_be_converted(void **state)
{
	(void)state;
	struct pb g = new_graph();
	add_node(&g, "Relu", "r", "x", "t");
	add_node(&g, "Wonder", "w1", "t", "u");
	add_node(&g, "Add", "s", "u t", "v");
	add_node(&g, "Marvel", "w2", "v t", "y");
	struct pb m = pb_model(13, &g);
	struct err err = read_bad(&m, E_UNSUPPORTED);
	assert_string_equal(err.text, "'m.onnx': 2 nodes cannot be converted");
	assert_string_equal(err.details,
	    "node 'w1': Wonder (opset 13): no such operator is known; cut at 't'\n"
	    "node 'w2': Marvel (opset 13): no such operator is known; cut at 't'\n");
	err_clear(&err);
	struct pb later = pb_model(99, &g);
	err = read_bad(&later, E_UNSUPPORTED);
	assert_holds(err.details, "node 'r': Relu (opset 99): operators are known up to opset");
	err_clear(&err);
}

/* Nodes that are wrong in themselves do not hide the others, nor do inputs. */
static void problems_of_every_kind(void **state)
{
	(void)state;
	struct pb g = new_graph(), text = {0}, type = {0}, strings = {0}, mood;
	pb_int(&strings, 1, 8);
	pb_msg(&type, 1, &strings);
	pb_str(&text, 1, "text");
	pb_msg(&text, 2, &type);
	pb_msg(&g, 11, &text);
	add_node(&g, "Relu", "r", "x", "t");
	add_node(&g, "Wonder", "unknown", "t", "u");
	mood = pb_node("Neg", "attribute", "t", "a");
	pb_attr_int(&mood, "mood", 1);
	pb_msg(&g, 1, &mood);
	add_node(&g, "Identity", "of strings", "text", "s");
	add_node(&g, "MatMul", "shape", "t four", "m");
	add_node(&g, "Add", "missing", "t", "d");
	add_node(&g, "Sum", "sum", "u a m d s", "y");
	add_floats(&g, "four", 4, (float[]){1, 2, 3, 4});
	struct pb m = pb_model(13, &g);
	struct err err = read_bad(&m, E_UNSUPPORTED);
	assert_string_equal(err.text, "'m.onnx': 4 nodes and 1 input cannot be converted");
	assert_holds(err.details, "input 'text': has elements of type string\n");
	assert_holds(err.details,
	    "node 'unknown': Wonder (opset 13): no such operator is known; cut at 't'\n");
	assert_holds(err.details,
	    "node 'attribute': Neg (opset 13): attribute 'mood' is not known to Neg of opset 13");
	assert_holds(err.details, "node 'shape': MatMul (opset 13): ");
	assert_holds(
	    err.details, "node 'missing': Add (opset 13): input 1 is missing; cut at 't'\n");
	err_clear(&err);
}

/* The graph of all_that_cannot_be_converted, cut before or behind what cannot be. */
static void cut_around(void **state)
{
	(void)state;
	struct pb g = new_graph();
	add_node(&g, "Relu", "r", "x", "t");
	add_node(&g, "Wonder", "w", "t", "u");
	add_node(&g, "Neg", "n", "u", "y");
	struct pb m = pb_model(13, &g);
	static const char *const t[] = {"t"}, *const u[] = {"u"}, *const none[] = {"none"};
	struct onnx_options out = {.cut_outputs = t, .ncut_outputs = 1};
	struct onnx_options in = {.cut_inputs = u, .ncut_inputs = 1};
	struct onnx_options off = {.cut_outputs = none, .ncut_outputs = 1};
	struct graph *r;
	assert_int_equal(read_model(&m, &out, &r, NULL), OK);
	assert_int_equal(graph_find_output(r, "t"), 0);
	graph_free(r);
	assert_int_equal(read_model(&m, &in, &r, NULL), OK);
	assert_int_equal(graph_find_input(r, "u"), 1);
	assert_int_equal(r->inputs[1]->out[0].info.shape.rank, -1);
	assert_int_equal(graph_find_output(r, "y"), 0);
	graph_free(r);
	assert_int_equal(read_model(&m, &off, &r, NULL), E_USAGE);
}

/* What no output needs may be anything. */
static void dead_nodes(void **state)
{
	(void)state;
	struct pb g = new_graph();
	add_node(&g, "Wonder", "w", "x", "u");
	add_node(&g, "Relu", "r", "x", "y");
	struct pb m = pb_model(13, &g);
	graph_free(read_good(&m));
}

static void say(void *user, enum log_level level, const char *text)
{
	assert_int_equal(level, LOG_WARN);
	assert_holds(text, "attribute 'mood' is not known");
	++*(int *)user;
}

static void unknown_attribute(void **state)
{
	(void)state;
	struct pb g = new_graph(), n = pb_node("Relu", "r", "x", "y");
	int said = 0;
	struct onnx_options o = {.log = {say, &said}, .lenient = true};
	struct graph *r;
	pb_attr_int(&n, "mood", 1);
	pb_msg(&g, 1, &n);
	assert_bad(&g, E_FORMAT,
	    "node 'r': Relu (opset 13): attribute 'mood' is not known to Relu of opset 13");
	struct pb m = pb_model(13, &g);
	assert_int_equal(read_model(&m, &o, &r, NULL), OK);
	assert_int_equal(said, 1);
	graph_free(r);
}

static void attribute_of_wrong_kind(void **state)
{
	(void)state;
	struct pb g = new_graph(), n = pb_node("Elu", "e", "x", "y");
	pb_attr_int(&n, "alpha", 1);
	pb_msg(&g, 1, &n);
	assert_bad(&g, E_FORMAT, "attribute 'alpha' is not a float");
}

/* Before opset 7 a vector lies along the axis that the attribute names. */
static void legacy_broadcast(void **state)
{
	(void)state;
	static const int64_t four[] = {2, 3, 4, 5};
	struct pb g = {0}, x = pb_value("x", 4, four), y = pb_value("y", 4, four);
	struct pb n = pb_node("Add", "a", "x w", "y");
	float v[] = {1, 2, 3};
	pb_msg(&g, 11, &x);
	pb_msg(&g, 12, &y);
	add_floats(&g, "w", 3, v);
	pb_attr_int(&n, "broadcast", 1);
	pb_attr_int(&n, "axis", 1);
	pb_msg(&g, 1, &n);
	struct pb m = pb_model(6, &g);
	struct graph *r = read_good(&m);
	const struct shape *b = &graph_find_value(r, "y")->node->in[1].value->info.shape;
	assert_int_equal(b->rank, 3);
	assert_int_equal(b->dim[0].min, 3);
	assert_int_equal(shape_count(&graph_find_value(r, "y")->info.shape), 120);
	graph_free(r);
	struct pb later = pb_model(13, &g);
	struct err err = read_bad(&later, E_FORMAT);
	err_clear(&err);
}

/* f(a) = Elu(a) with the call's alpha, then Neg; called twice. */
static struct pb model_with_function(const struct pb *graph)
{
	struct pb m = pb_model(13, graph), f = {0}, ref = {0}, o = pb_opset("", 13),
		  own = pb_opset("my", 1);
	struct pb elu = pb_node("Elu", "elu", "a", "b"), neg = pb_node("Neg", "neg", "b", "c");
	pb_str(&ref, 1, "alpha");
	pb_str(&ref, 21, "slope");
	pb_int(&ref, 20, 1);
	pb_msg(&elu, 5, &ref);
	pb_str(&f, 1, "F");
	pb_str(&f, 4, "a");
	pb_str(&f, 5, "c");
	pb_str(&f, 6, "slope");
	pb_msg(&f, 7, &elu);
	pb_msg(&f, 7, &neg);
	pb_msg(&f, 9, &o);
	pb_str(&f, 10, "my");
	pb_msg(&m, 8, &own);
	pb_msg(&m, 25, &f);
	return m;
}

static void add_call(struct pb *g, const char *name, const char *in, const char *out, float slope)
{
	struct pb n = pb_node("F", name, in, out), a = {0};
	pb_str(&n, 7, "my");
	pb_str(&a, 1, "slope");
	pb_float(&a, 2, slope);
	pb_int(&a, 20, 1);
	if (slope != 0)
		pb_msg(&n, 5, &a);
	pb_msg(g, 1, &n);
}

static void functions_are_inlined(void **state)
{
	(void)state;
	struct pb g = new_graph();
	add_call(&g, "one", "x", "t", 0.5f);
	add_call(&g, "two", "t", "y", 0);
	struct pb m = model_with_function(&g);
	struct graph *r = read_good(&m);
	struct node *one = graph_find_node(r, "one/elu"), *two = graph_find_node(r, "two/elu");
	assert_true(one && two);
	assert_true(attr_f(one, "alpha") == 0.5);
	assert_true(attr_f(two, "alpha") == 1); /* not given: the operator's own default */
	assert_string_equal(graph_find_value(r, "y")->node->name, "two/neg");
	graph_free(r);
}

/* A function that calls itself ends in a limit, not in a crash. */
static void endless_function(void **state)
{
	(void)state;
	struct pb g = new_graph(), f = {0}, o = pb_opset("my", 1), n = pb_node("F", "n", "a", "c");
	add_call(&g, "one", "x", "y", 0);
	struct pb m = pb_model(13, &g);
	pb_str(&n, 7, "my");
	pb_str(&f, 1, "F");
	pb_str(&f, 4, "a");
	pb_str(&f, 5, "c");
	pb_str(&f, 10, "my");
	pb_msg(&f, 7, &n);
	pb_msg(&f, 9, &o);
	pb_msg(&m, 8, &o);
	pb_msg(&m, 25, &f);
	struct err err = read_bad(&m, E_LIMIT);
	err_clear(&err);
}

static struct pb branch(const char *op)
{
	struct pb g = {0}, y = pb_value("b", 2, dims);
	add_node(&g, op, "inner", "x", "b");
	pb_msg(&g, 12, &y);
	return g;
}

static void decided_if(void **state)
{
	(void)state;
	struct pb g = new_graph(), yes = pb_tensor("yes", 9, 0, NULL),
		  n = pb_node("If", "if", "yes", "y");
	struct pb then_branch = branch("Relu"), else_branch = branch("Wonder");
	pb_bytes(&yes, 9, "\1", 1);
	pb_attr_msg(&n, "then_branch", 6, 5, &then_branch);
	pb_attr_msg(&n, "else_branch", 6, 5, &else_branch);
	pb_msg(&g, 5, &yes);
	pb_msg(&g, 1, &n);
	struct pb m = pb_model(13, &g);
	struct graph *r = read_good(&m);
	assert_true(node_is(graph_find_value(r, "y")->node, OP_RELU));
	graph_free(r);
}

/* The condition follows from the rank of the input. */
static void if_decided_by_shapes(void **state)
{
	(void)state;
	struct pb g = new_graph(), two = pb_tensor("two", 7, 0, NULL),
		  n = pb_node("If", "if", "c", "y");
	struct pb then_branch = branch("Wonder"), else_branch = branch("Relu");
	int64_t v = 3;
	pb_bytes(&two, 9, &v, 8);
	pb_msg(&g, 5, &two);
	add_node(&g, "Shape", "s", "x", "dims");
	add_node(&g, "Size", "k", "dims", "rank");
	add_node(&g, "Equal", "e", "rank two", "c");
	pb_attr_msg(&n, "then_branch", 6, 5, &then_branch);
	pb_attr_msg(&n, "else_branch", 6, 5, &else_branch);
	pb_msg(&g, 1, &n);
	struct pb m = pb_model(13, &g);
	struct graph *r = read_good(&m);
	assert_true(node_is(graph_find_value(r, "y")->node, OP_RELU));
	graph_free(r);
}

/* The condition is an input: both branches become bodies, and what they capture comes in. */
static void if_by_data(void **state)
{
	(void)state;
	struct pb g = new_graph(), n = pb_node("If", "if", "c", "y");
	struct pb then_branch = branch("Relu"), else_branch = branch("Abs");
	add_node(&g, "ReduceSum", "sum", "x", "total");
	struct pb cast = pb_node("Cast", "cast", "total", "c");
	pb_attr_int(&cast, "to", 9);
	pb_msg(&g, 1, &cast);
	pb_attr_msg(&n, "then_branch", 6, 5, &then_branch);
	pb_attr_msg(&n, "else_branch", 6, 5, &else_branch);
	pb_msg(&g, 1, &n);
	struct pb m = pb_model(13, &g);
	struct graph *r = read_good(&m);
	struct node *k = graph_find_value(r, "y")->node;
	assert_true(node_is(k, OP_IF));
	assert_int_equal(k->nin, 2); /* x once, though both take it */
	assert_ptr_equal(node_in(k, 1), graph_find_value(r, "x"));
	for (int b = 0; b < 2; b++) {
		const struct graph *body = k->body[b].graph;
		assert_int_equal(body->ninputs, 1);
		assert_true(node_is(node_in(body->outputs[0], 0)->node, b ? OP_ABS : OP_RELU));
	}
	graph_free(r);
}

static void sequences_are_taken_apart(void **state)
{
	(void)state;
	struct pb g = new_graph(), one = pb_tensor("one", 7, 0, NULL);
	int64_t v = 1;
	pb_bytes(&one, 9, &v, 8);
	pb_msg(&g, 5, &one);
	add_node(&g, "Neg", "n", "x", "nx");
	add_node(&g, "SequenceConstruct", "c", "x nx", "s");
	add_node(&g, "SequenceAt", "a", "s one", "t");
	add_node(&g, "Relu", "r", "t", "y");
	struct pb m = pb_model(13, &g);
	struct graph *r = read_good(&m);
	assert_true(graph_find_value(r, "y")->node->in[0].value == graph_find_value(r, "nx"));
	graph_free(r);
	g = new_graph();
	add_node(&g, "SequenceConstruct", "c", "x x", "y");
	assert_bad(&g, E_UNSUPPORTED, "output 'y' is a sequence, not a tensor");
}

/* Numbers of which sums and products would not fit. */
static void hostile_windows(void **state)
{
	(void)state;
	static const int64_t four[] = {1, 3, 8, 8};
	for (int k = 0; k < 3; k++) {
		struct pb g = {0}, x = pb_value("x", 4, four), y = pb_value("y", 4, four);
		struct pb n = pb_node("MaxPool", "p", "x", "y"), a = {0};
		pb_msg(&g, 11, &x);
		pb_msg(&g, 12, &y);
		pb_str(&a, 1, "strides");
		for (int i = 0; i < 2; i++)
			pb_int(&a, 8, k == 0 ? 0 : k == 1 ? INT64_MAX : -1);
		pb_int(&a, 20, 7);
		pb_msg(&n, 5, &a);
		pb_attr_int(&n, "ceil_mode", 1);
		struct pb kernel = {0};
		pb_str(&kernel, 1, "kernel_shape");
		pb_int(&kernel, 8, 2);
		pb_int(&kernel, 8, 2);
		pb_int(&kernel, 20, 7);
		pb_msg(&n, 5, &kernel);
		pb_msg(&g, 1, &n);
		assert_bad(&g, k == 1 ? E_LIMIT : E_FORMAT,
		    k == 1 ? "node 'p' (MaxPool): " : "node 'p': MaxPool (opset 13): ");
	}
}

static void inputs_that_are_no_tensors(void **state)
{
	(void)state;
	struct pb g = {0}, x = {0}, type = {0}, seq = {0}, y = pb_value("y", 2, dims);
	pb_msg(&type, 4, &seq);
	pb_str(&x, 1, "x");
	pb_msg(&x, 2, &type);
	pb_msg(&g, 11, &x);
	pb_msg(&g, 12, &y);
	add_node(&g, "Identity", "i", "x", "y");
	assert_bad(&g, E_UNSUPPORTED, "input 'x': is a sequence, not a tensor");
}

/* No opset finds two translators for one operator. */
static void rows_do_not_overlap(void **state)
{
	(void)state;
	for (const struct onnx_op *a = onnx_ops; a->name; a++) {
		assert_true(a->first >= 1 && a->first <= a->last && a->last <= ONNX_OPSET_MAX);
		for (const struct onnx_op *b = a + 1; b->name; b++)
			if (!strcmp(a->name, b->name) && a->first <= b->last && b->first <= a->last)
				assert_string_equal(a->name, "has two translators");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_do_not_overlap),
	    cmocka_unit_test(names_and_symbols),
	    cmocka_unit_test(unknown_is_no_symbol),
	    cmocka_unit_test(initializers_are_constants),
	    cmocka_unit_test(weights_left_out),
	    cmocka_unit_test(broken_names),
	    cmocka_unit_test(all_that_cannot_be_converted),
	    cmocka_unit_test(problems_of_every_kind),
	    cmocka_unit_test(cut_around),
	    cmocka_unit_test(dead_nodes),
	    cmocka_unit_test(unknown_attribute),
	    cmocka_unit_test(attribute_of_wrong_kind),
	    cmocka_unit_test(legacy_broadcast),
	    cmocka_unit_test(functions_are_inlined),
	    cmocka_unit_test(endless_function),
	    cmocka_unit_test(decided_if),
	    cmocka_unit_test(if_decided_by_shapes),
	    cmocka_unit_test(if_by_data),
	    cmocka_unit_test(sequences_are_taken_apart),
	    cmocka_unit_test(hostile_windows),
	    cmocka_unit_test(inputs_that_are_no_tensors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
