/* If whose condition depends on the data: its branches become bodies. */
#include "formats/onnx_translate.h"

/* Translates a subgraph into a new body; every output of it becomes a Result. */
static void fill_body(struct tr *t, const Onnx__GraphProto *g, struct onnx_body *b, int nout)
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
		fill_body(t, g, &body[b], t->nout);
	}
	if (t->status == OK)
		make_if(t, condition, body);
	for (int b = 0; b < 2 && t->status != OK; b++) /* the blobs: the rest is the arena's */
		graph_free(body[b].graph);
}
