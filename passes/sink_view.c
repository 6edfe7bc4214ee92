/* A view (Reshape, Squeeze, Unsqueeze) before a dense layer moves to the next view behind it, with
 * which it is joined: products by a matrix do not mind how the rows are counted. */
#include "passes/rewrite.h"

#define LENGTH 8 /* layers between two views */

/* Layers of one data input between a view and what ends the chain. */
struct chain {
	struct node *view, *link[LENGTH], *end; /* links from the last one up */
	int n;
};

static struct dim last_of(const struct shape *s)
{
	return s->dim[s->rank - 1];
}

/* A product by a constant matrix on the right. */
static bool is_dense(const struct node *n)
{
	const struct value *w = node_in(n, 1);
	return node_is(n, OP_MATMUL) && value_const(w) && w->info.shape.rank == 2 &&
	       !attr_bool(n, "transpose_a") && node_in(n, 0)->info.shape.rank >= 2;
}

/* Elementwise with a constant that is one number, or varies along the last axis only: its index,
 * else -1. */
static int row_operand(const struct node *n)
{
	static const enum op_id id[] = {OP_ADD, OP_MULTIPLY, OP_SUBTRACT, OP_DIVIDE};
	bool known = false;
	for (size_t i = 0; i < sizeof id / sizeof *id; i++)
		known = known || node_is(n, id[i]);
	int k = known ? const_input(n) : -1;
	if (k < 0)
		return -1;
	const struct shape *s = &node_in(n, k)->info.shape, *x = &node_in(n, 1 - k)->info.shape;
	bool fits = s->rank <= x->rank;
	for (int i = 0; i < s->rank - 1; i++)
		fits = fits && s->dim[i].min == 1;
	if (fits && s->rank)
		fits = last_of(s).min == 1 ||
		       (dim_static(last_of(x)) && last_of(s).min == last_of(x).min);
	return fits ? k : -1;
}

/* The input through which the data of a link come; -1 when n is none. */
static int data_input(const struct node *n)
{
	if (n->op->flags & OPF_UNARY)
		return n->nin == 1 && n->nout == 1 ? 0 : -1;
	if (is_dense(n))
		return 0;
	int k = row_operand(n);
	return k < 0 ? -1 : 1 - k;
}

/* Is n a Split along the last axis whose parts are each read by one view? */
static bool splits_for_views(const struct node *n)
{
	int64_t axis;
	int one, rank = node_in(n, 0)->info.shape.rank;
	if (!(node_is(n, OP_SPLIT) || node_is(n, OP_VARIADIC_SPLIT)) ||
	    !const_ints(node_in(n, 1), &axis, 1, &one) || one != 1 ||
	    (axis != -1 && axis != rank - 1))
		return false;
	for (int i = 0; i < n->nout; i++)
		if (n->out[i].nuses != 1 || !is_view(n->out[i].uses->node) || n->out[i].uses->index)
			return false;
	return true;
}

/* Follows what only n needs upwards to a view, with a product or arithmetic between. */
static bool read_chain(struct chain *c, struct node *n)
{
	*c = (struct chain){.end = n};
	if (!node_in(n, 0) || !(is_view(n) || splits_for_views(n)))
		return false;
	const struct value *v = node_in(n, 0);
	for (int i; v->nuses == 1 && !is_view(v->node); v = node_in(v->node, i)) {
		i = data_input(v->node);
		if (i < 0 || c->n == LENGTH)
			return false;
		c->link[c->n++] = v->node;
	}
	c->view = v->node;
	return c->n && v->nuses == 1 && is_view(v->node) && v->info.shape.rank > 0 &&
	       node_in(v->node, 0)->info.shape.rank > 0;
}

/* Does a chain stand on data that have this shape in place of the view's? */
static bool stands_on(const struct chain *c, const struct shape *s)
{
	bool rows = false;
	for (int i = 0; i < c->n; i++) {
		int k = is_dense(c->link[i]) ? -1 : row_operand(c->link[i]);
		rows = rows || is_dense(c->link[i]) ||
		       (k >= 0 && shape_count(&node_in(c->link[i], k)->info.shape) != 1);
		if (is_dense(c->link[i]) && s->rank < 2)
			return false;
	}
	const struct shape *v = &c->view->out[0].info.shape;
	struct dim a = last_of(s), b = last_of(v);
	return !rows || (dim_static(a) && dim_static(b) && a.min == b.min);
}

/* The constant operand for data of this rank: without the leading ones that are too many. */
static struct value *row_const(struct pass_ctx *c, struct node *n, struct value *v, int rank)
{
	const struct shape *s = &v->info.shape;
	if (s->rank <= rank)
		return v;
	int64_t dim = last_of(s).min;
	struct node *k = graph_const(
	    n->graph, n, v->node->name, v->info.type, 1, &dim, blob_ref(value_const(v)->data));
	if (!k)
		fail_nomem(c->err);
	return k ? &k->out[0] : NULL;
}

/* The same layers on v. */
static struct value *repeat(struct pass_ctx *c, const struct chain *h, struct value *v)
{
	for (int i = h->n - 1; i >= 0; i--) {
		struct node *n = h->link[i];
		int k = n->nin == 2 ? (is_dense(n) ? 1 : row_operand(n)) : -1;
		struct value *in[2] = {v, v};
		if (k >= 0)
			in[k] = row_const(c, n, node_in(n, k), v->info.shape.rank);
		if (k >= 0 && !in[k])
			return NULL;
		struct node *made = graph_insert_before(n, n->op, n->name, in, n->nin, 1);
		if (!made || !node_copy_attrs(made, n)) {
			fail_nomem(c->err);
			return NULL;
		}
		if (node_infer(made, c->err))
			return NULL;
		v = &made->out[0];
	}
	return v;
}

/* Split, of data of another rank, with a view behind each part. */
static int move_past_split(struct pass_ctx *c, struct node *n, struct value *v)
{
	int64_t last = v->info.shape.rank - 1, dims[MAX_RANK];
	struct node *k = add_ints(c, n, name_with(n, n->name, "/axis"), -1, &last);
	struct value *in[3] = {v, k ? &k->out[0] : NULL, node_in(n, 2)};
	struct node *made = k ? graph_insert_before(n, n->op, n->name, in, n->nin, n->nout) : NULL;
	if (!k)
		return c->err->status;
	if (!made || !node_copy_attrs(made, n))
		return fail_nomem(c->err);
	if (node_infer(made, c->err))
		return c->err->status;
	for (int i = 0; i < n->nout; i++) {
		struct use *u = n->out[i].uses;
		view_pattern(&n->out[i].info.shape, dims);
		struct value *part = add_view(
		    c, u->node, &made->out[i], n->out[i].info.shape.rank, dims);
		if (!part)
			return c->err->status;
		node_set_input(u->node, 0, part);
	}
	return 1;
}

/* view, layers, end becomes layers, view, end. */
static int sink(struct pass_ctx *c, const struct chain *h)
{
	int64_t dims[MAX_RANK];
	struct value *x = node_in(h->view, 0);
	const struct shape *s = &node_in(h->end, 0)->info.shape;
	bool known = view_pattern(s, dims);
	for (int i = 0; i < h->end->nout && !is_view(h->end); i++)
		known = known && view_pattern(&h->end->out[i].info.shape, dims);
	if (!known || !view_pattern(s, dims) || !stands_on(h, &x->info.shape))
		return 0;
	struct node *last = h->link[0];
	struct value *v = repeat(c, h, x);
	if (!v)
		return c->err->status;
	if (!is_view(h->end))
		return move_past_split(c, h->end, v);
	struct value *y = add_view(c, h->end, v, s->rank, dims);
	if (!y)
		return c->err->status;
	node_set_input(h->end, 0, y);
	remove_dead(last);
	return 1;
}

/* view, layers, view becomes one view and the layers: the first one gives what the second gave. */
static int lift(struct pass_ctx *c, const struct chain *h)
{
	int64_t dims[MAX_RANK];
	const struct shape *end = &h->end->out[0].info.shape;
	const struct shape *before = &node_in(h->end, 0)->info.shape;
	struct shape s = *end;
	if (!is_view(h->end) || end->rank < 1 || !dim_static(last_of(end)) ||
	    !dim_static(last_of(before)) || last_of(end).min != last_of(before).min)
		return 0;
	s.dim[s.rank - 1] = last_of(&h->view->out[0].info.shape);
	if (!view_pattern(&s, dims) || !stands_on(h, &s))
		return 0;
	struct value *x = add_view(c, h->view, node_in(h->view, 0), s.rank, dims);
	struct value *v = x ? repeat(c, h, x) : NULL;
	if (!v)
		return c->err->status;
	take_over(v, &h->end->out[0]);
	return 1;
}

static int sink_node(struct pass_ctx *c, struct node *n)
{
	struct chain h;
	if (!read_chain(&h, n))
		return 0;
	int r = sink(c, &h);
	return r ? r : lift(c, &h);
}

static int sink_view(struct pass_ctx *c)
{
	return each_node(c, sink_node);
}

const struct pass pass_sink_view = {
    .name = "sink-view",
    .about = "move Reshape past dense layers to where it is joined",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = sink_view,
};
