/* SoftMax and LogSoftmax written in exponentials, sums and logarithms. */
#include "passes/rewrite.h"

/* The input of a reduction over one axis that keeps its dim. */
static struct value *reduced(const struct value *v, enum op_id id, int *axis)
{
	const struct node *n = v->node;
	if (!node_is(n, id) || !attr_bool(n, "keep_dims"))
		return NULL;
	*axis = const_axis(node_in(n, 1), node_in(n, 0)->info.shape.rank);
	return *axis < 0 ? NULL : node_in(n, 0);
}

static struct value *unary_of(const struct value *v, enum op_id id, int uses)
{
	return node_is(v->node, id) && v->nuses == uses ? node_in(v->node, 0) : NULL;
}

/* x of z = x - max(x) along the axis, else z: the difference does not matter. */
static struct value *unshifted(struct value *z, int axis)
{
	int along;
	if (!node_is(z->node, OP_SUBTRACT))
		return z;
	struct value *x = node_in(z->node, 0);
	const struct value *max = node_in(z->node, 1);
	bool own = reduced(max, OP_REDUCE_MAX, &along) == x && along == axis;
	return own ? x : z;
}

/* e, read twice, of e / sum(e) or e * (1 / sum(e)). */
static struct value *over_own_sum(const struct node *n, int *axis)
{
	double one;
	for (int i = 0; i < 2; i++) {
		struct value *e = node_in(n, i), *s = node_in(n, 1 - i);
		if (node_is(n, OP_MULTIPLY) && node_is(s->node, OP_DIVIDE) && s->nuses == 1 &&
		    const_scalar(node_in(s->node, 0), node_in(s->node, 1), &one) && one == 1)
			s = node_in(s->node, 1);
		else if (!node_is(n, OP_DIVIDE) || i)
			continue;
		if (s->nuses == 1 && e->nuses == 2 && reduced(s, OP_REDUCE_SUM, axis) == e)
			return e;
	}
	return NULL;
}

static struct value *softmax_input(const struct node *n, int *axis)
{
	if (!node_is(n, OP_DIVIDE) && !node_is(n, OP_MULTIPLY))
		return NULL;
	const struct value *e = over_own_sum(n, axis);
	struct value *z = e ? unary_of(e, OP_EXP, 2) : NULL;
	return z ? unshifted(z, *axis) : NULL;
}

/* z of v = log(sum(exp(z))), of which nothing else reads a part. */
static struct value *log_sum_exp(const struct value *v, int *axis)
{
	const struct value *s = unary_of(v, OP_LOG, 1);
	const struct value *e = s && s->nuses == 1 ? reduced(s, OP_REDUCE_SUM, axis) : NULL;
	return e ? unary_of(e, OP_EXP, 1) : NULL;
}

static struct value *log_softmax_input(const struct node *n, int *axis)
{
	if (node_is(n, OP_LOG)) {
		const struct value *s = node_in(n, 0);
		if (s->nuses != 1 ||
		    !(node_is(s->node, OP_SOFTMAX) || node_is(s->node, OP_SOFTMAX_1)))
			return NULL;
		*axis = (int)attr_i(s->node, "axis");
		return node_in(s->node, 0);
	}
	if (!node_is(n, OP_SUBTRACT))
		return NULL;
	struct value *x = node_in(n, 0);
	const struct value *sum = node_in(n, 1);
	if (log_sum_exp(sum, axis) == x)
		return unshifted(x, *axis);
	for (int i = 0; node_is(sum->node, OP_ADD) && sum->nuses == 1 && i < 2; i++) {
		struct value *z = log_sum_exp(node_in(sum->node, i), axis);
		if (z && unshifted(z, *axis) == x && z != x &&
		    node_in(z->node, 1) == node_in(sum->node, 1 - i))
			return x;
	}
	return NULL;
}

static int put(struct pass_ctx *c, struct node *n, enum op_id id, struct value *x, int axis)
{
	struct node *made = graph_insert_before(n, op_row(id), n->name, &x, 1, 1);
	if (!made || !attr_set_i(made, "axis", axis))
		return fail_nomem(c->err);
	return put_in_place(c, made, n);
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	int axis;
	if (n->nout != 1 || !dtype_is_float(n->out[0].info.type))
		return 0;
	struct value *x = softmax_input(n, &axis);
	if (x)
		return put(c, n, OP_SOFTMAX, x, axis);
	x = log_softmax_input(n, &axis);
	return x ? put(c, n, OP_LOG_SOFTMAX, x, axis) : 0;
}

static int fuse_softmax(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_softmax = {
    .name = "fuse-softmax",
    .about = "recognise SoftMax and LogSoftmax in exponentials and sums",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_softmax,
};
