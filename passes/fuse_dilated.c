/* A convolution between SpaceToBatch and BatchToSpace is one with dilations: exact. Both may be
 * written with Transposes around SpaceToDepth and DepthToSpace. */
#include "base/checked.h"
#include "passes/rewrite.h"

#define DEPTH 4   /* layers between the convolution and BatchToSpace */
#define SPATIAL 3 /* dims at most */

/* Pixels apart by block in each spatial dim become pictures of their own; edge: what is added, or
 * cut, around the picture. */
struct batches {
	struct value *x;
	int spatial;
	int64_t block[SPATIAL], begin[SPATIAL], end[SPATIAL];
};

/* ---- matching ----------------------------------------------------------------------------------
 */

/* The node before n when it is of this kind and n alone reads it. */
static struct node *before(const struct node *n, enum op_id id)
{
	struct value *v = node_in(n, 0);
	return v && v->nuses == 1 && node_is(v->node, id) ? v->node : NULL;
}

static bool swaps_batch(const struct node *n)
{
	int64_t order[MAX_RANK];
	int rank;
	return transpose_order(n, order, &rank) && rank == 4 && order[0] == 1 && order[1] == 0 &&
	       order[2] == 2 && order[3] == 3;
}

/* Input k of n: one number for each dim, of which those of batch and channels are neutral. */
static bool spatial_ints(const struct node *n, int k, int64_t neutral, int64_t *out, int *spatial)
{
	int64_t v[MAX_RANK];
	int count;
	if (!const_ints(node_in(n, k), v, MAX_RANK, &count) || count < 3 || count > SPATIAL + 2 ||
	    v[0] != neutral || v[1] != neutral)
		return false;
	for (int i = 2; i < count; i++) {
		out[i - 2] = v[i];
		if (v[i] < neutral)
			return false;
	}
	*spatial = count - 2;
	return true;
}

static bool read_edges(const struct node *n, int at, struct batches *b)
{
	int begin, end;
	return spatial_ints(n, at, 0, b->begin, &begin) &&
	       spatial_ints(n, at + 1, 0, b->end, &end) && begin == b->spatial && end == b->spatial;
}

static bool pads_with_zero(const struct node *n)
{
	double value = 0;
	return attr_is(n, "pad_mode", "constant") &&
	       (!node_in(n, 3) || (const_number(node_in(n, 3), &value) && value == 0));
}

/* The blocks of Transpose(DepthToSpace or SpaceToDepth(inner)). */
static struct node *turned_blocks(const struct node *n, enum op_id id, struct batches *b)
{
	struct node *blocks = swaps_batch(n) ? before(n, id) : NULL;
	if (!blocks || !attr_is(blocks, "mode", "blocks_first"))
		return NULL;
	*b = (struct batches){.spatial = 2};
	b->block[0] = b->block[1] = attr_i(blocks, "block_size");
	return blocks;
}

static bool to_batches(const struct node *n, struct batches *b)
{
	if (node_is(n, OP_SPACE_TO_BATCH)) {
		b->x = node_in(n, 0);
		return spatial_ints(n, 1, 1, b->block, &b->spatial) && read_edges(n, 2, b);
	}
	struct node *p = turned_blocks(n, OP_SPACE_TO_DEPTH, b), *pad;
	if (!p)
		return false;
	pad = before(p, OP_PAD) ? before(p, OP_PAD) : before(p, OP_PAD_1);
	if (pad && (!pads_with_zero(pad) || !read_edges(pad, 1, b)))
		return false;
	p = before(pad ? pad : p, OP_TRANSPOSE);
	b->x = p ? node_in(p, 0) : NULL;
	return p && swaps_batch(p);
}

static bool from_batches(const struct node *n, struct batches *b)
{
	if (node_is(n, OP_BATCH_TO_SPACE)) {
		b->x = node_in(n, 0);
		return spatial_ints(n, 1, 1, b->block, &b->spatial) && read_edges(n, 2, b);
	}
	struct node *p = turned_blocks(n, OP_DEPTH_TO_SPACE, b);
	p = p ? before(p, OP_TRANSPOSE) : NULL;
	b->x = p ? node_in(p, 0) : NULL;
	return p && swaps_batch(p);
}

/* Works on each element alone, the same in every picture and pixel: its data input, or -1. */
static int data_input(const struct node *n)
{
	double ignored;
	if (n->op->flags & OPF_UNARY && n->nin == 1 && n->nout == 1)
		return 0;
	int k = node_is(n, OP_ADD) || node_is(n, OP_MULTIPLY) ? const_input(n) : -1;
	if (k < 0)
		return -1;
	const struct shape *s = &node_in(n, k)->info.shape;
	int rank = n->out[0].info.shape.rank;
	if (const_number(node_in(n, k), &ignored) && shape_count(s) == 1)
		return s->rank <= rank ? 1 - k : -1;
	for (int i = 0; i < s->rank; i++)
		if (i + rank - s->rank != 1 && s->dim[i].min != 1)
			return -1;
	return s->rank <= rank ? 1 - k : -1;
}

static bool unpadded(const struct node *n)
{
	static const char *const side[] = {"pads_begin", "pads_end"};
	const int64_t *v;
	if (attr_is(n, "auto_pad", "valid"))
		return true;
	for (int k = 0; k < 2; k++)
		for (int i = attr_ints(n, side[k], &v) - 1; i >= 0; i--)
			if (v[i])
				return false;
	return !attr_s(n, "auto_pad")[0] || attr_is(n, "auto_pad", "explicit");
}

/* The convolution of each pixel whose result comes to v, layers on single elements between. */
static struct node *conv_behind(const struct value *v)
{
	const int64_t *s;
	for (int i = 0; v->nuses == 1 && i < DEPTH; i++) {
		struct node *n = v->node;
		int data = data_input(n);
		if (node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION)) {
			for (int k = attr_ints(n, "strides", &s) - 1; k >= 0; k--)
				if (s[k] != 1)
					return NULL;
			return unpadded(n) ? n : NULL;
		}
		if (data < 0)
			return NULL;
		v = node_in(n, data);
	}
	return NULL;
}

/* ---- rewriting ---------------------------------------------------------------------------------
 */

/* What the convolution itself is to pad is in of->begin and end then. */
static bool agree(struct batches *of, const struct batches *back, const struct node *conv)
{
	const int64_t *d;
	if (of->spatial != back->spatial || attr_ints(conv, "dilations", &d) != of->spatial)
		return false;
	for (int i = 0; i < of->spatial; i++) {
		of->begin[i] -= back->begin[i];
		of->end[i] -= back->end[i];
		if (of->block[i] != back->block[i] || of->begin[i] < 0 || of->end[i] < 0 ||
		    mul_i64(d[i], of->block[i], &of->block[i]))
			return false;
	}
	return true;
}

static int infer_between(struct pass_ctx *c, struct node *conv, const struct value *last)
{
	int e = node_infer(conv, c->err);
	for (struct value *v = &conv->out[0]; !e && v != last; v = &v->uses->node->out[0])
		e = node_infer(v->uses->node, c->err);
	return e;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	struct batches back = {0}, of = {0};
	if (!from_batches(n, &back))
		return 0;
	struct node *conv = conv_behind(back.x);
	struct node *first = conv && node_in(conv, 0)->nuses == 1 ? node_in(conv, 0)->node : NULL;
	if (!first || !to_batches(first, &of) || !agree(&of, &back, conv))
		return 0;
	if (!attr_set_ints(conv, "dilations", of.spatial, of.block) ||
	    !attr_set_ints(conv, "pads_begin", of.spatial, of.begin) ||
	    !attr_set_ints(conv, "pads_end", of.spatial, of.end) ||
	    !attr_set_s(conv, "auto_pad", "explicit"))
		return fail_nomem(c->err);
	node_set_input(conv, 0, of.x);
	remove_dead(first);
	for (struct value *v = &conv->out[0]; v != back.x; v = &v->uses->node->out[0])
		v->nnames = 0;
	int e = infer_between(c, conv, back.x);
	if (e)
		return e;
	take_over(back.x, &n->out[0]);
	return 1;
}

static int fuse_dilated(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_dilated = {
    .name = "fuse-dilated",
    .about = "recognise dilated convolutions between SpaceToBatch and BatchToSpace",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_dilated,
};
