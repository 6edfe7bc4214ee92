/* Bodies that run once, as is known beforehand, take the place of their If, Loop or TensorIterator.
 */
#include "passes/rewrite.h"

/* One whole number or truth value that is known. */
static bool known_number(const struct value *v, double *x)
{
	if (v && value_const(v))
		return shape_count(&v->info.shape) == 1 && const_number(v, x);
	if (!v || !v->info.elems || shape_count(&v->info.shape) != 1 ||
	    !dim_static(v->info.elems[0]))
		return false;
	*x = (double)v->info.elems[0].min;
	return true;
}

/* Does one part along the axis hold all of input k? */
static bool one_part(const struct node *n, const struct port_map *m)
{
	const struct shape *s = &node_in(n, m->outer)->info.shape;
	return m->axis < s->rank && dim_static(s->dim[m->axis]) &&
	       s->dim[m->axis].min == m->part_size;
}

/* A body whose inputs come in whole; *cut tells whether some of them are cut into one part. */
static bool whole_inputs(const struct node *n, const struct body *b, bool *cut)
{
	*cut = false;
	for (int i = 0; i < b->nmaps; i++) {
		const struct port_map *m = &b->map[i];
		if (m->kind != MAP_INPUT || m->outer < 0)
			continue;
		if (!node_in(n, m->outer) || (m->axis >= 0 && !one_part(n, m)))
			return false;
		*cut = *cut || m->axis >= 0;
	}
	return true;
}

/* The body that runs exactly once, or NULL. */
static struct body *runs_once(const struct node *n)
{
	double x, go = 1;
	bool cut;
	if (node_is(n, OP_IF) && n->nbodies == 2) {
		if (!known_number(node_in(n, 0), &x))
			return NULL;
		struct body *b = &n->body[x != 0 ? 0 : 1];
		return whole_inputs(n, b, &cut) ? b : NULL;
	}
	if (n->nbodies != 1 || !whole_inputs(n, n->body, &cut))
		return NULL;
	if (node_is(n, OP_TENSOR_ITERATOR))
		return cut ? n->body : NULL;
	if (!node_is(n, OP_LOOP) || (node_in(n, 1) && !known_number(node_in(n, 1), &go)) || !go)
		return NULL;
	if (!node_in(n, 0))
		return cut ? n->body : NULL;
	return known_number(node_in(n, 0), &x) && (x == 1 || (cut && x != 0)) ? n->body : NULL;
}

/* What a Parameter stands for outside, with its map; NULL for the number of the turn. */
static const struct port_map *map_of(const struct body *b, int parameter)
{
	for (int i = 0; i < b->nmaps; i++)
		if (b->map[i].kind == MAP_INPUT && b->map[i].inner == parameter)
			return &b->map[i];
	return NULL;
}

/* The value that output map m hands out, as it is called outside. */
static struct value *handed_out(
    const struct node *n, const struct body *b, const struct port_map *m)
{
	struct value *v = node_in(b->graph->outputs[m->inner], 0);
	for (int k = 0; v && k < b->graph->ninputs; k++) {
		const struct port_map *in = map_of(b, k);
		if (v->node == b->graph->inputs[k])
			return in && in->outer >= 0 ? node_in(n, in->outer) : NULL;
	}
	return v;
}

/* Every Parameter is fed, and no two outputs of the model, or an input and an output, become one
 * value. */
static bool can_inline(const struct node *n, const struct body *b)
{
	for (int k = 0; k < b->graph->ninputs; k++)
		if (b->graph->inputs[k]->out[0].nuses && !map_of(b, k))
			return false;
	for (int i = 0; i < b->nmaps; i++) {
		const struct port_map *m = &b->map[i];
		if (m->kind != MAP_OUTPUT || m->outer < 0)
			continue;
		const struct value *v = handed_out(n, b, m), *old = &n->out[m->outer];
		if (!v || (v->node->graph == n->graph && !can_replace(old, v)))
			return false;
		for (int j = 0; j < i && is_output(old); j++)
			if (b->map[j].kind == MAP_OUTPUT && b->map[j].outer >= 0 &&
			    handed_out(n, b, &b->map[j]) == v)
				return false;
	}
	for (int k = 0; k < n->nout; k++) {
		bool given = !n->out[k].nuses;
		for (int i = 0; i < b->nmaps; i++)
			given = given || (b->map[i].kind == MAP_OUTPUT && b->map[i].outer == k);
		if (!given)
			return false;
	}
	return true;
}

/* The number of the first turn: 0 in the Parameter's type and shape. */
static struct value *first_turn(struct pass_ctx *c, struct node *n, const struct node *p)
{
	int rank = attr_has(p, "shape") && node_attr(p, "shape")->shape->rank == 1;
	int64_t one = 1, zero = 0;
	enum dtype type = attr_type(p, "element_type");
	int64_t bytes = dtype_bytes(type, 1);
	struct blob *b = bytes > 0 && bytes <= 8 ? blob_copy(&zero, (size_t)bytes) : NULL;
	struct node *k = b ? graph_const(n->graph, n, p->name, type, rank, &one, b) : NULL;
	if (!k) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(k, c->err) ? NULL : &k->out[0];
}

static int feed(struct pass_ctx *c, struct node *n, const struct body *b)
{
	for (int k = 0; k < b->graph->ninputs; k++) {
		struct node *p = b->graph->inputs[k];
		const struct port_map *m = map_of(b, k);
		if (!m)
			continue;
		struct value *v = m->outer >= 0 ? node_in(n, m->outer) : first_turn(c, n, p);
		if (!v)
			return c->err->status;
		p->out[0].nnames = 0; /* names of tensors are those outside */
		graph_replace(&p->out[0], v);
	}
	return OK;
}

static void move_nodes(struct node *n, struct body *b)
{
	graph_each (b->graph, inner) {
		if (node_is(inner, OP_PARAMETER))
			continue;
		for (int k = 0; k < inner->nout; k++)
			inner->out[k].nnames = 0;
		graph_move(inner, n);
	}
}

static int inline_node(struct pass_ctx *c, struct node *n)
{
	struct body *b = n->nbodies ? runs_once(n) : NULL;
	if (!b || !can_inline(n, b))
		return 0;
	struct value **out = arena_array(c->scratch, (size_t)n->nout + 1, sizeof(struct value *));
	if (!out)
		return fail_nomem(c->err);
	int status = feed(c, n, b);
	if (status)
		return status;
	for (int i = 0; i < b->nmaps; i++)
		if (b->map[i].kind == MAP_OUTPUT && b->map[i].outer >= 0)
			out[b->map[i].outer] = node_in(b->graph->outputs[b->map[i].inner], 0);
	while (b->graph->noutputs)
		graph_remove(b->graph->outputs[0]);
	move_nodes(n, b);
	for (int k = 0; k < n->nout; k++)
		if (out[k])
			graph_replace(&n->out[k], out[k]);
	return 1;
}

static int inline_body(struct pass_ctx *c)
{
	return each_node(c, inline_node);
}

const struct pass pass_inline_body = {
    .name = "inline-body",
    .about = "put the branch that is taken, or a loop's only turn, in the place of its layer",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER,
    .run = inline_body,
};
