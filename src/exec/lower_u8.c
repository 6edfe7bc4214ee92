/* What is computed in 8 bits beside layers with weights: quantization, sums, pooling, and layers
 * that leave the levels as they are. */
#include <math.h>

#include "exec/lower.h"
#include "exec/tap.h"

static const struct quant *quant_of(const struct lower *l, const struct value *v)
{
	return &l->e->quant[v->id];
}

static struct u8_code code_of(const struct quant *q)
{
	return (struct u8_code){q->scale, q->zero};
}

static enum layout order_of(const struct lower *l, const struct value *v)
{
	return l->last[v->id] ? CHANNELS_LAST : ROW_MAJOR;
}

static bool same_dims(const struct tensor *a, const struct tensor *b)
{
	for (int d = 0; d < a->rank; d++)
		if (a->rank != b->rank || a->dim[d] != b->dim[d])
			return false;
	return a->rank == b->rank;
}

/* With fewer than 256 levels the last one is a clamp's. */
static void limit(struct quant_u8 *k, const struct quant *q)
{
	float hi = (float)(q->top - q->zero) * q->scale;
	if (q->top < 255 && k->hi > hi)
		k->hi = hi;
}

/* The distances of rows: pixels when the channels are last. */
static void set_rows(struct quant_u8 *k, const struct tensor *t, enum layout layout,
    const struct spot *a, const struct spot *b, const struct spot *out)
{
	bool last = layout & LAYOUT_ORDER;
	*k = quant_rows(t, layout);
	k->ld_a = last ? a->ld : k->n;
	k->ld_b = last && b ? b->ld : k->n;
	k->ld_out = last ? out->ld : k->n;
}

/* ---- FakeQuantize ---- */

static int lower_quantize(struct lower *l, const struct node *n)
{
	const struct value *v = node_in(n, 0), *out = &n->out[0];
	const struct quant *q = quant_of(l, out), *from = quant_of(l, v);
	enum layout order = order_of(l, out);
	struct spot x, y;
	int status = spot_need(l, v, from->on ? order | LAYOUT_U8 : order, &x);
	if (status == OK && from->on && quant_same(from, q)) {
		spot_alias(l, out, order | LAYOUT_U8, x);
		return OK;
	}
	if (status == OK)
		status = spot_make(l, out, order | LAYOUT_U8, true, &y);
	if (status < 0)
		return status;
	struct call *c = call_add(l, from->on ? CALL_REQUANTIZE : CALL_QUANTIZE, n);
	if (!c)
		return fail_nomem(l->err);
	set_rows(&c->quant, lower_dims(l, out), order, &x, NULL, &y);
	c->quant.a = code_of(from);
	c->quant.out = code_of(q);
	limit(&c->quant, q);
	call_operands(l, c, x, (struct spot){0}, y);
	return OK;
}

/* ---- Add of two, requantized ---- */

static bool adds_bytes(const struct lower *l, const struct node *n)
{
	if (!node_is(n, OP_ADD) || is_tapped(l->e, &n->out[0]) || !quant_requantized(l->e->net, n))
		return false;
	for (int k = 0; k < 2; k++)
		if (!quant_of(l, node_in(n, k))->on ||
		    !same_dims(lower_dims(l, node_in(n, k)), lower_dims(l, &n->out[0])))
			return false;
	return true;
}

static int lower_add(struct lower *l, const struct node *n)
{
	const struct value *a = node_in(n, 0), *b = node_in(n, 1);
	const struct node *end = n;
	float lo = -INFINITY, hi = INFINITY;
	struct spot x, add, y;
	const struct node *next;
	while ((next = follower(l, &end->out[0])) && quant_clamp(next, &end->out[0], &lo, &hi)) {
		l->absorbed[l->e->maker[next->out[0].id]] = true;
		end = next;
	}
	const struct quant *q = fuse_quantize(l, &end);
	if (!q)
		return fail(l->err, E_UNSUPPORTED, "a sum that nobody quantizes");
	enum layout order = order_of(l, &end->out[0]);
	int status = spot_need(l, a, order | LAYOUT_U8, &x);
	if (status == OK)
		status = spot_need(l, b, order | LAYOUT_U8, &add);
	if (status == OK)
		status = spot_make(l, &end->out[0], order | LAYOUT_U8, true, &y);
	struct call *c = status == OK ? call_add(l, CALL_ADD_U8, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	set_rows(&c->quant, lower_dims(l, &n->out[0]), order, &x, &add, &y);
	c->quant.a = code_of(quant_of(l, a));
	c->quant.b = code_of(quant_of(l, b));
	c->quant.out = code_of(q);
	c->quant.lo = lo;
	c->quant.hi = hi;
	limit(&c->quant, q);
	call_operands(l, c, x, add, y);
	return OK;
}

/* ---- levels as they are ---- */

static int lower_max_pool(struct lower *l, const struct node *n, const struct conv_shape *s)
{
	struct spot x, y;
	struct call *c;
	int status = call_one(l, CALL_POOL_U8, n, &n->out[0], U8_CHANNELS_LAST, &x, &y, &c);
	if (status != OK)
		return status;
	c->pool = (struct nhwc_pool){.s = *s, .ld_in = x.ld, .ld_out = y.ld, .kind = POOL_MAX};
	nhwc_pool_u8_plan(&c->pool, pool_size(l->e->o.pool));
	return OK;
}

static int pass_on(struct lower *l, const struct node *n)
{
	struct spot s;
	enum layout layout = order_of(l, &n->out[0]) | LAYOUT_U8;
	int status = spot_need(l, node_in(n, 0), layout, &s);
	spot_alias(l, &n->out[0], layout, s);
	return status;
}

int lower_u8(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct conv_shape s;
	if (!n->nout)
		return OK;
	*done = true;
	if (adds_bytes(l, n))
		return lower_add(l, n);
	if (quant_of(l, &n->out[0])->on && !quant_of(l, &n->out[0])->scales) {
		if (node_is(n, OP_FAKE_QUANTIZE))
			return lower_quantize(l, n);
		if (max_pool_shape(l, n, &s))
			return lower_max_pool(l, n, &s);
		if (node_is(n, OP_RELU) || node_is(n, OP_CLAMP))
			return pass_on(l, n);
	}
	*done = false;
	return OK;
}
