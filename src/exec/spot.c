/* Buffers of a plan, and where each value lies in which layout. */
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

int buffer_fixed(struct lower *l, const void *at, struct ref *out)
{
	*out = (struct ref){0, 0};
	if (!at)
		return OK;
	int status = buffer_add(l, BUFFER_FIXED, 0, &out->buffer);
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
	if (layout == CHANNELS_LAST && in_place && to->whole) {
		status = spot_make(l, to->whole, layout, true, at);
		at->ref.offset += to->channel * dtype_bytes(t->type, 1);
	} else {
		at->ld = layout == CHANNELS_LAST ? channels_of(t) : 0;
		at->ref.offset = 0;
		status = buffer_add(l, BUFFER_WORK, tensor_bytes(t), &at->ref.buffer);
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
	return status == OK ? buffer_fixed(l, t.data, &at->ref) : status;
}

/* Do the elements lie the same way in both layouts? */
static bool same_bytes(const struct tensor *t, int64_t ld)
{
	int64_t c = channels_of(t), n = pixels_of(t);
	return (c == 1 && ld == 1) || (n == t->dim[0] && (n == 1 || ld == c));
}

static int change_layout(
    struct lower *l, const struct value *v, enum layout to, struct spot from, struct spot *out)
{
	const struct tensor *t = lower_dims(l, v);
	int status = spot_make(l, v, to, to == CHANNELS_LAST, out);
	if (status < 0 || !tensor_count(t))
		return status;
	struct call *c = call_add(
	    l, to == ROW_MAJOR ? CALL_TO_ROW_MAJOR : CALL_TO_CHANNELS_LAST, v->node);
	if (!c)
		return fail_nomem(l->err);
	c->move = (struct layout_move){.batch = t->dim[0],
	    .channels = t->dim[1],
	    .pixels = pixels_of(t) / t->dim[0],
	    .ld = to == CHANNELS_LAST ? out->ld : from.ld,
	    .size = (int)dtype_bytes(t->type, 1)};
	c->in = from.ref;
	c->out = out->ref;
	call_uses(l, c->in);
	call_uses(l, c->out);
	return OK;
}

int spot_need(struct lower *l, const struct value *v, enum layout layout, struct spot *out)
{
	struct spot *at = l->p->spot[v->id];
	const struct tensor *t = lower_dims(l, v);
	int status = OK;
	if (!at[ROW_MAJOR].ref.buffer && !at[CHANNELS_LAST].ref.buffer)
		status = find_given(l, v);
	if (status < 0)
		return status;
	*out = at[layout];
	if (out->ref.buffer)
		return OK;
	struct spot from = at[!layout];
	if (!from.ref.buffer || !has_pixels(t))
		return from.ref.buffer ? fail(l->err, E_UNSUPPORTED, "a value without pixels") : OK;
	int64_t ld = layout == ROW_MAJOR ? from.ld : channels_of(t);
	if (!same_bytes(t, ld))
		return change_layout(l, v, layout, from, out);
	*out = at[layout] = (struct spot){from.ref, ld};
	return OK;
}
