/* A channel shuffle written as Reshape, Transpose, Reshape becomes ShuffleChannels. */
#include "passes/rewrite.h"

/* The node before n when it is of this kind and n is its only reader. */
static struct node *before(const struct node *n, enum op_id id)
{
	struct value *v = node_in(n, 0);
	return v && v->nuses == 1 && node_is(v->node, id) ? v->node : NULL;
}

static bool dim_same(struct dim a, struct dim b)
{
	return dim_static(a) && dim_static(b) ? a.min == b.min : a.symbol && a.symbol == b.symbol;
}

/* [n, c, rest] as [n, groups, c / groups, rest]: the number of groups, or 0. */
static int64_t groups_of(const struct shape *x, const struct shape *split)
{
	if (x->rank < 2 || split->rank != x->rank + 1 || !dim_same(x->dim[0], split->dim[0]))
		return 0;
	for (int i = 2; i < x->rank; i++)
		if (!dim_same(x->dim[i], split->dim[i + 1]))
			return 0;
	struct dim g = split->dim[1], k = split->dim[2], all = x->dim[1];
	if (!dim_static(g) || !dim_static(k) || !dim_static(all) || g.min * k.min != all.min)
		return 0;
	return g.min;
}

static bool swaps_groups(const struct node *n)
{
	int64_t order[MAX_RANK];
	int rank;
	if (!const_ints(node_in(n, 1), order, MAX_RANK, &rank) || rank < 4)
		return false;
	for (int i = 0; i < rank; i++)
		if (order[i] != (i == 1 ? 2 : i == 2 ? 1 : i))
			return false;
	return true;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	struct node *turn = node_is(n, OP_RESHAPE) ? before(n, OP_TRANSPOSE) : NULL;
	struct node *split = turn ? before(turn, OP_RESHAPE) : NULL;
	if (!split || !swaps_groups(turn))
		return 0;
	struct value *x = node_in(split, 0);
	int64_t groups = groups_of(&x->info.shape, &split->out[0].info.shape);
	const struct shape *s = &x->info.shape, *out = &n->out[0].info.shape;
	if (groups < 1 || s->rank != out->rank)
		return 0;
	for (int i = 0; i < s->rank; i++)
		if (!dim_same(s->dim[i], out->dim[i]))
			return 0;
	struct value *in[] = {x};
	struct node *one = graph_insert_before(n, op_row(OP_SHUFFLE_CHANNELS), n->name, in, 1, 1);
	if (!one || !attr_set_i(one, "axis", 1) || !attr_set_i(one, "group", groups))
		return fail_nomem(c->err);
	if (node_infer(one, c->err))
		return c->err->status;
	take_over(&one->out[0], &n->out[0]);
	return 1;
}

static int fuse_shuffle(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_shuffle = {
    .name = "fuse-shuffle",
    .about = "recognise ShuffleChannels",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_shuffle,
};
