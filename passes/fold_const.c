/* Constants and shapes: what is known before the network runs becomes a Const. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "passes/rewrite.h"

#define WORK 0x1p34 /* operations that folding one model may take */

/* ---- the budget --------------------------------------------------------------------------------
 */

/* Bytes that go when n does: constants that nothing else uses. */
static int64_t freed_by(const struct node *n)
{
	int64_t sum = 0;
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = node_in(n, i);
		if (v && value_const(v) && v->nuses == 1)
			sum += blob_size(value_const(v)->data);
	}
	return sum;
}

/* Charges the growth; false, with a note, when the budget does not allow it. FP16 that was stored
 * for FP32 is free: FP32 is what the model is, and to-fp16 may compress it again. */
static bool charge(struct pass_ctx *c, const struct node *n, int64_t bytes)
{
	int64_t growth = bytes - freed_by(n), total;
	if (growth <= 0 || node_meta(n, "decompression"))
		return true;
	if (add_i64(c->grown, growth, &total) || total > c->options->fold_bytes) {
		pass_note(c,
		    "'%s' (%s) is left to be computed: its %lld bytes would pass the limit",
		    n->name, n->op->type, (long long)bytes);
		return false;
	}
	c->grown = total;
	return true;
}

/* Operations that computing n takes, roughly. */
static double work_of(const struct node *n)
{
	static const enum op_id conv[] = {OP_CONVOLUTION, OP_GROUP_CONVOLUTION, OP_DECONVOLUTION,
	    OP_GROUP_DECONVOLUTION, OP_DEFORMABLE_CONVOLUTION};
	double in = 0, out = 0, each = 1;
	for (int i = 0; i < n->nin; i++)
		if (node_in(n, i))
			in += shape_count(&node_in(n, i)->info.shape);
	for (int k = 0; k < n->nout; k++)
		out += shape_count(&n->out[k].info.shape);
	const struct shape *a = &node_in(n, 0)->info.shape;
	if (node_is(n, OP_MATMUL) && a->rank > 0)
		each = a->dim[a->rank - (attr_bool(n, "transpose_a") && a->rank > 1 ? 2 : 1)].min;
	for (size_t i = 0; i < sizeof conv / sizeof *conv; i++)
		if (node_is(n, conv[i]))
			each = shape_count(&node_in(n, 1)->info.shape);
	if (node_is(n, OP_EINSUM))
		each = in;
	return in + out * each;
}

/* A few lines of a file must not keep us busy for hours. */
static bool too_much_work(struct pass_ctx *c, const struct node *n)
{
	double work = work_of(n);
	if (c->worked + work <= WORK)
		return c->worked += work, false;
	pass_note(c, "'%s' (%s) is left to be computed: it takes %.3g operations", n->name,
	    n->op->type, work);
	return true;
}

/* ---- results -----------------------------------------------------------------------------------
 */

/* Puts a Const in the place of output k; takes the reference on data. */
static int put_const(struct pass_ctx *c, struct node *n, int k, enum dtype type, int rank,
    const int64_t *dims, struct blob *data)
{
	const char *name = n->name;
	if (n->nout > 1)
		name = arena_printf(n->graph->arena, "%s.%d", n->name, k);
	struct node *made = graph_const(n->graph, n, name, type, rank, dims, data);
	if (!made)
		return fail_nomem(c->err);
	int e = node_infer(made, c->err);
	if (!e)
		graph_replace(&n->out[k], &made->out[0]);
	return e;
}

static int static_dims(const struct shape *s, int64_t *dims)
{
	for (int i = 0; i < s->rank; i++)
		dims[i] = s->dim[i].min;
	return s->rank;
}

/* A Const under another shape shares its bytes; under another float type it is cast when read. */
static int fold_view(struct pass_ctx *c, struct node *n)
{
	const struct value *v = node_in(n, 0);
	const struct info *out = &n->out[0].info;
	struct blob *src = value_const(v)->data, *b;
	int64_t dims[MAX_RANK], count = shape_count(&out->shape);
	int rank = static_dims(&out->shape, dims);
	if (out->type == v->info.type)
		b = blob_ref(src);
	else
		b = blob_cast(src, v->info.type, out->type, count);
	return put_const(c, n, 0, out->type, rank, dims, b) ? c->err->status : 1;
}

static bool keeps_bytes(const struct node *n)
{
	static const enum op_id id[] = {
	    OP_RESHAPE, OP_SQUEEZE, OP_SQUEEZE_15, OP_UNSQUEEZE, OP_IDENTITY};
	enum dtype from = node_in(n, 0)->info.type, to = n->out[0].info.type;
	for (size_t i = 0; i < sizeof id / sizeof *id; i++)
		if (node_is(n, id[i]))
			return true;
	return (node_is(n, OP_CONVERT) || node_is(n, OP_CONVERT_LIKE)) &&
	       (from == to || (dtype_is_float(from) && dtype_is_float(to)));
}

/* One element stretched to a shape needs no memory. */
static int fold_fill(struct pass_ctx *c, struct node *n)
{
	struct const_view w;
	const struct info *out = &n->out[0].info;
	int64_t dims[MAX_RANK];
	int rank = static_dims(&out->shape, dims);
	if (const_open(node_in(n, 0), &w, c->err))
		return c->err->status;
	struct blob *b = blob_fill(w.t.data, dtype_bits(out->type) / 8, shape_count(&out->shape));
	const_close(&w);
	return put_const(c, n, 0, out->type, rank, dims, b) ? c->err->status : 1;
}

static bool is_fill(const struct node *n)
{
	return (node_is(n, OP_BROADCAST) || node_is(n, OP_BROADCAST_1) || node_is(n, OP_TILE)) &&
	       shape_count(&node_in(n, 0)->info.shape) == 1 && dtype_bits(n->out[0].info.type) >= 8;
}

/* The operator's own eval. */
static int fold_eval(struct pass_ctx *c, struct node *n)
{
	struct const_view *in = calloc(n->nin + 1, sizeof *in);
	struct tensor *t = calloc(n->nin + 1, sizeof *t), *out = calloc(n->nout + 1, sizeof *out);
	int e = in && t && out ? OK : fail_nomem(c->err);
	for (int i = 0; !e && i < n->nin; i++) {
		if (node_in(n, i) && !(e = const_open(node_in(n, i), &in[i], c->err)))
			t[i] = in[i].t;
	}
	if (!e)
		e = node_eval(n, t, n->nin, out, c->err);
	for (int i = 0; in && i < n->nin; i++)
		const_close(&in[i]);
	for (int k = 0; !e && k < n->nout; k++) {
		if (!n->out[k].nuses)
			continue;
		struct blob *b = blob_heap(out[k].data, tensor_bytes(&out[k]));
		out[k].data = NULL;
		e = put_const(c, n, k, out[k].type, out[k].rank, out[k].dim, b);
	}
	for (int k = 0; out && k < n->nout; k++)
		tensor_free(&out[k]);
	free(in);
	free(t);
	free(out);
	return e ? e : 1;
}

/* ---- which nodes -------------------------------------------------------------------------------
 */

static bool all_const(const struct node *n)
{
	int given = 0;
	for (int i = 0; i < n->nin; i++) {
		if (node_in(n, i) && !value_const(node_in(n, i)))
			return false;
		given += node_in(n, i) != NULL;
	}
	return given > 0;
}

/* Bytes of all outputs, -1 when a shape is not known. */
static int64_t output_bytes(const struct node *n)
{
	int64_t sum = 0;
	for (int k = 0; k < n->nout; k++) {
		int64_t count = shape_count(&n->out[k].info.shape);
		int64_t bytes = count < 0 ? -1 : dtype_bytes(n->out[k].info.type, count);
		if (bytes < 0 || add_i64(sum, bytes, &sum))
			return -1;
	}
	return sum;
}

static int fold_constants(struct pass_ctx *c, struct node *n)
{
	if (!all_const(n) || n->nbodies || n->op->flags & (OPF_RANDOM | OPF_SINK) ||
	    few_bits_weight(n))
		return 0;
	int64_t bytes = output_bytes(n), grown = c->grown;
	if (bytes < 0 && !(n->op->flags & OPF_DATA_SHAPE))
		return 0;
	if (bytes >= 0 && !charge(c, n, bytes))
		return 0;
	if (bytes >= 0 && keeps_bytes(n))
		return fold_view(c, n);
	if (bytes >= 0 && is_fill(n))
		return fold_fill(c, n);
	if (too_much_work(c, n)) {
		c->grown = grown;
		return 0;
	}
	int r = fold_eval(c, n);
	if (r ==
	    E_UNSUPPORTED) { /* no eval for this case: the node stays, whoever runs it decides */
		err_clear(c->err);
		c->grown = grown;
		return 0;
	}
	return r;
}

/* An integer value whose content inference knows: ShapeOf and what is computed from it. */
static int fold_known(struct pass_ctx *c, struct node *n, int k)
{
	struct value *v = &n->out[k];
	int64_t count = shape_count(&v->info.shape);
	struct tensor t;
	if (!v->info.elems || count < 0 || !v->nuses || !shape_static(&v->info.shape))
		return 0;
	for (int64_t i = 0; i < count; i++)
		if (!dim_static(v->info.elems[i]))
			return 0;
	int64_t dims[MAX_RANK];
	int rank = static_dims(&v->info.shape, dims);
	if (tensor_alloc(&t, v->info.type, rank, dims, c->err))
		return c->err->status;
	for (int64_t i = 0; i < count; i++)
		tensor_set_i64(&t, i, v->info.elems[i].min);
	struct blob *b = blob_copy(t.data, tensor_bytes(&t));
	int e = put_const(c, n, k, t.type, rank, dims, b);
	tensor_free(&t);
	return e ? e : 1;
}

static int fold_node(struct pass_ctx *c, struct node *n)
{
	if (node_is(n, OP_CONST) || node_is(n, OP_PARAMETER) || node_is(n, OP_RESULT))
		return 0;
	int r = fold_constants(c, n);
	for (int k = 0; !r && k < n->nout; k++)
		r = fold_known(c, n, k);
	return r;
}

static int fold_const(struct pass_ctx *c)
{
	return each_node(c, fold_node);
}

const struct pass pass_fold_const = {
    .name = "fold-const",
    .about = "compute what depends on constants and shapes alone",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER,
    .run = fold_const,
};
