/* Weights stored in few bits: zero points go into the integers where 8 bits hold them, and a
 * reshape of what the integers stand for is done to the integers. */
#include <math.h>
#include <stdlib.h>

#include "passes/rewrite.h"

/* Multiply(Subtract(Convert(stored), zero), scale); zero and scale may be absent. */
struct weights {
	struct value *stored, *zero, *scale;
	enum dtype type;  /* that they are brought to */
	const char *name; /* of that Convert */
};

/* A constant, or one that is only converted: itself. */
static const struct value *behind_convert(const struct value *v)
{
	if (v && node_is(v->node, OP_CONVERT))
		v = node_in(v->node, 0);
	return v && value_const(v) ? v : NULL;
}

static bool weights_of(const struct value *v, struct weights *w)
{
	const struct node *n = v->node;
	*w = (struct weights){.type = v->info.type};
	if (node_is(n, OP_MULTIPLY) && value_const(node_in(n, 1))) {
		w->scale = node_in(n, 1);
		n = node_in(n, 0)->node;
	}
	if (node_is(n, OP_SUBTRACT) && behind_convert(node_in(n, 1))) {
		w->zero = node_in(n, 1);
		n = node_in(n, 0)->node;
	}
	if (!node_is(n, OP_CONVERT) || !few_bits_weight(n) || !value_const(node_in(n, 0)))
		return false;
	w->stored = node_in(n, 0);
	w->name = n->name;
	return n->out[0].info.type == w->type;
}

static struct value *converted(
    struct pass_ctx *c, struct node *at, const char *name, struct value *v, enum dtype type)
{
	if (!v || v->info.type == type)
		return v;
	struct node *n = graph_insert_before(at, op_row(OP_CONVERT), name, &v, 1, 1);
	if (!n || !attr_set_type(n, "destination_type", type)) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(n, c->err) ? NULL : &n->out[0];
}

/* ---- zero points -------------------------------------------------------------------------------
 */

/* How zero points lie beside the weights: point i / each % count for weight i. */
struct points {
	int64_t count, each;
};

/* One for all, or one for each part of the first or of the last axis. */
static bool points_of(const struct value *zero, const struct value *stored, struct points *p)
{
	const struct shape *z = &zero->info.shape, *s = &stored->info.shape;
	int64_t count = shape_count(z), all = shape_count(s);
	*p = (struct points){count, 1};
	if (count < 1 || all < 1 || z->rank > s->rank)
		return false;
	if (count == 1)
		return true;
	if (z->dim[z->rank - 1].min == count && s->dim[s->rank - 1].min == count)
		return true;
	p->each = all / count;
	return z->rank == s->rank && z->dim[0].min == count && s->dim[0].min == count;
}

static bool subtract(
    int8_t *out, const struct tensor *w, const struct tensor *z, const struct points *p)
{
	for (int64_t i = 0; i < tensor_count(w); i++) {
		double x = tensor_f64(w, i) - tensor_f64(z, i / p->each % p->count);
		if (!(x >= INT8_MIN && x <= INT8_MAX && x == floor(x)))
			return false;
		out[i] = (int8_t)x;
	}
	return true;
}

/* The integers less their zero points, when 8 bits with a sign hold them all; NULL when not. */
static struct blob *centred(
    const struct value *stored, const struct value *zero, const struct points *p)
{
	struct const_view w, z;
	int64_t n = shape_count(&stored->info.shape);
	int8_t *out = malloc((size_t)n);
	bool fits = false;
	if (out && !const_open(stored, &w, NULL)) {
		if (!const_open(zero, &z, NULL)) {
			fits = subtract(out, &w.t, &z.t, p);
			const_close(&z);
		}
		const_close(&w);
	}
	if (fits)
		return blob_heap(out, (size_t)n);
	free(out);
	return NULL;
}

static int drop_zero(struct pass_ctx *c, struct node *n)
{
	struct weights w;
	if (!node_is(n, OP_SUBTRACT) || !weights_of(&n->out[0], &w) || w.zero != node_in(n, 1))
		return 0;
	const struct value *zero = behind_convert(w.zero);
	enum dtype type = w.stored->info.type;
	struct points p;
	struct blob *b = NULL;
	if (dtype_bits(type) == 8 && dtype_is_int(type) && !is_output(&n->out[0]) &&
	    points_of(zero, w.stored, &p))
		b = centred(w.stored, zero, &p);
	if (!b)
		return 0;
	int64_t dims[MAX_RANK];
	const struct shape *s = &w.stored->info.shape;
	for (int i = 0; i < s->rank; i++)
		dims[i] = s->dim[i].min;
	struct node *k = graph_const(n->graph, n, w.stored->node->name, DT_I8, s->rank, dims, b);
	if (!k)
		return fail_nomem(c->err);
	struct value *v = node_infer(k, c->err) ? NULL
						: converted(c, n, w.name, &k->out[0], w.type);
	if (!v)
		return c->err->status;
	graph_replace(&n->out[0], v);
	return 1;
}

/* ---- reshapes ----------------------------------------------------------------------------------
 */

/* The dims under which a constant beside the weights goes on being one number, or one per filter:
 * filters lie along the leading axis of from, and the leading axes of to. Count, -1 when it does
 * not. */
static int beside(
    const struct value *v, const struct shape *from, const struct shape *to, int64_t dims[MAX_RANK])
{
	const struct shape *s = &v->info.shape;
	int64_t lead = 1, count = shape_count(s);
	int i = 0;
	if (count == 1)
		return 0;
	if (s->rank != from->rank || s->dim[0].min != count || from->dim[0].min != count)
		return -1;
	while (i < to->rank && lead < count) {
		dims[i] = to->dim[i].min;
		lead *= dims[i++];
	}
	for (; i < to->rank; i++)
		dims[i] = 1;
	return lead == count ? to->rank : -1;
}

static struct value *under(
    struct pass_ctx *c, struct node *at, const struct value *v, int rank, const int64_t *dims)
{
	struct node *k = value_const(v);
	k = graph_const(at->graph, at, k->name, v->info.type, rank, dims, blob_ref(k->data));
	if (!k)
		fail_nomem(c->err);
	return k && !node_infer(k, c->err) ? &k->out[0] : NULL;
}

/* op(v, k under new dims). */
static struct value *with(struct pass_ctx *c, struct node *at, enum op_id id, struct value *v,
    const struct value *k, const struct shape *from)
{
	int64_t dims[MAX_RANK];
	if (!k || !v)
		return v;
	enum dtype type = v->info.type;
	const char *name = k->node->name;
	k = behind_convert(k);
	int rank = beside(k, from, &at->out[0].info.shape, dims);
	struct value *moved = converted(c, at, name, under(c, at, k, rank, dims), type);
	struct node *n = moved ? add_before(c, at, id, at->name, v, moved) : NULL;
	return n ? &n->out[0] : NULL;
}

static bool reshapes(const struct node *n)
{
	return node_is(n, OP_RESHAPE) || node_is(n, OP_UNSQUEEZE) || node_is(n, OP_SQUEEZE) ||
	       node_is(n, OP_SQUEEZE_15);
}

static int reshape_stored(struct pass_ctx *c, struct node *n)
{
	struct weights w;
	int64_t dims[MAX_RANK], other[MAX_RANK];
	const struct shape *to = &n->out[0].info.shape, *from;
	if (!reshapes(n) || !shape_static(to) || node_in(n, 0)->nuses != 1 ||
	    !weights_of(node_in(n, 0), &w))
		return 0;
	from = &w.stored->info.shape;
	if (!same_shapes(from, &node_in(n, 0)->info.shape) ||
	    (w.zero && beside(behind_convert(w.zero), from, to, other) < 0) ||
	    (w.scale && beside(w.scale, from, to, other) < 0))
		return 0;
	for (int i = 0; i < to->rank; i++)
		dims[i] = to->dim[i].min;
	struct value *v = converted(c, n, w.name, under(c, n, w.stored, to->rank, dims), w.type);
	v = with(c, n, OP_SUBTRACT, v, w.zero, from);
	v = with(c, n, OP_MULTIPLY, v, w.scale, from);
	if (!v)
		return c->err->status;
	take_over(v, &n->out[0]);
	return 1;
}

static int settle(struct pass_ctx *c, struct node *n)
{
	int r = drop_zero(c, n);
	return r ? r : reshape_stored(c, n);
}

static int settle_weights(struct pass_ctx *c)
{
	return each_node(c, settle);
}

const struct pass pass_settle_weights = {
    .name = "settle-weights",
    .about = "take zero points into weights of 8 bits, reshape weights where they are stored",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = settle_weights,
};
