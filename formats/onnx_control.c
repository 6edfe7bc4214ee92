/* If and Loop that depend on the data: their subgraphs become bodies. */
#include "formats/onnx_translate.h"

/* The subgraph's own inputs become the first Parameters, of these types and shapes. */
static int add_inputs(struct onnx_scope *s, const Onnx__GraphProto *g, const struct info *inputs)
{
	for (size_t i = 0; inputs && i < g->n_input; i++) {
		const char *name = onnx_text(g->input[i]->name);
		struct node *p = graph_add(s->body->graph, op_row(OP_PARAMETER), name, NULL, 0, 1);
		if (!p || !attr_set_shape(p, "shape", &inputs[i].shape) ||
		    !attr_set_type(p, "element_type", inputs[i].type) ||
		    !value_add_name(&p->out[0], name))
			return fail_nomem(s->im->err);
		int status = node_infer(p, s->im->err);
		if (status == OK)
			status = onnx_bind(s, name, &p->out[0], NULL);
		if (status != OK)
			return status;
	}
	return OK;
}

/* Translates a subgraph into a new body; every output of it becomes a Result. inputs: those of the
 * subgraph's inputs, or NULL when it has none. */
static void fill_body(struct tr *t, const Onnx__GraphProto *g, const struct info *inputs,
    struct onnx_body *b, int nout)
{
	struct onnx_import *im = t->scope->im;
	struct onnx_scope s = *t->scope;
	struct graph *around = im->graph;
	if (t->status != OK)
		return;
	s.outer = t->scope;
	s.names = (struct map){0};
	s.body = b;
	if (++s.depth > LIMIT_DEPTH) {
		tr_fail(t, E_LIMIT, "subgraphs nested more than %d deep", LIMIT_DEPTH);
		return;
	}
	int depth = 0;
	for (const struct graph *g2 = around; g2; g2 = g2->outer)
		depth++;
	if (depth > LIMIT_BODIES) {
		tr_fail(t, E_LIMIT, "bodies nested more than %d deep", LIMIT_BODIES);
		return;
	}
	b->graph = im->graph = graph_new_body(around, onnx_text(g->name));
	int status = b->graph ? onnx_initializers(&s, g) : fail_nomem(im->err);
	if (status == OK)
		status = add_inputs(&s, g, inputs);
	if (status == OK)
		status = onnx_nodes(&s, g->node, g->n_node, NULL);
	for (int i = 0; i < nout && status == OK; i++) {
		struct value *v;
		const char *name = onnx_text(g->output[i]->name);
		status = onnx_value(&s, name, &v);
		if (status == OK && !v)
			status = fail(im->err, E_UNSUPPORTED,
			    "output '%s' of its subgraph cannot be converted", name);
		name = arena_printf(im->arena, "%s/sink_port_0", name);
		if (status == OK &&
		    (!name || !graph_add(b->graph, op_row(OP_RESULT), name, &v, 1, 0)))
			status = fail_nomem(im->err);
	}
	im->graph = around;
	map_free(&s.names);
	t->status = status;
}

static int input_of(struct value **in, int *nin, struct value *v)
{
	for (int i = 1; i < *nin; i++)
		if (in[i] == v)
			return i;
	in[*nin] = v;
	return (*nin)++;
}

/* The body of a branch: what it captures comes in, its Results go out in their order. */
static void set_branch(struct tr *t, struct node *n, int branch, const struct onnx_body *from,
    struct value **in, int *nin)
{
	struct body *b = &n->body[branch];
	b->graph = from->graph;
	b->map = arena_array(t->graph->arena, (size_t)(from->n + n->nout), sizeof *b->map);
	if (!b->map) {
		tr_fail(t, E_NOMEM, "out of memory");
		return;
	}
	for (int i = 0; i < from->n; i++)
		b->map[b->nmaps++] = (struct port_map){.kind = MAP_INPUT,
		    .outer = input_of(in, nin, from->capture[i].outer),
		    .inner = from->capture[i].parameter,
		    .axis = -1};
	for (int i = 0; i < n->nout; i++)
		b->map[b->nmaps++] = (struct port_map){
		    .kind = MAP_OUTPUT, .outer = i, .inner = i, .axis = -1};
}

static void make_if(struct tr *t, struct value *condition, const struct onnx_body *from)
{
	size_t most = (size_t)from[0].n + (size_t)from[1].n + 1;
	struct value **in = arena_array(t->scope->im->arena, most, sizeof(struct value *));
	int nin = 1;
	struct node *n = tr_new_n(t, OP_IF, t->nout, &condition, 1);
	if (!n)
		return;
	n->body = arena_array(t->graph->arena, 2, sizeof *n->body);
	if (!in || !n->body) {
		tr_fail(t, E_NOMEM, "out of memory");
		return;
	}
	n->nbodies = 2;
	in[0] = condition;
	for (int b = 0; b < 2; b++)
		set_branch(t, n, b, &from[b], in, &nin);
	if (t->status == OK && !node_resize_inputs(n, nin))
		tr_fail(t, E_NOMEM, "out of memory");
	for (int i = 1; i < nin && t->status == OK; i++)
		node_set_input(n, i, in[i]);
	tr_end(t, n);
	for (int i = 0; i < t->nout; i++)
		tr_out(t, i, &n->out[i]);
}

void tr_if(struct tr *t)
{
	static const char *const names[] = {"then_branch", "else_branch"};
	struct value *condition = tr_scalar(t, tr_in(t, 0));
	struct onnx_body body[2] = {0};
	for (int b = 0; b < 2 && t->status == OK; b++) {
		const Onnx__GraphProto *g = tr_graph(t, names[b]);
		if (g && g->n_output != (size_t)t->nout)
			tr_fail(t, E_FORMAT, "attribute '%s' has %zu outputs, expected %d",
			    names[b], g->n_output, t->nout);
		fill_body(t, g, NULL, &body[b], t->nout);
	}
	if (t->status == OK)
		make_if(t, condition, body);
	for (int b = 0; b < 2 && t->status != OK; b++) /* the blobs: the rest is the arena's */
		graph_free(body[b].graph);
}

/* ---- Loop ---- */

/* Gives Result k a new first axis, along which the turns are joined. */
static void add_axis(struct tr *t, struct graph *g, int k)
{
	struct node *r = g->outputs[k];
	struct node *axis = graph_const_i64(g, r, "axis", 1, (int64_t[]){0});
	struct value *in[] = {node_in(r, 0), axis ? &axis->out[0] : NULL};
	struct node *n = axis ? graph_insert_before(r, op_row(OP_UNSQUEEZE), "turn", in, 2, 1)
			      : NULL;
	if (!n) {
		tr_fail(t, E_NOMEM, "out of memory");
		return;
	}
	if (node_infer(axis, t->err) != OK || node_infer(n, t->err) != OK)
		t->status = t->err->status;
	node_set_input(r, 0, &n->out[0]);
}

/* Do the carried values keep their shapes? Those that do not are widened in inputs. */
static bool settled(struct tr *t, const struct graph *g, struct info *inputs, int carried)
{
	bool same = true;
	for (int i = 0; i < carried && t->status == OK; i++) {
		const struct info *out = &node_in(g->outputs[1 + i], 0)->info;
		struct shape *in = &inputs[2 + i].shape;
		if (out->type != inputs[2 + i].type)
			tr_fail(t, E_UNSUPPORTED, "carried value %d changes its type", i);
		if (in->rank < 0 || shape_equal(in, &out->shape))
			continue;
		struct shape wide = in->rank == out->shape.rank ? shape_any(in->rank)
								: shape_unknown();
		for (int k = 0; k < wide.rank; k++)
			if (dim_static(in->dim[k]) && dim_static(out->shape.dim[k]) &&
			    in->dim[k].min == out->shape.dim[k].min)
				wide.dim[k] = in->dim[k];
		same = same && shape_equal(in, &wide);
		*in = wide;
	}
	return same;
}

/* Shapes that change from turn to turn are widened, and the body is translated anew. */
static void fill_loop(
    struct tr *t, const Onnx__GraphProto *g, struct info *inputs, struct onnx_body *b, int carried)
{
	bool done = false;
	for (int round = 0; !done && t->status == OK; round++) {
		if (round > MAX_RANK + 2)
			tr_fail(t, E_UNSUPPORTED, "the shapes of carried values do not settle");
		graph_free(b->graph);
		*b = (struct onnx_body){0};
		fill_body(t, g, inputs, b, (int)g->n_output);
		done = t->status != OK || settled(t, b->graph, inputs, carried);
	}
	for (int i = 1 + carried; i < (int)g->n_output && t->status == OK; i++)
		add_axis(t, b->graph, i);
}

static void set_loop_maps(struct body *to, const struct onnx_body *b, int carried, int scans)
{
	struct port_map *m = to->map;
	*m++ = (struct port_map){
	    .kind = MAP_INPUT, .outer = -1, .axis = -1, .purpose = PURPOSE_CURRENT_ITERATION};
	*m++ = (struct port_map){
	    .kind = MAP_OUTPUT, .outer = -1, .axis = -1, .purpose = PURPOSE_EXECUTION_CONDITION};
	for (int i = 0; i <= carried; i++) { /* the condition goes round as the first */
		*m++ = (struct port_map){
		    .kind = MAP_INPUT, .outer = 1 + i, .inner = 1 + i, .axis = -1};
		*m++ = (struct port_map){
		    .kind = MAP_BACK_EDGE, .outer = i, .inner = 1 + i, .axis = -1};
	}
	for (int i = 0; i < carried; i++)
		*m++ = (struct port_map){
		    .kind = MAP_OUTPUT, .outer = i, .inner = 1 + i, .axis = -1};
	for (int i = carried; i < carried + scans; i++)
		*m++ = (struct port_map){.kind = MAP_OUTPUT,
		    .outer = i,
		    .inner = 1 + i,
		    .end = -1,
		    .stride = 1,
		    .part_size = 1};
	for (int i = 0; i < b->n; i++)
		*m++ = (struct port_map){.kind = MAP_INPUT,
		    .outer = 2 + carried + i,
		    .inner = b->capture[i].parameter,
		    .axis = -1};
	to->nmaps = (int)(m - to->map);
}

static void make_loop(
    struct tr *t, struct value **in, const struct onnx_body *b, int carried, int scans)
{
	for (int i = 0; i < b->n; i++)
		in[2 + carried + i] = b->capture[i].outer;
	struct node *n = tr_new_n(t, OP_LOOP, t->nout, in, 2 + carried + b->n);
	if (!n)
		return;
	n->body = arena_array(t->graph->arena, 1, sizeof *n->body);
	struct port_map *map = arena_array(
	    t->graph->arena, (size_t)(4 + 3 * carried + scans + b->n), sizeof *map);
	if (!n->body || !map) {
		tr_fail(t, E_NOMEM, "out of memory");
		return;
	}
	n->nbodies = 1;
	n->body->graph = b->graph;
	n->body->map = map;
	set_loop_maps(n->body, b, carried, scans);
	tr_end(t, n);
	for (int i = 0; i < t->nout; i++)
		tr_out(t, i, &n->out[i]);
}

void tr_loop(struct tr *t)
{
	const Onnx__GraphProto *g = tr_graph(t, "body");
	int carried = t->nin > 2 ? t->nin - 2 : 0, scans = t->nout - carried;
	struct onnx_body b = {0};
	if (g &&
	    (g->n_input != (size_t)carried + 2 || scans < 0 || g->n_output != (size_t)t->nout + 1))
		tr_fail(t, E_FORMAT, "its body has %zu inputs and %zu outputs for %d and %d",
		    g->n_input, g->n_output, t->nin, t->nout);
	struct value *trip = tr_given(t, 0) ? tr_scalar(t, tr_in(t, 0)) : tr_scalar_i64(t, -1);
	struct value *go = tr_given(t, 1) ? tr_scalar(t, tr_in(t, 1)) : tr_number(t, DT_BOOL, 1);
	size_t n = (size_t)carried + 2;
	struct info *inputs = arena_array(t->scope->im->arena, n, sizeof *inputs);
	if (!inputs)
		tr_fail(t, E_NOMEM, "out of memory");
	if (t->status != OK)
		return;
	inputs[0] = (struct info){.type = DT_I64};
	inputs[1] = (struct info){.type = DT_BOOL};
	for (int i = 0; i < carried; i++) {
		struct value *v = tr_in(t, 2 + i);
		if (v)
			inputs[2 + i] = v->info;
		inputs[2 + i].elems = NULL;
	}
	fill_loop(t, g, inputs, &b, carried);
	struct value **in = arena_array(
	    t->scope->im->arena, n + (size_t)b.n, sizeof(struct value *));
	if (!in)
		tr_fail(t, E_NOMEM, "out of memory");
	if (t->status == OK) {
		in[0] = trip;
		in[1] = go;
		for (int i = 0; i < carried; i++)
			in[2 + i] = tr_in(t, 2 + i);
		make_loop(t, in, &b, carried, scans);
	}
	if (t->status != OK)
		graph_free(b.graph);
}
