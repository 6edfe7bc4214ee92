/* Which layers work element by element, and what they are as operations of a chain. */
#include "exec/chain.h"

#include <math.h>

#include "exec/batch_norm.h"
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

/* Squares, cubes, roots and inverses. */
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
	} else if (e == 3) {
		*op = (struct chain_op){.op = SPAN_CUBE};
	} else {
		return false;
	}
	return attr_is(n, "auto_broadcast", "numpy");
}

/* ---- building ---- */

static int operand_number(const struct lower *l, struct chain *c, const struct value *v)
{
	for (int k = 0; k < c->k.noperands; k++)
		if (c->operand[k] == v && !c->made[k])
			return k;
	if (c->k.noperands == CHAIN_OPERANDS)
		return -1;
	c->operand[c->k.noperands] = v;
	c->dims[c->k.noperands] = lower_dims(l, v);
	c->made[c->k.noperands] = NULL;
	return c->k.noperands++;
}

/* One that undoes the last takes it away. */
static bool push(struct chain *c, struct chain_op op)
{
	const struct chain_op *last = c->k.nops ? &c->k.op[c->k.nops - 1] : NULL;
	if (c->k.nops == CHAIN_OPS || c->out)
		return false;
	if (last && last->op == SPAN_MUL && last->constant && last->a == 2 && op.op == SPAN_MUL &&
	    op.constant && op.a == 0.5f && c->k.nops > 1) {
		c->k.nops--;
		return true;
	}
	c->k.op[c->k.nops++] = op;
	return true;
}

/* ---- FakeQuantize ---- */

/* What x is multiplied with, and what is added, for each element of a range, or for all: n is 1. */
struct factors {
	const struct value *of; /* an input that they stand for */
	const struct tensor *dims;
	float *f[4];
	int64_t n;
};

static bool factors_new(
    struct lower *l, const struct value *of, const struct tensor *dims, struct factors *f)
{
	bool ok = true;
	f->of = of;
	f->dims = dims;
	f->n = tensor_count(dims);
	for (int i = 0; i < 4; i++)
		ok &= (f->f[i] = arena_array(l->p->arena, (size_t)f->n, sizeof **f->f)) != NULL;
	return ok;
}

static bool push_factors(struct chain *c, int op, const struct factors *f, float top)
{
	struct chain_op o = {.op = (uint8_t)op, .top = top};
	int n = chain_op_operands(&o);
	if (f->n == 1) {
		o.constant = true;
		o.a = *f->f[0];
		o.b = *f->f[1];
		o.c = op == CHAIN_LEVELS ? *f->f[2] : 0;
		o.d = op == CHAIN_LEVELS ? *f->f[3] : 0;
		return push(c, o);
	}
	if (c->k.noperands + n > CHAIN_OPERANDS)
		return false;
	o.y = (uint8_t)c->k.noperands;
	for (int i = 0; i < n; i++) {
		c->operand[c->k.noperands] = f->of;
		c->dims[c->k.noperands] = f->dims;
		c->made[c->k.noperands++] = f->f[i];
	}
	return push(c, o);
}

/* The ranges of n, and the input with the dims of all that are not single numbers. */
static const struct value *ranges_of(const struct lower *l, const struct node *n, struct tensor *r)
{
	const struct value *most = node_in(n, 1);
	for (int k = 0; k < 4; k++) {
		r[k] = l->e->c->t[node_in(n, k + 1)->id];
		if (r[k].type != DT_F32 || !r[k].data)
			return NULL;
		if (tensor_count(&r[k]) != 1)
			most = node_in(n, k + 1);
	}
	for (int k = 0; k < 4; k++)
		if (tensor_count(&r[k]) != 1 && !chain_same_dims(&r[k], lower_dims(l, most)))
			return NULL;
	return most;
}

static double range_at(const struct tensor *t, int64_t i)
{
	return ((const float *)t->data)[tensor_count(t) == 1 ? 0 : i];
}

static bool take_levels(struct lower *l, struct chain *c, const struct node *n)
{
	double top = (double)(attr_i(n, "levels") - 1);
	struct tensor r[4];
	struct factors k;
	const struct value *most = ranges_of(l, n, r);
	if (!most || !factors_new(l, most, lower_dims(l, most), &k))
		return false;
	for (int64_t i = 0; i < k.n; i++) {
		double lo = range_at(&r[0], i), hi = range_at(&r[1], i), from = range_at(&r[2], i);
		k.f[0][i] = (float)(top / (hi - lo));
		k.f[1][i] = (float)(-lo * top / (hi - lo));
		k.f[2][i] = (float)((range_at(&r[3], i) - from) / top);
		k.f[3][i] = (float)from;
		for (int j = 0; j < 4; j++)
			if (!(hi > lo) || !isfinite(k.f[j][i]))
				return false;
	}
	return push_factors(c, CHAIN_LEVELS, &k, (float)top);
}

static bool take_bytes(struct lower *l, struct chain *c, const struct node *n)
{
	const struct quant *q = &l->e->quant[n->out[0].id];
	struct tensor r[4];
	struct factors k;
	const struct value *most = q->scales ? ranges_of(l, n, r) : node_in(n, 1);
	if (!most || !factors_new(l, most, lower_dims(l, most), &k))
		return false;
	for (int64_t i = 0; i < k.n; i++) {
		k.f[0][i] = 1 / (q->scales ? q->scales[i] : q->scale);
		k.f[1][i] = (float)(q->zeros ? q->zeros[i] : q->zero);
	}
	if (!push_factors(c, CHAIN_BYTES, &k, (float)q->top))
		return false;
	c->out = q;
	return true;
}

static bool take_fake_quantize(struct lower *l, struct chain *c, const struct node *n)
{
	const struct quant *q = &l->e->quant[n->out[0].id];
	bool bytes = q->on && (!q->scales || (l->last[n->out[0].id] && !q->clamped &&
						 bytes_are_read(l, &n->out[0])));
	return bytes ? take_bytes(l, c, n) : take_levels(l, c, n);
}

/* ---- Select ---- */

/* Between x, which is n's input k, and a number, as a constant says. */
static bool take_select(struct lower *l, struct chain *c, const struct node *n, int k)
{
	const struct value *cond = node_in(n, 0);
	struct chain_op op = {.op = SPAN_SELECT, .a = k ? number(l, n, 3 - k, NAN) : NAN};
	struct tensor t;
	struct err ignored = {0};
	if (isnan(op.a) || !attr_is(n, "auto_broadcast", "numpy") || !lower_constant(l, cond) ||
	    constants_get(l->e->net, cond, &t, &ignored) < 0 || !t.data || t.type != DT_BOOL ||
	    c->k.noperands == CHAIN_OPERANDS)
		return false;
	float *f = arena_array(l->p->arena, (size_t)tensor_count(&t) + 1, sizeof *f);
	for (int64_t i = 0; f && i < tensor_count(&t); i++)
		f[i] = (((const uint8_t *)t.data)[i] != 0) == (k == 1);
	op.y = (uint8_t)c->k.noperands;
	c->operand[op.y] = cond;
	c->dims[op.y] = lower_dims(l, cond);
	c->made[c->k.noperands++] = f;
	return f && push(c, op);
}

/* ---- batch normalization ---- */

/* One value for each channel of y. */
static const struct tensor *channel_dims(struct lower *l, const struct tensor *y)
{
	struct tensor *t = arena_array(l->p->arena, 1, sizeof *t);
	if (!t || y->rank < 2)
		return NULL;
	*t = (struct tensor){.type = DT_F32, .rank = y->rank};
	for (int d = 0; d < y->rank; d++)
		t->dim[d] = d == 1 ? y->dim[1] : 1;
	return t;
}

/* As a product and a sum. */
static bool take_batch_norm(struct lower *l, struct chain *c, const struct node *n, int k)
{
	const struct tensor *dims = channel_dims(l, lower_dims(l, &n->out[0]));
	struct batch_norm b;
	struct factors f;
	if (!dims || !batch_norm_read(l, n, node_in(n, k), &b) || !factors_new(l, b.of, dims, &f))
		return false;
	for (int64_t i = 0; i < f.n; i++) {
		f.f[0][i] = batch_norm_gain(&b, i);
		f.f[1][i] = batch_norm_bias(&b, i, f.f[0][i]);
	}
	struct factors sum = {.of = b.of, .dims = dims, .f = {f.f[1], f.f[1]}, .n = f.n};
	return push_factors(c, SPAN_MUL, &f, 0) && push_factors(c, SPAN_ADD, &sum, 0);
}

/* ---- layers ---- */

bool chain_take(struct lower *l, struct chain *c, const struct node *n, int k)
{
	struct chain_op op = {0};
	const struct node *back = n->nout == 1 && !k ? chain_truncation(l, n) : NULL;
	if (back) {
		c->end = back;
		return push(c, (struct chain_op){.op = SPAN_TRUNC});
	}
	c->end = n;
	if (n->nout != 1 || lower_dims(l, &n->out[0])->type != DT_F32)
		return false;
	if (quant_reshapes(n)) /* to the same dims */
		return !k &&
		       chain_same_dims(lower_dims(l, node_in(n, 0)), lower_dims(l, &n->out[0]));
	if (node_is(n, OP_FAKE_QUANTIZE))
		return k == 0 && take_fake_quantize(l, c, n);
	if (node_is(n, OP_SELECT))
		return take_select(l, c, n, k);
	if (node_is(n, OP_BATCH_NORM) || node_is(n, OP_BATCH_NORM_1))
		return take_batch_norm(l, c, n, k);
	if (node_is(n, OP_PRELU) && k == 0)
		op.op = SPAN_PRELU;
	else if (!is_binary(n, k == 1, &op))
		return !k && (chain_unary(l, n, &op) || is_power(l, n, &op)) && push(c, op);
	const struct value *v = node_in(n, !k);
	const struct tensor *t = lower_dims(l, v);
	if (t->type != DT_F32 || (op.op == SPAN_PRELU && t->rank == 1 && tensor_count(t) > 1))
		return false;
	op.constant = lower_constant(l, v) && tensor_count(t) == 1 &&
		      l->e->c->t[v->id].data != NULL;
	int y = op.constant ? 0 : operand_number(l, c, v);
	op.a = op.constant ? *(const float *)l->e->c->t[v->id].data : 0;
	op.y = (uint8_t)y;
	return y >= 0 && push(c, op);
}

/* ---- two ways that meet again ---- */

/* The two layers that read v, once each. */
static bool both_readers(const struct lower *l, const struct value *v, const struct node *by[2])
{
	return live_readers(l, v, by) == 2 && by[0] && by[1] && by[0] != by[1];
}

/* Which input of n reads v. */
static int input_of(const struct node *n, const struct value *v)
{
	int k = 0;
	while (node_in(n, k) != v)
		k++;
	return k;
}

static bool joins(const struct lower *l, const struct node *n)
{
	return n->nout == 1 && (node_is(n, OP_MULTIPLY) || node_is(n, OP_ADD)) &&
	       attr_is(n, "auto_broadcast", "numpy") && !lower_fixed(l, node_in(n, 0)) &&
	       !lower_fixed(l, node_in(n, 1));
}

static const struct node *join_behind(const struct lower *l, const struct node *n)
{
	while (n && !joins(l, n))
		n = n->nout == 1 ? follower(l, &n->out[0]) : NULL;
	return n;
}

/* Does n make a value of the same kind of v? */
static bool is_like(const struct lower *l, const struct node *n, const struct value *v)
{
	return n->nout == 1 && l->last[n->out[0].id] == l->last[v->id] &&
	       chain_same_dims(lower_dims(l, &n->out[0]), lower_dims(l, v));
}

/* Appends the layers from n, which reads v, up to the one before join. */
static bool take_way(struct lower *l, struct chain *c, const struct value *v, const struct node *n,
    const struct node *join)
{
	while (n != join) {
		if (!is_like(l, n, v) || chain_truncation(l, n) || l->e->quant[n->out[0].id].on ||
		    !chain_take(l, c, n, input_of(n, v)))
			return false;
		v = &n->out[0];
		n = follower(l, v);
	}
	return true;
}

bool chain_take_both(struct lower *l, struct chain *c, const struct value *v)
{
	const struct node *by[2], *join;
	if (!both_readers(l, v, by) || !(join = join_behind(l, by[0])) ||
	    join != join_behind(l, by[1]) || !is_like(l, join, v))
		return false;
	int op = node_is(join, OP_ADD) ? CHAIN_ADD_KEPT : CHAIN_MUL_KEPT, from = c->k.nops;
	bool ok = push(c, (struct chain_op){.op = CHAIN_KEEP}) && take_way(l, c, v, by[0], join) &&
		  (by[1] == join || (push(c, (struct chain_op){.op = CHAIN_SWAP}) &&
					take_way(l, c, v, by[1], join))) &&
		  push(c, (struct chain_op){.op = (uint8_t)op});
	c->end = join;
	c->forks |= !from;
	if (ok)
		chain_one_function(c, from);
	return ok;
}

/* ---- all behind ---- */

void chain_follow(struct lower *l, struct chain *c,
    bool (*fits)(struct lower *l, const struct chain *c, const void *user), const void *user)
{
	for (bool more = true; more && !c->out;) {
		const struct value *x = &c->end->out[0];
		const struct node *n = follower(l, x);
		struct chain longer = *c;
		more = n ? is_like(l, n, x) && chain_take(l, &longer, n, input_of(n, x))
			 : chain_take_both(l, &longer, x);
		more = more && is_like(l, longer.end, x) && fits(l, &longer, user);
		if (more)
			*c = longer;
	}
}

/* ---- done ---- */

void chain_absorb(struct lower *l, const struct chain *c, const struct value *v)
{
	while (v != &c->end->out[0]) {
		const struct node *by[2] = {follower(l, v), NULL};
		if (!by[0])
			both_readers(l, v, by);
		const struct node *join = by[1] ? join_behind(l, by[1]) : by[0];
		for (int k = 0; k < 2; k++)
			for (const struct node *n = by[k]; n && n != join;
			     n = follower(l, &n->out[0]))
				l->absorbed[l->e->maker[n->out[0].id]] = true;
		l->absorbed[l->e->maker[join->out[0].id]] = true;
		v = &join->out[0];
	}
}
