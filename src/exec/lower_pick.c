/* Pads, and nearest pixels of images of bytes, as calls that pick pixels, with channels last. */

#include "exec/lower.h"
#include "ops/pad.h"

static bool is_pad(const struct node *n)
{
	return node_is(n, OP_PAD_1) || node_is(n, OP_PAD);
}

/* A constant, or one that this run knows, with one value for each dim. */
static bool pads_of(const struct lower *l, const struct node *n, int k, struct tensor *t)
{
	int rank = lower_dims(l, &n->out[0])->rank;
	*t = lower_content(l, node_in(n, k));
	return t->type != DT_NONE && t->data && tensor_count(t) == rank;
}

/* What is put around: zeros or what is there already. */
static bool fills_zeros(const struct lower *l, const struct node *n)
{
	const struct value *v = n->nin > 3 ? node_in(n, 3) : NULL;
	if (!v || !attr_is(n, "pad_mode", "constant"))
		return true;
	struct tensor t = lower_content(l, v);
	return t.type == DT_F32 && t.data && tensor_count(&t) == 1 && *(float *)t.data == 0;
}

bool pick_has_kernel(const struct lower *l, const struct node *n)
{
	struct tensor begin, end;
	if (!is_pad(n))
		return false;
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *y = lower_dims(l, &n->out[0]);
	bool plane = x->type == DT_F32 && (x->rank == 3 || x->rank == 4) && tensor_count(x) &&
		     tensor_count(y) && l->last[node_in(n, 0)->id];
	return plane && is_small(pixels_of(x)) && is_small(pixels_of(y)) && is_small(x->dim[1]) &&
	       y->dim[1] == x->dim[1] && y->dim[0] == x->dim[0] && pads_of(l, n, 1, &begin) &&
	       pads_of(l, n, 2, &end) && !tensor_i64(&begin, 0) && !tensor_i64(&begin, 1) &&
	       fills_zeros(l, n);
}

/* The places along a dim of the image of a tensor, of which those of rank 3 have one line. */
static void pad_places(const struct node *n, const struct tensor *x, const struct tensor *begin,
    int d, int count, int32_t *to)
{
	int axis = x->rank - 2 + d;
	if (axis < 2) {
		*to = 0;
		return;
	}
	for (int i = 0; i < count; i++) {
		int64_t at = pad_source(n, i - tensor_i64(begin, axis), x->dim[axis]);
		to[i] = at < 0 || at >= x->dim[axis] ? -1 : (int32_t)at;
	}
}

static void set_plane(const struct tensor *t, int size[2])
{
	size[0] = t->rank > 3 ? (int)t->dim[2] : 1;
	size[1] = (int)t->dim[t->rank - 1];
}

int lower_pick(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct pixel_pick k = {.size = sizeof(float)};
	struct tensor begin;
	if (n->nout != 1 || !pick_has_kernel(l, n) || !l->last[n->out[0].id] ||
	    !pads_of(l, n, 1, &begin))
		return OK;
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *y = lower_dims(l, &n->out[0]);
	k.batch = (int)x->dim[0];
	k.n = (int)x->dim[1];
	set_plane(x, k.in);
	set_plane(y, k.out);
	int32_t *table = arena_array(
	    l->p->arena, pixel_pick_table(&k) / sizeof *table, sizeof *table);
	if (!table)
		return fail_nomem(l->err);
	pad_places(n, x, &begin, 0, k.out[0], table);
	pad_places(n, x, &begin, 1, k.out[1], table + k.out[0]);
	*done = true;
	return pick_call(l, n, k, table);
}

int pick_call(struct lower *l, const struct node *n, struct pixel_pick k, const int32_t *table)
{
	const struct quant *q = &l->e->quant[n->out[0].id];
	struct spot from, to;
	struct call *c;
	int status = call_one(
	    l, CALL_PICK, n, &n->out[0], q->on ? U8_CHANNELS_LAST : CHANNELS_LAST, &from, &to, &c);
	if (status != OK)
		return status;
	k.ld_in = from.ld;
	k.ld_out = to.ld;
	k.size = q->on ? 1 : (int)sizeof(float);
	k.fill = q->on ? q->zero : 0;
	c->pick.k = k;
	return buffer_fixed(l, table, pixel_pick_table(&k), &c->pick.table);
}
