/* A reordering of channels moves behind what works on channels one by one, and into the weights of
 * the convolution or matrix product that comes next. */
#include "passes/linear.h"

/* Gather of all channels along one axis: from[i] is the channel of x that comes out as channel i.
 */
struct reorder {
	struct node *node;
	struct value *x;
	int axis, rank;
	int64_t channels, *from;
};

static bool is_permutation(const struct reorder *r, struct pass_ctx *c)
{
	bool *seen = arena_array(c->scratch, r->channels, sizeof *seen);
	for (int64_t i = 0; i < r->channels; i++) {
		r->from[i] += r->from[i] < 0 ? r->channels : 0;
		if (!seen || r->from[i] < 0 || r->from[i] >= r->channels || seen[r->from[i]])
			return false;
		seen[r->from[i]] = true;
	}
	return true;
}

static bool reorder_of(struct pass_ctx *c, struct node *n, struct reorder *r)
{
	int64_t axis;
	int one, count;
	if (!(node_is(n, OP_GATHER) || node_is(n, OP_GATHER_7) || node_is(n, OP_GATHER_1)) ||
	    n->out[0].nuses != 1 || value_const(node_in(n, 0)))
		return false;
	*r = (struct reorder){
	    .node = n, .x = node_in(n, 0), .rank = node_in(n, 0)->info.shape.rank};
	const struct shape *index = &node_in(n, 1)->info.shape;
	if (r->rank < 1 || index->rank != 1 || !const_ints(node_in(n, 2), &axis, 1, &one) || !one)
		return false;
	r->axis = axis < 0 ? axis + r->rank : axis;
	r->channels = shape_count(index);
	if (r->axis < 0 || r->axis >= r->rank || r->channels < 2 || r->channels > LIMIT_PORTS ||
	    !dim_static(r->x->info.shape.dim[r->axis]) ||
	    r->x->info.shape.dim[r->axis].min != r->channels)
		return false;
	r->from = arena_array(c->scratch, r->channels, sizeof *r->from);
	return r->from && const_ints(node_in(n, 1), r->from, r->channels, &count) &&
	       is_permutation(r, c);
}

/* op(gather(x), k) is gather(op(x, k')), k' being k in the old order. */
static int move_behind(struct pass_ctx *c, struct node *n)
{
	static const enum op_id id[] = {OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE};
	struct reorder r;
	bool known = false;
	int k = const_input(n);
	for (size_t i = 0; i < sizeof id / sizeof *id; i++)
		known = known || node_is(n, id[i]);
	if (!known || k < 0 || n->out[0].nuses != 1 || is_output(&n->out[0]) ||
	    !reorder_of(c, node_in(n, 1 - k)->node, &r))
		return 0;
	double *x = arena_array(c->scratch, r.channels, sizeof *x);
	double *y = arena_array(c->scratch, r.channels, sizeof *y);
	if (!x || !y)
		return fail_nomem(c->err);
	if (!const_channels(node_in(n, k), r.rank, r.axis, r.channels, x))
		return 0;
	for (int64_t i = 0; i < r.channels; i++)
		y[r.from[i]] = x[i];
	struct node *old = node_in(n, k)->node;
	struct node *made = add_channels(
	    n, old->name, n->out[0].info.type, r.rank, r.axis, r.channels, y);
	if (!made)
		return fail_nomem(c->err);
	struct value *in[2];
	in[k] = &made->out[0];
	in[1 - k] = r.x;
	struct node *first = add_before(
	    c, n, (enum op_id)n->op->id, name_with(n, n->name, "/in_order"), in[0], in[1]);
	struct value *gather[] = {
	    first ? &first->out[0] : NULL, node_in(r.node, 1), node_in(r.node, 2)};
	struct node *last = first ? graph_insert_before(n, r.node->op, n->name, gather, 3, 1)
				  : NULL;
	if (!last || !node_copy_attrs(last, r.node))
		return fail_nomem(c->err);
	graph_replace(&n->out[0], &last->out[0]);
	return node_infer(last, c->err) ? c->err->status : 1;
}

static int into_weights(struct pass_ctx *c, struct node *n)
{
	struct linear l;
	struct reorder r;
	if (!linear_of(n, &l) || l.groups != 1 || !reorder_of(c, node_in(n, l.data)->node, &r) ||
	    r.axis != l.axis_in || r.channels != linear_inputs(&l))
		return 0;
	int64_t *back = arena_array(c->scratch, r.channels, sizeof *back);
	if (!back)
		return fail_nomem(c->err);
	for (int64_t i = 0; i < r.channels; i++)
		back[r.from[i]] = i;
	if (linear_permute_in(c, &l, back))
		return c->err->status;
	node_set_input(n, l.data, r.x);
	remove_dead(r.node);
	return 1;
}

/* transpose(gather(x)) is gather(transpose(x)) along the axis where the transposition puts it. */
static int move_behind_transpose(struct pass_ctx *c, struct node *n)
{
	int64_t order[MAX_RANK], axis = -1;
	int rank;
	struct reorder r;
	if (!transpose_order(n, order, &rank) || !reorder_of(c, node_in(n, 0)->node, &r) ||
	    rank != r.rank || is_output(&n->out[0]))
		return 0;
	for (int i = 0; i < rank; i++)
		axis = order[i] == r.axis ? i : axis;
	struct node *k = add_ints(c, n, node_in(r.node, 2)->node->name, -1, &axis);
	struct node *turned = k ? add_before(c, n, OP_TRANSPOSE, name_with(n, n->name, "/in_order"),
				      r.x, node_in(n, 1))
				: NULL;
	if (!turned)
		return c->err->status;
	struct value *in[] = {&turned->out[0], node_in(r.node, 1), &k->out[0]};
	struct node *last = graph_insert_before(n, r.node->op, n->name, in, 3, 1);
	if (!last || !node_copy_attrs(last, r.node))
		return fail_nomem(c->err);
	graph_replace(&n->out[0], &last->out[0]);
	return node_infer(last, c->err) ? c->err->status : 1;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	int r = move_behind(c, n);
	if (!r)
		r = move_behind_transpose(c, n);
	return r ? r : into_weights(c, n);
}

static int fuse_reverse(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_reverse = {
    .name = "fuse-reverse",
    .about = "fold a reordering of channels into the weights behind it",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_reverse,
};
