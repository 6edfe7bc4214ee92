/* Bodies of control-flow layers: made by hand or from a subgraph, and iterated over. */
#include "formats/onnx_body.h"

/* Names the reason why one more body, or subgraph, would be too many. */
static bool too_deep(struct tr *t, const struct onnx_scope *s, const struct graph *around)
{
	int depth = 0;
	if (s->depth > LIMIT_DEPTH)
		tr_fail(t, E_LIMIT, "subgraphs nested more than %d deep", LIMIT_DEPTH);
	for (const struct graph *g = around; g; g = g->outer)
		depth++;
	if (depth > LIMIT_BODIES)
		tr_fail(t, E_LIMIT, "bodies nested more than %d deep", LIMIT_BODIES);
	return t->status != OK;
}

void tr_body_open(struct tr *t, struct tr_body *b, const char *name)
{
	*b = (struct tr_body){.t = *t, .scope = *t->scope};
	b->scope.outer = t->scope;
	b->scope.names = (struct map){0};
	b->scope.body = &b->body;
	b->scope.depth++;
	b->t.scope = &b->scope;
	b->t.mark = NULL;
	if (b->t.status != OK || too_deep(&b->t, &b->scope, t->graph))
		return;
	b->t.graph = graph_new_body(t->graph, name);
	if (!b->t.graph)
		tr_fail(&b->t, E_NOMEM, "out of memory");
	b->body.graph = b->scope.im->graph = b->t.graph;
}

void tr_body_close(struct tr *t, struct tr_body *b)
{
	b->scope.im->graph = t->graph;
	map_free(&b->scope.names);
	t->status = b->t.status;
}

void tr_body_drop(struct tr_body *b)
{
	graph_free(b->body.graph);
	*b = (struct tr_body){0};
}

struct value *tr_body_in(struct tr_body *b, const char *name, const struct info *info)
{
	if (b->t.status != OK)
		return NULL;
	struct node *p = graph_add(b->t.graph, op_row(OP_PARAMETER), name, NULL, 0, 1);
	if (!p || !attr_set_shape(p, "shape", &info->shape) ||
	    !attr_set_type(p, "element_type", info->type) || !value_add_name(&p->out[0], name)) {
		tr_fail(&b->t, E_NOMEM, "out of memory");
		return NULL;
	}
	return tr_end(&b->t, p);
}

void tr_body_out(struct tr_body *b, const char *name, struct value *v)
{
	if (b->t.status != OK)
		return;
	name = arena_printf(b->scope.im->arena, "%s/sink_port_0", name);
	if (!name || !graph_add(b->t.graph, op_row(OP_RESULT), name, &v, 1, 0))
		tr_fail(&b->t, E_NOMEM, "out of memory");
}

struct value *tr_body_capture(struct tr_body *b, struct value *v)
{
	if (b->t.status != OK || !v)
		return NULL;
	v = onnx_bring_in(&b->scope, value_name(v), v);
	if (!v)
		b->t.status = b->t.err->status;
	return v;
}

/* ---- subgraphs ---- */

static void add_inputs(
    struct tr_body *b, const Onnx__GraphProto *g, const struct tr_body_input *inputs)
{
	for (size_t i = 0; inputs && i < g->n_input && b->t.status == OK; i++) {
		const char *name = onnx_text(g->input[i]->name);
		struct info info = inputs[i].info;
		int64_t axis = inputs[i].axis;
		if (axis >= 0 && axis < info.shape.rank)
			info.shape.dim[axis] = dim_of(1);
		struct value *v = tr_body_in(b, name, &info);
		if (axis >= 0)
			v = tr_squeeze(&b->t, v, 1, &axis);
		if (b->t.status == OK)
			b->t.status = onnx_bind(&b->scope, name, v, NULL);
	}
}

static void add_outputs(struct tr_body *b, const Onnx__GraphProto *g)
{
	for (size_t i = 0; i < g->n_output && b->t.status == OK; i++) {
		struct value *v;
		const char *name = onnx_text(g->output[i]->name);
		b->t.status = onnx_value(&b->scope, name, &v);
		if (b->t.status == OK && !v)
			tr_fail(&b->t, E_UNSUPPORTED,
			    "output '%s' of its subgraph cannot be converted", name);
		tr_body_out(b, name, v);
	}
}

void tr_body_fill(
    struct tr *t, const Onnx__GraphProto *g, const struct tr_body_input *inputs, struct tr_body *b)
{
	tr_body_open(t, b, g ? onnx_text(g->name) : "");
	if (b->t.status == OK)
		b->t.status = onnx_initializers(&b->scope, g);
	add_inputs(b, g, inputs);
	if (b->t.status == OK)
		b->t.status = onnx_nodes(&b->scope, g->node, g->n_node, NULL);
	if (b->t.status == OK)
		add_outputs(b, g);
	tr_body_close(t, b);
}

/* Does a carried value keep its shape? If not, it is widened in in. */
static bool settled(struct tr *t, const struct info *out, struct info *in, int k)
{
	if (out->type != in->type)
		tr_fail(t, E_UNSUPPORTED, "carried value %d changes its type", k);
	if (in->shape.rank < 0 || shape_equal(&in->shape, &out->shape))
		return true;
	struct shape wide = in->shape.rank == out->shape.rank ? shape_any(in->shape.rank)
							      : shape_unknown();
	for (int d = 0; d < wide.rank; d++)
		if (dim_static(in->shape.dim[d]) && dim_static(out->shape.dim[d]) &&
		    in->shape.dim[d].min == out->shape.dim[d].min)
			wide.dim[d] = in->shape.dim[d];
	bool same = shape_equal(&in->shape, &wide);
	in->shape = wide;
	return same;
}

void tr_body_fill_turns(struct tr *t, const Onnx__GraphProto *g, struct tr_body_input *inputs,
    int first_in, int first_out, int carried, struct tr_body *b)
{
	bool done = false;
	for (int round = 0; !done && t->status == OK; round++) {
		if (round > MAX_RANK + 2)
			tr_fail(t, E_UNSUPPORTED, "the shapes of carried values do not settle");
		tr_body_drop(b);
		tr_body_fill(t, g, inputs, b);
		done = true;
		for (int i = 0; i < carried && t->status == OK; i++)
			if (!settled(t, &node_in(b->body.graph->outputs[first_out + i], 0)->info,
				&inputs[first_in + i].info, i))
				done = false;
	}
}

void tr_body_unsqueeze(struct tr *t, struct tr_body *b, int k, int64_t axis)
{
	if (t->status != OK)
		return;
	struct graph *g = b->body.graph;
	struct node *r = g->outputs[k];
	int rank = node_in(r, 0)->info.shape.rank;
	if (axis < 0 && rank < 0)
		tr_fail(t, E_UNSUPPORTED, "the rank of output %d of its body is not known", k);
	if (axis < 0)
		axis += rank + 1;
	if (axis < 0 || (rank >= 0 && axis > rank))
		tr_fail(t, E_FORMAT, "output %d of its body has %d axes", k, rank);
	if (t->status != OK)
		return;
	struct node *at = graph_const_i64(g, r, "axis", 1, &axis);
	struct value *in[] = {node_in(r, 0), at ? &at->out[0] : NULL};
	struct node *n = at ? graph_insert_before(r, op_row(OP_UNSQUEEZE), "turn", in, 2, 1) : NULL;
	if (!n) {
		tr_fail(t, E_NOMEM, "out of memory");
		return;
	}
	if (node_infer(at, t->err) != OK || node_infer(n, t->err) != OK)
		t->status = t->err->status;
	node_set_input(r, 0, &n->out[0]);
}

/* ---- TensorIterator ---- */

/* One element a turn along an axis, or the whole. */
static struct port_map port_of(int kind, int outer, int inner, int64_t axis, bool reverse)
{
	struct port_map m = {.outer = outer, .inner = inner, .axis = -1};
	m.kind = kind;
	if (axis >= 0) {
		m.axis = axis;
		m.start = reverse ? -1 : 0;
		m.end = reverse ? 0 : -1;
		m.stride = reverse ? -1 : 1;
		m.part_size = 1;
	}
	return m;
}

static int fill_maps(struct port_map *map, const struct onnx_body *b, int first,
    const struct tr_turn *in, int nin, const struct tr_joined *out, int nout)
{
	struct port_map *m = map;
	for (int i = 0; i < nin; i++) {
		*m++ = port_of(MAP_INPUT, first + i, i, in[i].axis, in[i].reverse);
		if (in[i].back >= 0)
			*m++ = port_of(MAP_BACK_EDGE, in[i].back, i, -1, false);
	}
	for (int i = 0; i < b->n; i++)
		*m++ = port_of(MAP_INPUT, first + nin + i, b->capture[i].parameter, -1, false);
	for (int i = 0; i < nout; i++)
		*m++ = port_of(MAP_OUTPUT, i, i, out[i].axis, out[i].reverse);
	if (first) { /* a Loop: its last Result says to go on */
		*m = port_of(MAP_OUTPUT, -1, nout, -1, false);
		m++->purpose = PURPOSE_EXECUTION_CONDITION;
	}
	return (int)(m - map);
}

/* How often a Loop turns, and that it may; its body learns to go on. */
static void make_endless(
    struct tr *t, struct tr_body *b, const struct tr_turn *in, int nin, struct value **v)
{
	int k = 0;
	while (k < nin - 1 && in[k].axis < 0)
		k++;
	v[0] = tr_gather(t, tr_shape_of(t, in[k].v), tr_scalar_i64(t, in[k].axis), 0);
	v[1] = tr_number(t, DT_BOOL, 1);
	b->t.graph = b->body.graph;
	b->t.status = t->status;
	b->t.mark = NULL;
	tr_body_out(b, "condition", tr_number(&b->t, DT_BOOL, 1));
	t->status = b->t.status;
}

struct value *tr_iterate(struct tr *t, struct tr_body *b, const struct tr_turn *in, int nin,
    const struct tr_joined *out, int nout)
{
	/* a TensorIterator may not stand in another one, but a Loop may */
	int ncap = b->body.n, first = t->graph->outer ? 2 : 0, all = first + nin + ncap;
	struct arena *a = t->graph->arena;
	struct value **v = arena_array(t->scope->im->arena, (size_t)all, sizeof *v);
	struct port_map *map = arena_array(a, (size_t)(2 * nin + ncap + nout + 1), sizeof *map);
	struct body *body = arena_array(a, 1, sizeof *body);
	if (!v || !map || !body)
		tr_fail(t, E_NOMEM, "out of memory");
	if (t->status != OK)
		return NULL;
	if (first)
		make_endless(t, b, in, nin, v);
	for (int i = 0; i < nin; i++)
		v[first + i] = in[i].v;
	for (int i = 0; i < ncap; i++)
		v[first + nin + i] = b->body.capture[i].outer;
	struct node *n = tr_new_n(t, first ? OP_LOOP : OP_TENSOR_ITERATOR, nout, v, all);
	if (!n)
		return NULL;
	*body = (struct body){.graph = b->body.graph, .map = map};
	body->nmaps = fill_maps(map, &b->body, first, in, nin, out, nout);
	n->body = body;
	n->nbodies = 1;
	return tr_end(t, n);
}
