/* Limits after limits become one: Clamp, ReLU, Maximum and Minimum with one number, and those
 * before a FakeQuantize that has closer ones. */
#include <math.h>

#include "passes/rewrite.h"

/* min(max(x, lo), hi) of x; lo <= hi. */
struct limits {
	struct value *x;
	double lo, hi;
};

static bool limits_of(const struct node *n, struct limits *l)
{
	int k;
	*l = (struct limits){.x = node_in(n, 0), .lo = -INFINITY, .hi = INFINITY};
	if (!n->nout || !dtype_is_float(n->out[0].info.type))
		return false;
	if (node_is(n, OP_RELU)) {
		l->lo = 0;
		return true;
	}
	if (node_is(n, OP_CLAMP)) {
		l->lo = attr_f(n, "min");
		l->hi = attr_f(n, "max");
		return l->lo <= l->hi;
	}
	if ((!node_is(n, OP_MAXIMUM) && !node_is(n, OP_MINIMUM)) || (k = const_input(n)) < 0)
		return false;
	const struct shape *s = &node_in(n, k)->info.shape;
	l->x = node_in(n, 1 - k);
	if (shape_count(s) != 1 || s->rank > l->x->info.shape.rank)
		return false;
	return const_number(node_in(n, k), node_is(n, OP_MAXIMUM) ? &l->lo : &l->hi) &&
	       !isnan(l->lo) && !isnan(l->hi);
}

static double within(double x, const struct limits *l)
{
	return fmin(fmax(x, l->lo), l->hi);
}

/* A number of the layer's type on one side. */
static struct node *one_sided(struct pass_ctx *c, struct node *n, const struct limits *l)
{
	double x = isinf(l->hi) ? l->lo : l->hi;
	struct node *k = add_channels(
	    n, name_with(n, n->name, "/limit"), n->out[0].info.type, 0, -1, 1, &x);
	if (!k) {
		fail_nomem(c->err);
		return NULL;
	}
	return add_before(c, n, isinf(l->hi) ? OP_MAXIMUM : OP_MINIMUM, n->name, l->x, &k->out[0]);
}

/* The one node that limits l->x so. */
static struct node *limiter(struct pass_ctx *c, struct node *n, const struct limits *l)
{
	if (l->lo == 0 && l->hi == INFINITY)
		return add_before(c, n, OP_RELU, n->name, l->x, NULL);
	if (isinf(l->lo) || isinf(l->hi))
		return one_sided(c, n, l);
	struct value *in[] = {l->x};
	struct node *made = graph_insert_before(n, op_row(OP_CLAMP), n->name, in, 1, 1);
	if (!made || !attr_set_f(made, "min", l->lo) || !attr_set_f(made, "max", l->hi)) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(made, c->err) ? NULL : made;
}

static int put(struct pass_ctx *c, struct node *n, const struct limits *l)
{
	struct node *made = limiter(c, n, l);
	if (!made)
		return c->err->status;
	take_over(&made->out[0], &n->out[0]);
	return 1;
}

/* FakeQuantize has limits of its own. */
static int skip_before_quantize(struct node *n)
{
	struct limits l;
	double lo, hi;
	struct node *before = node_in(n, 0)->node;
	if (!limits_of(before, &l) || !const_number(node_in(n, 1), &lo) ||
	    !const_number(node_in(n, 2), &hi) || !(l.lo <= lo && lo < hi && hi <= l.hi))
		return 0;
	node_set_input(n, 0, l.x);
	remove_dead(before);
	return 1;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	struct limits b, a;
	if (node_is(n, OP_FAKE_QUANTIZE))
		return skip_before_quantize(n);
	if (!limits_of(n, &b))
		return 0;
	if (node_is(n, OP_MAXIMUM) && b.lo == 0)
		return put(c, n, &b);
	if (!limits_of(b.x->node, &a))
		return 0;
	struct limits both = {a.x, within(a.lo, &b), within(a.hi, &b)};
	if (both.lo == a.lo && both.hi == a.hi) { /* n changes nothing */
		if (!can_replace(&n->out[0], b.x))
			return 0;
		graph_replace(&n->out[0], b.x);
		return 1;
	}
	if (b.x->nuses != 1 || (isinf(both.lo) && isinf(both.hi)))
		return 0;
	return put(c, n, &both);
}

static int fuse_clamp(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_clamp = {
    .name = "fuse-clamp",
    .about = "join Clamp, ReLU, Maximum, Minimum and FakeQuantize that follow each other",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_clamp,
};
