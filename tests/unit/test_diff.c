/* Two networks told apart: layers, constants, outputs and bodies. */
#include <math.h>
#include <stdio.h>

#include "control.h"
#include "op_text.h"

#include "report/diff.h"

static struct diff diff_of(const char *a, const char *b, double tolerance, struct graph *g[2])
{
	struct diff d;
	struct err err = {0};
	g[0] = scan(a);
	g[1] = scan(b);
	assert_int_equal(diff_graphs(g[0], g[1], tolerance, &d, &err), OK);
	return d;
}

static void close_diff(struct diff *d, struct graph *g[2])
{
	diff_free(d);
	graph_free(g[0]);
	graph_free(g[1]);
}

/* A copy of two_branches with one word in place of another. */
static const char *with(const char *old, const char *new)
{
	static char text[1024];
	const char *at = strstr(two_branches, old);
	assert_non_null(at);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - two_branches), two_branches, new,
	    at + strlen(old));
	return text;
}

static void test_same(void **state)
{
	struct graph *g[2];
	struct diff d = diff_of(two_branches, two_branches, 0, g);
	(void)state;
	assert_true(d.equal && d.same == 4 && d.compared == 1 && !d.nlayers && !d.ntensors);
	close_diff(&d, g);
	static const char none[] = "x = Parameter-1 {shape=2 element_type=f32}\ny = Abs-1(x)\n"
				   "Result-1(y)\n";
	d = diff_of(none, none, 0, g);
	assert_true(d.equal && d.same == 1 && !d.compared);
	close_diff(&d, g);
}

static void test_layers(void **state)
{
	struct graph *g[2];
	(void)state;
	struct diff d = diff_of(two_branches, with("Subtract-1(r, t)", "Subtract-1(t, r)"), 0, g);
	assert_true(!d.equal && d.nlayers == 1 && d.changed == 1);
	assert_holds(d.layer[0].changes.data, "input 0 from 'r' -> from 't'");
	assert_holds(d.layer[0].changes.data, "input 1 from 't' -> from 'r'");
	close_diff(&d, g);

	d = diff_of(two_branches, with("t = Tanh-1(p)", "t = Sigmoid-1(p)"), 0, g);
	assert_true(d.nlayers == 1 && d.changed == 1);
	assert_string_equal(d.layer[0].changes.data, "type Tanh -> Sigmoid\n");
	close_diff(&d, g);

	/* an inserted layer is the only one that is told */
	d = diff_of(
	    two_branches, with("y = Subtract-1(r, t)", "a = Abs-1(r)\ny = Subtract-1(a, t)"), 0, g);
	assert_true(d.nlayers == 1 && d.added == 1 && d.same == 4);
	assert_string_equal(d.layer[0].b->name, "a");
	close_diff(&d, g);

	/* another name, told by what it reads and what it is */
	d = diff_of(two_branches,
	    with("t = Tanh-1(p)\ny = Subtract-1(r, t)", "s = Tanh-1(p)\ny = Subtract-1(r, s)"), 0,
	    g);
	assert_true(d.nlayers == 1 && d.changed == 1);
	assert_string_equal(d.layer[0].changes.data, "name -> s\n");
	close_diff(&d, g);

	/* another size goes through all that follows */
	d = diff_of(two_branches, with("shape=1,4", "shape=3,4"), 0, g);
	assert_int_equal(d.changed, 5);
	assert_holds(d.layer[1].changes.data, "output f32[1,4] -> f32[3,4]");
	close_diff(&d, g);
}

static void test_constants(void **state)
{
	struct graph *g[2];
	(void)state;
	struct diff d = diff_of(two_branches, with("random(1)", "random(2)"), 0, g);
	assert_true(!d.equal && !d.nlayers && d.ntensors == 1 && d.tensor[0].input == 1);
	assert_true(d.tensor[0].error > 0 && d.tensor[0].max_abs > 0 && d.tensor[0].sqnr < 20);
	close_diff(&d, g);

	/* the same values in fewer bits, unpacked on their way */
	static const char half[] = "x = Parameter-1 {shape=1,4 element_type=f32}\n"
				   "w = Const f16[4,4] fill(0.1)\n"
				   "c = Convert-1(w) {destination_type=f32}\n"
				   "p = MatMul-1(x, c) {transpose_a=false transpose_b=false}\n"
				   "r = ReLU-1(p)\nt = Tanh-1(p)\ny = Subtract-1(r, t)\n"
				   "Result-1(y)\n";
	const char *full = with("random(1)", "fill(0.1)");
	d = diff_of(full, half, 0, g);
	assert_true(d.ntensors == 1 && !d.nlayers && d.tensor[0].stored_a == DT_F32);
	assert_true(d.tensor[0].stored_b == DT_F16 && d.tensor[0].error < 1e-3);
	close_diff(&d, g);
	d = diff_of(full, half, 1e-3, g);
	assert_true(d.equal && d.compared == 1);
	close_diff(&d, g);
	d = diff_of(full, half, 1e-7, g);
	assert_false(d.equal);
	close_diff(&d, g);

	d = diff_of(two_branches, with("w = Const f32[4,4]", "w = Const f32[4,2]"), 0, g);
	assert_true(d.ntensors == 1 && !d.tensor[0].same_size && isnan(d.tensor[0].sqnr));
	close_diff(&d, g);
}

/* The same layers; what they are called as outputs, and in what order, is another thing. */
static void test_outputs(void **state)
{
	static const char first[] = "x = Parameter-1 {shape=2 element_type=f32}\n"
				    "a = Abs-1(x)\nb = Exp-1(x)\nResult-1(a)\nResult-1(b)\n";
	static const char swapped[] = "x = Parameter-1 {shape=2 element_type=f32}\n"
				      "a = Abs-1(x)\nb = Exp-1(x)\nResult-1(b)\nResult-1(a)\n";
	static const char one[] = "x = Parameter-1 {shape=2 element_type=f32}\n"
				  "a = Abs-1(x)\nb = Exp-1(x)\nResult-1(b)\n";
	struct graph *g[2];
	(void)state;
	struct diff d = diff_of(first, swapped, 0, g);
	assert_true(!d.equal && !d.nlayers && !d.ntensors);
	assert_string_equal(d.outputs.data, "order a, b -> b, a\n");
	close_diff(&d, g);
	d = diff_of(first, one, 0, g);
	assert_string_equal(d.outputs.data, "removed a\n");
	close_diff(&d, g);

	struct err err = {0};
	g[0] = scan(first);
	g[1] = scan(first);
	for (int i = 0; i < 2; i++) {
		struct value *v = node_in(g[i]->outputs[i], 0), *w = node_in(g[i]->outputs[!i], 0);
		assert_true(value_add_name(v, "y") && value_add_name(w, "z"));
	}
	assert_int_equal(diff_graphs(g[0], g[1], 0, &d, &err), OK);
	assert_true(!d.equal && !d.nlayers);
	assert_string_equal(
	    d.outputs.data, "order y, z -> z, y\ny from 'a' -> from 'b'\nz from 'b' -> from 'a'\n");
	close_diff(&d, g);
}

/* ---- bodies ---- */

/* Inputs with names of their own. */
static void name_inputs(struct graph *g)
{
	static const char *const names[] = {"first", "second", "third"};
	for (int k = 0; k < g->ninputs; k++)
		g->inputs[k]->name = names[k];
}

/* x + x or -x, by a condition; what becomes of x in one branch is up to the caller. */
static struct graph *branches(enum op_id other, int from)
{
	static const char *const shapes[] = {"", "2", "2"};
	static const enum dtype types[] = {DT_BOOL, DT_F32, DT_F32};
	struct graph *g = graph_new("g");
	struct node *n = control(g, OP_IF, 3, shapes, types, 1, 2);
	for (int b = 0; b < 2; b++) {
		struct graph *body = n->body[b].graph;
		struct node *p = param(body, "...", DT_F32);
		result(body, b ? add(body, other, &p->out[0], NULL)
			       : add(body, OP_ADD, &p->out[0], &p->out[0]));
		set_map(n, b, 2,
		    (struct port_map[]){{MAP_INPUT, b ? from : 1, 0, -1, 0, 0, 0, 0, PURPOSE_NONE},
			{MAP_OUTPUT, 0, 0, -1, 0, 0, 0, 0, PURPOSE_NONE}});
	}
	result(g, n);
	name_inputs(g);
	struct err err = {0};
	assert_int_equal(graph_infer(g, &err), OK);
	return g;
}

static void test_branches(void **state)
{
	struct graph *g[2] = {branches(OP_NEGATIVE, 1), branches(OP_ABS, 2)};
	struct diff d;
	struct err err = {0};
	(void)state;
	assert_int_equal(diff_graphs(g[0], g[1], 0, &d, &err), OK);
	assert_true(!d.equal && d.nlayers == 2 && d.changed == 2);
	assert_string_equal(d.layer[0].within, "c/else/");
	assert_string_equal(d.layer[0].changes.data, "type Negative -> Abs\n");
	assert_null(d.layer[1].within);
	assert_string_equal(d.layer[1].changes.data, "else: parameter 0 input 1 -> input 2\n");
	close_diff(&d, g);
}

/* A sum over the rows of x: taken from the end, or given out in another way. */
static struct graph *iterator(const struct port_map *map, int nmaps)
{
	static const char *const shapes[] = {"3,2", "1,2"};
	struct graph *g = graph_new("g");
	struct node *n = control(
	    g, OP_TENSOR_ITERATOR, 2, shapes, (enum dtype[]){DT_F32, DT_F32}, 1, 1);
	struct graph *body = n->body[0].graph;
	struct node *x = param(body, "1,2", DT_F32), *sum = param(body, "1,2", DT_F32);
	result(body, add(body, OP_ADD, &x->out[0], &sum->out[0]));
	name_inputs(body);
	set_map(n, 0, nmaps, map);
	result(g, n);
	name_inputs(g);
	struct err err = {0};
	assert_int_equal(graph_infer(g, &err), OK);
	return g;
}

static void test_port_maps(void **state)
{
	static const struct port_map forward[] = {{MAP_INPUT, 0, 0, 0, 0, -1, 1, 1, PURPOSE_NONE},
	    {MAP_INPUT, 1, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
	    {MAP_OUTPUT, 0, 0, 0, 0, -1, 1, 1, PURPOSE_NONE},
	    {MAP_BACK_EDGE, 0, 1, -1, 0, 0, 0, 0, PURPOSE_NONE}};
	struct port_map other[4];
	struct diff d;
	struct err err = {0};
	(void)state;
	for (int i = 0; i < 4; i++) /* in another order they mean the same */
		other[i] = forward[3 - i];
	struct graph *g[2] = {iterator(forward, 4), iterator(other, 4)};
	assert_int_equal(diff_graphs(g[0], g[1], 0, &d, &err), OK);
	assert_true(d.equal);
	close_diff(&d, g);
	other[3].start = -1;
	other[3].end = 0;
	other[3].stride = -1;
	g[0] = iterator(forward, 4);
	g[1] = iterator(other + 1, 3); /* without the back edge */
	assert_int_equal(diff_graphs(g[0], g[1], 0, &d, &err), OK);
	assert_true(!d.equal && d.nlayers == 1);
	assert_string_equal(d.layer[0].changes.data,
	    "body: parameter 0 input 0 along axis 0, start 0, end -1, stride 1, part_size 1 -> "
	    "input 0 along axis 0, start -1, end 0, stride -1, part_size 1\n"
	    "body: next parameter 1 result 0 -> none\n");
	close_diff(&d, g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same),
	    cmocka_unit_test(test_layers),
	    cmocka_unit_test(test_constants),
	    cmocka_unit_test(test_outputs),
	    cmocka_unit_test(test_branches),
	    cmocka_unit_test(test_port_maps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
