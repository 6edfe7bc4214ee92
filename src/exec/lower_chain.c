/* Chains of layers that work element by element, as one call each. */
#include <string.h>

#include "exec/chain.h"

/* ---- walks ---- */

#define TENSORS (CHAIN_OPERANDS + 2)

/* Steps of a tensor along the dims of the result, 0 where it is stretched. */
static void steps_of(const struct tensor *t, const struct tensor *y, int64_t ld, int64_t *step)
{
	int64_t n = 1;
	for (int d = y->rank - 1; d >= 0; d--) {
		int at = d - (y->rank - t->rank);
		int64_t dim = at < 0 ? 1 : t->dim[at];
		step[d] = dim == 1 ? 0 : n;
		n *= d == y->rank - 1 && ld ? ld : dim;
	}
}

/* Merges dims that all tensors walk as one; at most three may stay. */
static bool box(struct chain_f32 *k, const struct tensor *y, int64_t (*step)[MAX_RANK], int n)
{
	int64_t dim[MAX_RANK], s[TENSORS][MAX_RANK];
	int rank = 0;
	for (int d = 0; d < y->rank; d++) {
		bool merge = rank > 0;
		if (y->dim[d] == 1)
			continue;
		for (int t = 0; t < n && merge; t++)
			merge = s[t][rank - 1] == step[t][d] * y->dim[d];
		rank += !merge;
		dim[rank - 1] = merge ? dim[rank - 1] * y->dim[d] : y->dim[d];
		for (int t = 0; t < n; t++)
			s[t][rank - 1] = step[t][d];
	}
	if (rank > 3)
		return false;
	k->cols = rank > 0 ? dim[rank - 1] : 1;
	k->rows = rank > 1 ? dim[rank - 2] : 1;
	k->outer = rank > 2 ? dim[rank - 3] : 1;
	for (int t = 0; t < n; t++) {
		struct chain_walk *w = t == 0 ? &k->out : t == 1 ? &k->in : &k->operand[t - 2];
		if (rank > 0 && s[t][rank - 1] > 1)
			return false;
		w->col = rank > 0 ? (int)s[t][rank - 1] : 1;
		w->row = rank > 1 ? s[t][rank - 2] : 0;
		w->outer = rank > 2 ? s[t][rank - 3] : 0;
	}
	return true;
}

/* Does the value lie with its channels last when the chain's result does? */
static enum layout layout_in(const struct lower *l, const struct value *v, const struct tensor *y)
{
	return l->last[v->id] && chain_same_dims(lower_dims(l, v), y) ? CHANNELS_LAST : ROW_MAJOR;
}

/* Before spots are known no two pixels are taken to be neighbours. */
static bool set_walk(const struct lower *l, struct chain *c, const struct spot *spot)
{
	const struct value *out = &c->end->out[0];
	const struct tensor *y = lower_dims(l, out);
	bool last = l->last[out->id];
	struct tensor view = last ? layout_view(y, y->rank) : *y;
	int64_t step[TENSORS][MAX_RANK];
	int n = c->k.noperands + 2;
	for (int t = 0; t < n; t++) {
		const struct value *v = t == 0 ? out : t == 1 ? c->in : c->operand[t - 2];
		const struct tensor *d = t < 2 ? lower_dims(l, v) : c->dims[t - 2];
		struct tensor seen = last ? layout_view(d, y->rank) : *d;
		bool full = last && (t == 0 || layout_in(l, v, y) == CHANNELS_LAST);
		int64_t ld = !full ? 0 : spot ? spot[t].ld : y->dim[1] + 1;
		steps_of(&seen, &view, ld, step[t]);
	}
	return box(&c->k, &view, step, n);
}

/* Are the operands there before the step, and can all be walked at once? */
static bool fits(struct lower *l, const struct chain *c, const void *step)
{
	struct chain walked = *c;
	for (int k = 0; k < c->k.noperands; k++)
		if (!c->made[k] && !lower_fixed(l, c->operand[k]) &&
		    !is_there(l, c->operand[k], *(const int *)step))
			return false;
	return set_walk(l, &walked, NULL);
}

/* ---- the call ---- */

static int place(struct lower *l, struct chain *c, struct spot *spot)
{
	const struct value *out = &c->end->out[0];
	const struct tensor *y = lower_dims(l, out);
	bool last = l->last[out->id];
	int status = OK;
	for (int t = 1; t < c->k.noperands + 2 && status == OK; t++) {
		const struct value *v = t == 1 ? c->in : c->operand[t - 2];
		if (t > 1 && c->made[t - 2])
			status = buffer_fixed(l, c->made[t - 2],
			    (size_t)tensor_count(c->dims[t - 2]) * sizeof(float), &spot[t].ref);
		else
			status = spot_need(l, v, last ? layout_in(l, v, y) : ROW_MAJOR, &spot[t]);
	}
	enum layout layout = (last ? CHANNELS_LAST : ROW_MAJOR) | (c->out ? LAYOUT_U8 : 0);
	return status == OK ? spot_make(l, out, layout, true, &spot[0]) : status;
}

static int chain_call(struct lower *l, const struct node *n, struct chain *c, struct spot *spot)
{
	struct call *call = call_add(l, CALL_CHAIN, n);
	if (!call)
		return fail_nomem(l->err);
	call->chain.k = c->k;
	call->out = spot[0].ref;
	call->in = spot[1].ref;
	call_uses(l, call->out);
	call_uses(l, call->in);
	for (int k = 0; k < c->k.noperands; k++) {
		call->chain.operand[k] = spot[k + 2].ref;
		call_uses(l, call->chain.operand[k]);
	}
	return OK;
}

/* Is step i the first of the layers that read v? Ways that were begun are not taken again. */
static bool is_first_reader(const struct lower *l, const struct value *v, int i)
{
	const struct node *by[2] = {NULL};
	live_readers(l, v, by);
	for (int k = 0; k < 2; k++)
		if (by[k] && by[k]->nout &&
		    (l->e->maker[by[k]->out[0].id] < i ||
			l->absorbed[l->e->maker[by[k]->out[0].id]]))
			return false;
	return true;
}

/* The value that flows through the chain from step i on: an input that has the result's dims; NULL:
 * there is none. */
static const struct value *start(struct lower *l, struct chain *c, int i)
{
	const struct node *n = l->e->step[i].node;
	for (int k = 0; k < n->nin && k < 3; k++) {
		const struct value *v = node_in(n, k);
		if (!v || lower_dims(l, v)->type != DT_F32 ||
		    !chain_same_dims(lower_dims(l, v), lower_dims(l, &n->out[0])) ||
		    (lower_constant(l, v) && n->nin > 1))
			continue;
		*c = (struct chain){.in = v};
		if (is_first_reader(l, v, i) && chain_take_both(l, c, v) && fits(l, c, &i))
			return v;
		*c = (struct chain){.in = v};
		if (chain_take(l, c, n, k))
			return v;
	}
	return NULL;
}

int lower_chain(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct spot spot[TENSORS] = {0};
	struct chain c;
	const struct value *v = n->nout == 1 ? start(l, &c, i) : NULL;
	if (!v || !set_walk(l, &c, NULL))
		return OK;
	chain_follow(l, &c, fits, &i);
	chain_absorb(l, &c, c.forks ? v : &n->out[0]);
	*done = true;
	int status = place(l, &c, spot);
	if (status < 0)
		return status;
	if (!set_walk(l, &c, spot))
		return fail(l->err, E_UNSUPPORTED, "a chain of layers has too many strides");
	return chain_call(l, n, &c, spot);
}
