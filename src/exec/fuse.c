/* The nodes behind a kernel that it can do while its results are in registers: bias, sum, clamp.
 *
 * Layers beside each other, which read one tensor, as Q, K and V do and the branches of an
 * Inception block, stay calls of their own. Measured in FP32 with weights from memory: one product
 * of 2304 columns instead of three of 768 takes 0.96 to 1.03 of their time on one thread and 0.92
 * to 0.98 on two, for 1 to 197 rows, and taking its result apart costs what that saves (at 197 rows
 * of eight layers 0.95 of 13.8 ms). One 1x1 convolution instead of three takes 0.91 to 1.04 of
 * their time in GoogLeNet's blocks 3a, 4a and 5a. */
#include <math.h>

#include "exec/lower.h"
#include "exec/tap.h"

int live_readers(const struct lower *l, const struct value *v, const struct node *by[2])
{
	const struct exec *e = l->e;
	int left = e->uses[v->id], n = 0;
	by[0] = by[1] = NULL;
	value_each_use (v, u) {
		if (!u->node->nout || e->maker[u->node->out[0].id] < 0)
			continue;
		if (l->p->known[u->node->out[0].id])
			left--;
		else if (n < 2)
			by[n++] = u->node;
	}
	return is_tapped(e, v) ? left + 1 : left;
}

const struct node *follower(const struct lower *l, const struct value *v)
{
	const struct node *by[2];
	return live_readers(l, v, by) == 1 ? by[0] : NULL;
}

static void absorb(struct lower *l, const struct node **end, const struct node *n)
{
	l->absorbed[l->e->maker[n->out[0].id]] = true;
	*end = n;
}

static bool same_dims(const struct tensor *a, const struct tensor *b)
{
	if (a->type != b->type || a->rank != b->rank)
		return false;
	for (int d = 0; d < a->rank; d++)
		if (a->dim[d] != b->dim[d])
			return false;
	return true;
}

bool is_per_axis(const struct tensor *t, int rank, int axis, int64_t size)
{
	for (int d = 0; d < t->rank; d++) {
		int at = d + rank - t->rank;
		if (t->dim[d] != 1 && (at != axis || t->dim[d] != size))
			return false;
	}
	return t->rank <= rank;
}

static int take_bias(struct lower *l, struct fused *f, const struct value *v, int64_t channels)
{
	struct tensor t = *lower_dims(l, v);
	int status = l->p->known[v->id] ? OK : constants_get(l->e->net, v, &t, l->err);
	if (status < 0)
		return status;
	bool one = tensor_count(&t) == 1;
	if (!f->bias) {
		f->bias = arena_array(l->p->arena, (size_t)channels, sizeof *f->bias);
		if (!f->bias)
			return fail_nomem(l->err);
		for (int64_t i = 0; i < channels; i++)
			f->bias[i] = 0;
	}
	for (int64_t i = 0; i < channels; i++)
		f->bias[i] += ((const float *)t.data)[one ? 0 : i];
	return OK;
}

bool is_there(const struct lower *l, const struct value *v, int i)
{
	return !l->p->dynamic[v->id] && !lower_fixed(l, v) &&
	       (node_is(v->node, OP_PARAMETER) || l->e->maker[v->id] < i ||
		   l->absorbed[l->e->maker[v->id]]);
}

/* What a kernel can do behind its sums. */
struct able {
	bool sum; /* adds another value */
	bool see; /* and tells the ends of what it is added to */
};

/* The node that alone uses v but for a tap, which needs no more than the ends. */
static const struct node *behind_ends(const struct lower *l, const struct value *v)
{
	const struct node *by[2];
	return tap_wants_ends(l->e, v) && live_readers(l, v, by) == 2 ? by[0] : NULL;
}

/* Adds: of a bias, before or behind the sum with another value. */
static int fuse_add(struct lower *l, int i, int axis, int64_t channels, struct fused *f,
    struct able able, bool *more)
{
	const struct value *x = &f->end->out[0];
	const struct node *n = follower(l, x), *seen = NULL;
	*more = false;
	if (!n && able.see)
		n = seen = behind_ends(l, x);
	if (!n || !node_is(n, OP_ADD) || !attr_is(n, "auto_broadcast", "numpy"))
		return OK;
	const struct value *v = node_in(n, node_in(n, 0) == x);
	const struct tensor *t = lower_dims(l, v), *y = lower_dims(l, x);
	if (!same_dims(y, lower_dims(l, &n->out[0])))
		return OK;
	*more = true;
	if (!seen && lower_fixed(l, v) && is_per_axis(t, y->rank, axis, channels)) {
		absorb(l, &f->end, n);
		return take_bias(l, f, v, channels);
	}
	*more = able.sum && !f->add && v != x && same_dims(t, y) && is_there(l, v, i);
	if (*more) {
		f->add = v;
		f->before = seen ? x : NULL;
		absorb(l, &f->end, n);
	}
	return OK;
}

static void fuse_clamp(struct lower *l, const struct node **end, float *lo, float *hi)
{
	const struct node *n = follower(l, &(*end)->out[0]);
	if (n && node_is(n, OP_RELU)) {
		*lo = 0;
		absorb(l, end, n);
	} else if (n && node_is(n, OP_CLAMP)) {
		*lo = (float)attr_f(n, "min");
		*hi = (float)attr_f(n, "max");
		absorb(l, end, n);
	}
}

void fuse_act(struct lower *l, struct fused *f)
{
	const struct node *n = follower(l, &f->end->out[0]);
	struct chain_op op = {0};
	const struct node *back = n && n->nout == 1 ? chain_truncation(l, n) : NULL;
	if (back && l->last[back->out[0].id] == l->last[f->end->out[0].id]) {
		f->act = (struct chain_op){.op = SPAN_TRUNC};
		absorb(l, &f->end, n);
		absorb(l, &f->end, back);
		return;
	}
	if (!n || n->nout != 1 || node_in(n, 0) != &f->end->out[0] ||
	    l->last[n->out[0].id] != l->last[f->end->out[0].id] ||
	    lower_dims(l, &n->out[0])->type != DT_F32 || !chain_unary(l, n, &op))
		return;
	f->act = op;
	absorb(l, &f->end, n);
}

const struct quant *fuse_quantize(struct lower *l, const struct node **end)
{
	const struct value *x = &(*end)->out[0];
	const struct node *n = follower(l, x);
	if (!n || !node_is(n, OP_FAKE_QUANTIZE) || node_in(n, 0) != x ||
	    !l->e->quant[n->out[0].id].on || l->e->quant[n->out[0].id].scales)
		return NULL;
	absorb(l, end, n);
	return &l->e->quant[n->out[0].id];
}

static int fuse_all(struct lower *l, int i, const struct node *n, int axis, int64_t channels,
    struct fused *f, struct able able)
{
	bool more = true;
	int status = OK;
	*f = (struct fused){.end = n, .lo = -INFINITY, .hi = INFINITY};
	while (more && status == OK)
		status = fuse_add(l, i, axis, channels, f, able, &more);
	fuse_clamp(l, &f->end, &f->lo, &f->hi);
	return status;
}

int fuse(struct lower *l, int i, const struct node *n, int axis, int64_t channels, struct fused *f)
{
	return fuse_all(l, i, n, axis, channels, f, (struct able){.sum = true});
}

int fuse_seeing(
    struct lower *l, int i, const struct node *n, int axis, int64_t channels, struct fused *f)
{
	return fuse_all(l, i, n, axis, channels, f, (struct able){.sum = true, .see = true});
}

int fuse_alone(
    struct lower *l, int i, const struct node *n, int axis, int64_t channels, struct fused *f)
{
	return fuse_all(l, i, n, axis, channels, f, (struct able){0});
}
