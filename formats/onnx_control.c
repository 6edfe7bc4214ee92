/* If and Loop that depend on the data: their subgraphs become bodies. */
#include "formats/onnx_body.h"

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

static void make_if(struct tr *t, struct value *condition, const struct tr_body *from)
{
	size_t most = (size_t)from[0].body.n + (size_t)from[1].body.n + 1;
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
		set_branch(t, n, b, &from[b].body, in, &nin);
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
	struct tr_body body[2] = {0};
	for (int b = 0; b < 2 && t->status == OK; b++) {
		const Onnx__GraphProto *g = tr_graph(t, names[b]);
		if (g && g->n_output != (size_t)t->nout)
			tr_fail(t, E_FORMAT, "attribute '%s' has %zu outputs, expected %d",
			    names[b], g->n_output, t->nout);
		if (t->status == OK)
			tr_body_fill(t, g, NULL, &body[b]);
	}
	if (t->status == OK)
		make_if(t, condition, body);
	for (int b = 0; b < 2 && t->status != OK; b++) /* the blobs: the rest is the arena's */
		tr_body_drop(&body[b]);
}

/* ---- Loop ---- */

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
	struct tr_body b = {0};
	if (g &&
	    (g->n_input != (size_t)carried + 2 || scans < 0 || g->n_output != (size_t)t->nout + 1))
		tr_fail(t, E_FORMAT, "its body has %zu inputs and %zu outputs for %d and %d",
		    g->n_input, g->n_output, t->nin, t->nout);
	struct value *trip = tr_given(t, 0) ? tr_scalar(t, tr_in(t, 0)) : tr_scalar_i64(t, -1);
	struct value *go = tr_given(t, 1) ? tr_scalar(t, tr_in(t, 1)) : tr_number(t, DT_BOOL, 1);
	size_t n = (size_t)carried + 2;
	struct tr_body_input *inputs = arena_array(t->scope->im->arena, n, sizeof *inputs);
	if (!inputs)
		tr_fail(t, E_NOMEM, "out of memory");
	if (t->status != OK)
		return;
	inputs[0] = (struct tr_body_input){.info.type = DT_I64, .axis = -1};
	inputs[1] = (struct tr_body_input){.info.type = DT_BOOL, .axis = -1};
	for (int i = 0; i < carried; i++) {
		struct value *v = tr_in(t, 2 + i);
		if (v)
			inputs[2 + i].info = v->info;
		inputs[2 + i].info.elems = NULL;
		inputs[2 + i].axis = -1;
	}
	tr_body_fill_turns(t, g, inputs, 2, 1, carried, &b);
	for (int i = 1 + carried; i < t->nout + 1; i++)
		tr_body_unsqueeze(t, &b, i, 0);
	struct value **in = arena_array(
	    t->scope->im->arena, n + (size_t)b.body.n, sizeof(struct value *));
	if (!in)
		tr_fail(t, E_NOMEM, "out of memory");
	if (t->status == OK) {
		in[0] = trip;
		in[1] = go;
		for (int i = 0; i < carried; i++)
			in[2 + i] = tr_in(t, 2 + i);
		make_loop(t, in, &b.body, carried, scans);
	}
	if (t->status != OK)
		tr_body_drop(&b);
}
