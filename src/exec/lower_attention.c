/* ScaledDotProductAttention as a call of its kernel. */
#include <limits.h>
#include <math.h>

#include "exec/lower.h"

static bool fits(int64_t x)
{
	return x > 0 && x <= INT_MAX / 64;
}

/* How operand t goes through the heads of y, matrix by matrix. */
static void set_steps(
    struct attention_f32 *a, int t, const struct tensor *x, const struct tensor *y)
{
	int64_t step = 1;
	for (int d = a->nbatch - 1; d >= 0; d--) {
		int at = x->rank - (y->rank - d);
		int64_t dim = at < 0 ? 1 : x->dim[at];
		a->step[t][d] = dim == 1 ? 0 : step;
		step *= dim;
	}
}

static bool set_mask(struct attention_f32 *a, const struct tensor *mask, const struct tensor *y)
{
	int64_t rows = mask->rank > 1 ? mask->dim[mask->rank - 2] : 1;
	int64_t cols = mask->rank > 0 ? mask->dim[mask->rank - 1] : 1;
	if ((mask->type != DT_F32 && mask->type != DT_BOOL) || mask->rank > y->rank)
		return false;
	a->mask = mask->type == DT_F32 ? MASK_ADD : MASK_KEEP;
	a->mask_size = rows * cols;
	a->mask_row = rows > 1 ? (int)cols : 0;
	a->mask_col = cols > 1;
	set_steps(a, 3, mask, y);
	return true;
}

/* False for what stays with eval. */
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
	if (!fits(m) || !fits(k) || !fits(keys) || !fits(width) || a->nbatch > ATTENTION_BATCH)
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
	a->scale = (float)(1 / sqrt((double)k));
	for (int i = 0; i < 3; i++)
		set_steps(a, i, t[i], y);
	const struct value *scale = node_in(n, 4);
	const struct tensor *s = scale ? &l->e->c->t[scale->id] : NULL;
	if (s && (s->type != DT_F32 || !s->data))
		return false;
	if (s)
		a->scale = *(const float *)s->data;
	const struct value *mask = a->causal ? NULL : node_in(n, 3);
	return !mask || set_mask(a, lower_dims(l, mask), y);
}

int lower_attention(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct attention_f32 a;
	struct spot in[4] = {0}, y;
	int status = OK;
	if (!node_is(n, OP_SDPA) || !describe(l, n, &a))
		return OK;
	*done = true;
	attention_f32_plan(&a, pool_size(l->e->o.pool));
	for (int k = 0; k < 3 + (a.mask != MASK_NONE) && status == OK; k++)
		status = spot_need(l, node_in(n, k), ROW_MAJOR, &in[k]);
	if (status == OK)
		status = spot_make(l, &n->out[0], ROW_MAJOR, true, &y);
	struct call *c = status == OK ? call_add(l, CALL_ATTENTION, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	c->attention.k = a;
	c->out = y.ref;
	call_uses(l, c->out);
	for (int k = 0; k < 4; k++) {
		c->attention.in[k] = in[k].ref;
		call_uses(l, in[k].ref);
	}
	return call_scratch(l, c, a.scratch);
}
