/* Nodes that do nothing: identities, additions of 0, reshapes to the same shape, splits put
 * together again. */
#include <math.h>

#include "passes/rewrite.h"

/* Each test answers: does output 0 equal data input *from, element by element, in type and shape?
 */

static bool nop_always(const struct node *n, int *from)
{
	(void)n;
	*from = 0;
	return true;
}

static bool same_type(const struct node *n, int *from)
{
	*from = 0;
	return n->out[0].info.type != DT_NONE && node_in(n, 0)->info.type == n->out[0].info.type;
}

static bool same_shape(const struct node *n, int *from)
{
	const struct shape *in = &node_in(n, 0)->info.shape, *out = &n->out[0].info.shape;
	*from = 0;
	return same_shapes(in, out);
}

static bool nop_reshape(const struct node *n, int *from)
{
	*from = 0;
	return same_reshaped(&node_in(n, 0)->info.shape, &n->out[0].info.shape);
}

static bool nop_transpose(const struct node *n, int *from)
{
	int64_t perm[MAX_RANK];
	int count;
	*from = 0;
	if (!const_ints(node_in(n, 1), perm, MAX_RANK, &count) || !count)
		return false;
	for (int i = 0; i < count; i++)
		if (perm[i] != i)
			return false;
	return true;
}

/* The other input is a constant x and does not widen the data. */
static bool neutral(const struct node *n, int data, double x)
{
	const struct value *v = node_in(n, data), *k = node_in(n, 1 - data);
	double y;
	if (!value_const(k) || !const_number(k, &y) || y != x || signbit(y) != signbit(x))
		return false;
	const struct shape *in = &v->info.shape, *out = &n->out[0].info.shape;
	if (v->info.type != n->out[0].info.type || in->rank < 0)
		return false;
	if (same_shapes(in, out))
		return true;
	return shape_count(&k->info.shape) == 1 && k->info.shape.rank <= in->rank;
}

/* x + -0.0 = x for every x; x + 0.0 = x but for x = -0.0, which it makes 0.0: equal numbers. */
static bool nop_add(const struct node *n, int *from)
{
	for (*from = 0; *from < 2; ++*from)
		if (neutral(n, *from, 0.0) || neutral(n, *from, -0.0))
			return true;
	return false;
}

static bool nop_subtract(const struct node *n, int *from)
{
	*from = 0;
	return neutral(n, 0, 0.0) || neutral(n, 0, -0.0);
}

static bool nop_multiply(const struct node *n, int *from)
{
	for (*from = 0; *from < 2; ++*from)
		if (neutral(n, *from, 1.0))
			return true;
	return false;
}

static bool nop_divide(const struct node *n, int *from)
{
	*from = 0;
	return neutral(n, 0, 1.0);
}

static bool nop_pad(const struct node *n, int *from)
{
	int64_t begin[MAX_RANK], end[MAX_RANK];
	int nb, ne;
	*from = 0;
	if (!const_ints(node_in(n, 1), begin, MAX_RANK, &nb) ||
	    !const_ints(node_in(n, 2), end, MAX_RANK, &ne))
		return false;
	for (int i = 0; i < nb; i++)
		if (begin[i])
			return false;
	for (int i = 0; i < ne; i++)
		if (end[i])
			return false;
	return true;
}

static bool nop_concat(const struct node *n, int *from)
{
	*from = 0;
	return n->nin == 1;
}

/* Every dim from its first element upwards with step 1, and the sizes prove that all is taken. */
static bool nop_slice(const struct node *n, int *from)
{
	int64_t step[MAX_RANK];
	int count;
	if (!same_shape(n, from) || !shape_static(&n->out[0].info.shape))
		return false;
	if (!node_in(n, 3))
		return true;
	if (!const_ints(node_in(n, 3), step, MAX_RANK, &count))
		return false;
	for (int i = 0; i < count; i++)
		if (step[i] < 0)
			return false;
	return true;
}

/* The same, if the masks neither add nor drop a dim: rank and dims tell, but [1,2] may come of
 * both. */
static bool nop_strided_slice(const struct node *n, int *from)
{
	static const char *const mask[] = {"new_axis_mask", "shrink_axis_mask", "ellipsis_mask"};
	for (int k = 0; k < 3; k++) {
		const int64_t *v;
		int count = attr_ints(n, mask[k], &v);
		for (int i = 0; i < count; i++)
			if (v[i])
				return false;
	}
	return nop_slice(n, from);
}

static bool nop_tile(const struct node *n, int *from)
{
	int64_t times[MAX_RANK];
	int count;
	const struct shape *in = &node_in(n, 0)->info.shape;
	*from = 0;
	if (!const_ints(node_in(n, 1), times, MAX_RANK, &count) || count > in->rank)
		return false;
	for (int i = 0; i < count; i++)
		if (times[i] != 1)
			return false;
	return true;
}

/* Only dims of size 1 are reduced, and kept. */
static bool nop_reduce(const struct node *n, int *from)
{
	return same_shape(n, from) && shape_static(&n->out[0].info.shape);
}

static bool takes_largest(const struct node *n)
{
	return node_is(n, OP_MAX_POOL_1) || node_is(n, OP_MAX_POOL) || node_is(n, OP_MAX_POOL_14) ||
	       node_is(n, OP_REDUCE_MAX);
}

/* A window of one element that moves by one. */
static bool nop_pool(const struct node *n, int *from)
{
	static const char *const ones[] = {"kernel", "strides"}, *const zeros[] = {
								     "pads_begin", "pads_end"};
	const int64_t *v;
	*from = 0;
	for (int k = 0; k < 2; k++) {
		for (int i = attr_ints(n, ones[k], &v) - 1; i >= 0; i--)
			if (v[i] != 1)
				return false;
		for (int i = attr_ints(n, zeros[k], &v) - 1; i >= 0; i--)
			if (v[i])
				return false;
	}
	return n->nout == 1 || !n->out[1].nuses;
}

/* Quantized so already, perhaps before layers that only move it or take the largest: every value is
 * one that FakeQuantize leaves as it is. */
static bool nop_fake_quantize(const struct node *n, int *from)
{
	const struct node *before = node_in(n, 0)->node;
	double in[4], other;
	*from = 0;
	for (int i = 0; i < 8 && (moves_only(before) || takes_largest(before)); i++)
		before = node_in(before, 0)->node;
	if (!node_is(before, OP_FAKE_QUANTIZE) || attr_i(before, "levels") != attr_i(n, "levels"))
		return false;
	for (int i = 0; i < 4; i++) {
		const struct value *v = node_in(n, i + 1), *w = node_in(before, i + 1);
		if (shape_count(&v->info.shape) != 1 || !const_number(v, &in[i]) ||
		    !const_number(w, &other) || other != in[i])
			return false;
	}
	return in[0] < in[1] && in[0] == in[2] && in[1] == in[3] && same_shape(n, from);
}

static const struct rule {
	enum op_id id;
	bool (*test)(const struct node *n, int *from);
} rules[] = {
    {OP_IDENTITY, nop_always},
    {OP_CONVERT, same_type},
    {OP_CONVERT_LIKE, same_type},
    {OP_RESHAPE, nop_reshape},
    {OP_SQUEEZE, same_shape},
    {OP_SQUEEZE_15, same_shape},
    {OP_UNSQUEEZE, same_shape},
    {OP_BROADCAST, same_shape},
    {OP_BROADCAST_1, same_shape},
    {OP_TRANSPOSE, nop_transpose},
    {OP_ADD, nop_add},
    {OP_SUBTRACT, nop_subtract},
    {OP_MULTIPLY, nop_multiply},
    {OP_DIVIDE, nop_divide},
    {OP_POWER, nop_divide},
    {OP_FAKE_QUANTIZE, nop_fake_quantize},
    {OP_PAD, nop_pad},
    {OP_PAD_1, nop_pad},
    {OP_CONCAT, nop_concat},
    {OP_SLICE, nop_slice},
    {OP_STRIDED_SLICE, nop_strided_slice},
    {OP_TILE, nop_tile},
    {OP_AVG_POOL, nop_pool},
    {OP_AVG_POOL_14, nop_pool},
    {OP_MAX_POOL_1, nop_pool},
    {OP_MAX_POOL, nop_pool},
    {OP_MAX_POOL_14, nop_pool},
    {OP_REDUCE_MEAN, nop_reduce},
    {OP_REDUCE_SUM, nop_reduce},
    {OP_REDUCE_PROD, nop_reduce},
    {OP_REDUCE_MAX, nop_reduce},
    {OP_REDUCE_MIN, nop_reduce},
};

/* ---- parts put together again ------------------------------------------------------------------
 */

/* Concat of all outputs of a Split, in order, along the same axis: the Split's input. */
static struct value *whole(const struct node *n)
{
	int64_t axis;
	int one;
	if (!node_is(n, OP_CONCAT) || !node_in(n, 0))
		return NULL;
	const struct node *split = node_in(n, 0)->node;
	if (!(node_is(split, OP_SPLIT) || node_is(split, OP_VARIADIC_SPLIT)) ||
	    split->nout != n->nin)
		return NULL;
	for (int i = 0; i < n->nin; i++)
		if (node_in(n, i) != &split->out[i])
			return NULL;
	int rank = n->out[0].info.shape.rank;
	int64_t along = attr_i(n, "axis");
	if (rank < 0 || !const_ints(node_in(split, 1), &axis, 1, &one) || one != 1)
		return NULL;
	if ((along < 0 ? along + rank : along) != (axis < 0 ? axis + rank : axis))
		return NULL;
	return node_in(split, 0);
}

static struct value *same_as(const struct node *n)
{
	int from;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (node_is(n, rules[i].id))
			if (rules[i].test(n, &from))
				return node_in(n, from);
	return whole(n);
}

static int skip(struct pass_ctx *c, struct node *n)
{
	struct value *v = same_as(n);
	(void)c;
	if (!v || !can_replace(&n->out[0], v))
		return 0;
	graph_replace(&n->out[0], v);
	return 1;
}

static int no_op(struct pass_ctx *c)
{
	return each_node(c, skip);
}

const struct pass pass_no_op = {
    .name = "no-op",
    .about = "drop nodes that change nothing",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER,
    .run = no_op,
};
