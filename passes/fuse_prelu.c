/* LeakyRelu and PRelu written out become one PReLU: max(x, a x), relu(x) - a relu(-x) and
 * relu(x) + a (x - |x|) / 2. Exact, but for the rounding of x - |x| and for infinite x. */
#include <math.h>

#include "passes/rewrite.h"

/* x * k, k being a Const; nothing else reads the product. */
struct scaled {
	struct value *x, *k;
};

static bool scaled_of(const struct value *v, struct scaled *s)
{
	struct node *n = v->node;
	int k = node_is(n, OP_MULTIPLY) ? const_input(n) : -1;
	if (k < 0 || v->nuses != 1)
		return false;
	*s = (struct scaled){node_in(n, 1 - k), node_in(n, k)};
	return same_shapes(&s->x->info.shape, &v->info.shape);
}

/* The slopes along the channels: their number, 1 or all; 0 when k is something else. */
static int64_t slopes_of(struct pass_ctx *c, const struct scaled *s, double **slope)
{
	const struct shape *x = &s->x->info.shape;
	bool one = shape_count(&s->k->info.shape) == 1;
	int64_t n = one ? 1 : x->rank > 1 && dim_static(x->dim[1]) ? x->dim[1].min : 0;
	if (n < 1 || n > MAX_CHANNELS || !(*slope = arena_array(c->scratch, n, sizeof **slope)))
		return 0;
	return const_channels(s->k, x->rank, one ? -1 : 1, n, *slope) ? n : 0;
}

/* Is v = -x? */
static bool is_minus(const struct value *v, const struct value *x)
{
	double k;
	struct scaled s;
	const struct node *n = v->node;
	if (node_is(n, OP_NEGATIVE))
		return node_in(n, 0) == x;
	return scaled_of(v, &s) && s.x == x && const_number(s.k, &k) && k == -1;
}

/* With other = relu(x) and s = k * rest: the slope is k times this number, 0 when it is no PReLU.
 */
static double factor_of(const struct value *rest, const struct value *x)
{
	const struct node *n = rest->node;
	if (rest->nuses != 1)
		return 0;
	if (node_is(n, OP_RELU))
		return is_minus(node_in(n, 0), x) && node_in(n, 0)->nuses == 1 ? -1 : 0;
	bool twice = node_is(n, OP_SUBTRACT) && node_in(n, 0) == x &&
		     node_is(node_in(n, 1)->node, OP_ABS) && node_in(n, 1)->nuses == 1 &&
		     node_in(node_in(n, 1)->node, 0) == x;
	return twice ? 2 : 0;
}

static int put(struct pass_ctx *c, struct node *n, struct value *x, int64_t count, double *slope)
{
	struct node *k = add_channels(
	    n, name_with(n, n->name, "/slope"), x->info.type, 1, count == 1 ? -1 : 0, count, slope);
	if (!k)
		return fail_nomem(c->err);
	if (node_infer(k, c->err))
		return c->err->status;
	struct node *made = add_before(c, n, OP_PRELU, n->name, x, &k->out[0]);
	if (!made)
		return c->err->status;
	take_over(&made->out[0], &n->out[0]);
	return 1;
}

/* max(x, k x) with k <= 1, min(x, k x) with k >= 1. */
static int fuse_larger(struct pass_ctx *c, struct node *n)
{
	double *slope;
	for (int i = 0; i < 2; i++) {
		struct scaled s;
		if (!scaled_of(node_in(n, i), &s) || s.x != node_in(n, 1 - i))
			continue;
		int64_t count = slopes_of(c, &s, &slope);
		bool fits = count > 0;
		for (int64_t k = 0; k < count; k++)
			fits = fits && (node_is(n, OP_MAXIMUM) ? slope[k] <= 1 : slope[k] >= 1);
		if (fits)
			return put(c, n, s.x, count, slope);
	}
	return 0;
}

/* relu(x) + k * rest, or relu(x) - k * rest. */
static int fuse_sum(struct pass_ctx *c, struct node *n)
{
	double *slope, sign = node_is(n, OP_SUBTRACT) ? -1 : 1;
	for (int i = 0; i < (sign < 0 ? 1 : 2); i++) {
		const struct value *relu = node_in(n, i);
		struct scaled s, half;
		double more = 1;
		if (!node_is(relu->node, OP_RELU) || relu->nuses != 1 ||
		    !scaled_of(node_in(n, 1 - i), &s))
			continue;
		if (scaled_of(s.x, &half) && const_number(half.k, &more))
			s.x = half.x; /* (k * rest) * 0.5 or the other way round */
		else
			more = 1;
		struct value *x = node_in(relu->node, 0);
		double factor = factor_of(s.x, x) * sign * more;
		struct scaled by = {x, s.k};
		int64_t count = factor ? slopes_of(c, &by, &slope) : 0;
		for (int64_t k = 0; k < count; k++)
			slope[k] *= factor;
		if (count)
			return put(c, n, x, count, slope);
	}
	return 0;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	if (n->nout != 1 || !dtype_is_float(n->out[0].info.type) || n->out[0].info.shape.rank < 1)
		return 0;
	if (node_is(n, OP_MAXIMUM) || node_is(n, OP_MINIMUM))
		return fuse_larger(c, n);
	return node_is(n, OP_ADD) || node_is(n, OP_SUBTRACT) ? fuse_sum(c, n) : 0;
}

static int fuse_prelu(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_prelu = {
    .name = "fuse-prelu",
    .about = "recognise PReLU in maxima and sums",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_prelu,
};
