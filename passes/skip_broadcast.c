/* Broadcast that its reader would do by itself, or that can wait until after the arithmetic. */
#include <string.h>

#include "passes/rewrite.h"

/* Broadcast aligned at the last dims, as arithmetic does it. */
static bool is_stretch(const struct node *n)
{
	return (node_is(n, OP_BROADCAST) || node_is(n, OP_BROADCAST_1)) &&
	       !attr_is(n, "mode", "explicit");
}

/* Layers whose operands stretch to each other. */
static bool is_arithmetic(const struct node *n)
{
	return n->op->flags & OPF_BROADCAST && attr_is(n, "auto_broadcast", "numpy");
}

/* Is the output as large when operand k is x? */
static bool stretches(const struct node *n, int k, const struct value *x)
{
	struct shape all = x->info.shape;
	for (int i = 0; i < n->nin; i++)
		if (i != k && !shape_broadcast(&all, &node_in(n, i)->info.shape, &all))
			return false;
	return same_shapes(&all, &n->out[0].info.shape);
}

static int skip_before(struct node *n)
{
	int done = 0;
	for (int k = 0; is_arithmetic(n) && k < n->nin; k++) {
		struct node *b = node_in(n, k)->node;
		if (!is_stretch(b) || !stretches(n, k, node_in(b, 0)))
			continue;
		node_set_input(n, k, node_in(b, 0));
		remove_dead(b);
		done = 1;
	}
	return done;
}

static bool is_single(const struct value *v)
{
	return value_const(v) && shape_count(&v->info.shape) == 1;
}

/* One number stretched and then changed by another one: it is changed first, once. */
static int stretch_after(struct pass_ctx *c, struct node *n)
{
	int k = is_arithmetic(n) && n->nin == 2 ? const_input(n) : -1;
	struct value *one = k >= 0 ? node_in(n, k) : NULL;
	struct node *b = one ? node_in(n, 1 - k)->node : NULL;
	if (!b || !is_stretch(b) || b->out[0].nuses != 1 || !is_single(one) ||
	    !is_single(node_in(b, 0)) || b->out[0].info.shape.rank < one->info.shape.rank)
		return 0;
	struct value *in[2] = {one, one};
	in[1 - k] = node_in(b, 0);
	const char *name = name_with(n, n->name, "/once");
	struct node *first = name ? graph_insert_before(n, n->op, name, in, 2, 1) : NULL;
	if (!first || !node_copy_attrs(first, n))
		return fail_nomem(c->err);
	if (node_infer(first, c->err))
		return c->err->status;
	in[0] = &first->out[0];
	in[1] = node_in(b, 1);
	struct node *last = graph_insert_before(n, b->op, n->name, in, 2, 1);
	if (!last || !node_copy_attrs(last, b))
		return fail_nomem(c->err);
	if (node_infer(last, c->err))
		return c->err->status;
	take_over(&last->out[0], &n->out[0]);
	return 1;
}

static int skip(struct pass_ctx *c, struct node *n)
{
	int r = skip_before(n);
	return r ? r : stretch_after(c, n);
}

static int skip_broadcast(struct pass_ctx *c)
{
	return each_node(c, skip);
}

const struct pass pass_skip_broadcast = {
    .name = "skip-broadcast",
    .about = "drop Broadcast before layers that stretch their operands themselves",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = skip_broadcast,
};
