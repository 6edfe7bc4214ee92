/* A LayerNorm or InstanceNorm written out in means and roots becomes one MVN. */
#include <math.h>

#include "passes/rewrite.h"

/* One finite number that leaves the shape of other alone. */
static bool scalar(const struct value *v, const struct value *other, double *x)
{
	return v && value_const(v) && shape_count(&v->info.shape) == 1 &&
	       v->info.shape.rank <= other->info.shape.rank && const_number(v, x) && isfinite(*x);
}

static bool scalar_is(const struct value *v, const struct value *other, double x)
{
	double y;
	return scalar(v, other, &y) && y == x;
}

/* The node that makes v when it is of that operation and v has that many uses. */
static struct node *inner(const struct value *v, enum op_id id, int uses)
{
	return node_is(v->node, id) && v->nuses == uses ? v->node : NULL;
}

/* The axes that a mean of kept rank goes over, as a set; 0 when they are not known. */
static uint64_t axes_of(const struct node *n)
{
	int64_t axis[MAX_RANK];
	int count, rank = node_in(n, 0)->info.shape.rank;
	uint64_t set = 0;
	if (!attr_bool(n, "keep_dims") || rank < 1 ||
	    !const_ints(node_in(n, 1), axis, MAX_RANK, &count))
		return 0;
	for (int i = 0; i < count; i++) {
		if (axis[i] < -rank || axis[i] >= rank)
			return 0;
		set |= UINT64_C(1) << (axis[i] < 0 ? axis[i] + rank : axis[i]);
	}
	return set;
}

/* v = sqrt(q) or q^0.5. */
static struct value *root_of(const struct value *v)
{
	struct node *n = v->node;
	if (v->nuses != 1)
		return NULL;
	if (node_is(n, OP_SQRT))
		return node_in(n, 0);
	bool half = node_is(n, OP_POWER) && scalar_is(node_in(n, 1), node_in(n, 0), 0.5);
	return half ? node_in(n, 0) : NULL;
}

/* v = 1 / sqrt(q) or q^-0.5. */
static struct value *inverse_root_of(const struct value *v)
{
	struct node *n = v->node;
	if (v->nuses != 1)
		return NULL;
	if (node_is(n, OP_POWER) && scalar_is(node_in(n, 1), node_in(n, 0), -0.5))
		return node_in(n, 0);
	bool inverse = node_is(n, OP_DIVIDE) && scalar_is(node_in(n, 0), node_in(n, 1), 1);
	return inverse ? root_of(node_in(n, 1)) : NULL;
}

/* d and q of n = d / sqrt(q). */
static bool quotient(const struct node *n, struct value **d, struct value **q)
{
	*q = NULL;
	if (node_is(n, OP_DIVIDE)) {
		*d = node_in(n, 0);
		*q = root_of(node_in(n, 1));
	} else if (node_is(n, OP_MULTIPLY)) {
		for (int i = 0; i < 2 && !*q; i++) {
			*d = node_in(n, i);
			*q = inverse_root_of(node_in(n, 1 - i));
		}
	}
	return *q;
}

/* The mean of d * d in q = mean + eps. */
static struct node *variance_of(const struct value *q, double *eps)
{
	struct node *n = inner(q, OP_ADD, 1);
	for (int i = 0; n && i < 2; i++)
		if (scalar(node_in(n, i), node_in(n, 1 - i), eps))
			return *eps > 0 ? inner(node_in(n, 1 - i), OP_REDUCE_MEAN, 1) : NULL;
	return NULL;
}

/* Is sq the square of d, and d used by nothing else than that and the quotient? */
static bool square_of(const struct value *sq, const struct value *d)
{
	const struct node *n = sq->node;
	if (sq->nuses != 1 || node_in(n, 0) != d)
		return false;
	if (node_is(n, OP_MULTIPLY))
		return node_in(n, 1) == d && d->nuses == 3;
	return node_is(n, OP_POWER) && scalar_is(node_in(n, 1), d, 2) && d->nuses == 2;
}

/* The mean that is taken from x when v = (x - mean) / sqrt(mean of its square + eps). */
static struct node *normalised(const struct value *v, double *eps)
{
	struct value *d, *q;
	if (!quotient(v->node, &d, &q))
		return NULL;
	struct node *var = variance_of(q, eps);
	if (!var || !node_is(d->node, OP_SUBTRACT) || !node_in(var, 0)->node->nin ||
	    !square_of(node_in(var, 0), d))
		return NULL;
	struct node *mean = inner(node_in(d->node, 1), OP_REDUCE_MEAN, 1);
	if (!mean || node_in(mean, 0) != node_in(d->node, 0))
		return NULL;
	uint64_t axes = axes_of(mean);
	return axes && axes == axes_of(var) ? mean : NULL;
}

/* The axes as MVN wants them: in rank 1. */
static struct value *axes_input(struct pass_ctx *c, struct node *n, struct node *mean)
{
	int64_t axis[MAX_RANK];
	int count;
	if (node_in(mean, 1)->info.shape.rank == 1)
		return node_in(mean, 1);
	const_ints(node_in(mean, 1), axis, MAX_RANK, &count);
	struct node *k = add_ints(c, n, name_with(n, n->name, "/axes"), count, axis);
	return k ? &k->out[0] : NULL;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	double eps;
	if (n->nout != 1 || !dtype_is_float(n->out[0].info.type))
		return 0;
	struct node *mean = normalised(&n->out[0], &eps);
	if (!mean)
		return 0;
	struct value *in[] = {node_in(mean, 0), axes_input(c, n, mean)};
	if (!in[1])
		return c->err->status;
	struct node *made = graph_insert_before(n, op_row(OP_MVN), n->name, in, 2, 1);
	if (!made || !attr_set_f(made, "eps", eps) ||
	    !attr_set_i(made, "normalize_variance", true) ||
	    !attr_set_s(made, "eps_mode", "INSIDE_SQRT"))
		return fail_nomem(c->err);
	int e = node_infer(made, c->err);
	if (e)
		return e;
	take_over(&made->out[0], &n->out[0]);
	return 1;
}

static int fuse_mvn(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_mvn = {
    .name = "fuse-mvn",
    .about = "recognise MVN in layer and instance normalisations",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_mvn,
};
