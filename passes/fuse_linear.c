/* Scales and shifts per channel next to a convolution or matrix product go into its weight and
 * bias: products on either side, sums before it where its border is not padded. */
#include <math.h>

#include "passes/linear.h"

static double *doubles(struct pass_ctx *c, int64_t n)
{
	double *x = arena_array(c->scratch, n, sizeof *x);
	if (!x)
		fail_nomem(c->err);
	return x;
}

/* The constant of a Multiply or Divide by it as factors along axis. */
static bool factors(const struct node *n, int k, int rank, int axis, int64_t channels, double *x)
{
	if (!const_channels(node_in(n, k), rank, axis, channels, x))
		return false;
	for (int64_t i = 0; node_is(n, OP_DIVIDE) && i < channels; i++) {
		if (x[i] == 0 || !isfinite(1 / x[i]))
			return false;
		x[i] = 1 / x[i];
	}
	return true;
}

/* Index of the constant by which n multiplies, divides, adds, subtracts; -1 when it does not. */
static int operand(const struct node *n, bool product)
{
	enum op_id commuting = product ? OP_MULTIPLY : OP_ADD;
	enum op_id other = product ? OP_DIVIDE : OP_SUBTRACT;
	if (!node_is(n, commuting) && !node_is(n, other))
		return -1;
	int k = const_input(n);
	return node_is(n, other) && k == 0 ? -1 : k;
}

/* n multiplies what a layer gives. */
static int fuse_after(struct pass_ctx *c, struct node *n)
{
	struct linear l;
	struct node *bias;
	int k = operand(n, true);
	if (k < 0 || !linear_behind(node_in(n, 1 - k), &l, &bias))
		return 0;
	int64_t channels = linear_outputs(&l);
	double *scale = doubles(c, channels), *shift = doubles(c, channels);
	if (!scale || !shift)
		return c->err->status;
	if (!factors(n, k, l.rank_out, l.axis_out, channels, scale))
		return 0;
	return linear_affine(c, &l, bias, scale, shift, n);
}

static int fuse_factor(struct pass_ctx *c, struct linear *l, struct node *p, int k)
{
	int status;
	double *scale = doubles(c, linear_inputs(l));
	if (!scale)
		return c->err->status;
	if (!factors(p, k, l->rank_in, l->axis_in, linear_inputs(l), scale) ||
	    !linear_scale_in(c, l, scale, &status))
		return c->err->status;
	node_set_input(l->node, l->data, node_in(p, 1 - k));
	remove_dead(p);
	return 1;
}

/* The layer's output plus b takes the layer's place; its name moves on to the sum. */
static int add_bias(struct pass_ctx *c, struct linear *l, const double *b)
{
	struct node *n = l->node;
	const char *last = n->name, *name = name_with(n, last, "/bias");
	struct node *k = name ? add_channels(n, name, n->out[0].info.type, l->rank_out, l->axis_out,
				    linear_outputs(l), b)
			      : NULL;
	struct value *in[2] = {&n->out[0], k ? &k->out[0] : NULL};
	struct node *sum = k ? graph_insert_after(n, op_row(OP_ADD), last, in, 2, 1) : NULL;
	n->name = name_with(n, last, "/WithoutBiases");
	if (!sum || !n->name)
		return fail_nomem(c->err);
	graph_replace(&n->out[0], &sum->out[0]);
	return node_infer(sum, c->err) ? c->err->status : 1;
}

static int fuse_term(struct pass_ctx *c, struct linear *l, struct node *p, int k)
{
	double *shift = doubles(c, linear_inputs(l)), *b = doubles(c, linear_outputs(l));
	if (!shift || !b)
		return c->err->status;
	if (l->adds_border ||
	    !const_channels(node_in(p, k), l->rank_in, l->axis_in, linear_inputs(l), shift))
		return 0;
	for (int64_t i = 0; node_is(p, OP_SUBTRACT) && i < linear_inputs(l); i++)
		shift[i] = -shift[i];
	if (linear_shift(c, l, shift, b))
		return c->err->status;
	for (int64_t i = 0; i < linear_outputs(l); i++)
		if (!(fabs(b[i]) <=
			65504.0)) /* far from what a network computes: not worth a risk */
			return 0;
	node_set_input(l->node, l->data, node_in(p, 1 - k));
	remove_dead(p);
	return add_bias(c, l, b);
}

/* n is a layer whose data is multiplied or shifted first. */
static int fuse_before(struct pass_ctx *c, struct node *n)
{
	struct linear l;
	if (!linear_of(n, &l) || node_in(n, l.data)->nuses != 1)
		return 0;
	struct node *p = node_in(n, l.data)->node;
	int k = operand(p, true);
	if (k >= 0)
		return fuse_factor(c, &l, p, k);
	k = operand(p, false);
	return k >= 0 ? fuse_term(c, &l, p, k) : 0;
}

static int fuse_node(struct pass_ctx *c, struct node *n)
{
	int r = fuse_after(c, n);
	return r ? r : fuse_before(c, n);
}

static int fuse_linear(struct pass_ctx *c)
{
	return each_node(c, fuse_node);
}

const struct pass pass_fuse_linear = {
    .name = "fuse-linear",
    .about =
	"fold scales and shifts per channel into the convolution or matrix product beside them",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_linear,
};
