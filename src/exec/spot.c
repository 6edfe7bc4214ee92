/* Buffers of a plan, and where each value lies in which layout. */
#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "exec/lower.h"

int buffer_add(struct lower *l, enum buffer_kind kind, size_t bytes, uint32_t *out)
{
	struct plan *p = l->p;
	if (p->nbuffers == p->max_buffers) {
		uint32_t max = p->max_buffers ? p->max_buffers * 2 : 64;
		struct buffer *b = reallocarray(p->buffer, max, sizeof *b);
		if (!b)
			return fail_nomem(l->err);
		p->buffer = b;
		p->max_buffers = max;
	}
	*out = p->nbuffers;
	p->buffer[p->nbuffers++] = (struct buffer){
	    .kind = kind, .size = bytes, .first = -1, .last = -1};
	return OK;
}

int buffer_fixed(struct lower *l, const void *at, size_t bytes, struct ref *out)
{
	*out = (struct ref){0, 0};
	if (!at)
		return OK;
	int status = buffer_add(l, BUFFER_FIXED, bytes, &out->buffer);
	if (status == OK)
		l->p->buffer[out->buffer].at = at;
	return status;
}

void spot_alias(struct lower *l, const struct value *v, enum layout layout, struct spot s)
{
	l->p->spot[v->id][layout] = s;
}

static bool has_pixels(const struct tensor *t)
{
	return t->rank >= 3 && t->rank <= 5;
}

static int64_t channels_of(const struct tensor *t)
{
	return t->rank > 1 ? t->dim[1] : 1;
}

static bool is_last(enum layout layout)
{
	return layout & LAYOUT_ORDER;
}

static int64_t size_in(const struct tensor *t, enum layout layout)
{
	return layout & LAYOUT_U8 ? 1 : dtype_bytes(t->type, 1);
}

/* A Concat is whole in one representation only. */
static bool fits_in(const struct lower *l, const struct value *whole, enum layout layout)
{
	return whole && l->e->quant[whole->id].on == !!(layout & LAYOUT_U8);
}

int spot_make(
    struct lower *l, const struct value *v, enum layout layout, bool in_place, struct spot *out)
{
	const struct tensor *t = lower_dims(l, v);
	const struct target *to = &l->target[v->id];
	struct spot *at = &l->p->spot[v->id][layout];
	int status = OK;
	if (at->ref.buffer) {
		*out = *at;
		return OK;
	}
	if (is_last(layout) && in_place && fits_in(l, to->whole, layout)) {
		status = spot_make(l, to->whole, layout, true, at);
		at->ref.offset += to->channel * size_in(t, layout);
	} else {
		size_t bytes = layout & LAYOUT_U8 ? (size_t)tensor_count(t) : tensor_bytes(t);
		at->ld = is_last(layout) ? channels_of(t) : 0;
		at->ref.offset = 0;
		status = buffer_add(l, BUFFER_WORK, bytes, &at->ref.buffer);
	}
	*out = *at;
	return status;
}

/* Where a value lies that no call has computed: an input, a constant, or one of this run. */
static int find_given(struct lower *l, const struct value *v)
{
	struct spot *at = &l->p->spot[v->id][ROW_MAJOR];
	struct tensor t = *lower_dims(l, v);
	int status;
	if (node_is(v->node, OP_PARAMETER)) {
		status = buffer_add(l, BUFFER_INPUT, 0, &at->ref.buffer);
		for (int k = 0; k < l->e->graph->ninputs && status == OK; k++)
			if (l->e->graph->inputs[k] == v->node)
				l->p->buffer[at->ref.buffer].k = (uint32_t)k;
		return status;
	}
	status = l->p->known[v->id] ? OK : constants_hold(l->e->net, v, &t, l->err);
	return status == OK ? buffer_fixed(l, t.data, tensor_bytes(&t), &at->ref) : status;
}

/* Do the elements lie the same way in both layouts? */
static bool same_bytes(const struct tensor *t, int64_t ld)
{
	int64_t c = channels_of(t), n = pixels_of(t);
	return (c == 1 && ld == 1) || (n == t->dim[0] && (n == 1 || ld == c));
}

static int change_order(
    struct lower *l, const struct value *v, enum layout to, struct spot from, struct spot *out)
{
	const struct tensor *t = lower_dims(l, v);
	int status = spot_make(l, v, to, is_last(to), out);
	if (status < 0 || !tensor_count(t))
		return status;
	struct call *c = call_add(
	    l, is_last(to) ? CALL_TO_CHANNELS_LAST : CALL_TO_ROW_MAJOR, v->node);
	if (!c)
		return fail_nomem(l->err);
	c->move = (struct layout_move){.batch = t->dim[0],
	    .channels = t->dim[1],
	    .pixels = pixels_of(t) / t->dim[0],
	    .ld = is_last(to) ? out->ld : from.ld,
	    .size = (int)size_in(t, to)};
	c->in = from.ref;
	c->out = out->ref;
	call_uses(l, c->in);
	call_uses(l, c->out);
	return OK;
}

/* From the place of the value in the other order. */
static int reorder(struct lower *l, const struct value *v, enum layout layout, struct spot *out)
{
	struct spot *at = l->p->spot[v->id], from = at[layout ^ LAYOUT_ORDER];
	const struct tensor *t = lower_dims(l, v);
	if (!has_pixels(t))
		return fail(l->err, E_UNSUPPORTED, "a value without pixels");
	int64_t ld = is_last(layout) ? channels_of(t) : from.ld;
	if (!same_bytes(t, ld))
		return change_order(l, v, layout, from, out);
	*out = at[layout] = (struct spot){from.ref, ld};
	return OK;
}

struct quant_u8 quant_rows(const struct tensor *t, enum layout layout)
{
	int64_t count = tensor_count(t), n = is_last(layout) ? channels_of(t) : count;
	return (struct quant_u8){
	    .rows = n ? count / n : 0, .n = n, .lo = -INFINITY, .hi = INFINITY};
}

/* From the place of the value in the same order, bytes instead of floats or floats of bytes. Never
 * inside of a Concat's result: not all calls know distances. */
static int recode(struct lower *l, const struct value *v, enum layout layout, struct spot *out)
{
	const struct quant *q = &l->e->quant[v->id];
	struct spot from = l->p->spot[v->id][layout ^ LAYOUT_U8];
	const struct tensor *t = lower_dims(l, v);
	int status = spot_make(l, v, layout, false, out);
	if (status < 0 || !tensor_count(t))
		return status;
	struct call *c = call_add(l, layout & LAYOUT_U8 ? CALL_QUANTIZE : CALL_DEQUANTIZE, v->node);
	if (!c)
		return fail_nomem(l->err);
	c->quant = quant_rows(t, layout);
	c->quant.ld_a = is_last(layout) ? from.ld : c->quant.n;
	c->quant.ld_out = is_last(layout) ? out->ld : c->quant.n;
	c->quant.a = c->quant.out = (struct u8_code){q->scale, q->zero};
	c->in = from.ref;
	c->out = out->ref;
	call_uses(l, c->in);
	call_uses(l, c->out);
	return OK;
}

int spot_need(struct lower *l, const struct value *v, enum layout layout, struct spot *out)
{
	struct spot *at = l->p->spot[v->id];
	enum layout turned = layout ^ LAYOUT_ORDER, coded = layout ^ LAYOUT_U8;
	bool any = false;
	int status = OK;
	for (int k = 0; k < LAYOUTS; k++)
		any |= at[k].ref.buffer != 0;
	if (!any)
		status = find_given(l, v);
	*out = at[layout];
	if (status < 0 || out->ref.buffer)
		return status;
	if (at[turned].ref.buffer)
		return reorder(l, v, layout, out);
	/* The order changes while there are bytes only. */
	if (!at[coded].ref.buffer && at[turned ^ LAYOUT_U8].ref.buffer) {
		bool bytes = layout & LAYOUT_U8;
		status = spot_need(l, v, bytes ? turned : coded, out);
		return status == OK ? spot_need(l, v, layout, out) : status;
	}
	return at[coded].ref.buffer ? recode(l, v, layout, out) : OK;
}
