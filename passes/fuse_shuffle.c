/* Shuffles of channels and blocks written as Reshape, Transpose, Reshape: ShuffleChannels,
 * DepthToSpace. */
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

/* The same number; or neither is known, when all the others are the same and so tell. */
static bool batch_same(struct dim a, struct dim b)
{
	return dim_same(a, b) || (!dim_static(a) && !dim_static(b));
}

static bool static_but_batch(const struct shape *s)
{
	for (int i = 1; i < s->rank; i++)
		if (!dim_static(s->dim[i]))
			return false;
	return true;
}

/* [n, c, rest] as [n, groups, c / groups, rest]: the number of groups, or 0. */
static int64_t groups_of(const struct shape *x, const struct shape *split)
{
	if (x->rank < 2 || split->rank != x->rank + 1 || !batch_same(x->dim[0], split->dim[0]))
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

/* Reshape, Transpose, Reshape around x and n, each read once. */
static struct node *sandwich(const struct node *n, struct node **turn)
{
	*turn = node_is(n, OP_RESHAPE) ? before(n, OP_TRANSPOSE) : NULL;
	return *turn ? before(*turn, OP_RESHAPE) : NULL;
}

static int put(struct pass_ctx *c, struct node *n, struct node *one)
{
	if (node_infer(one, c->err))
		return c->err->status;
	take_over(&one->out[0], &n->out[0]);
	return 1;
}

static int fuse_channels(struct pass_ctx *c, struct node *n)
{
	struct node *turn, *split = sandwich(n, &turn);
	if (!split || !swaps_groups(turn))
		return 0;
	struct value *x = node_in(split, 0);
	int64_t groups = groups_of(&x->info.shape, &split->out[0].info.shape);
	const struct shape *s = &x->info.shape, *out = &n->out[0].info.shape;
	if (groups < 1 || s->rank != out->rank)
		return 0;
	for (int i = 0; i < s->rank; i++)
		if (!(i ? dim_same : batch_same)(s->dim[i], out->dim[i]))
			return 0;
	struct value *in[] = {x};
	struct node *one = graph_insert_before(n, op_row(OP_SHUFFLE_CHANNELS), n->name, in, 1, 1);
	if (!one || !attr_set_i(one, "axis", 1) || !attr_set_i(one, "group", groups))
		return fail_nomem(c->err);
	return put(c, n, one);
}

/* [n, c, h, w] as [n, c / b^2, b, b, h, w] (or with the blocks in front of the channels), turned to
 * [n, c / b^2, h, b, w, b] and written as [n, c / b^2, h * b, w * b]: b, or 0. */
static int64_t block_of(
    const struct shape *x, const struct shape *split, const struct shape *out, bool blocks_first)
{
	int at = blocks_first ? 1 : 2, channels = blocks_first ? 3 : 1;
	if (x->rank != 4 || split->rank != 6 || out->rank != 4)
		return 0;
	if (!static_but_batch(split) || !static_but_batch(x) || !static_but_batch(out))
		return 0;
	int64_t b = split->dim[at].min;
	bool fits = b > 1 && split->dim[at + 1].min == b && batch_same(split->dim[0], x->dim[0]) &&
		    split->dim[4].min == x->dim[2].min && split->dim[5].min == x->dim[3].min &&
		    batch_same(out->dim[0], x->dim[0]) &&
		    out->dim[1].min == split->dim[channels].min &&
		    out->dim[2].min == x->dim[2].min * b && out->dim[3].min == x->dim[3].min * b;
	return fits ? b : 0;
}

static bool has_order(const struct node *turn, const int64_t want[6])
{
	int64_t order[MAX_RANK];
	int rank;
	if (!transpose_order(turn, order, &rank) || rank != 6)
		return false;
	for (int i = 0; i < 6; i++)
		if (order[i] != want[i])
			return false;
	return true;
}

static int fuse_depth(struct pass_ctx *c, struct node *n)
{
	static const int64_t depth_first[6] = {0, 1, 4, 2, 5, 3},
			     blocks_first[6] = {0, 3, 4, 1, 5, 2};
	struct node *turn, *split = sandwich(n, &turn);
	if (!split)
		return 0;
	bool blocks = has_order(turn, blocks_first);
	if (!blocks && !has_order(turn, depth_first))
		return 0;
	struct value *in[] = {node_in(split, 0)};
	int64_t b = block_of(
	    &in[0]->info.shape, &split->out[0].info.shape, &n->out[0].info.shape, blocks);
	if (!b)
		return 0;
	struct node *one = graph_insert_before(n, op_row(OP_DEPTH_TO_SPACE), n->name, in, 1, 1);
	if (!one || !attr_set_i(one, "block_size", b) ||
	    !attr_set_s(one, "mode", blocks ? "blocks_first" : "depth_first"))
		return fail_nomem(c->err);
	return put(c, n, one);
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	int r = fuse_channels(c, n);
	return r ? r : fuse_depth(c, n);
}

static int fuse_shuffle(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_shuffle = {
    .name = "fuse-shuffle",
    .about = "recognise ShuffleChannels and DepthToSpace",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_shuffle,
};
