/* Activations written as several layers: HSigmoid, HSwish, Sigmoid, Swish, SoftPlus, Mish. Within
 * rounding, which is how exporters write 1/6. */
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

/* x of min(max(x / 6 + 0.5, 0), 1), of which nothing else reads a part. */
static struct value *clipped_line(const struct value *v)
{
	const struct node *n = v->node;
	if (!node_is(n, OP_CLAMP) || attr_f(n, "min") != 0 || attr_f(n, "max") != 1 ||
	    node_in(n, 0)->nuses != 1)
		return NULL;
	struct value *sum = operand_of(node_in(n, 0), OP_ADD, 0.5), *six = sixth_of(node_in(n, 0));
	if (six)
		return six->nuses == 1 ? operand_of(six, OP_ADD, 3) : NULL;
	return sum && sum->nuses == 1 ? sixth_of(sum) : NULL;
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
	return six ? clipped_sum(six) : clipped_line(v);
}

/* x when v = (x / 6) * min(max(x + 3, 0), 6). */
static struct value *hswish_halves(const struct value *v)
{
	const struct node *n = v->node;
	for (int i = 0; node_is(n, OP_MULTIPLY) && i < 2; i++) {
		struct value *x = sixth_of(node_in(n, i));
		if (x && clipped_sum(node_in(n, 1 - i)) == x)
			return x;
	}
	return NULL;
}

/* x when v = x * hsigmoid(x). */
static struct value *hswish(const struct value *v)
{
	struct value *x = times_own(v, hsigmoid_input), *six = sixth_of(v);
	if (x || (x = hswish_halves(v)))
		return x;
	return six ? times_own(six, clipped_sum) : NULL;
}

/* y when v = exp(-y), of which nothing else reads a part. */
static struct value *exp_minus(const struct value *v)
{
	if (!v || v->nuses != 1 || !node_is(v->node, OP_EXP) || node_in(v->node, 0)->nuses != 1)
		return NULL;
	const struct value *minus = node_in(v->node, 0);
	return node_is(minus->node, OP_NEGATIVE) ? node_in(minus->node, 0)
						 : operand_of(minus, OP_MULTIPLY, -1);
}

/* x when v = 1 / (1 + exp(-x)). */
static struct value *sigmoid(const struct value *v)
{
	const struct node *n = v->node;
	double one;
	if (!node_is(n, OP_DIVIDE) || node_in(n, 1)->nuses != 1 || const_input(n) != 0 ||
	    shape_count(&node_in(n, 0)->info.shape) != 1 ||
	    node_in(n, 0)->info.shape.rank > node_in(n, 1)->info.shape.rank ||
	    !const_number(node_in(n, 0), &one) || one != 1)
		return NULL;
	return exp_minus(operand_of(node_in(n, 1), OP_ADD, 1));
}

static struct value *swish(const struct value *v)
{
	const struct node *n = v->node;
	if (node_is(n, OP_DIVIDE) && node_in(n, 1)->nuses == 1) {
		struct value *x = exp_minus(operand_of(node_in(n, 1), OP_ADD, 1));
		return x == node_in(n, 0) ? x : NULL;
	}
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

/* x * sigmoid(x * beta): Swish takes a beta. */
static int fuse_swish(struct pass_ctx *c, struct node *n)
{
	double beta;
	for (int i = 0; node_is(n, OP_MULTIPLY) && i < 2; i++) {
		const struct value *s = node_in(n, i), *v = sigmoid_input(s);
		int k = v && s->nuses == 1 && v->nuses == 1 && node_is(v->node, OP_MULTIPLY)
			    ? const_input(v->node)
			    : -1;
		if (k < 0 || node_in(v->node, 1 - k) != node_in(n, 1 - i) ||
		    !same_shapes(&v->info.shape, &n->out[0].info.shape) ||
		    shape_count(&node_in(v->node, k)->info.shape) != 1 ||
		    !const_number(node_in(v->node, k), &beta) || !isfinite(beta))
			continue;
		struct node *number = add_channels(
		    n, name_with(n, n->name, "/beta"), n->out[0].info.type, 0, -1, 1, &beta);
		if (!number)
			return fail_nomem(c->err);
		struct node *made = add_before(
		    c, n, OP_SWISH, n->name, node_in(n, 1 - i), &number->out[0]);
		if (!made)
			return c->err->status;
		take_over(&made->out[0], &n->out[0]);
		return 1;
	}
	return 0;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	static const struct {
		enum op_id id;
		struct value *(*input)(const struct value *v);
	} rule[] = {{OP_HSIGMOID, hsigmoid}, {OP_HSWISH, hswish}, {OP_SIGMOID, sigmoid},
	    {OP_SWISH, swish}, {OP_SOFT_PLUS, soft_plus}, {OP_MISH, mish}};
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
	return fuse_swish(c, n);
}

static int fuse_activation(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_activation = {
    .name = "fuse-activation",
    .about = "recognise HSigmoid, HSwish, Sigmoid, Swish, SoftPlus and Mish",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_activation,
};
