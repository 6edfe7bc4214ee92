/* Activations written as several layers: HSigmoid, HSwish, Swish, SoftPlus, Mish. */
#include <math.h>

#include "passes/rewrite.h"

#define NEAR 1e-6 /* 1/6 as any exporter rounds it */

/* Is v one number near x, of a rank that leaves the shape of other alone? */
static bool number_near(const struct value *v, const struct value *other, double x)
{
	double y;
	return v && value_const(v) && shape_count(&v->info.shape) == 1 &&
	       v->info.shape.rank <= other->info.shape.rank && const_number(v, &y) &&
	       fabs(x - y) <= NEAR;
}

/* The input of an op with a number near x as its other operand; a quotient only as x / number. */
static struct value *operand_of(const struct value *v, enum op_id id, double x)
{
	const struct node *n = v->node;
	if (!node_is(n, id))
		return NULL;
	struct value *a = node_in(n, 0), *b = node_in(n, 1);
	if (number_near(b, a, x))
		return a;
	return id != OP_DIVIDE && number_near(a, b, x) ? b : NULL;
}

static struct value *sixth_of(const struct value *v)
{
	struct value *x = operand_of(v, OP_DIVIDE, 6);
	return x ? x : operand_of(v, OP_MULTIPLY, 1.0 / 6);
}

/* x of min(max(x + 3, 0), 6). */
static struct value *clipped_sum(const struct value *v)
{
	const struct node *n = v->node;
	if (!node_is(n, OP_CLAMP) || attr_f(n, "min") != 0 || attr_f(n, "max") != 6)
		return NULL;
	return operand_of(node_in(n, 0), OP_ADD, 3);
}

/* x of x * f(x), f being one layer or one of the shapes above. */
static struct value *times_own(const struct value *v, struct value *(*f)(const struct value *))
{
	const struct node *n = v->node;
	if (!node_is(n, OP_MULTIPLY))
		return NULL;
	for (int i = 0; i < 2; i++)
		if (f(node_in(n, i)) && f(node_in(n, i)) == node_in(n, 1 - i))
			return node_in(n, 1 - i);
	return NULL;
}

static struct value *hsigmoid_input(const struct value *v)
{
	const struct node *n = v->node;
	return node_is(n, OP_HSIGMOID) ? node_in(n, 0) : NULL;
}

static struct value *sigmoid_input(const struct value *v)
{
	const struct node *n = v->node;
	return node_is(n, OP_SIGMOID) ? node_in(n, 0) : NULL;
}

/* x when v = hsigmoid(x) in other words. */
static struct value *hsigmoid(const struct value *v)
{
	const struct node *n = v->node;
	if (node_is(n, OP_HARD_SIGMOID))
		return number_near(node_in(n, 1), v, 1.0 / 6) && number_near(node_in(n, 2), v, 0.5)
			   ? node_in(n, 0)
			   : NULL;
	struct value *six = sixth_of(v);
	return six ? clipped_sum(six) : NULL;
}

/* x when v = x * hsigmoid(x). */
static struct value *hswish(const struct value *v)
{
	struct value *x = times_own(v, hsigmoid_input), *six = sixth_of(v);
	return x ? x : six ? times_own(six, clipped_sum) : NULL;
}

static struct value *swish(const struct value *v)
{
	return times_own(v, sigmoid_input);
}

/* x when v = log(exp(x) + 1), of which nothing else reads a part. */
static struct value *soft_plus(const struct value *v)
{
	if (!node_is(v->node, OP_LOG) || node_in(v->node, 0)->nuses != 1)
		return NULL;
	struct value *e = operand_of(node_in(v->node, 0), OP_ADD, 1);
	return e && e->nuses == 1 && node_is(e->node, OP_EXP) ? node_in(e->node, 0) : NULL;
}

static struct value *tanh_soft_plus_input(const struct value *v)
{
	if (!node_is(v->node, OP_TANH) || v->nuses != 1)
		return NULL;
	const struct value *s = node_in(v->node, 0);
	return node_is(s->node, OP_SOFT_PLUS) && s->nuses == 1 ? node_in(s->node, 0) : NULL;
}

static struct value *mish(const struct value *v)
{
	return times_own(v, tanh_soft_plus_input);
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	static const struct {
		enum op_id id;
		struct value *(*input)(const struct value *v);
	} rule[] = {{OP_HSIGMOID, hsigmoid}, {OP_HSWISH, hswish}, {OP_SWISH, swish},
	    {OP_SOFT_PLUS, soft_plus}, {OP_MISH, mish}};
	if (n->nout != 1 || !dtype_is_float(n->out[0].info.type))
		return 0;
	for (size_t i = 0; i < sizeof rule / sizeof *rule; i++) {
		struct value *x = rule[i].input(&n->out[0]);
		if (!x)
			continue;
		struct node *made = add_before(c, n, rule[i].id, n->name, x, NULL);
		if (!made)
			return c->err->status;
		take_over(&made->out[0], &n->out[0]);
		return 1;
	}
	return 0;
}

static int fuse_activation(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_activation = {
    .name = "fuse-activation",
    .about = "recognise HSigmoid, HSwish, Swish, SoftPlus and Mish",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_activation,
};
