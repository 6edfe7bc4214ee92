/* Passes over bodies: what runs once is inlined, constants go in, idle ports go. */
#include "const_f32.h"
#include "control.h"

#include "passes/pass.h"

#define IN(outer, inner)                                              \
	{                                                             \
		MAP_INPUT, outer, inner, -1, 0, 0, 0, 0, PURPOSE_NONE \
	}
#define OUT(outer, inner)                                              \
	{                                                              \
		MAP_OUTPUT, outer, inner, -1, 0, 0, 0, 0, PURPOSE_NONE \
	}
#define BACK(from, to)                                                \
	{                                                             \
		MAP_BACK_EDGE, from, to, -1, 0, 0, 0, 0, PURPOSE_NONE \
	}

static int run(struct graph *g, const char *pass)
{
	struct pass_options o = pass_defaults();
	struct err e = {0};
	int done = pass_run(pass_find(pass), g, &o, &e);
	if (done < 0)
		print_error("%s\n", e.text);
	err_clear(&e);
	return done;
}

static int count(const struct graph *g, enum op_id id)
{
	int n = 0;
	graph_each (g, at)
		n += node_is(at, id);
	return n;
}

static struct node *truth(struct graph *g, struct node *at, bool v)
{
	uint8_t byte = v;
	struct node *n = graph_const(g, at, "c", DT_BOOL, 0, NULL, blob_copy(&byte, 1));
	assert_non_null(n);
	return n;
}

/* An If over x, which its first branch squeezes and the other one negates. */
static struct node *squeeze_or_negate(struct graph *g)
{
	static const char *const shapes[] = {"", "1,2"};
	struct node *n = control(g, OP_IF, 2, shapes, (enum dtype[]){DT_BOOL, DT_F32}, 1, 2);
	for (int b = 0; b < 2; b++) {
		struct graph *body = n->body[b].graph;
		struct node *p = param(body, "...", DT_F32);
		int64_t zero = 0;
		if (b)
			result(body, add(body, OP_NEGATIVE, &p->out[0], NULL));
		else
			result(body, add(body, OP_SQUEEZE, &p->out[0],
					 &graph_const_i64(body, NULL, "axis", 1, &zero)->out[0]));
		set_map(n, b, 2, (struct port_map[]){IN(1, 0), OUT(0, 0)});
	}
	result(g, n);
	return n;
}

static void branch(void **state)
{
	(void)state;
	for (int taken = 0; taken < 2; taken++) {
		struct graph *g = graph_new("g");
		struct node *n = squeeze_or_negate(g);
		assert_int_equal(run(g, "inline-body"), 0);
		node_set_input(n, 0, &truth(g, n, taken)->out[0]);
		assert_int_equal(run(g, "inline-body"), 1);
		assert_int_equal(count(g, OP_IF), 0);
		assert_int_equal(count(g, taken ? OP_SQUEEZE : OP_NEGATIVE), 1);
		assert_int_equal(node_in(g->outputs[0], 0)->info.shape.rank, taken ? 1 : 2);
		graph_free(g);
	}
}

/* What is wrong with a branch matters only when it may be taken. */
static void dead_branch(void **state)
{
	(void)state;
	struct graph *g = graph_new("g");
	struct node *n = squeeze_or_negate(g);
	struct shape s;
	struct err e = {0};
	assert_true(shape_parse("3,2", &s) && attr_set_shape(node_in(n, 1)->node, "shape", &s));
	assert_int_equal(graph_infer(g, &e), E_FORMAT);
	assert_holds(e.text, "then");
	err_clear(&e);
	node_set_input(n, 0, &truth(g, n, false)->out[0]);
	assert_int_equal(graph_infer(g, &e), OK);
	assert_int_equal(run(g, "inline-body"), 1);
	graph_free(g);
}

/* An output that would be an input of the model too stays behind its layer. */
static void passed_through(void **state)
{
	(void)state;
	static const char *const shapes[] = {"", "1,2"};
	struct graph *g = graph_new("g");
	struct node *n = control(g, OP_IF, 2, shapes, (enum dtype[]){DT_BOOL, DT_F32}, 1, 2);
	for (int b = 0; b < 2; b++) {
		result(n->body[b].graph, param(n->body[b].graph, "1,2", DT_F32));
		set_map(n, b, 2, (struct port_map[]){IN(1, 0), OUT(0, 0)});
	}
	result(g, n);
	node_set_input(n, 0, &truth(g, n, true)->out[0]);
	assert_int_equal(run(g, "inline-body"), 0);
	graph_free(g);
}

/* sum += x[i] * k, every sum collected, k a constant that goes round. */
static struct node *sums(struct graph *g, const char *x_shape)
{
	const char *const shapes[] = {x_shape, "1,2", "1"};
	struct node *n = control(
	    g, OP_TENSOR_ITERATOR, 3, shapes, (enum dtype[]){DT_F32, DT_F32, DT_F32}, 1, 1);
	struct graph *body = n->body[0].graph;
	float two = 2;
	node_set_input(n, 2, &const_f32(g, n, "k", 1, &two)->out[0]);
	struct node *x = param(body, "1,2", DT_F32), *sum = param(body, "1,2", DT_F32);
	struct node *k = param(body, "1", DT_F32);
	struct node *times = add(body, OP_MULTIPLY, &x->out[0], &k->out[0]);
	result(body, add(body, OP_ADD, &sum->out[0], &times->out[0]));
	result(body, k);
	set_map(n, 0, 6,
	    (struct port_map[]){{MAP_INPUT, 0, 0, 0, 0, -1, 1, 1, PURPOSE_NONE}, IN(1, 1), IN(2, 2),
		BACK(0, 1), BACK(1, 2), {MAP_OUTPUT, 0, 0, 0, 0, -1, 1, 1, PURPOSE_NONE}});
	result(g, n);
	return n;
}

static void one_turn(void **state)
{
	(void)state;
	struct graph *g = graph_new("g");
	sums(g, "1,2");
	assert_int_equal(run(g, "inline-body"), 1);
	assert_int_equal(count(g, OP_TENSOR_ITERATOR), 0);
	assert_int_equal(count(g, OP_ADD), 1);
	graph_free(g);
	g = graph_new("g");
	sums(g, "3,2");
	assert_int_equal(run(g, "inline-body"), 0);
	graph_free(g);
}

static void constants_go_in(void **state)
{
	(void)state;
	struct graph *g = graph_new("g");
	struct node *n = sums(g, "3,2");
	struct body *b = n->body;
	/* the constant, its Parameter and its Result, the node's input */
	assert_int_equal(run(g, "trim-body"), 4);
	assert_int_equal(n->nin, 2);
	assert_int_equal(b->graph->ninputs, 2);
	assert_int_equal(b->graph->noutputs, 1);
	assert_int_equal(b->nmaps, 4);
	assert_int_equal(count(b->graph, OP_CONST), 1);
	assert_int_equal(run(g, "trim-body"), 0);
	float x[] = {1, 2, 3, 4, 5, 6}, zero[] = {0, 10};
	static const double want[] = {2, 14, 8, 22, 18, 34};
	struct tensor in[] = {{DT_F32, 2, {3, 2}, x}, {DT_F32, 2, {1, 2}, zero}}, out;
	assert_int_equal(node_eval(n, in, 2, &out, NULL), OK);
	for (int i = 0; i < 6; i++)
		assert_true(tensor_f64(&out, i) == want[i]);
	tensor_free(&out);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(branch),
	    cmocka_unit_test(dead_branch),
	    cmocka_unit_test(passed_through),
	    cmocka_unit_test(one_turn),
	    cmocka_unit_test(constants_go_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
