/* Slices by constants, alone or one after the other, seen in one way. */
#include "passes/slices.h"

#define CHAIN 8 /* slices looked through */

static bool any_set(const struct node *n, const char *name)
{
	const int64_t *v;
	for (int i = attr_ints(n, name, &v) - 1; i >= 0; i--)
		if (v[i])
			return true;
	return false;
}

static bool dim_same(struct dim a, struct dim b)
{
	return dim_static(a) && dim_static(b) ? a.min == b.min : a.symbol && a.symbol == b.symbol;
}

/* [begin:...:step] of n elements gave count. */
static bool set_cut(struct cut *cut, struct dim in, struct dim out, int64_t begin, int64_t step)
{
	if (step < 1 || !dim_static(in) || !dim_static(out) || out.min < 1)
		return false;
	begin = begin < 0 ? begin + in.min : begin;
	begin = begin < 0 ? 0 : begin;
	*cut = (struct cut){begin, step, out.min, !begin && step == 1 && out.min == in.min};
	return begin < in.min;
}

static bool plain_slice(const struct node *n, struct cut *cut)
{
	int64_t begin[MAX_RANK], step[MAX_RANK], axis[MAX_RANK];
	const struct shape *in = &node_in(n, 0)->info.shape, *out = &n->out[0].info.shape;
	int count, steps, axes;
	if (!const_ints(node_in(n, 1), begin, MAX_RANK, &count) ||
	    !const_ints(node_in(n, 3), step, MAX_RANK, &steps) || steps != count)
		return false;
	for (int i = 0; i < count; i++)
		axis[i] = i;
	if (node_in(n, 4) && (!const_ints(node_in(n, 4), axis, MAX_RANK, &axes) || axes != count))
		return false;
	for (int i = 0; i < count; i++) {
		int64_t a = axis[i] < 0 ? axis[i] + in->rank : axis[i];
		if (a < 0 || a >= in->rank ||
		    !set_cut(&cut[a], in->dim[a], out->dim[a], begin[i], step[i]))
			return false;
	}
	return true;
}

static bool strided_slice(const struct node *n, struct cut *cut)
{
	int64_t begin[MAX_RANK], step[MAX_RANK];
	const int64_t *mask;
	const struct shape *in = &node_in(n, 0)->info.shape, *out = &n->out[0].info.shape;
	int count, steps = 0, masks = attr_ints(n, "begin_mask", &mask);
	if (any_set(n, "new_axis_mask") || any_set(n, "shrink_axis_mask") ||
	    any_set(n, "ellipsis_mask") || !const_ints(node_in(n, 1), begin, MAX_RANK, &count) ||
	    count > in->rank)
		return false;
	if (node_in(n, 3) && (!const_ints(node_in(n, 3), step, MAX_RANK, &steps) || steps != count))
		return false;
	for (int i = 0; i < count; i++) {
		int64_t from = i < masks && mask[i] ? 0 : begin[i];
		bool kept = !from && (!steps || step[i] == 1) && dim_same(in->dim[i], out->dim[i]);
		if (!kept && !set_cut(&cut[i], in->dim[i], out->dim[i], from, steps ? step[i] : 1))
			return false;
	}
	return true;
}

static void cut_nothing(const struct shape *s, struct cut *cut)
{
	for (int i = 0; i < s->rank; i++)
		cut[i] = (struct cut){0, 1, dim_static(s->dim[i]) ? s->dim[i].min : -1, true};
}

bool slice_cuts(const struct node *n, struct cut *cut)
{
	if (!(node_is(n, OP_SLICE) || node_is(n, OP_STRIDED_SLICE)))
		return false;
	const struct shape *in = &node_in(n, 0)->info.shape;
	if (in->rank < 1 || in->rank != n->out[0].info.shape.rank)
		return false;
	cut_nothing(in, cut);
	return node_is(n, OP_SLICE) ? plain_slice(n, cut) : strided_slice(n, cut);
}

struct value *slice_source(struct value *v, struct cut *cut)
{
	struct cut inner[MAX_RANK];
	int rank = v->info.shape.rank;
	if (rank < 0)
		return NULL;
	cut_nothing(&v->info.shape, cut);
	for (int k = 0; k < CHAIN && slice_cuts(v->node, inner); k++) {
		for (int i = 0; i < rank; i++) {
			cut[i].begin = inner[i].begin + inner[i].step * cut[i].begin;
			cut[i].step *= inner[i].step;
			cut[i].whole = cut[i].whole && inner[i].whole;
		}
		v = node_in(v->node, 0);
	}
	return v;
}
