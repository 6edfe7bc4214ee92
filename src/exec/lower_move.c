/* Layers that only move elements: as another view of what is there, or as copies of runs. */

#include "exec/lower.h"

/* ---- Transpose between the two layouts ---- */

/* 1: brings dim 1 to the end; -1: the last dim to place 1; 0: something else. The exchange of two
 * dims is both: it takes what lies with its channels last from there. */
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
	if (to_last && to_first)
		return l->last[node_in(n, 0)->id] ? 1 : -1;
	return to_last ? 1 : to_first ? -1 : 0;
}

/* Is it [batch][rows][cols] to [batch][cols][rows], dims that stay together taken as one? */
static bool turns_matrices(const struct lower *l, const struct node *n, int64_t size[3])
{
	struct tensor order = l->e->c->t[node_in(n, 1)->id];
	const struct tensor *x = lower_dims(l, node_in(n, 0));
	int rank = x->rank, from = -1, groups = 0, first[3] = {0};
	if (order.type == DT_NONE || !order.data || tensor_count(&order) != rank)
		return false;
	for (int d = 0; d < rank; d++) {
		int at = (int)tensor_i64(&order, d);
		if (at < 0 || at >= rank)
			return false;
		if (x->dim[at] == 1)
			continue;
		bool follows = from >= 0 && from < at;
		for (int k = from + 1; k < at && follows; k++)
			follows = x->dim[k] == 1;
		if (!follows && groups == 3)
			return false;
		if (!follows) {
			first[groups] = at;
			size[groups++] = 1;
		}
		size[groups - 1] *= x->dim[at];
		from = at;
	}
	if (groups == 2) {
		first[2] = first[1];
		first[1] = first[0];
		first[0] = -1;
		size[2] = size[1];
		size[1] = size[0];
		size[0] = 1;
	}
	return groups >= 2 && first[0] < first[2] && first[2] < first[1];
}

/* The bit of a layout in which n's result and what it moves are wanted. */
static enum layout coded(const struct lower *l, const struct node *n)
{
	return l->e->quant[n->out[0].id].on ? LAYOUT_U8 : ROW_MAJOR;
}

static int lower_matrices(struct lower *l, const struct node *n, bool *done)
{
	const struct tensor *t = lower_dims(l, node_in(n, 0));
	int64_t size[3], bytes = coded(l, n) ? 1 : dtype_bits(t->type) / 8;
	struct spot x, y;
	struct call *c;
	if (dtype_bits(t->type) % 8 || (bytes != 1 && bytes != 2 && bytes != 4) ||
	    !turns_matrices(l, n, size) || !is_small(size[0]) || !is_small(size[1]) ||
	    !is_small(size[2]))
		return OK;
	*done = true;
	int status = call_one(
	    l, CALL_TO_CHANNELS_LAST, n, &n->out[0], ROW_MAJOR | coded(l, n), &x, &y, &c);
	if (status != OK)
		return status;
	c->move = (struct layout_move){.batch = size[0],
	    .channels = size[2],
	    .pixels = size[1],
	    .ld = size[2],
	    .size = (int)bytes};
	return OK;
}

static int lower_transpose(struct lower *l, const struct node *n, bool *done)
{
	const struct value *x = node_in(n, 0), *y = &n->out[0];
	struct spot s = {0};
	enum layout code = coded(l, n);
	int turn = turns_channels(l, n), status;
	if (turn == 1 && l->last[x->id]) {
		status = spot_need(l, x, CHANNELS_LAST | code, &s);
		*done = status == OK && s.ld == lower_dims(l, x)->dim[1];
		if (*done)
			spot_alias(l, y, ROW_MAJOR | code, (struct spot){s.ref, 0});
		return status;
	}
	if (turn != -1 || lower_dims(l, x)->type != DT_F32)
		return lower_matrices(l, n, done);
	status = spot_need(l, x, ROW_MAJOR | code, &s);
	*done = true;
	spot_alias(l, y, CHANNELS_LAST | code, (struct spot){s.ref, lower_dims(l, y)->dim[1]});
	return status;
}

/* ---- Concat ---- */

/* count runs of so many bytes, at these distances. */
static int copy_call(struct lower *l, const struct node *n, struct ref from, int64_t from_step,
    struct ref to, int64_t to_step, int64_t count, int64_t size)
{
	struct call *c = call_add(l, CALL_COPY, n);
	if (!c)
		return fail_nomem(l->err);
	c->copy = (struct copy){
	    .size = size, .count = {1, count, 1}, .from = {0, from_step, 0}, .to = {0, to_step, 0}};
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
			status = copy_call(l, n, x.ref, x.ld * size, y.ref, y.ld * size,
			    pixels_of(t), t->dim[1] * size);
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
			status = copy_call(
			    l, n, x.ref, size, y.ref, t->dim[axis] * inner, outer, size);
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
	if (shuffle_takes(l, n))
		return OK;
	if (l->last[n->out[0].id])
		return concat_last(l, n);
	return concat_rows(l, n, (int)(axis < 0 ? axis + t->rank : axis));
}

/* ---- Split ---- */

int split_axis(const struct lower *l, const struct node *n)
{
	struct tensor t = l->e->c->t[node_in(n, 1)->id];
	int rank = lower_dims(l, node_in(n, 0))->rank;
	if (t.type == DT_NONE || !t.data || tensor_count(&t) != 1)
		return -1;
	int64_t axis = tensor_i64(&t, 0);
	axis += axis < 0 ? rank : 0;
	return axis >= 0 && axis < rank ? (int)axis : -1;
}

/* Parts of what is there: channels of each pixel, or elements that follow one another. */
static int lower_split(struct lower *l, const struct node *n, bool *done)
{
	const struct tensor *t = lower_dims(l, node_in(n, 0));
	int axis = split_axis(l, n);
	bool last = l->last[n->out[0].id];
	bool u8 = l->e->quant[n->out[0].id].on;
	enum layout layout = (last ? CHANNELS_LAST : ROW_MAJOR) | (u8 ? LAYOUT_U8 : 0);
	int64_t size = u8 ? 1 : dtype_bits(t->type) / 8;
	struct spot s;
	for (int d = 0; d < axis && !last; d++)
		if (t->dim[d] != 1)
			return OK;
	for (int d = axis + 1; d < t->rank && !last; d++)
		size *= t->dim[d];
	if (axis < 0 || dtype_bits(t->type) % 8)
		return OK;
	*done = true;
	int status = spot_need(l, node_in(n, 0), layout, &s);
	for (int k = 0; k < n->nout && status == OK; k++) {
		spot_alias(l, &n->out[k], layout, s);
		s.ref.offset += lower_dims(l, &n->out[k])->dim[axis] * size;
	}
	return status;
}

/* ---- Broadcast ---- */

static bool is_image(const struct tensor *t)
{
	return t->type == DT_F32 && t->rank >= 3 && t->rank <= 5;
}

static bool joins_channels(const struct lower *l, const struct value *v)
{
	value_each_use (v, u)
		if (node_is(u->node, OP_CONCAT) && u->node->nout &&
		    (attr_i(u->node, "axis") == 1 ||
			attr_i(u->node, "axis") + lower_dims(l, v)->rank == 1))
			return true;
	return false;
}

/* Channels that all pixels of an image get, which are joined with others. */
static bool repeats_pixel(const struct lower *l, const struct node *n)
{
	if (!node_is(n, OP_BROADCAST) && !node_is(n, OP_BROADCAST_1))
		return false;
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *y = lower_dims(l, &n->out[0]);
	return is_image(x) && is_image(y) && x->rank == y->rank && x->dim[0] == y->dim[0] &&
	       x->dim[1] == y->dim[1] && pixels_of(x) == x->dim[0] && joins_channels(l, &n->out[0]);
}

static int lower_repeat(struct lower *l, const struct node *n, bool *done)
{
	const struct tensor *t = lower_dims(l, &n->out[0]);
	int64_t size = t->dim[1] * (int64_t)sizeof(float), each = pixels_of(t) / t->dim[0];
	struct spot x, y;
	struct call *c;
	if (!l->last[n->out[0].id] || l->e->quant[n->out[0].id].on)
		return OK;
	*done = true;
	int status = call_one(l, CALL_COPY, n, &n->out[0], CHANNELS_LAST, &x, &y, &c);
	if (status != OK)
		return status;
	int64_t from = x.ld * (int64_t)sizeof(float), to = y.ld * (int64_t)sizeof(float);
	c->copy = (struct copy){.size = size,
	    .count = {1, t->dim[0], each},
	    .from = {0, from, 0},
	    .to = {0, each * to, to}};
	return OK;
}

/* ---- what stays where it is, with the channels last ---- */

/* A Reshape of the pixels alone: channels last lie as they did. */
static bool reshapes_pixels(const struct lower *l, const struct node *n)
{
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *y = lower_dims(l, &n->out[0]);
	return quant_reshapes(n) && is_image(x) && is_image(y) && x->dim[0] == y->dim[0] &&
	       x->dim[1] == y->dim[1];
}

bool move_keeps_last(const struct lower *l, const struct node *n)
{
	const struct tensor *x = n->nin ? lower_dims(l, node_in(n, 0)) : NULL;
	if (!x || !is_image(x))
		return false;
	if (node_is(n, OP_TRANSPOSE))
		return turns_channels(l, n) == -1;
	if (repeats_pixel(l, n))
		return true;
	if (!l->last[node_in(n, 0)->id])
		return false;
	return quant_splits(n) ? split_axis(l, n) == 1 : reshapes_pixels(l, n);
}

/* ---- all of them ---- */

static int lower_reshape(struct lower *l, const struct node *n)
{
	struct spot s;
	bool last = l->last[n->out[0].id];
	enum layout layout = (last ? CHANNELS_LAST : ROW_MAJOR) | coded(l, n);
	int status = spot_need(l, node_in(n, 0), layout, &s);
	spot_alias(l, &n->out[0], layout, (struct spot){s.ref, last ? s.ld : 0});
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
	if (quant_splits(n))
		return lower_split(l, n, done);
	if (node_is(n, OP_CONCAT))
		return lower_concat(l, n, done);
	if (repeats_pixel(l, n))
		return lower_repeat(l, n, done);
	return OK;
}
