/* Weights as 8-bit integers with a scale for each output channel: Const i8, Convert, Multiply. */
#include <math.h>
#include <stdlib.h>

#include "passes/quantize.h"
#include "passes/quantize_scale.h"
#include "passes/rewrite.h"

#define BLOCK 16 /* weights at a time */

/* The weights seen as [outer][channels][inner]. */
struct rows {
	int64_t outer, channels, inner;
	int naxes; /* leading dims of the scale, or: the axis for MatMul */
	int axis;
};

static const struct value *weight_value(const struct node *n)
{
	const struct value *v = node_in(n, 1);
	while (v && node_is(v->node, OP_CONVERT))
		v = node_in(v->node, 0);
	return v && node_is(v->node, OP_CONST) ? v : NULL;
}

struct blob *quantizable_blob(const struct node *n)
{
	return value_const(weight_value(n))->data;
}

static bool set_rows(const struct node *n, struct rows *r)
{
	const struct shape *s = &node_in(n, 1)->info.shape;
	bool product = node_is(n, OP_MATMUL), last = product && !attr_bool(n, "transpose_b");
	*r = (struct rows){.outer = 1, .channels = 1, .inner = 1, .axis = last ? 1 : 0};
	r->naxes = node_is(n, OP_GROUP_CONVOLUTION) ? 2 : 1;
	if (!product && !node_is(n, OP_CONVOLUTION) && r->naxes == 1)
		return false;
	if (!shape_static(s) || (product ? s->rank != 2 : s->rank < 3) || shape_count(s) < 1)
		return false;
	for (int d = 0; d < s->rank; d++)
		if (d < r->axis)
			r->outer *= s->dim[d].min;
		else if (d < r->axis + r->naxes)
			r->channels *= s->dim[d].min;
		else
			r->inner *= s->dim[d].min;
	return true;
}

bool quantizable_weights(const struct node *n)
{
	struct rows r;
	if (n->nin != 2 || !node_in(n, 1) || !weight_value(n) || !set_rows(n, &r))
		return false;
	enum dtype type = weight_value(n)->info.type;
	return (type == DT_F32 || type == DT_F16 || type == DT_BF16) &&
	       node_in(n, 1)->info.type == DT_F32;
}

static float element(const struct tensor *t, int64_t i)
{
	return t->type == DT_F32 ? ((const float *)t->data)[i] : (float)tensor_f64(t, i);
}

/* One channel's weights side by side; the largest of them, NAN when one is not finite. */
static float gather(const struct rows *r, const struct tensor *t, int64_t c, float *w)
{
	float top = 0, bad = 0;
	for (int64_t o = 0; o < r->outer; o++)
		for (int64_t i = 0; i < r->inner; i++) {
			float x = element(t, (o * r->channels + c) * r->inner + i);
			*w++ = x;
			bad += x * 0;
			top = fabsf(x) > top ? fabsf(x) : top;
		}
	return bad == 0 ? top : NAN;
}

static int8_t level_of(float w, float most, float scale)
{
	float x = w / scale;
	x = x > most ? most : x;
	x = x < -most ? -most : x;
	return (int8_t)((x + QUANTIZE_EVEN) - QUANTIZE_EVEN);
}

static void round_channel(
    const struct rows *r, const float *w, int64_t c, float most, float scale, int8_t *q)
{
	for (int64_t o = 0; o < r->outer; o++, w += r->inner) {
		int8_t *to = q + (o * r->channels + c) * r->inner;
		int64_t i = 0;
		for (; i + BLOCK <= r->inner; i += BLOCK)
			for (int k = 0; k < BLOCK; k++)
				to[i + k] = level_of(w[i + k], most, scale);
		for (; i < r->inner; i++)
			to[i] = level_of(w[i], most, scale);
	}
}

static int quantize_channels(
    const struct node *n, const struct rows *r, int most, int8_t *q, float *scale, struct err *err)
{
	struct const_view v;
	int64_t count = r->outer * r->inner;
	int status = const_open(weight_value(n), &v, err);
	if (status)
		return status;
	float *w = malloc((size_t)count * sizeof *w);
	status = w ? OK : fail_nomem(err);
	for (int64_t c = 0; c < r->channels && !status; c++) {
		float top = gather(r, &v.t, c, w);
		if (isnan(top)) {
			status = fail(err, E_FORMAT, "node '%s': weights are not finite", n->name);
			break;
		}
		scale[c] = quantize_scale(w, count, top, (float)most);
		round_channel(r, w, c, (float)most, scale[c], q);
	}
	free(w);
	const_close(&v);
	return status;
}

int quantize_levels(
    const struct node *n, int most, struct blob **qb, struct blob **sb, struct err *err)
{
	struct rows r;
	set_rows(n, &r);
	size_t count = (size_t)(r.outer * r.channels * r.inner);
	int8_t *q = malloc(count);
	float *scale = malloc((size_t)r.channels * sizeof *scale);
	int status = q && scale ? quantize_channels(n, &r, most, q, scale, err) : fail_nomem(err);
	if (status) {
		free(q);
		free(scale);
		return status;
	}
	*qb = blob_heap(q, count);
	*sb = blob_heap(scale, (size_t)r.channels * sizeof *scale);
	if (*qb && *sb)
		return OK;
	blob_unref(*qb);
	blob_unref(*sb);
	return fail_nomem(err);
}

/* Takes the references over. */
static int put(struct node *n, struct blob *qb, struct blob *sb, struct err *err)
{
	struct rows r;
	const struct value *w = node_in(n, 1);
	const char *base = weight_value(n)->node->name;
	int rank = w->info.shape.rank;
	int64_t dims[MAX_RANK], ones[MAX_RANK];
	set_rows(n, &r);
	for (int d = 0; d < rank; d++) {
		dims[d] = w->info.shape.dim[d].min;
		ones[d] = d >= r.axis && d < r.axis + r.naxes ? dims[d] : 1;
	}
	const char *qn = name_with(n, base, "/quantized"), *sn = name_with(n, base, "/scale");
	const char *cn = name_with(n, base, "/converted");
	const char *mn = name_with(n, n->name, "/fq_weights_1");
	struct node *qc = graph_const(n->graph, n, qn, DT_I8, rank, dims, qb);
	struct node *sc = graph_const(n->graph, n, sn, DT_F32, rank, ones, sb);
	struct value *in[2] = {qc ? &qc->out[0] : NULL};
	struct node *wide = qc && cn ? graph_insert_before(n, op_row(OP_CONVERT), cn, in, 1, 1)
				     : NULL;
	if (!wide || !sc || !mn || !attr_set_type(wide, "destination_type", DT_F32))
		return fail_nomem(err);
	in[0] = &wide->out[0];
	in[1] = &sc->out[0];
	struct node *mul = graph_insert_before(n, op_row(OP_MULTIPLY), mn, in, 2, 1);
	if (!mul)
		return fail_nomem(err);
	int status = node_infer(wide, err);
	status = status ? status : node_infer(mul, err);
	struct node *was = node_in(n, 1)->node;
	node_set_input(n, 1, &mul->out[0]);
	remove_dead(was);
	return status;
}

int quantize_weights(struct node *n, int most, struct weight_levels *levels, struct err *err)
{
	struct blob *q, *scale;
	int status = weight_levels_get(levels, n, most, &q, &scale, err);
	return status ? status : put(n, q, scale, err);
}
