/* Batch normalization that nothing took up becomes Multiply and Add. */
#include "passes/batch_norm.h"

static int lower(struct pass_ctx *c, struct node *n)
{
	struct batch_norm b;
	int status;
	if (!batch_norm_of(c, n, &b, &status))
		return status;
	int rank = b.data->info.shape.rank;
	enum dtype type = n->out[0].info.type;
	struct node *scale = add_channels(
	    n, name_with(n, n->name, "/scale"), type, rank, 1, b.channels, b.scale);
	struct node *shift = add_channels(
	    n, name_with(n, n->name, "/shift"), type, rank, 1, b.channels, b.shift);
	if (!scale || !shift)
		return fail_nomem(c->err);
	struct node *times = add_before(
	    c, n, OP_MULTIPLY, name_with(n, n->name, "/Multiply"), b.data, &scale->out[0]);
	if (!times)
		return c->err->status;
	struct node *plus = add_before(c, n, OP_ADD, n->name, &times->out[0], &shift->out[0]);
	if (!plus)
		return c->err->status;
	take_over(&plus->out[0], &n->out[0]);
	return 1;
}

static int lower_bn(struct pass_ctx *c)
{
	return each_node(c, lower);
}

const struct pass pass_lower_bn = {
    .name = "lower-bn",
    .about = "write batch normalization that is left as Multiply and Add",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = lower_bn,
};
