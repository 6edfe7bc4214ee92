/* Chains of additions and products with constants shrink: x + a + b, x * a * b, (x * a + b) * c,
 * (x + a) + (y + b). */
#include <math.h>

#include "passes/rewrite.h"

#define RATIO 4096    /* of two terms: three digits of the smaller one are left at least */
#define HUGE_TERM 1e4 /* masks are as large; biases are not */

static bool arithmetic(const struct node *n)
{
	return node_is(n, OP_ADD) || node_is(n, OP_MULTIPLY);
}

/* Rounding is all that may be lost: nothing overflows, and no factor underflows (a term that does
 * is too small to be missed). */
static bool sound(
    const struct tensor *t, const struct tensor *a, const struct tensor *b, bool factor)
{
	bool zero = !factor;
	if (!dtype_is_float(t->type))
		return true;
	for (int64_t i = 0; !zero && i < tensor_count(a); i++)
		zero = tensor_f64(a, i) == 0;
	for (int64_t i = 0; !zero && i < tensor_count(b); i++)
		zero = tensor_f64(b, i) == 0;
	for (int64_t i = 0; i < tensor_count(t); i++) {
		double x = fabs(tensor_f64(t, i));
		if (!isfinite(x) || (!zero && x < (t->type == DT_F16 ? 0x1p-13 : 0x1p-120)))
			return false;
	}
	return true;
}

static double largest(const struct tensor *t)
{
	double max = 0;
	for (int64_t i = 0; i < tensor_count(t); i++)
		max = fmax(max, fabs(tensor_f64(t, i)));
	return max;
}

/* A huge term stays apart from a small one: what takes it off again would take the small one
 * along, as the bias after (1 - mask) * -1e9. */
static bool comparable(const struct tensor *a, const struct tensor *b)
{
	double x = largest(a), y = largest(b);
	bool near = x <= y * RATIO && y <= x * RATIO;
	return !dtype_is_float(a->type) || x == 0 || y == 0 || near || fmax(x, y) < HUGE_TERM;
}

/* A Const for op n of the constants a and b, placed before it, a factor or a term of what follows;
 * NULL when it would be larger than both or lose its numbers, or (with the error set) when
 * something failed. */
static struct node *combined(
    struct pass_ctx *c, struct node *n, struct value *a, struct value *b, bool factor)
{
	struct const_view va = {0}, vb = {0};
	struct tensor out = {0};
	struct node *made = NULL;
	int e = const_open(a, &va, c->err);
	if (!e)
		e = const_open(b, &vb, c->err);
	struct tensor in[2] = {va.t, vb.t};
	if (!e)
		e = node_eval(n, in, 2, &out, c->err);
	int64_t count = e ? 0 : tensor_count(&out);
	if (!e && (count <= tensor_count(&va.t) || count <= tensor_count(&vb.t)) &&
	    sound(&out, &va.t, &vb.t, factor) &&
	    (factor || node_is(n, OP_MULTIPLY) || node_is(n, OP_DIVIDE) ||
		comparable(&va.t, &vb.t))) {
		struct blob *data = blob_copy(out.data, tensor_bytes(&out));
		made = data ? graph_const(
				  n->graph, n, b->node->name, out.type, out.rank, out.dim, data)
			    : NULL;
		if (!made)
			fail_nomem(c->err);
	}
	tensor_free(&out);
	const_close(&va);
	const_close(&vb);
	return made;
}

/* The node that computes v when it is an op of this kind with one constant operand (*k) and no
 * other use of its result. */
static struct node *inner(const struct value *v, enum op_id id, int *k)
{
	if (v->nuses != 1 || !node_is(v->node, id))
		return NULL;
	*k = const_input(v->node);
	return *k < 0 ? NULL : v->node;
}

/* op(op(x, a), b) is op(x, op(a, b)). A Divide by b works on a product in the same way. */
static int merge_same(struct pass_ctx *c, struct node *n, int k)
{
	int j;
	struct node *p = inner(node_in(n, 1 - k), node_is(n, OP_ADD) ? OP_ADD : OP_MULTIPLY, &j);
	if (!p)
		return 0;
	struct node *both = combined(c, n, node_in(p, j), node_in(n, k), !node_is(n, OP_ADD));
	if (!both)
		return c->err->status;
	struct node *one = add_before(
	    c, n, (enum op_id)p->op->id, n->name, node_in(p, 1 - j), &both->out[0]);
	if (!one)
		return c->err->status;
	take_over(&one->out[0], &n->out[0]);
	return 1;
}

/* (x * a + b) * c is x * (a * c) + b * c; so for a division by c. */
static int merge_through(struct pass_ctx *c, struct node *n, int k)
{
	int j, i;
	struct node *sum = inner(node_in(n, 1 - k), OP_ADD, &j);
	struct node *times = sum ? inner(node_in(sum, 1 - j), OP_MULTIPLY, &i) : NULL;
	if (!times)
		return 0;
	struct node *factor = combined(c, n, node_in(times, i), node_in(n, k), true);
	struct node *term = factor ? combined(c, n, node_in(sum, j), node_in(n, k), false) : NULL;
	if (!term) {
		if (factor)
			graph_remove(factor);
		return c->err->status;
	}
	struct node *x = add_before(
	    c, n, OP_MULTIPLY, times->name, node_in(times, 1 - i), &factor->out[0]);
	struct node *y = x ? add_before(c, n, OP_ADD, n->name, &x->out[0], &term->out[0]) : NULL;
	if (!y)
		return c->err->status;
	take_over(&y->out[0], &n->out[0]);
	return 1;
}

/* (x + a) + (y + b) is (x + (a + b)) + y: where two biased layers meet, one bias is enough. */
static int merge_biases(struct pass_ctx *c, struct node *n)
{
	int j = 0, i = 0;
	struct node *p = inner(node_in(n, 0), OP_ADD, &j), *q = inner(node_in(n, 1), OP_ADD, &i);
	const struct shape *s = &n->out[0].info.shape;
	if (!p || !q || p == q || !same_shapes(&node_in(p, 1 - j)->info.shape, s) ||
	    !same_shapes(&node_in(q, 1 - i)->info.shape, s))
		return 0;
	struct node *both = combined(c, n, node_in(p, j), node_in(q, i), false);
	const char *name = name_with(n, n->name, "/biased");
	if (!both)
		return c->err->status;
	struct node *x = add_before(c, n, OP_ADD, name, node_in(p, 1 - j), &both->out[0]);
	struct node *y = x ? add_before(c, n, OP_ADD, n->name, &x->out[0], node_in(q, 1 - i))
			   : NULL;
	if (!y)
		return c->err->status;
	take_over(&y->out[0], &n->out[0]);
	return 1;
}

/* x - a is x + (-a), which more of the other rules know; but a zero point stays as it is. */
static int negate(struct pass_ctx *c, struct node *n)
{
	struct const_view w;
	struct tensor t;
	struct value *a = node_in(n, 1);
	if (!value_const(a) || !dtype_is_float(a->info.type) || value_const(node_in(n, 0)) ||
	    node_is(node_in(n, 0)->node, OP_CONVERT))
		return 0;
	if (const_open(a, &w, c->err))
		return c->err->status;
	int e = tensor_clone(&t, &w.t, c->err);
	const_close(&w);
	if (e)
		return e;
	for (int64_t i = 0; i < tensor_count(&t); i++)
		tensor_set_f64(&t, i, -tensor_f64(&t, i));
	struct blob *data = blob_copy(t.data, tensor_bytes(&t));
	struct node *k = graph_const(
	    n->graph, n, name_with(n, a->node->name, "/negative"), t.type, t.rank, t.dim, data);
	tensor_free(&t);
	if (!k)
		return fail_nomem(c->err);
	struct node *sum = add_before(c, n, OP_ADD, n->name, node_in(n, 0), &k->out[0]);
	if (!sum)
		return c->err->status;
	take_over(&sum->out[0], &n->out[0]);
	return 1;
}

static int merge(struct pass_ctx *c, struct node *n)
{
	if (node_is(n, OP_SUBTRACT))
		return negate(c, n);
	if (!arithmetic(n) && !node_is(n, OP_DIVIDE))
		return 0;
	int k = const_input(n);
	bool real = dtype_is_float(n->out[0].info.type);
	if (k < 0 && node_is(n, OP_ADD))
		return merge_biases(c, n);
	if (k < 0 || (node_is(n, OP_DIVIDE) && (k != 1 || !real)))
		return 0;
	int r = merge_same(c, n, k);
	return r || node_is(n, OP_ADD) || !real ? r : merge_through(c, n, k);
}

static int merge_linear(struct pass_ctx *c)
{
	return each_node(c, merge);
}

const struct pass pass_merge_linear = {
    .name = "merge-linear",
    .about = "shorten chains of sums and products with constants",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = merge_linear,
};
