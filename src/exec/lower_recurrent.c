/* Recurrent layers with constant weights as calls of their kernel. */
#include <limits.h>
#include <math.h>

#include "exec/lower.h"
#include "exec/pack.h"
#include "ops/recurrent.h"

/* The layers: which kind, and where the lengths (-1: none) and the weights are among the inputs. */
static const struct layer {
	enum op_id id;
	int kind, lengths, weights;
} layers[] = {
    {OP_LSTM_SEQUENCE, RECURRENT_LSTM, 3, 4},
    {OP_GRU_SEQUENCE, RECURRENT_GRU, 2, 3},
    {OP_RNN_SEQUENCE, RECURRENT_RNN, 2, 3},
    {OP_LSTM_CELL, RECURRENT_LSTM, -1, 3},
    {OP_GRU_CELL, RECURRENT_GRU, -1, 2},
    {OP_RNN_CELL, RECURRENT_RNN, -1, 2},
};

static const struct layer *layer_of(const struct node *n)
{
	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		if (node_is(n, layers[i].id))
			return &layers[i];
	return NULL;
}

/* ---- what it computes ---- */

/* False for a function that the kernel has not. */
static bool set_act(struct recurrent_f32 *k, int i, const struct activation *a)
{
	static const int op[] = {[SIGMOID] = SPAN_SIGMOID,
	    [TANH] = SPAN_TANH,
	    [RELU] = SPAN_CLAMP,
	    [HARD_SIGMOID] = SPAN_HARD_SIGMOID,
	    [ELU] = SPAN_ELU,
	    [SOFT_PLUS] = SPAN_SOFT_PLUS,
	    [THRESHOLDED_RELU] = SPAN_NONE};
	k->act[i] = op[a->what];
	k->act_a[i] = a->what == RELU ? 0 : (float)a->alpha;
	k->act_b[i] = a->what == RELU ? INFINITY : (float)a->beta;
	return k->act[i] != SPAN_NONE;
}

static bool set_acts(struct recurrent_f32 *k, const struct node *n)
{
	struct activation a[RECURRENT_ACTS] = {{0}};
	int want = k->kind == RECURRENT_LSTM ? 3 : k->kind == RECURRENT_GRU ? 2 : 1;
	if (recurrent_activations(n, want, a))
		return false;
	for (int i = 0; i < RECURRENT_ACTS; i++)
		if (!set_act(k, i, &a[i < want ? i : 0]))
			return false;
	return true;
}

static bool describe(
    const struct lower *l, const struct node *n, const struct layer *y, struct recurrent_f32 *k)
{
	const struct tensor *x = lower_dims(l, node_in(n, 0));
	const struct tensor *w = lower_dims(l, node_in(n, y->weights));
	int64_t most = INT_MAX / 64;
	for (int i = 0; i < 3; i++)
		if (!lower_constant(l, node_in(n, y->weights + i)))
			return false;
	for (int i = 0; i < n->nin; i++)
		if (i != y->lengths && lower_dims(l, node_in(n, i))->type != DT_F32)
			return false;
	for (int d = 0; d < x->rank; d++)
		if (x->dim[d] < 1 || x->dim[d] > most || w->dim[d] > most)
			return false;
	bool cell = y->lengths < 0;
	*k = (struct recurrent_f32){.kind = y->kind,
	    .batch = (int)x->dim[0],
	    .steps = cell ? 1 : (int)x->dim[1],
	    .dirs = cell ? 1 : (int)w->dim[0],
	    .input = (int)x->dim[x->rank - 1],
	    .hidden = (int)(w->dim[w->rank - 2] / recurrent_gates(y->kind)),
	    .reverse = !cell && attr_is(n, "direction", "reverse"),
	    .clip = (float)attr_f(n, "clip")};
	k->reset_last = y->kind == RECURRENT_GRU && attr_bool(n, "linear_before_reset");
	return recurrent_fits(k) && set_acts(k, n);
}

/* ---- constants ---- */

/* The biases of the gates, and those of the product that is reset, apart. */
static int take_biases(struct lower *l, const struct node *n, const struct layer *y, struct call *c)
{
	const struct recurrent_f32 *k = &c->recurrent.k;
	int64_t gates = (int64_t)recurrent_gates(k->kind) * k->hidden;
	int64_t all = gates + (k->reset_last ? k->hidden : 0);
	struct tensor b;
	int status = constants_get(l->e->net, node_in(n, y->weights + 2), &b, l->err);
	if (status < 0)
		return status;
	size_t nbias = (size_t)(k->dirs * gates), nreset = (size_t)k->dirs * (size_t)k->hidden;
	float *bias = arena_array(l->p->arena, nbias, sizeof *bias);
	float *reset = arena_array(l->p->arena, nreset, sizeof *reset);
	if (!bias || !reset)
		return fail_nomem(l->err);
	for (int d = 0; d < k->dirs; d++)
		for (int64_t i = 0; i < all; i++) {
			float x = ((const float *)b.data)[d * all + i];
			*(i < gates ? bias + d * gates + i : reset + d * k->hidden + i - gates) = x;
		}
	status = buffer_fixed(l, bias, nbias * sizeof *bias, &c->bias);
	if (status == OK && k->reset_last)
		status = buffer_fixed(l, reset, nreset * sizeof *reset, &c->recurrent.reset);
	return status;
}

static int take_weights(
    struct lower *l, const struct node *n, const struct layer *y, struct call *c)
{
	const struct recurrent_f32 *k = &c->recurrent.k;
	const void *inputs, *states;
	int status = pack_recurrent(l->e, n, k, y->weights, &inputs, &states, l->err);
	if (status == OK)
		status = buffer_fixed(l, inputs, recurrent_f32_packed_inputs(k), &c->packed);
	if (status == OK)
		status = buffer_fixed(
		    l, states, recurrent_f32_packed_states(k), &c->recurrent.states);
	return status == OK ? take_biases(l, n, y, c) : status;
}

/* ---- operands ---- */

/* Are the lengths constants, all of them the whole sequence's? */
static int all_whole(struct lower *l, const struct value *v, int steps, bool *whole)
{
	struct tensor t = *lower_dims(l, v);
	int status = OK;
	*whole = false;
	if (!lower_fixed(l, v))
		return OK;
	if (!l->p->known[v->id])
		status = constants_get(l->e->net, v, &t, l->err);
	*whole = status == OK && t.data;
	for (int64_t i = 0; *whole && i < tensor_count(&t); i++)
		*whole = tensor_i64(&t, i) == steps;
	return status;
}

static int take_value(struct lower *l, const struct value *v, struct ref *to)
{
	struct spot s;
	int status = spot_need(l, v, ROW_MAJOR, &s);
	if (status == OK)
		*to = s.ref;
	return status;
}

static int take_operands(
    struct lower *l, const struct node *n, const struct layer *y, struct call *c)
{
	bool whole = true;
	int status = take_value(l, node_in(n, 0), &c->in);
	if (status == OK)
		status = take_value(l, node_in(n, 1), &c->recurrent.h0);
	if (status == OK && y->kind == RECURRENT_LSTM)
		status = take_value(l, node_in(n, 2), &c->recurrent.c0);
	if (status == OK && y->lengths >= 0)
		status = all_whole(l, node_in(n, y->lengths), c->recurrent.k.steps, &whole);
	if (status < 0 || whole)
		return status;
	c->recurrent.length = dtype_bits(lower_dims(l, node_in(n, y->lengths))->type);
	return take_value(l, node_in(n, y->lengths), &c->recurrent.lengths);
}

static int make_results(
    struct lower *l, const struct node *n, const struct layer *y, struct call *c)
{
	struct ref *const to[] = {&c->out, &c->recurrent.h, &c->recurrent.c};
	int first = y->lengths < 0; /* of a cell the last state is all there is */
	int status = OK;
	for (int k = first; k < 2 + (y->kind == RECURRENT_LSTM) && status == OK; k++) {
		struct spot s;
		status = spot_make(l, &n->out[k - first], ROW_MAJOR, false, &s);
		if (status == OK)
			*to[k] = s.ref;
	}
	return status;
}

static bool lengths_read(const struct lower *l, const struct node *n, const struct layer *y)
{
	if (y->lengths < 0)
		return true;
	enum dtype t = lower_dims(l, node_in(n, y->lengths))->type;
	return t == DT_I32 || t == DT_I64;
}

int lower_recurrent(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	const struct layer *y = layer_of(n);
	struct call here = {.kind = CALL_RECURRENT, .node = n};
	struct recurrent_f32 *k = &here.recurrent.k;
	if (!y || !describe(l, n, y, k) || !lengths_read(l, n, y))
		return OK;
	*done = true;
	recurrent_f32_plan(k, pool_size(l->e->o.pool));
	int status = take_weights(l, n, y, &here);
	if (status == OK)
		status = take_operands(l, n, y, &here);
	if (status == OK)
		status = make_results(l, n, y, &here);
	struct call *c = status == OK ? call_add(l, CALL_RECURRENT, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	*c = here;
	struct ref uses[] = {c->in, c->out, c->recurrent.h0, c->recurrent.c0, c->recurrent.lengths,
	    c->recurrent.h, c->recurrent.c};
	for (size_t u = 0; u < sizeof uses / sizeof *uses; u++)
		call_uses(l, uses[u]);
	return call_scratch(l, c, k->scratch + (size_t)k->batch * sizeof(int));
}
