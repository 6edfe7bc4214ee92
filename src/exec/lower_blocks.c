/* DepthToSpace and SpaceToDepth of images with channels last: lines of blocks are copied as runs,
 * and where a pixel's channels are the outer ones of its block, they are shuffled before or behind.
 */
#include "exec/lower.h"

struct blocks {
	bool to_space, shuffled;
	const struct tensor *small, *wide; /* with fewer pixels, and with more */
	int64_t side;
};

static bool find(const struct lower *l, const struct node *n, struct blocks *b)
{
	b->to_space = node_is(n, OP_DEPTH_TO_SPACE);
	if (!(b->to_space || node_is(n, OP_SPACE_TO_DEPTH)))
		return false;
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *y = lower_dims(l, &n->out[0]);
	b->small = b->to_space ? x : y;
	b->wide = b->to_space ? y : x;
	b->side = attr_i(n, "block_size");
	b->shuffled = attr_is(n, "mode", "depth_first") && b->wide->dim[1] > 1 && b->side > 1;
	return x->rank == 4 && x->type == DT_F32 && l->last[node_in(n, 0)->id] && tensor_count(x) &&
	       is_small(b->small->dim[1]);
}

bool blocks_keep_last(const struct lower *l, const struct node *n)
{
	struct blocks b;
	return n->nin == 1 && find(l, n, &b);
}

/* Between the channels [block][channel] and [channel][block] of the pixels with many. */
static int shuffle(struct lower *l, const struct node *n, const struct blocks *b, struct spot from,
    struct spot to, int size)
{
	struct call *c = call_add(l, CALL_SHUFFLE, n);
	if (!c)
		return fail_nomem(l->err);
	int64_t all = b->small->dim[1], channels = b->wide->dim[1];
	int64_t groups = b->to_space ? channels : all / channels;
	c->shuffle = (struct channel_shuffle){.pixels = pixels_of(b->small),
	    .groups = (int)groups,
	    .n = (int)(all / groups),
	    .ld_a = from.ld,
	    .ld_out = to.ld,
	    .size = size};
	struct spot second = {0};
	if (groups == 2) {
		second.ref = (struct ref){from.ref.buffer, from.ref.offset + all / 2 * size};
		c->shuffle.ld_b = from.ld;
	}
	call_operands(l, c, from, second, to);
	return OK;
}

/* A line of a block is a run in both pictures. */
static int copy(struct lower *l, const struct node *n, const struct blocks *b, struct spot from,
    struct spot to, int64_t size)
{
	struct call *c = call_add(l, CALL_COPY, n);
	if (!c)
		return fail_nomem(l->err);
	int64_t run = b->side * b->wide->dim[1] * size, pixel = b->small->dim[1] * size;
	int64_t lines = b->small->dim[0] * b->small->dim[2], pixels = b->small->dim[3];
	struct copy *k = &c->copy;
	*k = (struct copy){.size = run,
	    .count = {lines, b->side, pixels},
	    .from = {pixels * pixel, run, pixel},
	    .to = {pixels * pixel, pixels * run, run}};
	if (!b->to_space)
		for (int d = 0; d < COPY_DIMS; d++) {
			int64_t step = k->from[d];
			k->from[d] = k->to[d];
			k->to[d] = step;
		}
	call_operands(l, c, from, (struct spot){0}, to);
	return OK;
}

/* What lies between the two calls. */
static int place_between(struct lower *l, const struct blocks *b, int64_t size, struct spot *s)
{
	size_t bytes = (size_t)(tensor_count(b->small) * size);
	*s = (struct spot){.ld = b->small->dim[1]};
	return buffer_add(l, BUFFER_WORK, bytes, &s->ref.buffer);
}

int lower_blocks(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct blocks b;
	struct spot x, y, between;
	if (n->nout != 1 || n->nin != 1 || !find(l, n, &b) || !l->last[n->out[0].id])
		return OK;
	bool u8 = l->e->quant[n->out[0].id].on;
	int size = u8 ? 1 : (int)sizeof(float);
	enum layout layout = u8 ? U8_CHANNELS_LAST : CHANNELS_LAST;
	int status = spot_need(l, node_in(n, 0), layout, &x);
	if (status < 0 || x.ld != lower_dims(l, node_in(n, 0))->dim[1])
		return status;
	*done = true;
	status = spot_make(l, &n->out[0], layout, false, &y);
	if (status == OK && b.shuffled)
		status = place_between(l, &b, size, &between);
	if (status == OK && b.shuffled && b.to_space)
		status = shuffle(l, n, &b, x, between, size);
	if (status == OK)
		status = copy(l, n, &b, b.shuffled && b.to_space ? between : x,
		    b.shuffled && !b.to_space ? between : y, size);
	if (status == OK && b.shuffled && !b.to_space)
		status = shuffle(l, n, &b, between, y, size);
	return status;
}
