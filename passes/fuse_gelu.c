/* Gelu written with Erf or Tanh becomes one layer. */
#include <math.h>

#include "passes/rewrite.h"

#define NEAR 5e-7 /* relative: four units in the last place of a float */
#define FACTORS 4
#define DEPTH 6

/* number * factor[0] * factor[1] ... */
struct product {
	double number;
	int n;
	struct value *factor[FACTORS];
};

static bool near(double x, double y)
{
	return fabs(x - y) <= NEAR * fabs(y);
}

static bool push(struct product *p, struct value *v, int times)
{
	if (p->n + times > FACTORS)
		return false;
	while (times-- > 0)
		p->factor[p->n++] = v;
	return true;
}

static bool multiply(struct product *p, struct value *v, int depth);

/* A factor is taken apart when nothing else reads it. */
static bool multiply_inner(struct product *p, struct value *v, int depth)
{
	return v->nuses == 1 && depth > 0 ? multiply(p, v, depth - 1) : push(p, v, 1);
}

static bool multiply(struct product *p, struct value *v, int depth)
{
	struct node *n = v->node;
	struct value *a = n->nin == 2 ? node_in(n, 0) : NULL, *b = a ? node_in(n, 1) : NULL;
	double x;
	if (!a || !b)
		return push(p, v, 1);
	if (node_is(n, OP_POWER) && const_scalar(b, a, &x) && (x == 2 || x == 3))
		return push(p, a, (int)x);
	if (node_is(n, OP_DIVIDE) && const_scalar(b, a, &x)) {
		p->number /= x;
		return multiply_inner(p, a, depth);
	}
	if (!node_is(n, OP_MULTIPLY))
		return push(p, v, 1);
	for (int i = 0; i < 2; i++)
		if (const_scalar(node_in(n, i), node_in(n, 1 - i), &x)) {
			p->number *= x;
			return multiply_inner(p, node_in(n, 1 - i), depth);
		}
	return multiply_inner(p, a, depth) && multiply_inner(p, b, depth);
}

static bool product_of(struct value *v, struct product *p)
{
	*p = (struct product){.number = 1};
	return multiply(p, v, DEPTH);
}

/* Is v = number * x^power? */
static bool is_power(struct value *v, double number, const struct value *x, int power)
{
	struct product p;
	if (!product_of(v, &p) || p.n != power || !near(p.number, number))
		return false;
	for (int i = 0; i < power; i++)
		if (p.factor[i] != x)
			return false;
	return true;
}

/* y of v = y + 1 that nothing else reads. */
static struct value *without_one(const struct value *v)
{
	struct node *n = v->node;
	double one;
	for (int i = 0; v->nuses == 1 && node_is(n, OP_ADD) && i < 2; i++)
		if (const_scalar(node_in(n, i), node_in(n, 1 - i), &one) && one == 1)
			return node_in(n, 1 - i);
	return NULL;
}

/* Is v = x + 0.044715 x^3? */
static bool is_cubic(const struct value *v, const struct value *x)
{
	struct node *n = v->node;
	for (int i = 0; v->nuses == 1 && node_is(n, OP_ADD) && i < 2; i++)
		if (node_in(n, i) == x && node_in(n, 1 - i)->nuses == 1 &&
		    is_power(node_in(n, 1 - i), 0.044715, x, 3))
			return true;
	return false;
}

/* Is v = x (1 + 0.044715 x^2) or the sum that it is, times sqrt(2 / pi)? */
static bool is_tanh_argument(struct value *v, const struct value *x)
{
	struct product p;
	if (!product_of(v, &p) || !near(p.number, M_2_SQRTPI * M_SQRT1_2))
		return false;
	if (p.n == 1)
		return is_cubic(p.factor[0], x);
	for (int i = 0; p.n == 2 && i < 2; i++) {
		struct value *y = without_one(p.factor[i]);
		if (p.factor[1 - i] == x && y && y->nuses == 1 && is_power(y, 0.044715, x, 2))
			return true;
	}
	return false;
}

/* The mode in which 0.5 * x * sum is a Gelu, or NULL. */
static const char *mode_of(const struct value *sum, const struct value *x)
{
	struct value *f = without_one(sum);
	if (!f || f->nuses != 1 || f->node->nin != 1 || node_in(f->node, 0)->nuses != 1)
		return NULL;
	if (node_is(f->node, OP_ERF) && is_power(node_in(f->node, 0), M_SQRT1_2, x, 1))
		return "ERF";
	if (node_is(f->node, OP_TANH) && is_tanh_argument(node_in(f->node, 0), x))
		return "TANH";
	return NULL;
}

static int put(struct pass_ctx *c, struct node *n, struct value *x, const char *mode)
{
	struct node *made = graph_insert_before(n, op_row(OP_GELU), n->name, &x, 1, 1);
	if (!made || !attr_set_s(made, "approximation_mode", mode))
		return fail_nomem(c->err);
	return put_in_place(c, made, n);
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	struct product p;
	bool root = node_is(n, OP_MULTIPLY) || node_is(n, OP_DIVIDE);
	if (!root || !dtype_is_float(n->out[0].info.type) || !product_of(&n->out[0], &p) ||
	    p.n != 2 || !near(p.number, 0.5))
		return 0;
	for (int i = 0; i < 2; i++) {
		const char *mode = mode_of(p.factor[1 - i], p.factor[i]);
		if (mode)
			return put(c, n, p.factor[i], mode);
	}
	return 0;
}

static int fuse_gelu(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_gelu = {
    .name = "fuse-gelu",
    .about = "recognise Gelu in its Erf and Tanh forms",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_gelu,
};
