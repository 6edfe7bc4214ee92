/* Layers that cut boxes out or change the order of outer dims: runs of elements that stay together,
 * as one copy for each result. */
#include "exec/lower.h"

#define SHORT 16 /* bytes of a run that is left to eval */

/* Where the elements of a result lie in the operand, in elements. */
struct box {
	int64_t offset, stride[MAX_RANK];
};

static bool has_data(const struct tensor *t)
{
	return t->type != DT_NONE && t->data;
}

static struct box whole(const struct tensor *x)
{
	struct box b = {0};
	int64_t n = 1;
	for (int d = x->rank - 1; d >= 0; n *= x->dim[d--])
		b.stride[d] = n;
	return b;
}

static bool turned(const struct lower *l, const struct node *n, struct box *b)
{
	struct tensor order = lower_content(l, node_in(n, 1));
	int rank = lower_dims(l, node_in(n, 0))->rank;
	struct box x = *b;
	if (!has_data(&order) || tensor_count(&order) != rank)
		return false;
	for (int d = 0; d < rank; d++)
		b->stride[d] = x.stride[tensor_i64(&order, d)];
	return true;
}

/* Slice-8 by steps of 1. */
static bool sliced(const struct lower *l, const struct node *n, struct box *b)
{
	const struct value *along = node_in(n, 4);
	struct tensor start = lower_content(l, node_in(n, 1));
	struct tensor step = lower_content(l, node_in(n, 3));
	struct tensor axes = along ? lower_content(l, along) : (struct tensor){0};
	const struct tensor *x = lower_dims(l, node_in(n, 0));
	if (!has_data(&start) || !has_data(&step) || (along && !has_data(&axes)))
		return false;
	for (int64_t i = 0; i < tensor_count(&start); i++) {
		int64_t axis = along ? tensor_i64(&axes, i) : i, at = tensor_i64(&start, i);
		axis += axis < 0 ? x->rank : 0;
		if (tensor_i64(&step, i) != 1 || axis < 0 || axis >= x->rank)
			return false;
		at += at < 0 ? x->dim[axis] : 0;
		at = at < 0 ? 0 : at;
		if (at > x->dim[axis])
			return false;
		b->offset += at * b->stride[axis];
	}
	return true;
}

/* The runs of y's elements, of so many bytes each. */
static bool set_runs(const struct tensor *y, const struct box *b, int64_t size, struct copy *c)
{
	int64_t to = size;
	int level = COPY_DIMS;
	*c = (struct copy){.size = size, .count = {1, 1, 1}};
	for (int d = y->rank - 1; d >= 0; to *= y->dim[d--]) {
		int64_t from = b->stride[d] * size;
		if (y->dim[d] == 1)
			continue;
		if (level == COPY_DIMS && from == c->size) {
			c->size *= y->dim[d];
		} else if (level < COPY_DIMS && from == c->from[level] * c->count[level]) {
			c->count[level] *= y->dim[d];
		} else if (!level) {
			return false;
		} else {
			c->count[--level] = y->dim[d];
			c->from[level] = from;
			c->to[level] = to;
		}
	}
	return c->size >= SHORT;
}

/* The part of n's operand that is its result v. */
static int place(struct lower *l, const struct node *n, const struct value *v, const struct copy *k,
    struct ref from, enum layout layout)
{
	struct spot y;
	bool one = k->count[0] * k->count[1] * k->count[2] == 1;
	if (one) {
		spot_alias(l, v, layout, (struct spot){from, 0});
		return OK;
	}
	int status = spot_make(l, v, layout, true, &y);
	struct call *c = status == OK ? call_add(l, CALL_COPY, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	c->copy = *k;
	c->in = from;
	c->out = y.ref;
	call_uses(l, c->in);
	call_uses(l, c->out);
	return OK;
}

/* All results of n, which follow one another along axis from the first one's box on. */
static int runs(struct lower *l, const struct node *n, struct box b, int axis, bool *done)
{
	bool u8 = l->e->quant[n->out[0].id].on;
	enum layout layout = u8 ? U8_ROW_MAJOR : ROW_MAJOR;
	int bits = u8 ? 8 : dtype_bits(lower_dims(l, &n->out[0])->type);
	struct copy k;
	struct spot x;
	for (int i = 0; i < n->nout; i++)
		if (bits % 8 || l->last[n->out[i].id] ||
		    !set_runs(lower_dims(l, &n->out[i]), &b, bits / 8, &k))
			return OK;
	*done = true;
	int status = spot_need(l, node_in(n, 0), layout, &x);
	for (int i = 0; i < n->nout && status == OK; i++) {
		const struct tensor *y = lower_dims(l, &n->out[i]);
		struct ref from = {x.ref.buffer, x.ref.offset + b.offset * bits / 8};
		set_runs(y, &b, bits / 8, &k);
		status = place(l, n, &n->out[i], &k, from, layout);
		b.offset += n->nout > 1 ? y->dim[axis] * b.stride[axis] : 0;
	}
	return status;
}

int lower_runs(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	if (!n->nin || !n->nout)
		return OK;
	struct box b = whole(lower_dims(l, node_in(n, 0)));
	int axis = quant_splits(n) ? split_axis(l, n) : 0;
	bool fits = quant_splits(n)            ? axis >= 0
		    : node_is(n, OP_TRANSPOSE) ? turned(l, n, &b)
					       : node_is(n, OP_SLICE) && sliced(l, n, &b);
	return fits ? runs(l, n, b, axis, done) : OK;
}
