/* A matrix whose columns are all equal gives one number for all of them: one column is kept, and
 * the bias that follows spreads the result. */
#include "passes/rewrite.h"

/* The number that a whole matrix holds: a Const of one value or the Broadcast of one number. */
static bool one_number(const struct value *v, double *x)
{
	const struct node *n = v->node;
	const void *element;
	size_t size;
	if (value_const(v))
		return blob_is_fill(value_const(v)->data, &element, &size) && const_number(v, x);
	return (node_is(n, OP_BROADCAST) || node_is(n, OP_BROADCAST_1)) &&
	       value_const(node_in(n, 0)) && shape_count(&node_in(n, 0)->info.shape) == 1 &&
	       const_number(node_in(n, 0), x);
}

/* Does the only reader of v add something that has all columns of it? */
static bool spread_after(const struct value *v, int64_t columns)
{
	const struct node *n = only_use(v);
	if (!n || !node_is(n, OP_ADD))
		return false;
	const struct value *other = node_in(n, node_in(n, 0) == v);
	const struct shape *s = &other->info.shape;
	return s->rank > 0 && s->rank <= v->info.shape.rank && dim_static(s->dim[s->rank - 1]) &&
	       s->dim[s->rank - 1].min == columns;
}

static int thin(struct pass_ctx *c, struct node *n)
{
	double x;
	if (!node_is(n, OP_MATMUL) || is_output(&n->out[0]))
		return 0;
	struct value *w = node_in(n, 1);
	const struct shape *s = &w->info.shape;
	bool turned = attr_bool(n, "transpose_b");
	if (s->rank != 2 || !shape_static(s) || node_in(n, 0)->info.shape.rank < 2)
		return 0;
	int64_t rows = s->dim[turned].min, columns = s->dim[!turned].min;
	if (columns < 2 || rows < 1 || !one_number(w, &x) || !spread_after(&n->out[0], columns))
		return 0;
	double *column = arena_array(c->scratch, rows, sizeof *column);
	for (int64_t i = 0; column && i < rows; i++)
		column[i] = x;
	struct node *k = column ? add_channels(n, w->node->name, w->info.type, 2, 0, rows, column)
				: NULL;
	if (!k || !attr_set_i(n, "transpose_b", false))
		return fail_nomem(c->err);
	node_set_input(n, 1, &k->out[0]);
	remove_dead(w->node);
	n->out[0].nnames = 0;
	n->name = name_with(n, n->name, "/column");
	if (!n->name)
		return fail_nomem(c->err);
	return node_infer(n, c->err) ? c->err->status : 1;
}

static int thin_weights(struct pass_ctx *c)
{
	return each_node(c, thin);
}

const struct pass pass_thin_weights = {
    .name = "thin-weights",
    .about = "keep one column of a matrix whose columns are equal",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = thin_weights,
};
