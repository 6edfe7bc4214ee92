/* A division by the Euclidean length becomes NormalizeL2. Within rounding: the square root is taken
 * once of the same sum; the bound of a length is squared with it, which must not underflow. */
#include <float.h>
#include <math.h>

#include "passes/rewrite.h"

#define NO_LIMIT 3.4e38 /* the largest float as exporters round it */

/* x / sqrt(the sum of squares of x along axes, kept away from 0 by eps). */
struct length {
	struct value *x, *axes;
	double eps;
	bool add; /* eps is added to the sum; else it is the least sum */
};

/* The number in a layer of two inputs, whose other input is *v. */
static bool with_number(const struct node *n, struct value **v, double *x)
{
	int k = const_input(n);
	if (k < 0 || shape_count(&node_in(n, k)->info.shape) != 1)
		return false;
	*v = node_in(n, 1 - k);
	return node_in(n, k)->info.shape.rank <= (*v)->info.shape.rank &&
	       const_number(node_in(n, k), x) && isfinite(*x);
}

static bool power_of(const struct node *n, double exponent)
{
	double y;
	const struct value *k = node_in(n, 1);
	return node_is(n, OP_POWER) && shape_count(&k->info.shape) == 1 &&
	       k->info.shape.rank <= node_in(n, 0)->info.shape.rank && const_number(k, &y) &&
	       y == exponent;
}

static bool keeps_axes(const struct node *n, struct length *l)
{
	int64_t axis[MAX_RANK];
	int count;
	l->axes = node_in(n, 1);
	return attr_bool(n, "keep_dims") && const_ints(l->axes, axis, MAX_RANK, &count) && count;
}

/* Is v the sum of the squares of x? */
static bool squares(const struct value *v, struct length *l)
{
	const struct node *n = v->node, *p;
	if (v->nuses != 1 || !node_is(n, OP_REDUCE_SUM) || !keeps_axes(n, l))
		return false;
	p = node_in(n, 0)->node;
	if (node_in(n, 0)->nuses != 1)
		return false;
	if (node_is(p, OP_MULTIPLY))
		return node_in(p, 0) == l->x && node_in(p, 1) == l->x;
	return power_of(p, 2) && node_in(p, 0) == l->x;
}

/* Is v that sum with its eps? */
static bool bounded_sum(const struct value *v, struct length *l)
{
	struct value *sum;
	const struct node *n = v->node;
	l->add = node_is(n, OP_ADD);
	return v->nuses == 1 && (l->add || node_is(n, OP_MAXIMUM)) &&
	       with_number(n, &sum, &l->eps) && l->eps >= FLT_MIN && squares(sum, l);
}

static bool is_length(const struct value *v, struct length *l)
{
	const struct node *n = v->node;
	if (v->nuses != 1)
		return false;
	if (node_is(n, OP_REDUCE_L2))
		return node_in(n, 0) == l->x && keeps_axes(n, l);
	return (node_is(n, OP_SQRT) || power_of(n, 0.5)) && squares(node_in(n, 0), l);
}

/* The value that bounds v from below by *least, or NULL. */
static struct value *bounded(const struct value *v, double *least)
{
	struct value *x;
	const struct node *n = v->node;
	if (v->nuses != 1)
		return NULL;
	if (node_is(n, OP_MAXIMUM))
		return with_number(n, &x, least) ? x : NULL;
	*least = node_is(n, OP_CLAMP) ? attr_f(n, "min") : 0;
	return node_is(n, OP_CLAMP) && attr_f(n, "max") >= NO_LIMIT ? node_in(n, 0) : NULL;
}

/* Is v the length of x that never comes to 0? */
static bool safe_length(const struct value *v, struct length *l)
{
	const struct node *n = v->node;
	if (v->nuses != 1)
		return false;
	if (node_is(n, OP_BROADCAST) && same_shapes(&v->info.shape, &l->x->info.shape) &&
	    node_in(n, 0)->info.shape.rank == v->info.shape.rank)
		return safe_length(node_in(n, 0), l);
	if ((node_is(n, OP_SQRT) || power_of(n, 0.5)) && bounded_sum(node_in(n, 0), l))
		return true;
	double least;
	struct value *length = bounded(v, &least);
	l->add = false;
	l->eps = length ? least * least : 0;
	return length && least > 0 && l->eps >= FLT_MIN && l->eps <= FLT_MAX &&
	       is_length(length, l);
}

/* Is v one by that length? */
static bool inverse_length(const struct value *v, struct length *l)
{
	double one;
	const struct node *n = v->node;
	if (v->nuses != 1)
		return false;
	if (power_of(n, -0.5))
		return bounded_sum(node_in(n, 0), l);
	if (power_of(n, -1))
		return safe_length(node_in(n, 0), l);
	return node_is(n, OP_DIVIDE) && const_input(n) == 0 &&
	       shape_count(&node_in(n, 0)->info.shape) == 1 && const_number(node_in(n, 0), &one) &&
	       one == 1 && safe_length(node_in(n, 1), l);
}

static bool normalises(const struct node *n, struct length *l)
{
	if (node_is(n, OP_DIVIDE)) {
		l->x = node_in(n, 0);
		return safe_length(node_in(n, 1), l);
	}
	for (int i = 0; node_is(n, OP_MULTIPLY) && i < 2; i++) {
		l->x = node_in(n, i);
		if (inverse_length(node_in(n, 1 - i), l))
			return true;
	}
	return false;
}

/* Rank 1, as NormalizeL2 wants its axes. */
static struct value *axes_of(struct pass_ctx *c, struct node *n, struct value *axes)
{
	int64_t axis[MAX_RANK];
	int count;
	if (axes->info.shape.rank == 1)
		return axes;
	const_ints(axes, axis, MAX_RANK, &count);
	struct node *k = add_ints(c, n, name_with(n, n->name, "/axes"), count, axis);
	return k ? &k->out[0] : NULL;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	struct length l;
	if (n->nout != 1 || !dtype_is_float(n->out[0].info.type) || !normalises(n, &l) ||
	    !same_shapes(&l.x->info.shape, &n->out[0].info.shape))
		return 0;
	struct value *in[] = {l.x, axes_of(c, n, l.axes)};
	if (!in[1])
		return c->err->status;
	struct node *made = graph_insert_before(n, op_row(OP_NORMALIZE_L2), n->name, in, 2, 1);
	if (!made || !attr_set_f(made, "eps", l.eps) ||
	    !attr_set_s(made, "eps_mode", l.add ? "add" : "max"))
		return fail_nomem(c->err);
	return put_in_place(c, made, n);
}

static int fuse_normalize(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_normalize = {
    .name = "fuse-normalize",
    .about = "recognise NormalizeL2 in divisions by a length",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_normalize,
};
