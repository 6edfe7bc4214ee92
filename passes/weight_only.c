/* Weights in 8 or 4 bits, activations as they are (mo-calibrate --weights): an unsigned Const with
 * zero points and scales in FP16 for each output channel, or for each group of inputs to one, in
 * the form that NNCF writes. */
#include <math.h>
#include <string.h>

#include "passes/rewrite.h"

#define LEAST 256      /* smaller weights are left alone */
#define SMALL 0x1p-14f /* the least FP16 with all its bits */

/* The weight seen as [outer][groups][size][inner]: one scale for size elements. */
struct view {
	int64_t outer, groups, size, inner;
	int rank, scale_rank; /* of the Const; they differ from the weight's when groups > 1 */
	int64_t dim[MAX_RANK], scale_dim[MAX_RANK];
	int bits;
};

static bool is_kept(const struct weight_only *o, const struct node *n)
{
	for (int i = 0; i < o->nkept; i++)
		if (!strcmp(o->kept[i], n->name))
			return true;
	return false;
}

static bool is_gather(const struct node *n)
{
	return node_is(n, OP_GATHER) || node_is(n, OP_GATHER_7) || node_is(n, OP_GATHER_1);
}

/* Whole rows of a matrix, as an embedding's. */
static bool takes_rows(const struct node *n)
{
	int64_t axis;
	int count;
	return is_gather(n) && const_ints(node_in(n, 2), &axis, 1, &count) && count == 1 && !axis;
}

/* The input of n that the weight is. */
static int weight_slot(const struct node *n)
{
	return is_gather(n) ? 0 : 1;
}

static bool layer_weight(const struct node *n)
{
	int slot = weight_slot(n);
	const struct value *w = n->nin == (slot ? 2 : 3) ? node_in(n, slot) : NULL;
	bool matrix = node_is(n, OP_MATMUL) || takes_rows(n);
	if (!w || !value_const(w) || w->info.type != DT_F32 || w->info.shape.rank > 6)
		return false;
	if (!matrix && !node_is(n, OP_CONVOLUTION) && !node_is(n, OP_GROUP_CONVOLUTION))
		return false;
	return (!matrix || w->info.shape.rank == 2) && shape_count(&w->info.shape) >= LEAST &&
	       !value_const(node_in(n, 1 - slot));
}

/* Is the weight an embedding too? Then it is stored once, by rows. */
static bool is_embedding(const struct value *w)
{
	value_each_use (w, u)
		if (takes_rows(u->node) && u->index == 0)
			return true;
	return false;
}

/* 4 bits are for products, whose weights are many and read once; convolutions and embeddings take
 * 8. */
static void set_view(struct view *v, const struct node *n, const struct weight_only *o)
{
	const struct value *w = node_in(n, weight_slot(n));
	const struct shape *s = &w->info.shape;
	bool product = node_is(n, OP_MATMUL), turned = product && !attr_bool(n, "transpose_b");
	int lead = node_is(n, OP_GROUP_CONVOLUTION) ? 2 : turned ? 0 : 1;
	*v = (struct view){.outer = 1, .groups = 1, .size = 1, .inner = 1, .rank = s->rank};
	v->bits = product && !is_embedding(w) ? o->bits : 8;
	for (int d = 0; d < s->rank; d++) {
		bool kept = d < lead || (turned && d == 1);
		v->dim[d] = s->dim[d].min;
		v->scale_dim[d] = kept ? v->dim[d] : 1;
		*(d < lead ? &v->outer : kept ? &v->inner : &v->size) *= v->dim[d];
	}
	if (v->bits == 8 || o->group < 1 || v->size <= o->group || v->size % o->group)
		return;
	v->groups = v->size / o->group;
	v->size = o->group;
	int at = turned ? 0 : 1;
	v->rank = 3;
	v->dim[2] = v->scale_dim[2] = v->inner;
	v->dim[0] = v->scale_dim[0] = v->outer;
	v->dim[at] = v->scale_dim[at] = v->groups;
	v->dim[at + 1] = v->size;
	v->scale_dim[at + 1] = 1;
}

/* ---- numbers ---- */

struct numbers {
	struct tensor q, zero, scale;
};

/* False when FP16 does not hold the scale. */
static bool quantize_run(
    const struct view *v, const float *w, int64_t from, struct numbers *t, int64_t k)
{
	double low = 0, high = 0, most = (1 << v->bits) - 1;
	for (int64_t i = 0; i < v->size; i++) {
		float x = w[from + i * v->inner];
		low = fmin(low, x);
		high = fmax(high, x);
		if (!isfinite(x))
			return false;
	}
	double want = high > low ? (high - low) / most : 1;
	tensor_set_f64(&t->scale, k, want);
	double scale = tensor_f64(&t->scale, k);
	if (!(scale >= SMALL) || !isfinite(scale))
		return false;
	double zero = fmin(most, nearbyint(-low / scale));
	tensor_set_i64(&t->zero, k, (int64_t)zero);
	for (int64_t i = 0; i < v->size; i++) {
		double x = nearbyint(w[from + i * v->inner] / scale) + zero;
		tensor_set_i64(&t->q, from + i * v->inner, (int64_t)fmax(0, fmin(most, x)));
	}
	return true;
}

static int quantize_all(const struct view *v, const float *w, struct numbers *t, struct err *err)
{
	enum dtype type = v->bits == 4 ? DT_U4 : DT_U8;
	int status = tensor_alloc(&t->q, type, v->rank, v->dim, err);
	status = status ? status : tensor_alloc(&t->zero, type, v->rank, v->scale_dim, err);
	status = status ? status : tensor_alloc(&t->scale, DT_F16, v->rank, v->scale_dim, err);
	for (int64_t k = 0; k < v->outer * v->groups * v->inner && !status; k++) {
		int64_t from = k / v->inner * v->size * v->inner + k % v->inner;
		if (!quantize_run(v, w, from, t, k))
			return 0;
	}
	return status ? status : 1;
}

/* ---- nodes ---- */

static struct node *put_const(struct node *at, const char *name, const struct tensor *t)
{
	struct blob *b = name ? blob_copy(t->data, tensor_bytes(t)) : NULL;
	return b ? graph_const(at->graph, at, name, t->type, t->rank, t->dim, b) : NULL;
}

static struct value *put_wide(
    struct pass_ctx *c, struct node *at, const char *name, struct value *v, enum dtype type)
{
	struct node *n = v && name ? graph_insert_before(at, op_row(OP_CONVERT), name, &v, 1, 1)
				   : NULL;
	if (!n || !attr_set_type(n, "destination_type", type) || node_infer(n, c->err))
		return NULL;
	return &n->out[0];
}

static struct value *put_two(struct pass_ctx *c, struct node *at, enum op_id id, const char *name,
    struct value *a, struct value *b)
{
	struct node *n = a && b && name ? add_before(c, at, id, name, a, b) : NULL;
	return n ? &n->out[0] : NULL;
}

static struct value *put_reshape(
    struct pass_ctx *c, struct node *at, const char *name, struct value *x, struct node *to)
{
	struct value *in[2] = {x, to ? &to->out[0] : NULL};
	struct node *n = x && to && name
			     ? graph_insert_before(at, op_row(OP_RESHAPE), name, in, 2, 1)
			     : NULL;
	if (!n || !attr_set_i(n, "special_zero", 0) || node_infer(n, c->err))
		return NULL;
	return &n->out[0];
}

static bool same_view(const struct view *a, const struct view *b)
{
	bool same = a->bits == b->bits && a->outer == b->outer && a->groups == b->groups &&
		    a->size == b->size && a->inner == b->inner;
	return same && a->rank == b->rank && !memcmp(a->dim, b->dim, sizeof a->dim);
}

/* Gives the layers that read a weight in the same view x instead; NULL: only counts them. They come
 * after the first one, for layers are visited in order. */
static int share(struct pass_ctx *c, struct value *was, struct value *x, const struct view *v)
{
	const struct weight_only *o = c->options->weight_only;
	struct view other;
	int found = 0;
	value_each_use (was, u) {
		struct node *n = u->node;
		if (u->index != weight_slot(n) || !layer_weight(n) || is_kept(o, n))
			continue;
		set_view(&other, n, o);
		if (!same_view(v, &other))
			continue;
		found++;
		if (x)
			node_set_input(n, u->index, x);
	}
	return found;
}

static int put(struct pass_ctx *c, struct node *n, const struct view *v, const struct numbers *t)
{
	struct node *was = node_in(n, weight_slot(n))->node;
	bool all = share(c, &was->out[0], NULL, v) == was->out[0].nuses;
	const char *base = all ? was->name : name_with(n, was->name, v->bits == 4 ? "/u4" : "/u8");
	if (!base)
		return fail_nomem(c->err);
	struct node *q = put_const(n, base, &t->q);
	struct node *zero = put_const(n, name_with(n, base, "/zero_point"), &t->zero);
	struct node *scale = put_const(n, name_with(n, base, "/scale"), &t->scale);
	if (!q || !zero || !scale)
		return fail_nomem(c->err);
	struct value *x = put_wide(c, n, name_with(n, base, "/f16"), &q->out[0], DT_F16);
	struct value *z = put_wide(
	    c, n, name_with(n, base, "/zero_point/f16"), &zero->out[0], DT_F16);
	x = put_two(c, n, OP_SUBTRACT, name_with(n, base, "/zero_point/subtract"), x, z);
	x = put_two(c, n, OP_MULTIPLY, name_with(n, base, "/fq_weights_1"), x, &scale->out[0]);
	if (x && v->groups > 1) {
		const struct shape *s = &node_in(n, weight_slot(n))->info.shape;
		int64_t dims[2] = {s->dim[0].min, s->dim[1].min};
		struct node *to = add_ints(c, n, name_with(n, base, "/shape"), 2, dims);
		x = put_reshape(c, n, name_with(n, base, "/reshape"), x, to);
	}
	x = put_wide(c, n, name_with(n, base, "/fq_weights_1/convert"), x, DT_F32);
	if (!x)
		return c->err && c->err->status ? c->err->status : fail_nomem(c->err);
	share(c, &was->out[0], x, v);
	remove_dead(was);
	return 1;
}

static int visit(struct pass_ctx *c, struct node *n)
{
	struct view v;
	struct const_view w;
	struct numbers t = {0};
	if (!layer_weight(n) || is_kept(c->options->weight_only, n))
		return 0;
	const struct weight_only *o = c->options->weight_only;
	set_view(&v, n, o);
	int status = const_open(node_in(n, weight_slot(n)), &w, c->err);
	if (status)
		return status;
	status = quantize_all(&v, w.t.data, &t, c->err);
	const_close(&w);
	if (!status)
		pass_note(c, "'%s' keeps its weights: FP16 does not hold their scales", n->name);
	if (status > 0 && v.bits == 4 && v.groups == 1 && v.size > o->group)
		pass_note(c, "'%s': %lld does not divide its %lld inputs, which share a scale",
		    n->name, (long long)o->group, (long long)v.size);
	if (status > 0)
		status = put(c, n, &v, &t);
	tensor_free(&t.q);
	tensor_free(&t.zero);
	tensor_free(&t.scale);
	return status;
}

static int weight_only(struct pass_ctx *c)
{
	int done = c->options->weight_only ? each_node(c, visit) : 0;
	if (done > 0)
		pass_note(c, "%d weights in %d bits%s", done, c->options->weight_only->bits,
		    c->options->weight_only->bits == 4 ? ", but 8 for convolutions and embeddings"
						       : "");
	return done;
}

const struct pass pass_weight_only = {
    .name = "weight-only",
    .about = "weights in 8 or 4 bits, activations as they are (mo-calibrate --weights)",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_SHAPES,
    .optional_off = true,
    .run = weight_only,
};
