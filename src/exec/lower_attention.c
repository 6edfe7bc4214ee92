/* ScaledDotProductAttention as a call of its kernel, which reads heads where the products have left
 * them: a Transpose and a Split between are only strides. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "exec/lower.h"

static bool fits(int64_t x)
{
	return x > 0 && x <= INT_MAX / 64;
}

/* How operand t goes through the heads of y, by its elements' strides. */
static void set_steps(struct attention_f32 *a, int t, const struct tensor *x, const int64_t *stride,
    const struct tensor *y)
{
	for (int d = 0; d < a->nbatch; d++) {
		int at = x->rank - (y->rank - d);
		a->step[t][d] = at < 0 || x->dim[at] == 1 ? 0 : stride[at];
	}
	a->row[t] = x->rank > 1 ? stride[x->rank - 2] : 0;
}

static void dense(const struct tensor *t, int64_t *stride)
{
	int64_t n = 1;
	for (int d = t->rank - 1; d >= 0; n *= t->dim[d--])
		stride[d] = n;
}

static bool set_mask(struct attention_f32 *a, const struct tensor *mask, const struct tensor *y)
{
	int64_t stride[MAX_RANK], rows = mask->rank > 1 ? mask->dim[mask->rank - 2] : 1;
	int64_t cols = mask->rank > 0 ? mask->dim[mask->rank - 1] : 1;
	if ((mask->type != DT_F32 && mask->type != DT_BOOL) || mask->rank > y->rank)
		return false;
	a->mask = mask->type == DT_F32 ? MASK_ADD : MASK_KEEP;
	a->mask_row = rows > 1 ? (int)cols : 0;
	a->mask_col = cols > 1;
	dense(mask, stride);
	set_steps(a, ATTENTION_MASK, mask, stride, y);
	a->row[ATTENTION_MASK] = 0;
	return true;
}

static bool set_scale(const struct lower *l, const struct node *n, struct attention_f32 *a)
{
	const struct value *scale = node_in(n, 4);
	const struct tensor *s = scale ? &l->e->c->t[scale->id] : NULL;
	a->scale = (float)(1 / sqrt((double)a->k));
	if (s && (s->type != DT_F32 || !s->data))
		return false;
	if (s)
		a->scale = *(const float *)s->data;
	return true;
}

/* All but where Q, K, V and the result lie. False for what stays with eval. */
static bool describe(const struct lower *l, const struct node *n, struct attention_f32 *a)
{
	const struct tensor *t[3], *y = lower_dims(l, &n->out[0]);
	for (int k = 0; k < 3; k++) {
		t[k] = lower_dims(l, node_in(n, k));
		if (t[k]->type != DT_F32 || t[k]->rank < 2 || t[k]->rank > y->rank)
			return false;
	}
	int64_t m = t[0]->dim[t[0]->rank - 2], k = t[0]->dim[t[0]->rank - 1];
	int64_t keys = t[1]->dim[t[1]->rank - 2], width = t[2]->dim[t[2]->rank - 1], heads = 1;
	*a = (struct attention_f32){.nbatch = y->rank - 2, .causal = attr_bool(n, "causal")};
	if (!fits(m) || !fits(k) || !fits(keys) || !fits(width) || !fits(keys * k) ||
	    !fits(keys * width) || a->nbatch > ATTENTION_BATCH)
		return false;
	for (int d = 0; d < a->nbatch; d++) {
		heads *= y->dim[d];
		if (!fits(heads))
			return false;
		a->dim[d] = (int)y->dim[d];
	}
	if (!fits(heads * m) || !fits(tensor_count(t[1]) / keys) ||
	    !fits(tensor_count(t[2]) / keys))
		return false;
	a->m = (int)m;
	a->k = (int)k;
	a->n = (int)keys;
	a->width = (int)width;
	a->heads = (int)heads;
	const struct value *mask = a->causal ? NULL : node_in(n, 3);
	return set_scale(l, n, a) && (!mask || set_mask(a, lower_dims(l, mask), y));
}

/* ---- views ---- */

/* Is every use of v one as Q, K or V of attention that has a kernel, or a Split whose parts are
 * used like that? */
static bool only_attention(const struct lower *l, const struct value *v)
{
	struct attention_f32 a;
	int seen = 0;
	value_each_use (v, u) {
		const struct node *n = u->node;
		bool good = false;
		if (!n->nout || l->e->maker[n->out[0].id] < 0 || l->p->dynamic[n->out[0].id])
			continue;
		if (node_is(n, OP_SDPA)) {
			good = describe(l, n, &a) && node_in(n, 3) != v && node_in(n, 4) != v;
		} else if (node_is(n, OP_SPLIT) && node_in(n, 1) != v) {
			good = lower_constant(l, node_in(n, 1));
			for (int k = 0; k < n->nout; k++)
				good = good && only_attention(l, &n->out[k]);
		}
		if (!good)
			return false;
		seen++;
	}
	return seen > 0 && seen == l->e->uses[v->id];
}

/* The order of a Transpose that leaves the last dim in its place, or false. */
static bool order_of(const struct lower *l, const struct node *n, int *order)
{
	struct tensor t = l->e->c->t[node_in(n, 1)->id];
	int rank = lower_dims(l, &n->out[0])->rank;
	if (t.type == DT_NONE || !t.data || rank < 2 || tensor_count(&t) != rank)
		return false;
	for (int d = 0; d < rank; d++)
		order[d] = (int)tensor_i64(&t, d);
	return order[rank - 1] == rank - 1;
}

static int view_transpose(struct lower *l, const struct node *n, bool *done)
{
	const struct value *y = &n->out[0];
	int64_t stride[MAX_RANK];
	int order[MAX_RANK], rank = lower_dims(l, y)->rank;
	struct spot x;
	if (lower_dims(l, y)->type != DT_F32 || !order_of(l, n, order) || !only_attention(l, y))
		return OK;
	int status = spot_need(l, node_in(n, 0), ROW_MAJOR, &x);
	struct view *v = &l->view[y->id];
	dense(lower_dims(l, node_in(n, 0)), stride);
	v->ref = x.ref;
	for (int d = 0; d < rank; d++)
		v->stride[d] = stride[order[d]];
	*done = true;
	return status;
}

/* Parts of a view are views. */
static int view_split(struct lower *l, const struct node *n, bool *done)
{
	const struct view *x = &l->view[node_in(n, 0)->id];
	if (!x->ref.buffer)
		return OK;
	int64_t axis = tensor_i64(&l->e->c->t[node_in(n, 1)->id], 0);
	int rank = lower_dims(l, node_in(n, 0))->rank;
	axis += axis < 0 ? rank : 0;
	int64_t at = 0;
	for (int k = 0; k < n->nout; k++) {
		struct view *v = &l->view[n->out[k].id];
		*v = *x;
		v->ref.offset += at * x->stride[axis] * (int64_t)sizeof(float);
		at += lower_dims(l, &n->out[k])->dim[axis];
	}
	*done = true;
	return OK;
}

int lower_view(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	if (l->e->o.tap)
		return OK;
	if (node_is(n, OP_TRANSPOSE))
		return view_transpose(l, n, done);
	return node_is(n, OP_SPLIT) ? view_split(l, n, done) : OK;
}

/* ---- the call ---- */

static int place_in(struct lower *l, const struct node *n, int k, struct call *c)
{
	const struct value *v = node_in(n, k);
	const struct tensor *t = lower_dims(l, v);
	const struct view *w = &l->view[v->id];
	int64_t stride[MAX_RANK];
	struct spot s = {.ref = w->ref};
	int status = s.ref.buffer ? OK : spot_need(l, v, ROW_MAJOR, &s);
	if (s.ref.buffer == w->ref.buffer)
		memcpy(stride, w->stride, sizeof stride);
	else
		dense(t, stride);
	c->attention.in[k] = s.ref;
	if (k < 3)
		set_steps(&c->attention.k, k, t, stride, lower_dims(l, &n->out[0]));
	return status;
}

/* The result, or where the Transpose behind would put it. */
static int place_out(struct lower *l, const struct node *n, struct call *c)
{
	const struct node *f = follower(l, &n->out[0]), *end = n;
	const struct tensor *y = lower_dims(l, &n->out[0]);
	int64_t dims[MAX_RANK], stride[MAX_RANK];
	int order[MAX_RANK];
	struct spot s;
	dense(y, stride);
	if (f && node_is(f, OP_TRANSPOSE) && node_in(f, 0) == &n->out[0] && order_of(l, f, order)) {
		end = f;
		l->absorbed[l->e->maker[f->out[0].id]] = true;
		dense(lower_dims(l, &f->out[0]), dims);
		for (int d = 0; d < y->rank; d++)
			stride[order[d]] = dims[d];
	}
	int status = spot_make(l, &end->out[0], ROW_MAJOR, true, &s);
	set_steps(&c->attention.k, ATTENTION_OUT, y, stride, y);
	c->out = s.ref;
	return status;
}

int lower_attention(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct call here = {.kind = CALL_ATTENTION, .node = n};
	struct attention_f32 *a = &here.attention.k;
	int status = OK;
	if (!node_is(n, OP_SDPA) || !describe(l, n, a))
		return OK;
	*done = true;
	attention_f32_plan(a, pool_size(l->e->o.pool));
	for (int k = 0; k < 3 + (a->mask != MASK_NONE) && status == OK; k++)
		status = place_in(l, n, k, &here);
	if (status == OK)
		status = place_out(l, n, &here);
	struct call *c = status == OK ? call_add(l, CALL_ATTENTION, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	*c = here;
	call_uses(l, c->out);
	for (int k = 0; k < 4; k++)
		call_uses(l, c->attention.in[k]);
	return call_scratch(l, c, a->scratch);
}
