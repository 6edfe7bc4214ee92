/* A convolution and what follows it strip by strip, where a depthwise one is among them. */
#include "exec/lower.h"
#include "exec/pack.h"

/* The convolutions of a block, and what each takes along. */
struct chosen {
	struct nhwc_block_f32 k;
	struct fused f[NHWC_BLOCK];
	const void *packed[NHWC_BLOCK];
};

/* The convolution that alone reads what the block leaves, if it can be done with it: its node, and
 * *longer is the block with it. */
static const struct node *next_of(
    struct lower *l, const struct chosen *b, struct nhwc_block_f32 *longer)
{
	const struct fused *f = &b->f[b->k.n - 1];
	const struct node *n = follower(l, &f->end->out[0]);
	if (b->k.n == NHWC_BLOCK || f->add || !n || !conv_has_kernel(l, n) ||
	    node_in(n, 0) != &f->end->out[0])
		return NULL;
	*longer = b->k;
	struct nhwc_conv_f32 *c = &longer->c[longer->n++];
	*c = (struct nhwc_conv_f32){0};
	if (!conv_shape_of(l, n, &c->s))
		return NULL;
	c->way = conv_way_of(l, &c->s);
	return nhwc_block_f32_fits(longer) && nhwc_block_f32_pays(longer, pool_size(l->e->o.pool))
		   ? n
		   : NULL;
}

static int take(struct lower *l, int i, const struct node *n, struct chosen *b)
{
	int at = b->k.n - 1;
	struct nhwc_conv_f32 *c = &b->k.c[at];
	l->absorbed[l->e->maker[n->out[0].id]] = true;
	nhwc_conv_f32_plan(c, 1);
	int status = pack_conv(l->e, n, c, &b->packed[at], l->err);
	if (status == OK)
		status = fuse(l, i, n, 1, (int64_t)c->s.groups * c->s.cout, &b->f[at]);
	c->lo = b->f[at].lo;
	c->hi = b->f[at].hi;
	if (status == OK)
		fuse_act(l, &b->f[at]);
	fused_act(c, &b->f[at]);
	return status;
}

static int block_call(struct lower *l, const struct node *n, struct chosen *b)
{
	const struct fused *last = &b->f[b->k.n - 1];
	struct spot x, add = {0}, y;
	struct nhwc_conv_f32 *first = &b->k.c[0];
	int status = spot_need(l, node_in(n, 0), conv_reads(l, node_in(n, 0), first), &x);
	if (status == OK && last->add)
		status = spot_need(l, last->add, CHANNELS_LAST, &add);
	if (status == OK)
		status = spot_make(l, &last->end->out[0], CHANNELS_LAST, true, &y);
	struct call *c = status == OK ? call_add(l, CALL_BLOCK, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	first->ld_in = first->planes ? first->s.cin : x.ld;
	b->k.c[b->k.n - 1].ld_add = add.ld;
	b->k.c[b->k.n - 1].ld_out = y.ld;
	nhwc_block_f32_plan(&b->k, pool_size(l->e->o.pool));
	c->block.k = b->k;
	for (int i = 0; i < b->k.n && status == OK; i++) {
		status = buffer_fixed(
		    l, b->packed[i], nhwc_conv_f32_packed(&b->k.c[i]), &c->block.packed[i]);
		if (status == OK)
			status = buffer_fixed(l, b->f[i].bias,
			    (size_t)b->k.c[i].s.groups * (size_t)b->k.c[i].s.cout * sizeof(float),
			    &c->block.bias[i]);
	}
	call_operands(l, c, x, add, y);
	return status == OK ? call_scratch(l, c, b->k.scratch) : status;
}

int lower_block(struct lower *l, int i, const struct nhwc_conv_f32 *k, const struct fused *f,
    const void *packed, bool *done)
{
	const struct node *n = l->e->step[i].node, *next;
	struct chosen b = {.k = {.n = 1, .c = {*k}}, .f = {*f}, .packed = {packed}};
	struct nhwc_block_f32 longer;
	b.k.c[0].lo = f->lo;
	b.k.c[0].hi = f->hi;
	fused_act(&b.k.c[0], f);
	*done = false;
	while ((next = next_of(l, &b, &longer))) {
		b.k = longer;
		*done = true;
		int status = take(l, i, next, &b);
		if (status < 0)
			return status;
	}
	return *done ? block_call(l, n, &b) : OK;
}
