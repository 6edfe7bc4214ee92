/* A Transpose goes before arithmetic on single elements where that brings it to another Transpose,
 * which it then joins, or the arithmetic to a convolution, which then takes it in. */
#include "passes/linear.h"

#define REACH 8 /* layers between two Transposes */

/* The input through which the data of an elementwise layer comes, its other one being Const (*k, -1
 * when there is none); -1 when the layer is something else. */
static int data_input(const struct node *n, int *k)
{
	static const enum op_id id[] = {OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_MAXIMUM,
	    OP_MINIMUM, OP_POWER, OP_SQUARED_DIFFERENCE};
	*k = -1;
	if (n->op->flags & OPF_UNARY)
		return n->nin == 1 && n->nout == 1 ? 0 : -1;
	for (size_t i = 0; i < sizeof id / sizeof *id; i++)
		if (node_is(n, id[i]) && (*k = const_input(n)) >= 0)
			return 1 - *k;
	return -1;
}

/* Is there a Transpose up from v, behind elementwise layers that nothing else reads? */
static bool meets_transpose(const struct value *v)
{
	int64_t order[MAX_RANK];
	int rank, k, data;
	for (int i = 0; i < REACH && v->nuses == 1; i++) {
		if (transpose_order(v->node, order, &rank))
			return true;
		data = data_input(v->node, &k);
		if (data < 0 || node_in(v->node, data)->info.shape.rank != v->info.shape.rank)
			return false;
		v = node_in(v->node, data);
	}
	return false;
}

static bool feeds_linear(const struct value *v)
{
	struct linear l;
	struct node *n = only_use(v);
	return n && linear_of(n, &l) && node_in(n, l.data) == v;
}

/* The constant operand, transposed likewise: of full rank first, sharing its data. */
static struct value *turned_const(
    struct pass_ctx *c, struct node *n, const struct value *v, struct value *order, int rank)
{
	const struct shape *s = &v->info.shape;
	const struct node *k = value_const(v);
	int64_t dims[MAX_RANK];
	if (shape_count(s) == 1)
		return (struct value *)v;
	for (int i = 0; i < rank; i++)
		dims[i] = i < rank - s->rank ? 1 : s->dim[i - (rank - s->rank)].min;
	struct node *full = graph_const(
	    n->graph, n, k->name, v->info.type, rank, dims, blob_ref(k->data));
	if (!full) {
		fail_nomem(c->err);
		return NULL;
	}
	struct node *turned = add_before(
	    c, n, OP_TRANSPOSE, name_with(n, k->name, "/transposed"), &full->out[0], order);
	return turned ? &turned->out[0] : NULL;
}

static int lift(struct pass_ctx *c, struct node *n)
{
	int64_t order[MAX_RANK];
	int rank, k;
	if (!transpose_order(n, order, &rank) || node_in(n, 0)->nuses != 1)
		return 0;
	struct node *p = node_in(n, 0)->node;
	int data = data_input(p, &k);
	if (data < 0 || value_const(node_in(p, data)) || node_in(p, data)->info.shape.rank != rank)
		return 0;
	if (!meets_transpose(node_in(p, data)) && !(k >= 0 && feeds_linear(&n->out[0])))
		return 0;
	struct node *turned = add_before(
	    c, n, OP_TRANSPOSE, name_with(n, n->name, "/first"), node_in(p, data), node_in(n, 1));
	struct value *in[2] = {turned ? &turned->out[0] : NULL};
	if (turned && k >= 0) {
		in[data] = in[0];
		in[k] = turned_const(c, n, node_in(p, k), node_in(n, 1), rank);
	}
	if (!in[0] || (k >= 0 && !in[1]))
		return c->err->status;
	struct node *last = graph_insert_before(n, p->op, n->name, in, p->nin, 1);
	if (!last || !node_copy_attrs(last, p))
		return fail_nomem(c->err);
	graph_replace(&n->out[0], &last->out[0]);
	return node_infer(last, c->err) ? c->err->status : 1;
}

static int lift_transpose(struct pass_ctx *c)
{
	return each_node(c, lift);
}

const struct pass pass_lift_transpose = {
    .name = "lift-transpose",
    .about = "move Transpose before elementwise layers to where it is joined",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = lift_transpose,
};
