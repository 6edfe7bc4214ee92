/* How layers that compute tie the channels of their inputs and outputs: convolutions, products,
 * normalisation, pooling, elementwise. */
#include "passes/prune_units.h"

#define WHOLE_GROUPS 16 /* from so many groups on, groups go as a whole */

static void elementwise(struct units *u, const struct node *n)
{
	bool numpy = !(n->op->flags & OPF_BROADCAST) || !attr_is(n, "auto_broadcast", "explicit");
	if (!numpy) {
		unit_fix_node(u, n);
		return;
	}
	for (int i = 0; i < n->nin; i++)
		if (node_in(n, i))
			unit_tie_broadcast(u, node_in(n, i), &n->out[0]);
}

/* Further inputs are single numbers, but for a slope for each channel. */
static void unary(struct units *u, const struct node *n)
{
	const struct value *slope = node_is(n, OP_PRELU) ? node_in(n, 1) : NULL, *out = &n->out[0];
	unit_tie_all(u, node_in(n, 0), out);
	if (!slope)
		return;
	if (slope->info.shape.rank == 1 && out->info.shape.rank > 1) {
		if (unit_has(u, slope, 0))
			unit_tie_axis(u, slope, 0, out, 1);
	} else
		unit_tie_broadcast(u, slope, out);
}

/* Everything behind axis first. */
static void fix_from(struct units *u, const struct value *v, int first)
{
	for (int i = first; i < v->info.shape.rank; i++)
		unit_fix_axis(u, v, i);
}

/* x [N, C, ...] and out with weights [O, I, ...]; a transposed convolution's are [I, O, ...]. */
static void conv(struct units *u, const struct node *n)
{
	const struct value *x = node_in(n, 0), *w = node_in(n, 1), *out = &n->out[0];
	bool turned = node_is(n, OP_DECONVOLUTION);
	if (x->info.shape.rank < 3 || w->info.shape.rank < 3 || out->info.shape.rank < 3) {
		unit_fix_node(u, n);
		return;
	}
	unit_tie_axis(u, x, 0, out, 0);
	unit_tie_axis(u, x, 1, w, turned ? 0 : 1);
	unit_tie_axis(u, out, 1, w, turned ? 1 : 0);
	fix_from(u, x, 2);
	fix_from(u, w, 2);
	fix_from(u, out, 2);
}

/* A grouped convolution whose groups go as a whole, such as a depthwise one; else all of its groups
 * lose the same places. */
static bool whole_groups(const struct node *n)
{
	const struct shape *w = &node_in(n, 1)->info.shape;
	int in = node_is(n, OP_GROUP_DECONVOLUTION) ? 1 : 2;
	return w->dim[0].min >= WHOLE_GROUPS || (w->dim[in].min == 1 && w->dim[in].max == 1);
}

/* Channel g * each + i of v belongs to index g, or to index i, of the weights. */
static void tie_grouped(struct units *u, const struct value *v, const struct value *w, int axis,
    int64_t groups, bool whole)
{
	int64_t each = w->info.shape.dim[axis].min;
	for (int64_t g = 0; g < groups; g++)
		for (int64_t i = 0; i < each; i++)
			unit_tie(u, v, 1, g * each + i, w, whole ? 0 : axis, whole ? g : i);
	unit_fix_axis(u, w, whole ? axis : 0);
}

/* Weights [G, O, I, ...] or, transposed, [G, I, O, ...]. */
static void group_conv(struct units *u, const struct node *n)
{
	const struct value *x = node_in(n, 0), *w = node_in(n, 1), *out = &n->out[0];
	const struct shape *s = &w->info.shape;
	bool turned = node_is(n, OP_GROUP_DECONVOLUTION);
	if (s->rank < 4 || x->info.shape.rank < 3 || out->info.shape.rank < 3 || !shape_static(s) ||
	    !dim_static(x->info.shape.dim[1]) || !dim_static(out->info.shape.dim[1])) {
		unit_fix_node(u, n);
		return;
	}
	int64_t groups = s->dim[0].min;
	unit_tie_axis(u, x, 0, out, 0);
	tie_grouped(u, x, w, turned ? 1 : 2, groups, whole_groups(n));
	tie_grouped(u, out, w, turned ? 2 : 1, groups, whole_groups(n));
	fix_from(u, x, 2);
	fix_from(u, w, 3);
	fix_from(u, out, 2);
}

/* Axes before the last two, as numpy broadcasts them. */
static void tie_batches(struct units *u, const struct value *a, const struct value *out)
{
	int shift = out->info.shape.rank - a->info.shape.rank;
	for (int i = 0; i < a->info.shape.rank - 2; i++)
		if (!dim_static(a->info.shape.dim[i]) || a->info.shape.dim[i].min != 1)
			unit_tie_axis(u, a, i, out, i + shift);
}

static void matmul(struct units *u, const struct node *n)
{
	const struct value *a = node_in(n, 0), *b = node_in(n, 1), *out = &n->out[0];
	int ra = a->info.shape.rank, rb = b->info.shape.rank, ro = out->info.shape.rank;
	bool ta = attr_bool(n, "transpose_a"), tb = attr_bool(n, "transpose_b");
	if (ra < 2 || rb < 2 || ro < ra || ro < rb) {
		unit_fix_node(u, n);
		return;
	}
	unit_tie_axis(u, a, ra - 1 - ta, b, rb - 2 + tb);
	unit_tie_axis(u, a, ra - 2 + ta, out, ro - 2);
	unit_tie_axis(u, b, rb - 1 - tb, out, ro - 1);
	tie_batches(u, a, out);
	tie_batches(u, b, out);
}

/* Heads and the width of the values may go; the queries' width decides the scale unless that is
 * given. */
static void attention(struct units *u, const struct node *n)
{
	const struct value *q = node_in(n, 0), *k = node_in(n, 1), *v = node_in(n, 2),
			   *out = &n->out[0];
	int rank = out->info.shape.rank;
	if (rank < 3 || q->info.shape.rank != rank || k->info.shape.rank != rank ||
	    v->info.shape.rank != rank) {
		unit_fix_node(u, n);
		return;
	}
	tie_batches(u, q, out);
	tie_batches(u, k, out);
	tie_batches(u, v, out);
	unit_fix_axis(u, q, rank - 2);
	unit_fix_axis(u, k, rank - 2);
	unit_fix_axis(u, v, rank - 2);
	unit_fix_axis(u, out, rank - 2);
	unit_tie_axis(u, v, rank - 1, out, rank - 1);
	unit_tie_axis(u, q, rank - 1, k, rank - 1);
	if (!node_in(n, 4))
		unit_fix_axis(u, q, rank - 1);
	unit_fix_value(u, node_in(n, 3));
}

static void batch_norm(struct units *u, const struct node *n)
{
	int data = node_is(n, OP_BATCH_NORM_1) ? 2 : 0;
	unit_tie_all(u, node_in(n, data), &n->out[0]);
	for (int i = 0; i < n->nin; i++)
		if (i != data && unit_has(u, node_in(n, i), 0))
			unit_tie_axis(u, node_in(n, i), 0, &n->out[0], 1);
}

/* The statistics are those of whole groups of channels, which therefore go as a whole. */
static void group_norm(struct units *u, const struct node *n)
{
	const struct value *x = node_in(n, 0);
	struct dim c = x->info.shape.rank > 1 ? x->info.shape.dim[1] : dim_any();
	int64_t groups = attr_i(n, "num_groups");
	if (!dim_static(c) || groups < 1 || c.min % groups) {
		unit_fix_node(u, n);
		return;
	}
	unit_tie_all(u, x, &n->out[0]);
	for (int i = 1; i < 3; i++)
		if (unit_has(u, node_in(n, i), 0))
			unit_tie_axis(u, node_in(n, i), 0, x, 1);
	for (int64_t i = 0; i < c.min && unit_has(u, x, 1); i++)
		unit_tie(u, x, 1, i, x, 1, i - i % (c.min / groups));
}

/* Layers that mix what lies along some axes, and keep the shape. */
static void along_axes(struct units *u, const struct node *n)
{
	int64_t axes[MAX_RANK];
	int count = 1, rank = n->out[0].info.shape.rank;
	if (node_is(n, OP_SOFTMAX) || node_is(n, OP_SOFTMAX_1) || node_is(n, OP_LOG_SOFTMAX))
		axes[0] = attr_i(n, "axis");
	else if (!const_ints(node_in(n, 1), axes, MAX_RANK, &count))
		rank = -1;
	if (rank < 0) {
		unit_fix_node(u, n);
		return;
	}
	unit_tie_all(u, node_in(n, 0), &n->out[0]);
	for (int i = 0; i < count; i++)
		unit_fix_axis(u, &n->out[0], (int)(axes[i] < 0 ? axes[i] + rank : axes[i]));
}

static void reduce(struct units *u, const struct node *n)
{
	int64_t axes[MAX_RANK];
	const struct value *x = node_in(n, 0), *out = &n->out[0];
	int count, rank = x->info.shape.rank, at = 0;
	bool gone[MAX_RANK] = {false}, keep = attr_bool(n, "keep_dims");
	if (rank < 0 || out->info.shape.rank < 0 ||
	    !const_ints(node_in(n, 1), axes, MAX_RANK, &count)) {
		unit_fix_node(u, n);
		return;
	}
	for (int i = 0; i < count; i++)
		gone[axes[i] < 0 ? axes[i] + rank : axes[i]] = true;
	for (int i = 0; i < rank; i++) {
		if (gone[i])
			unit_fix_axis(u, x, i);
		else
			unit_tie_axis(u, x, i, out, at);
		at += keep || !gone[i];
	}
}

static void pool(struct units *u, const struct node *n)
{
	const struct value *x = node_in(n, 0), *out = &n->out[0];
	if ((n->nout > 1 && n->out[1].nuses) || x->info.shape.rank < 3 ||
	    out->info.shape.rank != x->info.shape.rank) {
		unit_fix_node(u, n);
		return;
	}
	unit_tie_axis(u, x, 0, out, 0);
	unit_tie_axis(u, x, 1, out, 1);
	fix_from(u, x, 2);
	fix_from(u, out, 2);
}

static const struct rule {
	enum op_id id;
	void (*tie)(struct units *u, const struct node *n);
} rules[] = {{OP_CONVOLUTION, conv}, {OP_DECONVOLUTION, conv}, {OP_GROUP_CONVOLUTION, group_conv},
    {OP_GROUP_DECONVOLUTION, group_conv}, {OP_MATMUL, matmul}, {OP_SDPA, attention},
    {OP_BATCH_NORM, batch_norm}, {OP_BATCH_NORM_1, batch_norm}, {OP_GROUP_NORM, group_norm},
    {OP_SOFTMAX, along_axes}, {OP_SOFTMAX_1, along_axes}, {OP_LOG_SOFTMAX, along_axes},
    {OP_LRN, along_axes}, {OP_MVN, along_axes}, {OP_NORMALIZE_L2, along_axes},
    {OP_REDUCE_MAX, reduce}, {OP_REDUCE_MEAN, reduce}, {OP_REDUCE_MIN, reduce},
    {OP_REDUCE_PROD, reduce}, {OP_REDUCE_SUM, reduce}, {OP_REDUCE_L1, reduce},
    {OP_REDUCE_L2, reduce}, {OP_MAX_POOL_1, pool}, {OP_MAX_POOL, pool}, {OP_MAX_POOL_14, pool},
    {OP_AVG_POOL, pool}, {OP_AVG_POOL_14, pool}, {OP_AVG_POOL_16, pool},
    {OP_ADAPTIVE_AVG_POOL, pool}, {OP_FAKE_QUANTIZE, elementwise}};

bool ties_of_layer(struct units *u, const struct node *n)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (node_is(n, rules[i].id)) {
			rules[i].tie(u, n);
			return true;
		}
	if (n->nout != 1 || !(n->op->flags & (OPF_UNARY | OPF_BROADCAST)))
		return false;
	(n->op->flags & OPF_UNARY ? unary : elementwise)(u, n);
	return true;
}
