/* If, Loop and TensorIterator over bodies built by hand. */
#include "control.h"

static void expect(const struct tensor *t, int n, const double *v)
{
	assert_int_equal(tensor_count(t), n);
	for (int i = 0; i < n; i++)
		assert_true(tensor_f64(t, i) == v[i]);
}

/* x + x or -x, by a condition. */
static void branches(void **state)
{
	(void)state;
	static const char *const shapes[] = {"", "?"};
	struct graph *g = graph_new("g");
	struct node *n = control(g, OP_IF, 2, shapes, (enum dtype[]){DT_BOOL, DT_F32}, 1, 2);
	for (int b = 0; b < 2; b++) {
		struct graph *body = n->body[b].graph;
		struct node *p = param(body, "...", DT_F32);
		result(body, b ? add(body, OP_NEGATIVE, &p->out[0], NULL)
			       : add(body, OP_ADD, &p->out[0], &p->out[0]));
		set_map(n, b, 2,
		    (struct port_map[]){{MAP_INPUT, 1, 0, -1, 0, 0, 0, 0, PURPOSE_NONE},
			{MAP_OUTPUT, 0, 0, -1, 0, 0, 0, 0, PURPOSE_NONE}});
	}
	struct err e = {0};
	assert_int_equal(graph_infer(g, &e), OK);
	assert_int_equal(n->out[0].info.shape.rank, 1);
	assert_int_equal(
	    n->out[0].info.shape.dim[0].symbol, g->first->next->out[0].info.shape.dim[0].symbol);
	for (uint8_t c = 0; c < 2; c++) {
		float x[] = {1, 2};
		struct tensor in[] = {{DT_BOOL, 0, {0}, &c}, {DT_F32, 1, {2}, x}}, out;
		assert_int_equal(node_eval(n, in, 2, &out, &e), OK);
		expect(&out, 2, c ? (double[]){2, 4} : (double[]){-1, -2});
		tensor_free(&out);
	}
	graph_free(g);
}

/* sum += x[i], from the end or the start; out 0: the last sum, out 1: every sum. */
static void iterator(void **state)
{
	(void)state;
	static const char *const shapes[] = {"3,2", "1,2"};
	for (int back = 0; back < 2; back++) {
		int64_t start = back ? -1 : 0, end = back ? 0 : -1, stride = back ? -1 : 1;
		struct graph *g = graph_new("g");
		struct node *n = control(
		    g, OP_TENSOR_ITERATOR, 2, shapes, (enum dtype[]){DT_F32, DT_F32}, 2, 1);
		struct graph *body = n->body[0].graph;
		struct node *x = param(body, "1,2", DT_F32), *sum = param(body, "1,2", DT_F32);
		result(body, add(body, OP_ADD, &x->out[0], &sum->out[0]));
		set_map(n, 0, 5,
		    (struct port_map[]){
			{MAP_INPUT, 0, 0, 0, start, end, stride, 1, PURPOSE_NONE},
			{MAP_INPUT, 1, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
			{MAP_BACK_EDGE, 0, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
			{MAP_OUTPUT, 0, 0, -1, 0, 0, 0, 0, PURPOSE_NONE},
			{MAP_OUTPUT, 1, 0, 0, start, end, stride, 1, PURPOSE_NONE},
		    });
		struct err e = {0};
		assert_int_equal(graph_infer(g, &e), OK);
		assert_int_equal(shape_count(&n->out[1].info.shape), 6);
		float v[] = {1, 2, 3, 4, 5, 6}, zero[] = {0, 10};
		struct tensor in[] = {{DT_F32, 2, {3, 2}, v}, {DT_F32, 2, {1, 2}, zero}}, out[2];
		assert_int_equal(node_eval(n, in, 2, out, &e), OK);
		expect(&out[0], 2, (double[]){9, 22});
		expect(&out[1], 6,
		    back ? (double[]){9, 22, 8, 20, 5, 16} : (double[]){1, 12, 4, 16, 9, 22});
		tensor_free(&out[0]);
		tensor_free(&out[1]);
		graph_free(g);
	}
}

/* v = concat(v, [i]) while i < 3: the shape that goes round grows. */
static void loop(void **state)
{
	(void)state;
	static const char *const shapes[] = {"", "", "1"};
	struct graph *g = graph_new("g");
	struct node *n = control(
	    g, OP_LOOP, 3, shapes, (enum dtype[]){DT_I64, DT_BOOL, DT_I64}, 2, 1);
	struct graph *body = n->body[0].graph;
	struct node *i = param(body, "1", DT_I64), *v = param(body, "?", DT_I64);
	struct value *both[] = {&v->out[0], &i->out[0]};
	struct node *c = graph_add(body, op_row(OP_CONCAT), "c", both, 2, 1);
	assert_true(attr_set_i(c, "axis", 0));
	int64_t three = 3;
	struct node *limit = graph_const_i64(body, NULL, "three", 1, &three);
	result(body, c);
	result(body, add(body, OP_LESS, &i->out[0], &limit->out[0]));
	result(body, i);
	set_map(n, 0, 6,
	    (struct port_map[]){
		{MAP_INPUT, -1, 0, -1, 0, 0, 0, 0, PURPOSE_CURRENT_ITERATION},
		{MAP_INPUT, 2, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
		{MAP_BACK_EDGE, 0, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
		{MAP_OUTPUT, -1, 1, -1, 0, 0, 0, 0, PURPOSE_EXECUTION_CONDITION},
		{MAP_OUTPUT, 0, 0, -1, 0, 0, 0, 0, PURPOSE_NONE},
		{MAP_OUTPUT, 1, 2, 0, 0, -1, 1, 1, PURPOSE_NONE},
	    });
	struct err e = {0};
	assert_int_equal(graph_infer(g, &e), OK);
	assert_int_equal(n->out[0].info.shape.rank, 1);
	assert_false(shape_static(&n->out[0].info.shape));
	int64_t trip = 10, start = 7;
	uint8_t go = 1;
	struct tensor in[] = {
	    {DT_I64, 0, {0}, &trip}, {DT_BOOL, 0, {0}, &go}, {DT_I64, 1, {1}, &start}};
	struct tensor out[2];
	assert_int_equal(node_eval(n, in, 3, out, &e), OK);
	expect(&out[0], 5, (double[]){7, 0, 1, 2, 3});
	expect(&out[1], 4, (double[]){0, 1, 2, 3});
	tensor_free(&out[0]);
	tensor_free(&out[1]);
	trip = 2;
	assert_int_equal(node_eval(n, in, 3, out, &e), OK);
	expect(&out[0], 3, (double[]){7, 0, 1});
	tensor_free(&out[0]);
	tensor_free(&out[1]);
	trip = 0;
	assert_int_equal(node_eval(n, in, 3, out, &e), OK);
	expect(&out[0], 1, (double[]){7});
	assert_int_equal(out[1].rank, 1);
	assert_int_equal(out[1].dim[0], 0);
	tensor_free(&out[0]);
	tensor_free(&out[1]);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(branches),
	    cmocka_unit_test(iterator),
	    cmocka_unit_test(loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
