/* A Concat that only another one along the same axis reads goes into that. Exact: elements are
 * only moved. */
#include <stdlib.h>

#include "base/limits.h"
#include "passes/rewrite.h"

/* The axis of a Concat whose rank is known, else -1. */
static int axis_of(const struct node *n)
{
	int rank = node_is(n, OP_CONCAT) ? n->out[0].info.shape.rank : -1;
	int64_t axis = rank < 0 ? -1 : attr_i(n, "axis");
	return (int)(axis < 0 && rank >= 0 ? axis + rank : axis);
}

/* The Concat behind input k that can go into n. */
static const struct node *inner(const struct node *n, int k)
{
	const struct value *v = node_in(n, k);
	return v && v->nuses == 1 && axis_of(v->node) == axis_of(n) ? v->node : NULL;
}

/* All inputs, those of the inner ones in their places; in may be NULL to count them. */
static size_t gather(const struct node *n, struct value **in)
{
	size_t count = 0;
	for (int k = 0; k < n->nin; k++) {
		const struct node *p = inner(n, k);
		for (int j = 0; j < (p ? p->nin : 1); j++, count++)
			if (in)
				in[count] = p ? node_in(p, j) : node_in(n, k);
	}
	return count;
}

static int put(struct pass_ctx *c, struct node *n, struct value **in, int nin)
{
	struct node *made = graph_insert_before(n, op_row(OP_CONCAT), n->name, in, nin, 1);
	if (!made || !attr_set_i(made, "axis", attr_i(n, "axis")))
		return fail_nomem(c->err);
	return put_in_place(c, made, n);
}

static int merge(struct pass_ctx *c, struct node *n)
{
	int k = 0;
	while (axis_of(n) >= 0 && k < n->nin && !inner(n, k))
		k++;
	if (axis_of(n) < 0 || k == n->nin)
		return 0;
	size_t nin = gather(n, NULL);
	if (nin > LIMIT_PORTS)
		return 0;
	struct value **in = calloc(nin, sizeof *in);
	if (!in)
		return fail_nomem(c->err);
	gather(n, in);
	int r = put(c, n, in, (int)nin);
	free(in);
	return r;
}

static int merge_concat(struct pass_ctx *c)
{
	return each_node(c, merge);
}

const struct pass pass_merge_concat = {
    .name = "merge-concat",
    .about = "join Concat with the Concat that alone reads it",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = merge_concat,
};
