/* Reductions of one kind in a row become one; an average pooling over whole pictures, of which a
 * view drops the picture's dims, becomes a mean. Within rounding: the order of a sum may change. */
#include "passes/rewrite.h"

/* ---- two reductions ----------------------------------------------------------------------------
 */

static bool joins(const struct node *n)
{
	static const enum op_id id[] = {OP_REDUCE_MEAN, OP_REDUCE_SUM, OP_REDUCE_MAX, OP_REDUCE_MIN,
	    OP_REDUCE_PROD, OP_REDUCE_LOGICAL_AND, OP_REDUCE_LOGICAL_OR};
	for (size_t i = 0; i < sizeof id / sizeof *id; i++)
		if (node_is(n, id[i]))
			return true;
	return false;
}

/* The axes of n's input as a set; false when they are not known. */
static bool axes_of(const struct node *n, uint64_t *set)
{
	int64_t axis[MAX_RANK];
	int count, rank = node_in(n, 0)->info.shape.rank;
	*set = 0;
	if (rank < 1 || !const_ints(node_in(n, 1), axis, MAX_RANK, &count))
		return false;
	for (int i = 0; i < count; i++) {
		if (axis[i] < -rank || axis[i] >= rank)
			return false;
		*set |= UINT64_C(1) << (axis[i] < 0 ? axis[i] + rank : axis[i]);
	}
	return true;
}

/* The outer's axes in terms of the inner's input, of which those in inner are gone. */
static uint64_t among_kept(uint64_t outer, uint64_t inner, int rank)
{
	uint64_t set = 0;
	for (int i = 0, at = 0; i < rank; i++) {
		if (inner >> i & 1)
			continue;
		if (outer >> at++ & 1)
			set |= UINT64_C(1) << i;
	}
	return set;
}

static struct node *add_axes(struct pass_ctx *c, struct node *at, uint64_t set)
{
	int64_t axis[MAX_RANK];
	int count = 0;
	for (int i = 0; i < MAX_RANK; i++)
		if (set >> i & 1)
			axis[count++] = i;
	return add_ints(c, at, name_with(at, at->name, "/axes"), count, axis);
}

static int put(struct pass_ctx *c, struct node *n, const struct op *op, struct value *x,
    uint64_t axes, bool keep)
{
	struct node *k = add_axes(c, n, axes);
	if (!k)
		return c->err->status;
	struct value *in[] = {x, &k->out[0]};
	struct node *made = graph_insert_before(n, op, n->name, in, 2, 1);
	if (!made || !attr_set_i(made, "keep_dims", keep))
		return fail_nomem(c->err);
	return put_in_place(c, made, n);
}

/* Integers may round or wrap in between: only floats and booleans join. */
static int join(struct pass_ctx *c, struct node *n)
{
	uint64_t outer, inner;
	if (!joins(n))
		return 0;
	struct node *p = node_in(n, 0)->node;
	bool keep = attr_bool(n, "keep_dims");
	if (p->op != n->op || p->out[0].nuses != 1 || dtype_is_int(n->out[0].info.type) ||
	    attr_bool(p, "keep_dims") != keep || !axes_of(n, &outer) || !axes_of(p, &inner))
		return 0;
	if (!keep)
		outer = among_kept(outer, inner, node_in(p, 0)->info.shape.rank);
	else if (outer & inner) /* an axis of size 1 by then: nothing more to reduce there */
		outer &= ~inner;
	return put(c, n, n->op, node_in(p, 0), outer | inner, keep);
}

/* ---- a pooling over whole pictures -------------------------------------------------------------
 */

static bool all_zero(const struct node *n, const char *name)
{
	const int64_t *v;
	for (int i = attr_ints(n, name, &v) - 1; i >= 0; i--)
		if (v[i])
			return false;
	return true;
}

static bool averages_picture(const struct node *n)
{
	const int64_t *kernel;
	if (!node_is(n, OP_AVG_POOL) && !node_is(n, OP_AVG_POOL_14))
		return false;
	const struct shape *s = &node_in(n, 0)->info.shape;
	int count = attr_ints(n, "kernel", &kernel);
	bool valid = attr_is(n, "auto_pad", "valid");
	if (s->rank != count + 2 ||
	    (!valid && attr_s(n, "auto_pad")[0] && !attr_is(n, "auto_pad", "explicit")))
		return false;
	for (int i = 0; i < count; i++)
		if (!dim_static(s->dim[2 + i]) || s->dim[2 + i].min != kernel[i])
			return false;
	return valid || (all_zero(n, "pads_begin") && all_zero(n, "pads_end"));
}

/* [n, c, 1, 1] seen as [n, c]: then the mean over the picture is it. */
static int average(struct pass_ctx *c, struct node *n)
{
	if (!is_view(n))
		return 0;
	struct node *p = node_in(n, 0)->node;
	struct shape flat = n->out[0].info.shape, s = p->nout ? p->out[0].info.shape : flat;
	if (!averages_picture(p) || p->out[0].nuses != 1 || flat.rank != 2 || s.rank < 3)
		return 0;
	uint64_t axes = (UINT64_C(1) << s.rank) - 4;
	s.rank = 2;
	if (!same_reshaped(&s, &flat))
		return 0;
	return put(c, n, op_row(OP_REDUCE_MEAN), node_in(p, 0), axes, false);
}

static int merge(struct pass_ctx *c, struct node *n)
{
	int r = join(c, n);
	return r ? r : average(c, n);
}

static int merge_reduce(struct pass_ctx *c)
{
	return each_node(c, merge);
}

const struct pass pass_merge_reduce = {
    .name = "merge-reduce",
    .about = "join reductions in a row, average whole pictures by ReduceMean",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = merge_reduce,
};
