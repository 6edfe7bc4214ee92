/* Parts of a tensor that are each split into heads and transposed alike are parted last: one
 * Reshape, one Transpose, one Split. */
#include <string.h>

#include "passes/rewrite.h"

#define PARTS 8

/* Values that shall be the parts of x, reshaped to shape and transposed by order, along axis. */
struct parts {
	struct value *x;
	int n, rank, axis; /* axis: of the result */
	int64_t shape[MAX_RANK], order[MAX_RANK];
	struct value *part[PARTS];
};

static struct node *reader(const struct value *v, enum op_id id)
{
	return v->nuses == 1 && !v->uses->index && node_is(v->uses->node, id) ? v->uses->node
									      : NULL;
}

/* Where the result's axis comes from dim d of what is transposed. */
static int place_of(const struct parts *p, int d)
{
	int i = 0;
	while (i < p->rank - 1 && p->order[i] != d)
		i++;
	return i;
}

/* One output of a Split along the last axis: [.., h d] as [.., h, d], transposed. */
static bool read_head(struct parts *p, const struct value *v)
{
	struct node *view = reader(v, OP_RESHAPE);
	struct node *turn = view ? reader(&view->out[0], OP_TRANSPOSE) : NULL;
	int64_t shape[MAX_RANK], order[MAX_RANK];
	int rank;
	if (!turn || !transpose_order(turn, order, &rank) || rank < 3 ||
	    !view_pattern(&view->out[0].info.shape, shape))
		return false;
	struct dim last = v->info.shape.dim[v->info.shape.rank - 1];
	if (shape[rank - 1] < 0 || shape[rank - 2] < 0 || !dim_static(last) ||
	    shape[rank - 1] * shape[rank - 2] != last.min)
		return false;
	if (!p->n) {
		p->rank = rank;
		memcpy(p->shape, shape, rank * sizeof *shape);
		memcpy(p->order, order, rank * sizeof *order);
	} else if (rank != p->rank || memcmp(p->shape, shape, rank * sizeof *shape) ||
		   memcmp(p->order, order, rank * sizeof *order)) {
		return false;
	}
	p->part[p->n++] = &turn->out[0];
	return true;
}

static bool read_split(struct parts *p, const struct node *n)
{
	if (!(node_is(n, OP_SPLIT) || node_is(n, OP_VARIADIC_SPLIT)) || n->nout > PARTS)
		return false;
	p->x = node_in(n, 0);
	int rank = p->x->info.shape.rank;
	if (rank < 1 || const_axis(node_in(n, 1), rank) != rank - 1)
		return false;
	for (int i = 0; i < n->nout; i++)
		if (!read_head(p, &n->out[i]))
			return false;
	p->shape[p->rank - 2] *= p->n;
	p->axis = place_of(p, p->rank - 2);
	return true;
}

/* The part that u takes by its index along axis, which it drops. */
static bool read_pick(struct parts *p, const struct use *u, int axis, int rank)
{
	int64_t at;
	int n;
	const struct node *g = u->node;
	bool gather = node_is(g, OP_GATHER) || node_is(g, OP_GATHER_7) || node_is(g, OP_GATHER_1);
	if (!gather || u->index || const_axis(node_in(g, 2), rank) != axis ||
	    !const_ints(node_in(g, 1), &at, 1, &n) || node_in(g, 1)->info.shape.rank)
		return false;
	at = at < 0 ? at + p->n : at;
	if (at < 0 || at >= p->n || p->part[at])
		return false;
	p->part[at] = &u->node->out[0];
	return true;
}

/* A view that drops this axis of size 1. */
static bool drops(const struct value *v, int axis)
{
	const struct node *n = only_use(v);
	if (!n || v->uses->index ||
	    !(node_is(n, OP_RESHAPE) || node_is(n, OP_SQUEEZE) || node_is(n, OP_SQUEEZE_15)))
		return false;
	struct shape s = v->info.shape;
	memmove(s.dim + axis, s.dim + axis + 1, (s.rank - axis - 1) * sizeof *s.dim);
	s.rank--;
	return same_shapes(&s, &n->out[0].info.shape);
}

static bool read_pieces(struct parts *p, const struct node *n, int axis, int rank)
{
	if (!node_is(n, OP_SPLIT) || const_axis(node_in(n, 1), rank) != axis || n->nout != p->n)
		return false;
	for (int i = 0; i < n->nout; i++) {
		if (!drops(&n->out[i], axis))
			return false;
		p->part[i] = &n->out[i].uses->node->out[0];
	}
	return true;
}

/* n transposes [.., parts, h, d], of which each part is taken on its own. */
static bool read_turn(struct parts *p, const struct node *n)
{
	int64_t order[MAX_RANK];
	int rank, axis = 0;
	const struct node *view = node_in(n, 0) ? node_in(n, 0)->node : NULL;
	if (!transpose_order(n, order, &rank) || rank < 4 || !node_is(view, OP_RESHAPE) ||
	    view->out[0].nuses != 1 || !view_pattern(&view->out[0].info.shape, p->shape))
		return false;
	p->n = p->shape[rank - 3] >= 2 && p->shape[rank - 3] <= PARTS ? (int)p->shape[rank - 3] : 0;
	while (order[axis] != rank - 3)
		axis++;
	const struct value *v = &n->out[0];
	if (!p->n || p->shape[rank - 2] < 0 || p->shape[rank - 1] < 0)
		return false;
	if (v->nuses == 1 ? !read_pieces(p, v->uses->node, axis, rank) : v->nuses != p->n)
		return false;
	if (v->nuses > 1)
		value_each_use (v, u)
			if (!read_pick(p, u, axis, rank))
				return false;
	p->x = node_in(view, 0);
	p->rank = rank - 1;
	for (int i = 0, k = 0; i < rank; i++)
		if (i != axis)
			p->order[k++] = order[i] < rank - 3 ? order[i] : order[i] - 1;
	p->shape[rank - 3] *= p->shape[rank - 2];
	p->shape[rank - 2] = p->shape[rank - 1];
	p->axis = place_of(p, rank - 3);
	return true;
}

static struct node *add_split(struct pass_ctx *c, struct node *n, const struct parts *p)
{
	int64_t axis = p->axis;
	struct node *shape = add_ints(c, n, name_with(n, n->name, "/shape"), p->rank, p->shape);
	struct node *order = shape ? add_ints(
					 c, n, name_with(n, n->name, "/order"), p->rank, p->order)
				   : NULL;
	struct node *along = order ? add_ints(c, n, name_with(n, n->name, "/along"), -1, &axis)
				   : NULL;
	if (!along)
		return NULL;
	struct value *in[2] = {p->x, &shape->out[0]};
	struct node *view = graph_insert_before(
	    n, op_row(OP_RESHAPE), name_with(n, n->name, "/heads"), in, 2, 1);
	if (!view || !attr_set_i(view, "special_zero", false)) {
		fail_nomem(c->err);
		return NULL;
	}
	if (node_infer(view, c->err))
		return NULL;
	struct node *turn = add_before(
	    c, n, OP_TRANSPOSE, name_with(n, n->name, "/turned"), &view->out[0], &order->out[0]);
	if (!turn)
		return NULL;
	struct value *whole[2] = {&turn->out[0], &along->out[0]};
	struct node *split = graph_insert_before(n, op_row(OP_SPLIT), n->name, whole, 2, p->n);
	if (!split || !attr_set_i(split, "num_splits", p->n)) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(split, c->err) ? NULL : split;
}

static int late(struct pass_ctx *c, struct node *n)
{
	struct parts p = {0};
	if (!read_split(&p, n)) {
		p = (struct parts){0};
		if (!node_is(n, OP_TRANSPOSE) || !read_turn(&p, n))
			return 0;
	}
	struct node *split = add_split(c, n, &p);
	if (!split)
		return c->err->status;
	for (int i = 0; i < p.n; i++)
		graph_replace(p.part[i], &split->out[i]);
	return 1;
}

static int split_late(struct pass_ctx *c)
{
	return each_node(c, late);
}

const struct pass pass_split_late = {
    .name = "split-late",
    .about = "transpose the heads of queries, keys and values before they are parted",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = split_late,
};
