/* Layers that only move elements: as another view of what is there, or as copies of runs. */
#include "exec/lower.h"

/* ---- Transpose between the two layouts ---- */

/* 1: brings dim 1 to the end; -1: the last dim to place 1; 0: something else. */
static int turns_channels(const struct lower *l, const struct node *n)
{
	struct tensor order = l->e->c->t[node_in(n, 1)->id];
	int rank = lower_dims(l, &n->out[0])->rank, to_last = 1, to_first = 1;
	if (order.type == DT_NONE || !order.data || rank < 3 || rank > 5 ||
	    tensor_count(&order) != rank)
		return 0;
	for (int d = 0; d < rank; d++) {
		int64_t at = tensor_i64(&order, d);
		to_last &= at == (d == 0 ? 0 : d == rank - 1 ? 1 : d + 1);
		to_first &= at == (d == 0 ? 0 : d == 1 ? rank - 1 : d - 1);
	}
	return to_last ? 1 : to_first ? -1 : 0;
}

static int lower_transpose(struct lower *l, const struct node *n, bool *done)
{
	const struct value *x = node_in(n, 0), *y = &n->out[0];
	struct spot s = {0};
	int turn = turns_channels(l, n), status;
	if (turn == 1 && l->last[x->id]) {
		status = spot_need(l, x, CHANNELS_LAST, &s);
		*done = status == OK && s.ld == lower_dims(l, x)->dim[1];
		if (*done)
			spot_alias(l, y, ROW_MAJOR, (struct spot){s.ref, 0});
		return status;
	}
	if (turn != -1 || lower_dims(l, x)->type != DT_F32)
		return OK;
	status = spot_need(l, x, ROW_MAJOR, &s);
	*done = true;
	spot_alias(l, y, CHANNELS_LAST, (struct spot){s.ref, lower_dims(l, y)->dim[1]});
	return status;
}

/* ---- Concat and Split ---- */

static int copy_call(
    struct lower *l, const struct node *n, struct ref from, struct ref to, struct copy copy)
{
	struct call *c = call_add(l, CALL_COPY, n);
	if (!c)
		return fail_nomem(l->err);
	c->copy = copy;
	c->in = from;
	c->out = to;
	call_uses(l, from);
	call_uses(l, to);
	return OK;
}

static bool same_place(struct ref a, struct ref b)
{
	return a.buffer == b.buffer && a.offset == b.offset;
}

/* Every operand that was not computed in its place goes there. */
static int concat_last(struct lower *l, const struct node *n)
{
	struct spot y, x;
	bool u8 = l->e->quant[n->out[0].id].on;
	enum layout layout = u8 ? U8_CHANNELS_LAST : CHANNELS_LAST;
	int status = spot_make(l, &n->out[0], layout, true, &y);
	int64_t size = u8 ? 1 : dtype_bytes(lower_dims(l, &n->out[0])->type, 1);
	for (int k = 0; k < n->nin && status == OK; k++) {
		const struct tensor *t = lower_dims(l, node_in(n, k));
		status = spot_need(l, node_in(n, k), layout, &x);
		if (status == OK && !same_place(x.ref, y.ref) && tensor_count(t))
			status = copy_call(l, n, x.ref, y.ref,
			    (struct copy){
				pixels_of(t), t->dim[1] * size, x.ld * size, y.ld * size});
		y.ref.offset += t->dim[1] * size;
	}
	return status;
}

static int concat_rows(struct lower *l, const struct node *n, int axis)
{
	const struct tensor *t = lower_dims(l, &n->out[0]);
	struct spot y, x;
	int64_t outer = 1, inner = dtype_bytes(t->type, 1);
	int status = spot_make(l, &n->out[0], ROW_MAJOR, true, &y);
	for (int d = 0; d < axis; d++)
		outer *= t->dim[d];
	for (int d = axis + 1; d < t->rank; d++)
		inner *= t->dim[d];
	for (int k = 0; k < n->nin && status == OK; k++) {
		int64_t size = lower_dims(l, node_in(n, k))->dim[axis] * inner;
		status = spot_need(l, node_in(n, k), ROW_MAJOR, &x);
		if (status == OK && size)
			status = copy_call(l, n, x.ref, y.ref,
			    (struct copy){outer, size, size, t->dim[axis] * inner});
		y.ref.offset += size;
	}
	return status;
}

static int lower_concat(struct lower *l, const struct node *n, bool *done)
{
	const struct tensor *t = lower_dims(l, &n->out[0]);
	int64_t axis = attr_i(n, "axis");
	if (dtype_bits(t->type) % 8)
		return OK;
	*done = true;
	if (l->last[n->out[0].id])
		return concat_last(l, n);
	return concat_rows(l, n, (int)(axis < 0 ? axis + t->rank : axis));
}

/* ---- all of them ---- */

static int lower_reshape(struct lower *l, const struct node *n)
{
	struct spot s;
	enum layout layout = l->e->quant[n->out[0].id].on ? U8_ROW_MAJOR : ROW_MAJOR;
	int status = spot_need(l, node_in(n, 0), layout, &s);
	spot_alias(l, &n->out[0], layout, (struct spot){s.ref, 0});
	return status;
}

int lower_move(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	if (quant_reshapes(n)) {
		*done = true;
		return lower_reshape(l, n);
	}
	if (node_is(n, OP_TRANSPOSE))
		return lower_transpose(l, n, done);
	if (node_is(n, OP_CONCAT))
		return lower_concat(l, n, done);
	return OK;
}
