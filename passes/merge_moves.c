/* Layers that only move data are joined: Reshape after Reshape, Transpose after Transpose,
 * Transpose before MatMul. */
#include "passes/rewrite.h"

/* A Reshape by a constant pattern that does not look at its input's dims. */
static bool looks_back(const struct node *n)
{
	int64_t dims[MAX_RANK];
	int count;
	if (!node_is(n, OP_RESHAPE) || !const_ints(node_in(n, 1), dims, MAX_RANK, &count))
		return true;
	for (int i = 0; attr_bool(n, "special_zero") && i < count; i++)
		if (!dims[i])
			return true;
	return false;
}

/* view(view(x)) is one Reshape of x; with the outer's own pattern where that is independent, so
 * that a later change of the batch still works. */
static int merge_views(struct pass_ctx *c, struct node *n)
{
	int64_t dims[MAX_RANK];
	struct node *p = node_in(n, 0)->node;
	if (!is_view(n) || !is_view(p) || p->out[0].nuses != 1)
		return 0;
	if (!looks_back(n)) {
		node_set_input(n, 0, node_in(p, 0));
		remove_dead(p);
		return 1;
	}
	const struct shape *s = &n->out[0].info.shape;
	bool free = view_pattern(s, dims);
	if (!free && !reshape_pattern(&node_in(p, 0)->info.shape, s, dims))
		return 0;
	struct node *k = add_ints(c, n, name_with(n, n->name, "/shape"), s->rank, dims);
	struct value *in[] = {node_in(p, 0), k ? &k->out[0] : NULL};
	struct node *one = k ? graph_insert_before(n, op_row(OP_RESHAPE), n->name, in, 2, 1) : NULL;
	if (!k)
		return c->err->status;
	if (!one || !attr_set_i(one, "special_zero", !free))
		return fail_nomem(c->err);
	if (node_infer(one, c->err))
		return c->err->status;
	take_over(&one->out[0], &n->out[0]);
	return 1;
}

static int merge_transposes(struct pass_ctx *c, struct node *n)
{
	int64_t outer[MAX_RANK], inner[MAX_RANK], both[MAX_RANK];
	int rank, other;
	struct node *p = node_in(n, 0)->node;
	if (!node_is(n, OP_TRANSPOSE) || p->out[0].nuses != 1 ||
	    !transpose_order(n, outer, &rank) || !transpose_order(p, inner, &other) ||
	    rank != other)
		return 0;
	for (int i = 0; i < rank; i++)
		both[i] = inner[outer[i]];
	struct node *k = add_ints(c, n, name_with(n, n->name, "/order"), rank, both);
	struct node *one = k ? add_before(c, n, OP_TRANSPOSE, n->name, node_in(p, 0), &k->out[0])
			     : NULL;
	if (!one)
		return c->err->status;
	take_over(&one->out[0], &n->out[0]);
	return 1;
}

static bool swaps_last_two(const struct node *n)
{
	int64_t order[MAX_RANK];
	int rank;
	if (!transpose_order(n, order, &rank) || rank < 2)
		return false;
	for (int i = 0; i < rank - 2; i++)
		if (order[i] != i)
			return false;
	return order[rank - 1] == rank - 2 && order[rank - 2] == rank - 1;
}

static int into_matmul(struct pass_ctx *c, struct node *n)
{
	static const char *const flag[] = {"transpose_a", "transpose_b"};
	int done = 0;
	for (int i = 0; i < 2 && node_is(n, OP_MATMUL); i++) {
		struct node *p = node_in(n, i)->node;
		if (p->out[0].nuses != 1 || !swaps_last_two(p))
			continue;
		if (!attr_set_i(n, flag[i], !attr_bool(n, flag[i])))
			return fail_nomem(c->err);
		node_set_input(n, i, node_in(p, 0));
		remove_dead(p);
		done = 1;
	}
	return done;
}

/* A view that only drops the dims which a reduction kept: it need not keep them. */
static int into_reduce(struct pass_ctx *c, struct node *n)
{
	static const enum op_id id[] = {OP_REDUCE_MEAN, OP_REDUCE_MAX, OP_REDUCE_SUM, OP_REDUCE_MIN,
	    OP_REDUCE_PROD, OP_REDUCE_L1, OP_REDUCE_L2};
	struct node *p = node_in(n, 0)->node;
	bool reduces = false;
	for (size_t i = 0; i < sizeof id / sizeof *id; i++)
		reduces = reduces || node_is(p, id[i]);
	if (!is_view(n) || !reduces || p->out[0].nuses != 1 || !attr_bool(p, "keep_dims"))
		return 0;
	struct value *in[] = {node_in(p, 0), node_in(p, 1)};
	struct node *one = graph_insert_before(n, p->op, n->name, in, 2, 1);
	if (!one || !attr_set_i(one, "keep_dims", false))
		return fail_nomem(c->err);
	if (node_infer(one, c->err))
		return c->err->status;
	if (!same_reshaped(&one->out[0].info.shape, &n->out[0].info.shape)) {
		graph_remove(one);
		return 0;
	}
	take_over(&one->out[0], &n->out[0]);
	return 1;
}

/* A Transpose that moves nothing but dims of size 1 is a Reshape. */
static int transpose_as_view(struct pass_ctx *c, struct node *n)
{
	int64_t order[MAX_RANK], dims[MAX_RANK], last = -1;
	int rank;
	const struct shape *s = &node_in(n, 0)->info.shape;
	if (!transpose_order(n, order, &rank) || value_const(node_in(n, 0)) || s->rank != rank ||
	    !view_pattern(&n->out[0].info.shape, dims))
		return 0;
	for (int i = 0; i < rank; i++) {
		struct dim d = s->dim[order[i]];
		if (dim_static(d) && d.min == 1)
			continue;
		if (order[i] < last)
			return 0;
		last = order[i];
	}
	struct node *k = add_ints(c, n, name_with(n, n->name, "/shape"), rank, dims);
	struct value *in[] = {node_in(n, 0), k ? &k->out[0] : NULL};
	struct node *view = k ? graph_insert_before(n, op_row(OP_RESHAPE), n->name, in, 2, 1)
			      : NULL;
	if (!k)
		return c->err->status;
	if (!view || !attr_set_i(view, "special_zero", false))
		return fail_nomem(c->err);
	if (node_infer(view, c->err))
		return c->err->status;
	take_over(&view->out[0], &n->out[0]);
	return 1;
}

static int merge(struct pass_ctx *c, struct node *n)
{
	if (!node_in(n, 0))
		return 0;
	int r = merge_views(c, n);
	if (!r)
		r = into_reduce(c, n);
	if (!r)
		r = merge_transposes(c, n);
	if (!r)
		r = into_matmul(c, n);
	return r ? r : transpose_as_view(c, n);
}

static int merge_moves(struct pass_ctx *c)
{
	return each_node(c, merge);
}

const struct pass pass_merge_moves = {
    .name = "merge-moves",
    .about = "join Reshape with Reshape, Transpose with Transpose, Transpose with MatMul",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = merge_moves,
};
