/* Which values are computed with their channels last, and which inside of a Concat's result. */
#include "exec/lower.h"

struct tensor layout_view(const struct tensor *t, int rank)
{
	struct tensor v = {.type = t->type, .rank = rank, .data = t->data};
	int64_t dim[MAX_RANK];
	for (int d = 0; d < rank; d++)
		dim[d] = d < rank - t->rank ? 1 : t->dim[d - (rank - t->rank)];
	for (int d = 0; d < rank; d++)
		v.dim[d] = d == 0 ? dim[0] : d == rank - 1 ? dim[1] : dim[d + 1];
	return v;
}

static bool is_image(const struct tensor *t)
{
	return t->type == DT_F32 && t->rank >= 3 && t->rank <= 5;
}

static bool same_dims(const struct tensor *a, const struct tensor *b)
{
	for (int d = 0; d < a->rank; d++)
		if (a->rank != b->rank || a->dim[d] != b->dim[d])
			return false;
	return a->rank == b->rank;
}

/* Does it lie the same way in both layouts, seen as rank dims? */
static bool indifferent(const struct tensor *t, int rank)
{
	struct tensor v = layout_view(t, rank);
	bool plane = true;
	for (int d = 1; d < rank - 1; d++)
		plane &= v.dim[d] == 1;
	return t->rank <= rank && (plane || v.dim[rank - 1] == 1);
}

static bool elementwise(const struct node *n)
{
	return (n->op->flags & (OPF_UNARY | OPF_BROADCAST) || node_is(n, OP_FAKE_QUANTIZE)) &&
	       n->nout == 1;
}

/* Element by element, at least one operand with its channels last, the others indifferent. */
static bool keeps_last(const struct lower *l, const struct node *n)
{
	const struct tensor *y = lower_dims(l, &n->out[0]);
	bool any = false;
	for (int k = 0; k < n->nin; k++) {
		const struct value *v = node_in(n, k);
		const struct tensor *t = v ? lower_dims(l, v) : NULL;
		if (!v || t->type != DT_F32)
			return false;
		/* a vector as slope goes along the channels */
		if (node_is(n, OP_PRELU) && k && t->rank == 1 && tensor_count(t) > 1)
			return false;
		if (same_dims(t, y) && l->last[v->id])
			any = true;
		else if (!indifferent(t, y->rank))
			return false;
	}
	return any;
}

static bool joins_channels(const struct node *n, const struct tensor *y)
{
	int64_t axis = attr_i(n, "axis");
	return (axis < 0 ? axis + y->rank : axis) == 1;
}

/* Is it read by a convolution, which wants its channels last? */
static bool feeds_conv(const struct lower *l, const struct value *v)
{
	value_each_use (v, u)
		if (u->node->nout && l->e->maker[u->node->out[0].id] >= 0 &&
		    conv_has_kernel(l, u->node))
			return true;
	return false;
}

static bool concat_last(const struct lower *l, const struct node *n)
{
	if (!joins_channels(n, lower_dims(l, &n->out[0])))
		return false;
	int last = 0;
	for (int k = 0; k < n->nin; k++)
		last += l->last[node_in(n, k)->id];
	return last == n->nin || (last && feeds_conv(l, &n->out[0]));
}

/* From integers that are truncated floats, see chain_truncation. */
static bool truncates_last(const struct lower *l, const struct node *n)
{
	const struct node *to = node_is(n, OP_CONVERT) ? node_in(n, 0)->node : NULL;
	return to && to->nin == 1 && to->nout == 1 && chain_truncation(l, to) == n &&
	       l->last[node_in(to, 0)->id];
}

static bool computed_last(const struct lower *l, const struct node *n)
{
	if (!n->nout || !is_image(lower_dims(l, &n->out[0])))
		return false;
	if (conv_has_kernel(l, n) || deconv_has_kernel(l, n) || image_has_kernel(l, n) ||
	    pool_has_kernel(l, n))
		return true;
	if (node_is(n, OP_CONCAT))
		return concat_last(l, n);
	if (node_is(n, OP_BATCH_NORM) || node_is(n, OP_BATCH_NORM_1))
		return l->last[node_in(n, node_is(n, OP_BATCH_NORM) ? 0 : 2)->id];
	return move_keeps_last(l, n) || shuffle_keeps_last(l, n) || blocks_keep_last(l, n) ||
	       pick_has_kernel(l, n) || truncates_last(l, n) ||
	       (elementwise(n) && keeps_last(l, n));
}

static void mark(struct lower *l, const struct node *n)
{
	bool last = computed_last(l, n);
	for (int k = 0; k < n->nout; k++)
		l->last[n->out[k].id] = last;
}

/* Concats from the last to the first, so that one inside of another finds its place there. */
static void aim(struct lower *l, const struct node *n)
{
	int64_t channel = 0;
	for (int k = 0; k < n->nin; k++) {
		const struct value *v = node_in(n, k);
		if (!l->target[v->id].whole)
			l->target[v->id] = (struct target){&n->out[0], channel};
		channel += lower_dims(l, v)->dim[1];
	}
}

void layout_choose(struct lower *l)
{
	struct exec *e = l->e;
	if (e->o.eval_only)
		return;
	for (int i = 0; i < e->nsteps; i++) {
		const struct node *n = e->step[i].node;
		if (!e->step[i].folded && n->nout && !l->p->dynamic[n->out[0].id])
			mark(l, n);
	}
	for (int i = e->nsteps - 1; i >= 0; i--) {
		const struct node *n = e->step[i].node;
		if (node_is(n, OP_CONCAT) && l->last[n->out[0].id] && !shuffle_takes(l, n))
			aim(l, n);
	}
}
