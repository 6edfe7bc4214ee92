/* Two products of matrices with a SoftMax of scaled and masked scores between them become one
 * ScaledDotProductAttention. */
#include <math.h>

#include "passes/rewrite.h"

#define MASKS 4
#define DEPTH 8 /* layers between the first product and SoftMax */
#define FAR                                                                                   \
	(-1e9) /* added to a score of any network it leaves no weight, and of a row all alike \
		*/

/* What the operands are before the products turn them. */
struct operand {
	struct value *v;
	bool turned; /* rows and columns are swapped */
};

struct attention {
	struct operand q, k, v;
	double scale;
	int nmasks; /* outermost first */
	struct mask {
		struct value *v;
		bool select, kept; /* select: scores are left where v is kept, and far elsewhere */
		bool deep;         /* v has ones in front of the scores' dims */
		struct value *far;
	} mask[MASKS];
};

/* x of v = x * number or x / number, which *scale takes; else NULL. */
static struct value *unscaled(const struct value *v, double *scale)
{
	struct node *n = v->node;
	double x;
	bool quotient = node_is(n, OP_DIVIDE);
	if (v->nuses != 1 || (!quotient && !node_is(n, OP_MULTIPLY)))
		return NULL;
	for (int i = quotient ? 1 : 0; i < 2; i++)
		if (const_scalar(node_in(n, i), node_in(n, 1 - i), &x) && x != 0) {
			*scale *= quotient ? 1 / x : x;
			return node_in(n, 1 - i);
		}
	return NULL;
}

static struct operand operand_of(const struct node *product, int i, const char *flag, double *scale)
{
	struct operand o = {node_in(product, i), attr_bool(product, flag)};
	for (struct value *v = o.v; v && scale; v = unscaled(o.v, scale))
		o.v = v;
	return o;
}

/* The first product, which takes what scales its operands along. */
static bool read_product(struct attention *a, const struct node *n)
{
	if (!node_is(n, OP_MATMUL))
		return false;
	a->q = operand_of(n, 0, "transpose_a", &a->scale);
	a->k = operand_of(n, 1, "transpose_b", &a->scale);
	a->k.turned = !a->k.turned;
	return true;
}

static bool read_scores(struct attention *a, const struct value *v, bool scaled, int depth);

static bool read_masked(struct attention *a, const struct value *v, struct mask m,
    const struct value *scores, int depth)
{
	if (a->nmasks == MASKS || !same_shapes(&scores->info.shape, &v->info.shape))
		return false;
	a->mask[a->nmasks++] = m;
	if (read_scores(a, scores, false, depth - 1))
		return true;
	a->nmasks--;
	return false;
}

static bool read_sum(struct attention *a, const struct value *v, int depth)
{
	for (int i = 0; i < 2; i++)
		if (read_masked(a, v, (struct mask){.v = node_in(v->node, 1 - i)},
			node_in(v->node, i), depth))
			return true;
	return false;
}

/* Are the first dims of a, before as many as b has, all 1? */
static bool ones_before(const struct shape *a, const struct shape *b)
{
	for (int d = 0; d < a->rank - b->rank; d++)
		if (!dim_static(a->dim[d]) || a->dim[d].min != 1)
			return false;
	return true;
}

static bool all_static(const struct shape *s)
{
	for (int d = 0; d < s->rank; d++)
		if (!dim_static(s->dim[d]))
			return false;
	return true;
}

/* Scores that get ones in front for the sum with a mask, as windows of one image do, and lose them
 * again. */
static bool read_view(struct attention *a, const struct value *v, int depth)
{
	const struct value *sum = node_in(v->node, 0);
	if (!node_is(sum->node, OP_ADD) || sum->nuses != 1)
		return false;
	for (int i = 0; i < 2; i++) {
		const struct value *view = node_in(sum->node, i);
		struct value *mask = node_in(sum->node, 1 - i);
		if (!node_is(view->node, OP_RESHAPE) || view->nuses != 1)
			continue;
		const struct value *scores = node_in(view->node, 0);
		const struct shape *s = &scores->info.shape, *m = &mask->info.shape;
		if (same_shapes(&view->info.shape, &sum->info.shape) && all_static(s) &&
		    view->info.shape.rank > s->rank && ones_before(&view->info.shape, s) &&
		    all_static(m) && ones_before(m, s) &&
		    read_masked(
			a, v, (struct mask){.v = mask, .deep = m->rank > s->rank}, scores, depth))
			return true;
	}
	return false;
}

/* As const_scalar, but minus infinity is far enough. */
static bool far_number(const struct value *far, const struct value *v, double *x)
{
	return value_const(far) && shape_count(&far->info.shape) == 1 &&
	       far->info.shape.rank <= v->info.shape.rank && const_number(far, x);
}

static bool read_select(struct attention *a, const struct value *v, int depth)
{
	double x;
	for (int i = 1; i < 3 && v->info.type == DT_F32; i++) {
		struct value *far = node_in(v->node, 3 - i);
		if (far_number(far, v, &x) && x <= FAR)
			return read_masked(a, v,
			    (struct mask){.v = node_in(v->node, 0),
				.select = true,
				.kept = i == 1,
				.far = far},
			    node_in(v->node, i), depth);
	}
	return false;
}

/* v is scores: products, scaled and then masked. scaled: what follows has scaled them already, so
 * that no mask may come before that. */
static bool read_scores(struct attention *a, const struct value *v, bool scaled, int depth)
{
	double scale = a->scale;
	if (!depth || v->nuses != 1)
		return false;
	if (!scaled && node_is(v->node, OP_ADD))
		return read_sum(a, v, depth);
	if (!scaled && node_is(v->node, OP_SELECT))
		return read_select(a, v, depth);
	if (!scaled && node_is(v->node, OP_RESHAPE))
		return read_view(a, v, depth);
	struct value *x = unscaled(v, &a->scale);
	if (x ? read_scores(a, x, true, depth - 1) : read_product(a, v->node))
		return true;
	a->scale = scale;
	return false;
}

static bool read_attention(struct attention *a, const struct node *n)
{
	*a = (struct attention){.scale = 1};
	if (!node_is(n, OP_MATMUL) || attr_bool(n, "transpose_a"))
		return false;
	const struct value *weights = node_in(n, 0);
	const struct node *soft = weights->node;
	int rank = weights->info.shape.rank;
	if (weights->nuses != 1 || rank < 3 ||
	    !(node_is(soft, OP_SOFTMAX) || node_is(soft, OP_SOFTMAX_1)))
		return false;
	int64_t axis = attr_i(soft, "axis");
	a->v = operand_of(n, 1, "transpose_b", NULL);
	return (axis == -1 || axis == rank - 1) && a->v.v->info.shape.rank == rank &&
	       read_scores(a, node_in(soft, 0), false, DEPTH) && a->q.v->info.shape.rank == rank &&
	       a->k.v->info.shape.rank == rank;
}

/* ---- the layer -------------------------------------------------------------------------------
 */

/* The operand as the layer wants it: a Transpose before it takes the turn. */
static struct value *straight(struct pass_ctx *c, struct node *n, struct operand o)
{
	int64_t order[MAX_RANK];
	int rank = o.v->info.shape.rank, turned;
	if (!o.turned)
		return o.v;
	for (int i = 0; i < rank; i++)
		order[i] = i;
	if (transpose_order(o.v->node, order, &turned))
		o.v = node_in(o.v->node, 0);
	int64_t last = order[rank - 1];
	order[rank - 1] = order[rank - 2];
	order[rank - 2] = last;
	bool straight_already = true;
	for (int i = 0; i < rank; i++)
		straight_already = straight_already && order[i] == i;
	if (straight_already)
		return o.v;
	struct node *k = add_ints(c, n, name_with(n, n->name, "/order"), rank, order);
	struct node *t = k ? add_before(c, n, OP_TRANSPOSE, name_with(n, n->name, "/turned"), o.v,
				 &k->out[0])
			   : NULL;
	return t ? &t->out[0] : NULL;
}

static struct value *number(
    struct pass_ctx *c, struct node *n, const char *suffix, enum dtype type, double x)
{
	struct node *k = add_channels(n, name_with(n, n->name, suffix), type, 0, 0, 1, &x);
	if (!k || node_infer(k, c->err)) {
		fail_nomem(c->err);
		return NULL;
	}
	return &k->out[0];
}

/* The mask without the ones in front of the scores' dims; NULL with the error set. */
static struct value *shallow(struct pass_ctx *c, struct node *n, struct value *v)
{
	const struct shape *s = &v->info.shape;
	int rank = n->out[0].info.shape.rank;
	int64_t dims[MAX_RANK];
	for (int d = 0; d < rank; d++)
		dims[d] = s->dim[s->rank - rank + d].min;
	return add_view(c, n, v, rank, dims);
}

/* sum plus the mask m, or that alone; NULL with the error set. */
static struct value *add_mask(
    struct pass_ctx *c, struct node *n, const struct mask *m, struct value *sum)
{
	const char *name = name_with(n, n->name, "/mask");
	struct value *v = m->deep ? shallow(c, n, m->v) : m->v;
	struct node *made;
	if (!v || (!m->select && !sum))
		return v;
	if (m->select && !sum)
		sum = number(c, n, "/kept", n->out[0].info.type, 0);
	if (!sum)
		return NULL;
	if (m->select) {
		struct value *in[] = {v, m->kept ? sum : m->far, m->kept ? m->far : sum};
		made = graph_insert_before(n, op_row(OP_SELECT), name, in, 3, 1);
		if (!made)
			fail_nomem(c->err);
		else if (node_infer(made, c->err))
			made = NULL;
	} else {
		made = add_before(c, n, OP_ADD, name, sum, v);
	}
	return made ? &made->out[0] : NULL;
}

/* Fills in inputs 3 and 4 where they are wanted: the number of inputs, or a negative status. */
static int add_options(
    struct pass_ctx *c, struct node *n, const struct attention *a, struct value **in)
{
	struct value *mask = NULL;
	const struct shape *q = &in[0]->info.shape;
	struct dim width = q->dim[q->rank - 1];
	for (int i = a->nmasks - 1; i >= 0; i--) {
		mask = add_mask(c, n, &a->mask[i], mask);
		if (!mask)
			return c->err->status;
	}
	bool usual = dim_static(width) && fabs(a->scale * sqrt((double)width.min) - 1) < 2e-7;
	if (usual && !mask)
		return 3;
	in[3] = mask ? mask : number(c, n, "/mask", n->out[0].info.type, 0);
	in[4] = usual ? NULL : number(c, n, "/scale", n->out[0].info.type, a->scale);
	return in[3] && (usual || in[4]) ? (usual ? 4 : 5) : c->err->status;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	struct attention a;
	if (n->nout != 1 || !dtype_is_float(n->out[0].info.type) || !read_attention(&a, n))
		return 0;
	struct value *in[5] = {straight(c, n, a.q), straight(c, n, a.k), straight(c, n, a.v)};
	int nin = in[0] && in[1] && in[2] ? add_options(c, n, &a, in) : c->err->status;
	if (nin < 0)
		return nin;
	struct node *made = graph_insert_before(n, op_row(OP_SDPA), n->name, in, nin, 1);
	if (!made || !attr_set_i(made, "causal", false))
		return fail_nomem(c->err);
	return put_in_place(c, made, n);
}

static int fuse_attention(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_attention = {
    .name = "fuse-attention",
    .about = "recognise ScaledDotProductAttention in products around SoftMax",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_attention,
};
