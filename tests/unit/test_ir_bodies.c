/* Bodies in IR: they come back as they were, and those that are broken on purpose are refused. */
#include "ir_files.h"

static struct value *body_add(struct graph *g, enum op_id id, struct value *a, struct value *b)
{
	struct node *n = graph_add(g, op_row(id), NULL, (struct value *[]){a, b}, b ? 2 : 1, 1);
	return n->out;
}

/* A Loop that sums the rows of x: the sum goes round, every sum is collected. */
static struct graph *loop_graph(void)
{
	static const struct port_map map[] = {
	    {MAP_INPUT, 2, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
	    {MAP_INPUT, 3, 2, 0, 0, -1, 1, 1, PURPOSE_NONE},
	    {MAP_INPUT, -1, 0, -1, 0, 0, 0, 0, PURPOSE_CURRENT_ITERATION},
	    {MAP_OUTPUT, -1, 0, -1, 0, 0, 0, 0, PURPOSE_EXECUTION_CONDITION},
	    {MAP_OUTPUT, 0, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
	    {MAP_OUTPUT, 1, 1, 0, 0, -1, 1, 1, PURPOSE_NONE},
	    {MAP_BACK_EDGE, 1, 1, -1, 0, 0, 0, 0, PURPOSE_NONE},
	};
	static const char *const shapes[] = {"", "1,2", "1,2"};
	struct graph *g = scan("trip = Const i64[] 3\ngo = Const boolean[] 1\n"
			       "s = Parameter-1 {shape=1,2 element_type=f32}\n"
			       "x = Parameter-1 {shape=3,2 element_type=f32}\n");
	struct value *in[4], *p[3];
	int k = 0;

	graph_each (g, n)
		in[k++] = n->out;
	struct node *n = graph_add(g, op_row(OP_LOOP), "loop", in, 4, 2);
	n->body = arena_array(g->arena, 1, sizeof *n->body);
	n->nbodies = 1;
	struct graph *b = n->body->graph = graph_new_body(g, "body");
	for (int i = 0; i < 3; i++) {
		struct node *q = graph_add(b, op_row(OP_PARAMETER), NULL, NULL, 0, 1);
		struct shape shape;
		assert_true(shape_parse(shapes[i], &shape));
		attr_set_shape(q, "shape", &shape);
		attr_set_type(q, "element_type", i ? DT_F32 : DT_I64);
		p[i] = q->out;
	}
	struct value *sum = body_add(b, OP_ADD, p[1], p[2]);
	struct value *again = body_add(b, OP_EQUAL, p[0], p[0]);
	graph_add(b, op_row(OP_RESULT), NULL, &again, 1, 0);
	graph_add(b, op_row(OP_RESULT), NULL, &sum, 1, 0);
	n->body->map = arena_copy(g->arena, map, sizeof map);
	n->body->nmaps = sizeof map / sizeof *map;
	for (int i = 0; i < 2; i++) {
		struct value *v = &n->out[i];
		graph_add(g, op_row(OP_RESULT), NULL, &v, 1, 0);
	}
	assert_int_equal(graph_infer(g, NULL), OK);
	return g;
}

/* Bodies come back as they were; port maps that name what is not there do not. */
static void bodies(void **state)
{
	static const struct {
		const char *from, *to;
		int status;
		const char *words;
	} c[] = {
	    {"external_port_id=\"2\"", "external_port_id=\"9\"", E_FORMAT, "names 9"},
	    {"external_port_id=\"2\"", "external_port_id=\"-1\"", E_FORMAT, "names -1"},
	    {"external_port_id=\"2\"", "external_port_id=\"x\"", E_FORMAT, "external_port_id"},
	    {"external_port_id=\"5\"", "external_port_id=\"4\"", E_FORMAT, "twice"},
	    {"external_port_id=\"5\"", "external_port_id=\"2\"", E_FORMAT, "names 2"},
	    {"internal_layer_id=\"1\"", "internal_layer_id=\"2\"", E_FORMAT, "twice"},
	    {"internal_layer_id=\"1\"", "internal_layer_id=\"3\"", E_FORMAT, "no Parameter"},
	    {"internal_layer_id=\"1\"", "internal_layer_id=\"-1\"", E_FORMAT, "internal"},
	    {"internal_layer_id=\"6\"", "internal_layer_id=\"1\"", E_FORMAT, "no Result"},
	    {"to-layer=\"1\" />", "to-layer=\"6\" />", E_FORMAT, "no Parameter"},
	    {"current_iteration", "execution_condition", E_FORMAT, "nowhere"},
	    {"current_iteration", "something", E_FORMAT, "purpose"},
	    {"part_size=\"1\"", "part_size=\"0\"", E_FORMAT, "part size 0"},
	    {"stride=\"1\"", "stride=\"0\"", E_FORMAT, "stride 0"},
	    {"axis=\"0\"", "axis=\"7\"", E_FORMAT, NULL},
	    {"type=\"Loop\" version=\"opset5\"", "type=\"If\" version=\"opset8\"", E_UNSUPPORTED,
		"bodies"},
	};
	struct graph *g = loop_graph(), *back;
	struct err e = {0};
	(void)state;

	write_graph(g, xml, bin, NULL);
	assert_int_equal(read_graph(&back, &e), OK);
	write_graph(back, xml2, bin2, NULL);
	assert_same_file(xml, xml2);
	assert_same_file(bin, bin2);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		edit(c[i].from, c[i].to);
		expect(c[i].status, c[i].words);
	}
	graph_free(g);
	graph_free(back);
}

/* A body in a body in a body... */
static void nested(void **state)
{
	struct text t = {0};
	(void)state;

	text_add(&t, "<net name=\"a\" version=\"11\"><layers>");
	for (int i = 0; i < 20; i++)
		text_add(&t, "<layer id=\"0\" name=\"l\" type=\"Loop\" version=\"opset5\"><body>"
			     "<layers>");
	for (int i = 0; i < 20; i++)
		text_add(&t, "</layers></body></layer>");
	text_add(&t, "</layers></net>");
	spill(xml, t.data, t.len);
	expect(E_LIMIT, "deeper");
	text_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(nested),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
