/* SpaceToDepth out of what spells it: strided slices put side by side (the Focus layer of
 * detectors), Reshape-Transpose-Reshape; and SpaceToDepth before a convolution goes into its
 * window. Elements are only moved: exact, but for the order of the sums in the convolution. */
#include <string.h>

#include "base/checked.h"
#include "passes/linear.h"
#include "passes/slices.h"

#define MAX_BLOCK 8

static struct node *add_space(struct pass_ctx *c, struct node *at, const char *name,
    struct value *x, int64_t block, const char *mode)
{
	struct node *n = graph_insert_before(at, op_row(OP_SPACE_TO_DEPTH), name, &x, 1, 1);
	if (!n || !attr_set_i(n, "block_size", block) || !attr_set_s(n, "mode", mode)) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(n, c->err) ? NULL : n;
}

/* ---- slices side by side -----------------------------------------------------------------------
 */

/* Which of the block * block pixels v takes of x everywhere; -1 when it is no such part. */
static int64_t pixel_of(struct value *v, struct value **x, int64_t block)
{
	struct cut cut[MAX_RANK];
	*x = slice_source(v, cut);
	const struct shape *s = *x ? &(*x)->info.shape : NULL;
	if (!s || s->rank != 4 || !cut[0].whole || !cut[1].whole)
		return -1;
	for (int i = 2; i < 4; i++)
		if (cut[i].step != block || cut[i].begin >= block || !dim_static(s->dim[i]) ||
		    s->dim[i].min % block || cut[i].count != s->dim[i].min / block)
			return -1;
	return cut[2].begin * block + cut[3].begin;
}

/* The tensor whose pixels the inputs of the Concat are, each once: part[i] is the pixel of input i.
 */
static struct value *pixels_of(const struct node *n, int64_t block, int64_t *part)
{
	struct value *x = NULL, *same;
	uint64_t seen = 0;
	for (int i = 0; i < n->nin; i++) {
		part[i] = pixel_of(node_in(n, i), &same, block);
		if (part[i] < 0 || (i && same != x) || seen >> part[i] & 1)
			return NULL;
		seen |= UINT64_C(1) << part[i];
		x = same;
	}
	return x;
}

/* Gather of channels in blocks: block i of the output is block part[i] of v. */
static struct node *reorder(struct pass_ctx *c, struct node *at, struct value *v,
    const int64_t *part, int parts, int64_t channels)
{
	int64_t axis = 1, count = parts * channels;
	int64_t *from = arena_array(c->scratch, count, sizeof *from);
	if (!from) {
		fail_nomem(c->err);
		return NULL;
	}
	for (int64_t i = 0; i < count; i++)
		from[i] = part[i / channels] * channels + i % channels;
	struct node *index = add_ints(c, at, name_with(at, at->name, "/order"), count, from);
	struct node *k = index ? add_ints(c, at, name_with(at, at->name, "/axis"), -1, &axis)
			       : NULL;
	if (!k)
		return NULL;
	struct value *in[] = {v, &index->out[0], &k->out[0]};
	struct node *n = graph_insert_before(at, op_row(OP_GATHER), at->name, in, 3, 1);
	if (!n)
		fail_nomem(c->err);
	return n && !node_infer(n, c->err) ? n : NULL;
}

static int fuse_slices(struct pass_ctx *c, struct node *n)
{
	int64_t part[MAX_BLOCK * MAX_BLOCK], block = 2;
	if (!node_is(n, OP_CONCAT) || attr_i(n, "axis") != 1 || n->out[0].info.shape.rank != 4)
		return 0;
	while (block < MAX_BLOCK && block * block < n->nin)
		block++;
	struct value *x = block * block == n->nin ? pixels_of(n, block, part) : NULL;
	if (!x || !dim_static(x->info.shape.dim[1]))
		return 0;
	struct node *made = add_space(
	    c, n, name_with(n, n->name, "/space_to_depth"), x, block, "blocks_first");
	bool ordered = true;
	for (int i = 0; i < n->nin; i++)
		ordered = ordered && part[i] == i;
	if (made && !ordered)
		made = reorder(c, n, &made->out[0], part, n->nin, x->info.shape.dim[1].min);
	if (!made)
		return c->err->status;
	take_over(&made->out[0], &n->out[0]);
	return 1;
}

/* ---- Reshape, Transpose, Reshape ---------------------------------------------------------------
 */

static bool static_but_batch(const struct shape *s, int rank)
{
	for (int i = 1; i < s->rank; i++)
		if (!dim_static(s->dim[i]))
			return false;
	return s->rank == rank;
}

/* [n, c, h b, w b] as [n, c, h, b, w, b], turned, and as [n, c b b, h, w]: b, or 0. */
static int64_t block_of(const struct shape *x, const struct shape *split, const struct shape *out)
{
	if (!static_but_batch(x, 4) || !static_but_batch(split, 6) || !static_but_batch(out, 4))
		return 0;
	int64_t b = split->dim[3].min;
	bool fits = b > 1 && split->dim[5].min == b && split->dim[1].min == x->dim[1].min &&
		    split->dim[2].min * b == x->dim[2].min &&
		    split->dim[4].min * b == x->dim[3].min &&
		    out->dim[1].min == x->dim[1].min * b * b &&
		    out->dim[2].min == split->dim[2].min && out->dim[3].min == split->dim[4].min;
	return fits ? b : 0;
}

static struct node *before(const struct node *n, enum op_id id)
{
	struct value *v = node_in(n, 0);
	return v && v->nuses == 1 && node_is(v->node, id) ? v->node : NULL;
}

static int fuse_turned(struct pass_ctx *c, struct node *n)
{
	static const int64_t depth[6] = {0, 1, 3, 5, 2, 4}, blocks[6] = {0, 3, 5, 1, 2, 4};
	int64_t order[MAX_RANK];
	int rank;
	struct node *turn = node_is(n, OP_RESHAPE) ? before(n, OP_TRANSPOSE) : NULL;
	struct node *split = turn ? before(turn, OP_RESHAPE) : NULL;
	if (!split || !transpose_order(turn, order, &rank) || rank != 6)
		return 0;
	bool first = !memcmp(order, blocks, sizeof blocks);
	if (!first && memcmp(order, depth, sizeof depth))
		return 0;
	int64_t b = block_of(
	    &node_in(split, 0)->info.shape, &split->out[0].info.shape, &n->out[0].info.shape);
	struct node *made = b ? add_space(c, n, n->name, node_in(split, 0), b,
				    first ? "blocks_first" : "depth_first")
			      : NULL;
	if (!made)
		return b ? c->err->status : 0;
	take_over(&made->out[0], &n->out[0]);
	return 1;
}

/* ---- into the convolution ----------------------------------------------------------------------
 */

/* The weight's new place: [o][pixel, c][y][x] is [o][c][y b + py][x b + px]. */
struct widening {
	int64_t out, in, kernel[2], block; /* in: channels before SpaceToDepth */
	bool blocks_first;
	int bytes;
};

static void widen(const struct widening *w, const char *from, char *to)
{
	int64_t b = w->block, kh = w->kernel[0], kw = w->kernel[1], n = w->in * b * b;
	for (int64_t o = 0; o < w->out * n; o++) {
		int64_t k = o % n, pixel = w->blocks_first ? k / w->in : k % (b * b);
		int64_t ch = w->blocks_first ? k % w->in : k / (b * b);
		for (int64_t y = 0; y < kh; y++)
			for (int64_t x = 0; x < kw; x++) {
				int64_t row = (o / n * w->in + ch) * kh * b + y * b + pixel / b;
				int64_t at = row * kw * b + x * b + pixel % b;
				memcpy(to + at * w->bytes,
				    from + ((o * kh + y) * kw + x) * w->bytes, w->bytes);
			}
	}
}

static struct node *widened(struct pass_ctx *c, struct node *n, const struct widening *w)
{
	struct const_view v;
	struct tensor t;
	const struct value *k = node_in(n, 1);
	int64_t dims[] = {w->out, w->in, w->kernel[0] * w->block, w->kernel[1] * w->block};
	if (const_open(k, &v, c->err))
		return NULL;
	struct blob *data = NULL;
	if (!tensor_alloc(&t, k->info.type, 4, dims, c->err)) {
		widen(w, v.t.data, t.data);
		data = blob_copy(t.data, tensor_bytes(&t));
		tensor_free(&t);
		if (!data)
			fail_nomem(c->err);
	}
	const_close(&v);
	if (!data)
		return NULL;
	struct node *made = graph_const(n->graph, n, k->node->name, k->info.type, 4, dims, data);
	if (!made)
		fail_nomem(c->err);
	return made && !node_infer(made, c->err) ? made : NULL;
}

/* A 2-D convolution over every pixel's neighbours, with constant weights and given pads. */
static bool plain_conv(struct node *n, struct linear *l)
{
	const int64_t *v;
	if (!node_is(n, OP_CONVOLUTION) || !linear_of(n, l) || l->rank_in != 4)
		return false;
	for (int i = attr_ints(n, "dilations", &v) - 1; i >= 0; i--)
		if (v[i] != 1)
			return false;
	return !attr_s(n, "auto_pad")[0] || attr_is(n, "auto_pad", "explicit") ||
	       attr_is(n, "auto_pad", "valid");
}

static bool scale_ints(struct node *n, const char *name, int64_t by)
{
	const int64_t *v;
	int64_t scaled[MAX_RANK];
	int count = attr_ints(n, name, &v);
	for (int i = 0; i < count; i++)
		if (mul_i64(v[i], by, &scaled[i]))
			return false;
	return attr_set_ints(n, name, count, scaled);
}

static int into_conv(struct pass_ctx *c, struct node *n)
{
	struct linear l;
	if (!plain_conv(n, &l) || !node_is(node_in(n, 0)->node, OP_SPACE_TO_DEPTH) ||
	    node_in(n, 0)->nuses != 1)
		return 0;
	struct node *space = node_in(n, 0)->node;
	const struct shape *k = &node_in(n, 1)->info.shape;
	struct widening w = {.out = l.p,
	    .block = attr_i(space, "block_size"),
	    .kernel = {k->dim[2].min, k->dim[3].min},
	    .blocks_first = attr_is(space, "mode", "blocks_first"),
	    .bytes = dtype_bits(node_in(n, 1)->info.type) / 8};
	if (w.block < 2 || w.block > MAX_BLOCK)
		return 0;
	w.in = l.q / (w.block * w.block);
	struct node *weight = widened(c, n, &w);
	if (!weight)
		return c->err->status;
	if (!scale_ints(n, "strides", w.block) || !scale_ints(n, "pads_begin", w.block) ||
	    !scale_ints(n, "pads_end", w.block))
		return fail_nomem(c->err);
	node_set_input(n, 1, &weight->out[0]);
	node_set_input(n, 0, node_in(space, 0));
	remove_dead(space);
	return 1;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	int r = fuse_slices(c, n);
	if (!r)
		r = fuse_turned(c, n);
	return r ? r : into_conv(c, n);
}

static int fuse_space(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_space = {
    .name = "fuse-space",
    .about = "recognise SpaceToDepth and let a convolution read its pixels itself",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_space,
};
