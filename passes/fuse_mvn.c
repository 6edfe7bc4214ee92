/* A LayerNorm or InstanceNorm written out in means and roots becomes one MVN. */
#include <math.h>

#include "passes/rewrite.h"

static bool scalar_is(const struct value *v, const struct value *other, double x)
{
	double y;
	return const_scalar(v, other, &y) && y == x;
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

/* What an MVN is made of. */
struct norm {
	struct value *x;
	struct node *mean, *variance;
	double eps;
	bool outside; /* eps is added to the root */
};

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

/* v = y + eps. */
static struct value *without_eps(const struct value *v, double *eps)
{
	struct node *n = inner(v, OP_ADD, 1);
	for (int i = 0; n && i < 2; i++)
		if (const_scalar(node_in(n, i), node_in(n, 1 - i), eps))
			return *eps > 0 ? node_in(n, 1 - i) : NULL;
	return NULL;
}

static bool variance_plus_eps(const struct value *q, struct norm *m)
{
	struct value *v = without_eps(q, &m->eps);
	m->variance = v ? inner(v, OP_REDUCE_MEAN, 1) : NULL;
	return m->variance;
}

/* v = sqrt(variance + eps) or sqrt(variance) + eps. */
static bool deviation(const struct value *v, struct norm *m)
{
	const struct value *q = root_of(v), *root = q ? NULL : without_eps(v, &m->eps);
	m->outside = root;
	if (q)
		return variance_plus_eps(q, m);
	q = root ? root_of(root) : NULL;
	m->variance = q ? inner(q, OP_REDUCE_MEAN, 1) : NULL;
	return m->variance;
}

/* v, read so many times, = 1 / deviation. */
static bool inverse(const struct value *v, int uses, struct norm *m)
{
	struct node *n = v->node;
	m->outside = false;
	if (v->nuses != uses || n->nin != 2)
		return false;
	if (node_is(n, OP_POWER) && scalar_is(node_in(n, 1), node_in(n, 0), -0.5))
		return variance_plus_eps(node_in(n, 0), m);
	if (node_is(n, OP_POWER) && scalar_is(node_in(n, 1), node_in(n, 0), -1))
		return deviation(node_in(n, 0), m);
	return node_is(n, OP_DIVIDE) && scalar_is(node_in(n, 0), node_in(n, 1), 1) &&
	       deviation(node_in(n, 1), m);
}

/* d of n = d / deviation. */
static struct value *quotient(const struct node *n, struct norm *m)
{
	if (node_is(n, OP_DIVIDE))
		return deviation(node_in(n, 1), m) ? node_in(n, 0) : NULL;
	for (int i = 0; node_is(n, OP_MULTIPLY) && i < 2; i++)
		if (inverse(node_in(n, 1 - i), 1, m))
			return node_in(n, i);
	return NULL;
}

static bool is_mean_of(const struct value *v, const struct value *x)
{
	return node_is(v->node, OP_REDUCE_MEAN) && node_in(v->node, 0) == x;
}

/* Reads the square of x - mean behind the variance: *d is that difference, or NULL where one layer
 * squares it too. */
static bool read_square(struct norm *m, struct value **d)
{
	const struct value *sq = node_in(m->variance, 0);
	struct node *n = sq->node;
	if (sq->nuses != 1 || n->nin != 2)
		return false;
	*d = NULL;
	if (node_is(n, OP_SQUARED_DIFFERENCE)) {
		int k = is_mean_of(node_in(n, 1), node_in(n, 0)) ? 1 : 0;
		m->x = node_in(n, 1 - k);
		m->mean = node_in(n, k)->node;
		return is_mean_of(node_in(n, k), m->x);
	}
	*d = node_in(n, 0);
	bool square = node_is(n, OP_MULTIPLY)
			  ? node_in(n, 1) == *d
			  : node_is(n, OP_POWER) && scalar_is(node_in(n, 1), *d, 2);
	if (!square || !node_is((*d)->node, OP_SUBTRACT))
		return false;
	m->x = node_in((*d)->node, 0);
	m->mean = node_in((*d)->node, 1)->node;
	return is_mean_of(node_in((*d)->node, 1), m->x);
}

static bool same_axes(const struct norm *m)
{
	uint64_t axes = axes_of(m->mean);
	return axes && axes == axes_of(m->variance);
}

/* n = (x - mean) / deviation, of which nothing else reads a part. */
static bool normalised(const struct node *n, struct norm *m)
{
	struct value *q = quotient(n, m), *d;
	if (!q || !node_is(q->node, OP_SUBTRACT) || !read_square(m, &d) || !same_axes(m))
		return false;
	const struct value *mean = &m->mean->out[0];
	int squares = node_is(node_in(m->variance, 0)->node, OP_MULTIPLY) ? 2 : 1;
	if (d)
		return d == q && d->nuses == 1 + squares && mean->nuses == 1;
	return node_in(q->node, 0) == m->x && node_in(q->node, 1) == mean && q->nuses == 1 &&
	       mean->nuses == 2;
}

/* The factor that *a and *b, two products with it, share: mean * factor and x * factor. */
static struct value *shared_factor(
    const struct value *a, const struct value *b, struct value **mean, struct value **x)
{
	const struct node *p = inner(a, OP_MULTIPLY, 1), *q = inner(b, OP_MULTIPLY, 1);
	for (int i = 0; p && q && i < 4; i++)
		if (node_in(p, i & 1) == node_in(q, i >> 1)) {
			*mean = node_in(p, 1 - (i & 1));
			*x = node_in(q, 1 - (i >> 1));
			return node_in(p, i & 1);
		}
	return NULL;
}

/* n = x * f + (shift - mean * f) with f = scale / deviation, or 1 / deviation (*scale NULL). */
static bool affine(const struct node *n, struct norm *m, struct value **scale, struct value **shift)
{
	struct value *mean = NULL, *x = NULL, *d, *f = NULL;
	for (int i = 0; node_is(n, OP_ADD) && !f && i < 2; i++) {
		const struct node *rest = inner(node_in(n, i), OP_SUBTRACT, 1);
		*shift = rest ? node_in(rest, 0) : NULL;
		f = rest ? shared_factor(node_in(rest, 1), node_in(n, 1 - i), &mean, &x) : NULL;
	}
	if (!f || f->nuses != 2)
		return false;
	*scale = NULL;
	bool found = inverse(f, 2, m);
	for (int i = 0; !found && node_is(f->node, OP_MULTIPLY) && i < 2; i++) {
		*scale = node_in(f->node, 1 - i);
		found = inverse(node_in(f->node, i), 1, m);
	}
	return found && read_square(m, &d) && same_axes(m) && m->x == x &&
	       &m->mean->out[0] == mean && mean->nuses == 2 &&
	       (!d || d->nuses == (node_is(node_in(m->variance, 0)->node, OP_MULTIPLY) ? 2 : 1));
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

static struct value *add_mvn(struct pass_ctx *c, struct node *n, const struct norm *m)
{
	struct value *in[] = {m->x, axes_input(c, n, m->mean)};
	struct node *made = in[1] ? graph_insert_before(n, op_row(OP_MVN), n->name, in, 2, 1)
				  : NULL;
	if (!in[1])
		return NULL;
	if (!made || !attr_set_f(made, "eps", m->eps) ||
	    !attr_set_i(made, "normalize_variance", true) ||
	    !attr_set_s(made, "eps_mode", m->outside ? "OUTSIDE_SQRT" : "INSIDE_SQRT")) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(made, c->err) ? NULL : &made->out[0];
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	struct norm m;
	struct value *scale = NULL, *shift = NULL;
	if (n->nout != 1 || n->nin != 2 || !dtype_is_float(n->out[0].info.type))
		return 0;
	if (!normalised(n, &m) && !affine(n, &m, &scale, &shift))
		return 0;
	struct value *v = add_mvn(c, n, &m);
	struct node *made = v ? v->node : NULL;
	if (made && scale)
		made = add_before(
		    c, n, OP_MULTIPLY, name_with(n, n->name, "/scaled"), &made->out[0], scale);
	if (made && shift)
		made = add_before(c, n, OP_ADD, n->name, &made->out[0], shift);
	if (!made)
		return c->err->status;
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
