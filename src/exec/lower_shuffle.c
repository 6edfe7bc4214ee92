/* Channels that are shuffled among groups: Reshape, Transpose and Reshape, or ShuffleChannels, as
 * one call on pixels, which reads the operands of a Concat before where they lie. */
#include <limits.h>

#include "exec/lower.h"

struct shuffle {
	const struct value *in;
	const struct node *end;
	int64_t groups;
};

/* Of a Transpose: does it exchange dims 1 and 2 and leave the others? */
static bool exchanges_groups(const struct lower *l, const struct node *n)
{
	struct tensor order = l->e->c->t[node_in(n, 1)->id];
	int rank = lower_dims(l, &n->out[0])->rank;
	bool ok = order.type != DT_NONE && order.data && rank > 3 && tensor_count(&order) == rank;
	for (int d = 0; d < rank && ok; d++)
		ok = tensor_i64(&order, d) == (d == 1 ? 2 : d == 2 ? 1 : d);
	return ok;
}

static bool splits_channels(const struct tensor *x, const struct tensor *groups)
{
	return groups->dim[0] == x->dim[0] && groups->dim[1] * groups->dim[2] == x->dim[1];
}

static bool find_moves(const struct lower *l, const struct node *n, struct shuffle *s)
{
	const struct node *turn = follower(l, &n->out[0]);
	const struct node *end = turn && turn->nout ? follower(l, &turn->out[0]) : NULL;
	if (!end || !node_is(n, OP_RESHAPE) || !node_is(turn, OP_TRANSPOSE) ||
	    !node_is(end, OP_RESHAPE) || node_in(turn, 0) != &n->out[0] ||
	    node_in(end, 0) != &turn->out[0] || !exchanges_groups(l, turn) ||
	    !splits_channels(lower_dims(l, s->in), lower_dims(l, &n->out[0])))
		return false;
	s->end = end;
	s->groups = lower_dims(l, &n->out[0])->dim[1];
	return true;
}

static bool find_operator(const struct lower *l, const struct node *n, struct shuffle *s)
{
	if (!node_is(n, OP_SHUFFLE_CHANNELS))
		return false;
	int64_t axis = attr_i(n, "axis");
	s->end = n;
	s->groups = attr_i(n, "group");
	return axis == 1 || axis + lower_dims(l, s->in)->rank == 1;
}

/* The shuffle that starts with n, of an image whose channels lie last. */
static bool find(const struct lower *l, const struct node *n, struct shuffle *s)
{
	s->in = n->nin > 0 ? node_in(n, 0) : NULL;
	if (!s->in || n->nout != 1 || !l->last[s->in->id] ||
	    !(find_moves(l, n, s) || find_operator(l, n, s)))
		return false;
	const struct tensor *x = lower_dims(l, s->in), *y = lower_dims(l, &s->end->out[0]);
	return s->groups > 1 && y->rank >= 3 && y->rank <= 5 && y->dim[0] == x->dim[0] &&
	       y->dim[1] == x->dim[1] && tensor_count(x) && x->dim[1] < INT_MAX / 64;
}

bool shuffle_keeps_last(const struct lower *l, const struct node *n)
{
	const struct node *turn = node_is(n, OP_RESHAPE) ? node_in(n, 0)->node : NULL;
	const struct node *first = turn && node_is(turn, OP_TRANSPOSE) ? node_in(turn, 0)->node : n;
	struct shuffle s;
	return find(l, first, &s) && s.end == n;
}

static bool takes(const struct lower *l, const struct node *concat, const struct shuffle *s)
{
	const struct value *a = concat->nin == 2 ? node_in(concat, 0) : NULL;
	const struct value *b = concat->nin == 2 ? node_in(concat, 1) : NULL;
	int64_t axis = node_is(concat, OP_CONCAT) ? attr_i(concat, "axis") : 0;
	return a && (axis == 1 || axis + lower_dims(l, a)->rank == 1) && s->groups == 2 &&
	       l->last[a->id] && l->last[b->id] &&
	       lower_dims(l, a)->dim[1] == lower_dims(l, b)->dim[1];
}

bool shuffle_takes(const struct lower *l, const struct node *n)
{
	const struct node *first = follower(l, &n->out[0]);
	struct shuffle s;
	return first && find(l, first, &s) && takes(l, n, &s);
}

/* ---- the call ---- */

/* Where the groups lie: two of them each in a place of its own, or all in one. */
static int place_in(struct lower *l, const struct shuffle *s, enum layout layout, struct call *c)
{
	const struct node *concat = s->in->node;
	bool two = follower(l, s->in) && takes(l, concat, s);
	struct spot a, b;
	int status = spot_need(l, two ? node_in(concat, 0) : s->in, layout, &a);
	b = a;
	b.ref.offset += (int64_t)c->shuffle.n * c->shuffle.size;
	if (status == OK && two)
		status = spot_need(l, node_in(concat, 1), layout, &b);
	c->in = a.ref;
	c->shuffle.ld_a = a.ld;
	if (s->groups == 2) {
		c->add = b.ref;
		c->shuffle.ld_b = b.ld;
	}
	return status;
}

static int call(struct lower *l, const struct node *n, const struct shuffle *s)
{
	const struct tensor *x = lower_dims(l, s->in);
	const struct value *out = &s->end->out[0];
	bool u8 = l->e->quant[out->id].on;
	enum layout layout = CHANNELS_LAST | (u8 ? LAYOUT_U8 : 0);
	struct spot y;
	struct call here = {.kind = CALL_SHUFFLE, .node = n};
	here.shuffle = (struct channel_shuffle){.pixels = pixels_of(x),
	    .groups = (int)s->groups,
	    .n = (int)(x->dim[1] / s->groups),
	    .size = u8 ? 1 : 4};
	int status = place_in(l, s, layout, &here);
	if (status == OK)
		status = spot_make(l, out, layout, true, &y);
	struct call *c = status == OK ? call_add(l, CALL_SHUFFLE, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	*c = here;
	c->out = y.ref;
	c->shuffle.ld_out = y.ld;
	call_uses(l, c->in);
	call_uses(l, c->add);
	call_uses(l, c->out);
	return OK;
}

int lower_shuffle(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct shuffle s;
	if (!find(l, n, &s) || !l->last[s.end->out[0].id])
		return OK;
	*done = true;
	for (const struct node *m = n; m != s.end;) {
		m = follower(l, &m->out[0]);
		l->absorbed[l->e->maker[m->out[0].id]] = true;
	}
	return call(l, n, &s);
}
