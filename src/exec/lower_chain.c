/* Chains of layers that work element by element, as one call each. */
#include <math.h>
#include <string.h>

#include "exec/lower.h"
#include "ops/elem.h"

/* ---- which layers ---- */

static const struct {
	enum op_id id;
	enum span_op op, swapped; /* swapped: when what flows is the second operand */
} binary[] = {
    {OP_ADD, SPAN_ADD, SPAN_ADD},
    {OP_SUBTRACT, SPAN_SUB, SPAN_SUB_FROM},
    {OP_MULTIPLY, SPAN_MUL, SPAN_MUL},
    {OP_DIVIDE, SPAN_DIV, SPAN_DIV_INTO},
    {OP_MAXIMUM, SPAN_MAX, SPAN_MAX},
    {OP_MINIMUM, SPAN_MIN, SPAN_MIN},
    {OP_SQUARED_DIFFERENCE, SPAN_SQUARED_DIFFERENCE, SPAN_SQUARED_DIFFERENCE},
};

static const struct {
	enum op_id id;
	enum span_op op;
} unary[] = {
    {OP_ABS, SPAN_ABS},
    {OP_NEGATIVE, SPAN_NEG},
    {OP_SQRT, SPAN_SQRT},
    {OP_FLOOR, SPAN_FLOOR},
    {OP_CEILING, SPAN_CEIL},
    {OP_EXP, SPAN_EXP},
    {OP_LOG, SPAN_LOG},
    {OP_SIGMOID, SPAN_SIGMOID},
    {OP_TANH, SPAN_TANH},
    {OP_ERF, SPAN_ERF},
    {OP_HSWISH, SPAN_HSWISH},
    {OP_HSIGMOID, SPAN_HSIGMOID},
    {OP_SOFT_PLUS, SPAN_SOFT_PLUS},
    {OP_MISH, SPAN_MISH},
};

static bool is_binary(const struct node *n, bool swapped, struct chain_op *op)
{
	for (size_t i = 0; i < sizeof binary / sizeof *binary; i++)
		if (node_is(n, binary[i].id) && attr_is(n, "auto_broadcast", "numpy")) {
			op->op = (uint8_t)(swapped ? binary[i].swapped : binary[i].op);
			return true;
		}
	return false;
}

static float number(const struct lower *l, const struct node *n, int k, float otherwise)
{
	const struct tensor *t = node_in(n, k) ? &l->e->c->t[node_in(n, k)->id] : NULL;
	if (!node_in(n, k))
		return otherwise;
	return t->type == DT_F32 && t->data && tensor_count(t) == 1 ? *(float *)t->data : NAN;
}

/* Those with parameters. */
static bool is_function(const struct lower *l, const struct node *n, struct chain_op *op)
{
	op->a = 0;
	op->b = INFINITY;
	if (node_is(n, OP_RELU)) {
		op->op = SPAN_CLAMP;
	} else if (node_is(n, OP_CLAMP)) {
		op->op = SPAN_CLAMP;
		op->a = (float)attr_f(n, "min");
		op->b = (float)attr_f(n, "max");
	} else if (node_is(n, OP_SWISH)) {
		op->op = SPAN_SWISH;
		op->a = number(l, n, 1, 1);
	} else if (node_is(n, OP_HARD_SIGMOID)) {
		op->op = SPAN_HARD_SIGMOID;
		op->a = number(l, n, 1, NAN);
		op->b = number(l, n, 2, NAN);
	} else if (node_is(n, OP_ELU)) {
		op->op = SPAN_ELU;
		op->a = (float)attr_f(n, "alpha");
	} else if (node_is(n, OP_GELU) || node_is(n, OP_GELU_2)) {
		bool t = node_is(n, OP_GELU) && (attr_is(n, "approximation_mode", "TANH") ||
						    attr_is(n, "approximation_mode", "tanh"));
		op->op = t ? SPAN_GELU_TANH : SPAN_GELU_ERF;
	} else {
		return false;
	}
	return !isnan(op->a) && !isnan(op->b);
}

bool chain_unary(const struct lower *l, const struct node *n, struct chain_op *op)
{
	for (size_t i = 0; i < sizeof unary / sizeof *unary; i++)
		if (node_is(n, unary[i].id)) {
			op->op = (uint8_t)unary[i].op;
			return true;
		}
	return is_function(l, n, op);
}

const struct node *chain_truncation(const struct lower *l, const struct node *n)
{
	if (!node_is(n, OP_CONVERT) || lower_dims(l, node_in(n, 0))->type != DT_F32 ||
	    lower_dims(l, &n->out[0])->type != DT_I32)
		return NULL;
	const struct node *back = follower(l, &n->out[0]);
	return back && node_is(back, OP_CONVERT) && lower_dims(l, &back->out[0])->type == DT_F32
		   ? back
		   : NULL;
}

/* Squares, roots and inverses. */
static bool is_power(const struct lower *l, const struct node *n, struct chain_op *op)
{
	float e = node_is(n, OP_POWER) ? number(l, n, 1, NAN) : NAN;
	*op = (struct chain_op){.constant = true};
	if (e == 2) {
		op->op = SPAN_SQUARED_DIFFERENCE;
	} else if (e == -1) {
		op->op = SPAN_DIV_INTO;
		op->a = 1;
	} else if (e == 0.5f) {
		*op = (struct chain_op){.op = SPAN_SQRT};
	} else {
		return false;
	}
	return attr_is(n, "auto_broadcast", "numpy");
}

/* ---- building ---- */

struct chain {
	const struct node *end;
	struct chain_f32 k;
	const struct value *in, *operand[CHAIN_OPERANDS];
};

static bool same_dims(const struct tensor *a, const struct tensor *b)
{
	for (int d = 0; d < a->rank; d++)
		if (a->rank != b->rank || a->dim[d] != b->dim[d])
			return false;
	return a->rank == b->rank;
}

static int operand_number(struct chain *c, const struct value *v)
{
	for (int k = 0; k < c->k.noperands; k++)
		if (c->operand[k] == v)
			return k;
	if (c->k.noperands == CHAIN_OPERANDS)
		return -1;
	c->operand[c->k.noperands] = v;
	return c->k.noperands++;
}

/* Operation by operation as eval does it: the bits decide which level a value falls into. Layers
 * that are computed in 8 bits have a kernel of their own. */
static bool take_fake_quantize(const struct lower *l, struct chain *c, const struct node *n)
{
	float r[4], steps = (float)(attr_i(n, "levels") - 1);
	for (int k = 0; k < 4; k++)
		r[k] = number(l, n, k + 1, NAN);
	const struct chain_op op[] = {{.op = SPAN_CLAMP, .a = r[0], .b = r[1]},
	    {.op = SPAN_SUB, .a = r[0], .constant = true},
	    {.op = SPAN_DIV, .a = r[1] - r[0], .constant = true},
	    {.op = SPAN_MUL, .a = steps, .constant = true}, {.op = SPAN_ROUND},
	    {.op = SPAN_DIV, .a = steps, .constant = true},
	    {.op = SPAN_MUL, .a = r[3] - r[2], .constant = true},
	    {.op = SPAN_ADD, .a = r[2], .constant = true}};
	int nops = (int)(sizeof op / sizeof *op);
	if (!(r[1] > r[0]) || !isfinite(r[1] - r[0]) || !isfinite(r[3] - r[2]) ||
	    l->e->quant[n->out[0].id].on || c->k.nops + nops > CHAIN_OPS)
		return false;
	memcpy(c->k.op + c->k.nops, op, sizeof op);
	c->k.nops += nops;
	return true;
}

/* Appends n to a chain whose value flows through its input k. */
static bool take(const struct lower *l, struct chain *c, const struct node *n, int k)
{
	struct chain_op op = {0};
	const struct node *back = n->nout == 1 && !k ? chain_truncation(l, n) : NULL;
	if (back && c->k.nops < CHAIN_OPS) {
		c->k.op[c->k.nops++] = (struct chain_op){.op = SPAN_TRUNC};
		c->end = back;
		return true;
	}
	if (c->k.nops == CHAIN_OPS || n->nout != 1 || lower_dims(l, &n->out[0])->type != DT_F32)
		return false;
	if (node_is(n, OP_FAKE_QUANTIZE))
		return k == 0 && take_fake_quantize(l, c, n);
	if (node_is(n, OP_PRELU) && k == 0) {
		op.op = SPAN_PRELU;
	} else if (!is_binary(n, k == 1, &op)) {
		if (k || !(chain_unary(l, n, &op) || is_power(l, n, &op)))
			return false;
		c->k.op[c->k.nops++] = op;
		return true;
	}
	const struct value *v = node_in(n, !k);
	const struct tensor *t = lower_dims(l, v);
	if (t->type != DT_F32 || (op.op == SPAN_PRELU && t->rank == 1 && tensor_count(t) > 1))
		return false;
	if (lower_constant(l, v) && tensor_count(t) == 1 && l->e->c->t[v->id].data) {
		op.constant = true;
		op.a = *(const float *)l->e->c->t[v->id].data;
	} else {
		int y = operand_number(c, v);
		if (y < 0)
			return false;
		op.y = (uint8_t)y;
	}
	c->k.op[c->k.nops++] = op;
	return true;
}

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
	return l->last[v->id] && same_dims(lower_dims(l, v), y) ? CHANNELS_LAST : ROW_MAJOR;
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
		const struct tensor *d = lower_dims(l, v);
		struct tensor seen = last ? layout_view(d, y->rank) : *d;
		bool full = last && (t == 0 || layout_in(l, v, y) == CHANNELS_LAST);
		int64_t ld = !full ? 0 : spot ? spot[t].ld : y->dim[1] + 1;
		steps_of(&seen, &view, ld, step[t]);
	}
	return box(&c->k, &view, step, n);
}

/* The layers behind that only the chain feeds. */
static void take_followers(struct lower *l, int i, struct chain *c)
{
	const struct node *n;
	while ((n = follower(l, &c->end->out[0]))) {
		int k = node_in(n, 0) != &c->end->out[0];
		const struct value *v = n->nin > 1 ? node_in(n, !k) : NULL;
		struct chain longer = *c;
		longer.end = n;
		if (!same_dims(lower_dims(l, &n->out[0]), lower_dims(l, &c->end->out[0])) ||
		    (v && !lower_fixed(l, v) && !is_there(l, v, i)) || !take(l, &longer, n, k) ||
		    l->last[longer.end->out[0].id] != l->last[c->end->out[0].id] ||
		    !set_walk(l, &longer, NULL))
			return;
		l->absorbed[l->e->maker[n->out[0].id]] = true;
		l->absorbed[l->e->maker[longer.end->out[0].id]] = true;
		*c = longer;
	}
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
		status = spot_need(l, v, last ? layout_in(l, v, y) : ROW_MAJOR, &spot[t]);
	}
	return status == OK ? spot_make(l, out, last ? CHANNELS_LAST : ROW_MAJOR, true, &spot[0])
			    : status;
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

/* Which input flows through the chain: one that has the result's dims. */
static int start(const struct lower *l, struct chain *c, const struct node *n)
{
	for (int k = 0; k < n->nin && k < 2; k++) {
		const struct value *v = node_in(n, k);
		if (!v || lower_dims(l, v)->type != DT_F32 ||
		    !same_dims(lower_dims(l, v), lower_dims(l, &n->out[0])) ||
		    (lower_constant(l, v) && n->nin > 1))
			continue;
		*c = (struct chain){.end = n, .in = v};
		if (take(l, c, n, k))
			return k;
	}
	return -1;
}

int lower_chain(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct spot spot[TENSORS] = {0};
	struct chain c;
	if (n->nout != 1 || start(l, &c, n) < 0)
		return OK;
	if (!set_walk(l, &c, NULL))
		return OK;
	l->absorbed[l->e->maker[c.end->out[0].id]] |= c.end != n;
	take_followers(l, i, &c);
	*done = true;
	int status = place(l, &c, spot);
	if (status < 0)
		return status;
	if (!set_walk(l, &c, spot))
		return fail(l->err, E_UNSUPPORTED, "a chain of layers has too many strides");
	return chain_call(l, n, &c, spot);
}
