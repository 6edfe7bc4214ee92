/* Integer weights of layers: which constants or FakeQuantize they lie behind, and their levels and
 * scales. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exec/quant.h"
#include "kernels/nhwc_conv_u8.h"

/* ---- finding them ---- */

static const struct node *behind_convert(const struct value *v)
{
	while (v && node_is(v->node, OP_CONVERT))
		v = node_in(v->node, 0);
	return v ? v->node : NULL;
}

static const struct node *const_behind(const struct value *v)
{
	const struct node *n = behind_convert(v);
	return n && node_is(n, OP_CONST) ? n : NULL;
}

static bool set_axes(const struct node *n, struct quant_weights *w)
{
	bool transposed = node_is(n, OP_DECONVOLUTION);
	w->naxes = node_is(n, OP_GROUP_CONVOLUTION) ? 2 : 1;
	w->axis[0] = transposed || (node_is(n, OP_MATMUL) && !attr_bool(n, "transpose_b"));
	w->axis[1] = 1;
	return transposed || node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION) ||
	       (node_is(n, OP_MATMUL) && !attr_bool(n, "transpose_a"));
}

/* Does c, aligned to the right of the weights' dims, vary along the output channels only? */
static bool is_per_channel(const struct quant_weights *w, const struct node *c)
{
	struct tensor q = value_tensor(&w->q->out[0]), t = value_tensor(&c->out[0]);
	if (t.rank > q.rank)
		return false;
	for (int d = 0; d < t.rank; d++) {
		int at = d + q.rank - t.rank;
		bool channel = at == w->axis[0] || (w->naxes == 2 && at == w->axis[1]);
		if (t.dim[d] != 1 && !(channel && t.dim[d] == q.dim[at]))
			return false;
	}
	return true;
}

/* A range of weights: one, or one for each output channel, or for the columns of a filter. */
static bool is_weight_range(
    struct quant_weights *w, const struct tensor *t, const struct shape *s, bool depthwise)
{
	if (t->type != DT_F32 || !t->data || t->rank > s->rank)
		return false;
	for (int d = 0; d < t->rank; d++) {
		int at = d + s->rank - t->rank;
		bool channel = at == w->axis[0] || (w->naxes == 2 && at == w->axis[1]);
		if (t->dim[d] == 1)
			continue;
		if (t->dim[d] != s->dim[at].min || !(channel || (depthwise && at == s->rank - 1)))
			return false;
		w->floats |= !channel;
	}
	return true;
}

/* Ranges -hi to hi before and behind. */
static bool are_symmetric(const struct tensor *r, int64_t n)
{
	const float *lo = r[0].data, *hi = r[1].data, *out_lo = r[2].data, *out_hi = r[3].data;
	bool ok = true;
	for (int64_t i = 0; i < n && ok; i++)
		ok = hi[i] > FLT_MIN * 127 && lo[i] == -hi[i] && out_lo[i] == -hi[i] &&
		     out_hi[i] == hi[i];
	return ok;
}

/* FakeQuantize to 255 levels, in a range symmetric about 0 that is the same on both sides. */
static bool find_fake_quantized(const struct node *n, struct quant_weights *w)
{
	const struct value *v = node_in(n, 1);
	const struct node *fq = v->node;
	const struct shape *s = &v->info.shape;
	struct tensor r[4] = {0};
	if (!node_is(fq, OP_FAKE_QUANTIZE) || attr_i(fq, "levels") != 255 || shape_count(s) < 1 ||
	    v->info.type != DT_F32)
		return false;
	bool depthwise = node_is(n, OP_GROUP_CONVOLUTION) && s->rank > 3 && s->dim[1].min == 1 &&
			 s->dim[2].min == 1;
	for (int k = 0; k < 4; k++) {
		if (node_is(node_in(fq, k + 1)->node, OP_CONST))
			r[k] = value_tensor(node_in(fq, k + 1));
		if (!is_weight_range(w, &r[k], s, depthwise) ||
		    tensor_count(&r[k]) != tensor_count(&r[0]) || r[k].rank != r[0].rank)
			return false;
	}
	if (!are_symmetric(r, tensor_count(&r[0])))
		return false;
	w->fq = fq;
	return true;
}

/* Const of 8 bits -> Convert -> [Subtract] -> Multiply, with conversions between. */
static bool find_weights(const struct node *n, struct quant_weights *w)
{
	*w = (struct quant_weights){0};
	if (!set_axes(n, w))
		return false;
	if (find_fake_quantized(n, w))
		return true;
	w->floats = false;
	const struct node *mul = behind_convert(node_in(n, 1));
	if (!mul || !node_is(mul, OP_MULTIPLY))
		return false;
	const struct node *sub = behind_convert(node_in(mul, 0));
	w->scale = const_behind(node_in(mul, 1));
	w->zero = NULL;
	w->q = sub;
	if (sub && node_is(sub, OP_SUBTRACT)) {
		w->zero = const_behind(node_in(sub, 1));
		w->q = const_behind(node_in(sub, 0));
		if (!w->zero || !is_per_channel(w, w->zero))
			return false;
	}
	if (!w->q || !w->scale || !node_is(w->q, OP_CONST) || !w->q->out[0].info.shape.rank)
		return false;
	enum dtype type = w->q->out[0].info.type;
	int rank = w->q->out[0].info.shape.rank;
	return (type == DT_I8 || type == DT_U8) && (!node_is(n, OP_MATMUL) || rank == 2) &&
	       is_per_channel(w, w->scale);
}

/* Does the kernel of depthwise windows take it, the only one that knows a zero point for each
 * channel? s: of the weights, [groups][filters][1][window]. */
static bool takes_zeros(const struct shape *s)
{
	struct conv_shape c = {.groups = (int)s->dim[0].min,
	    .cin = 1,
	    .cout = (int)s->dim[1].min,
	    .kernel = {1, 1, 1}};
	for (int d = 3; d < s->rank && d < 6; d++)
		c.kernel[d - 3] = (int)s->dim[d].min;
	return nhwc_conv_u8_fits(&c, false, CONV_DEPTHWISE);
}

/* With a scale for each of its channels only one layer reads a value: filters of one channel, whose
 * weights surely fit. */
static bool reads_channels(
    const struct network *net, const struct node *n, const struct quant_weights *w)
{
	const struct value *x = n->in[0].value;
	const struct shape *s = &node_in(n, 1)->info.shape;
	return net->uses[x->id] == 1 && node_is(n, OP_GROUP_CONVOLUTION) && !w->zero &&
	       (w->fq || w->q->out[0].info.type == DT_I8) && s->rank > 2 && s->dim[2].min == 1 &&
	       (!net->quant[x->id].zeros || takes_zeros(s));
}

bool quant_layer(const struct network *net, const struct node *n, struct quant_weights *w)
{
	if (n->nin != 2 || !net->quant || !n->in[0].value)
		return false;
	const struct quant *q = &net->quant[n->in[0].value->id];
	return q->scale > 0 && find_weights(n, w) && (!q->scales || reads_channels(net, n, w));
}

/* ---- reading them ---- */

/* Element of t for the output channel whose coordinates along the weights' axes these are. */
static double at_channel(
    const struct quant_weights *w, const struct tensor *t, int rank, const int64_t *coord)
{
	int64_t at = 0;
	for (int d = 0; d < t->rank; d++) {
		int axis = d + rank - t->rank;
		int64_t c = coord[w->naxes == 2 && axis == w->axis[1]];
		at = at * t->dim[d] + (t->dim[d] == 1 ? 0 : c);
	}
	return tensor_f64(t, at);
}

struct reader {
	const struct quant_weights *w;
	struct tensor q, zero, scale;
	int64_t outer, inner; /* output channels along the axes */
	int64_t rest;         /* elements of each */
};

static int64_t zero_at(const struct reader *r, int64_t c)
{
	int64_t coord[2] = {r->w->naxes == 2 ? c / r->inner : c, c % r->inner};
	return !r->w->zero ? 0 : llrint(at_channel(r->w, &r->zero, r->q.rank, coord));
}

static float scale_at(const struct reader *r, int64_t c)
{
	int64_t coord[2] = {r->w->naxes == 2 ? c / r->inner : c, c % r->inner};
	return (float)at_channel(r->w, &r->scale, r->q.rank, coord);
}

/* Elements of an output channel that lie together; one run begins outer runs behind the last. */
static int64_t run_of(const struct quant_weights *w, const struct tensor *t, int64_t rest)
{
	int64_t run = w->axis[0] ? 1 : rest;
	for (int d = w->axis[0] + 1; d < t->rank && w->axis[0]; d++)
		run *= t->dim[d];
	return run;
}

static bool read_channel(const struct reader *r, int64_t c, int8_t *q)
{
	int64_t zero = zero_at(r, c);
	bool wide = r->q.type == DT_U8, fits = true;
	int64_t run = run_of(r->w, &r->q, r->rest);
	if (run == r->rest && !wide && !zero) {
		memcpy(q, (const int8_t *)r->q.data + c * r->rest, (size_t)r->rest);
		return true;
	}
	for (int64_t i = 0, k = 0; i < r->rest; i++, k = k + 1 < run ? k + 1 : 0) {
		int64_t at = (i - k) * r->outer + c * run + k;
		int64_t v = wide ? ((const uint8_t *)r->q.data)[at]
				 : ((const int8_t *)r->q.data)[at];
		fits &= v - zero >= INT8_MIN && v - zero <= INT8_MAX;
		q[i] = (int8_t)(v - zero);
	}
	return fits;
}

/* Levels from the values behind a FakeQuantize. */
static int read_fake_quantized(
    struct network *net, const struct quant_weights *w, int8_t **q, float **scale, struct err *err)
{
	struct tensor t, hi = value_tensor(node_in(w->fq, 2));
	int status = constants_get(net, &w->fq->out[0], &t, err);
	if (status < 0 || !t.data)
		return status < 0 ? status : E_UNSUPPORTED;
	int64_t inner = w->naxes == 2 ? t.dim[w->axis[1]] : 1, outer = t.dim[w->axis[0]];
	int64_t n = outer * inner, count = tensor_count(&t), rest = count / n;
	int64_t run = run_of(w, &t, rest);
	*q = malloc((size_t)count + 1);
	*scale = calloc((size_t)n + 1, sizeof **scale);
	if (!*q || !*scale)
		return fail_nomem(err);
	for (int64_t c = 0; c < n; c++) {
		int64_t coord[2] = {w->naxes == 2 ? c / inner : c, c % inner};
		(*scale)[c] = (float)(at_channel(w, &hi, t.rank, coord) / 127);
		for (int64_t i = 0; i < rest; i++) {
			int64_t at = (i - i % run) * outer + c * run + i % run;
			float v = ((const float *)t.data)[at];
			(*q)[c * rest + i] = (int8_t)lrintf(v / (*scale)[c]);
		}
	}
	return OK;
}

static int read_integers(const struct reader *r, int64_t channels, int8_t **q, struct err *err)
{
	bool fits = true;
	*q = malloc((size_t)tensor_count(&r->q) + 1);
	if (!*q)
		return fail_nomem(err);
	for (int64_t c = 0; c < channels; c++)
		fits &= read_channel(r, c, *q + c * r->rest);
	return fits ? OK : E_UNSUPPORTED;
}

int quant_read(struct network *net, const struct quant_weights *w, const int8_t **q, int8_t **room,
    float **scale, struct err *err)
{
	int status = OK;
	if (w->fq) {
		status = read_fake_quantized(net, w, room, scale, err);
		*q = *room;
		return status;
	}
	struct reader r = {.w = w, .inner = 1};
	r.q = value_tensor(&w->q->out[0]);
	r.scale = value_tensor(&w->scale->out[0]);
	if (w->zero)
		r.zero = value_tensor(&w->zero->out[0]);
	r.outer = r.q.dim[w->axis[0]];
	r.inner = w->naxes == 2 ? r.q.dim[w->axis[1]] : 1;
	int64_t n = r.outer * r.inner;
	r.rest = n ? tensor_count(&r.q) / n : 0;
	*scale = calloc((size_t)n + 1, sizeof **scale);
	if (!*scale)
		return fail_nomem(err);
	for (int64_t c = 0; c < n; c++)
		(*scale)[c] = scale_at(&r, c);
	bool ready = w->axis[0] == 0 && r.q.type == DT_I8 && !w->zero;
	if (!ready)
		status = read_integers(&r, n, room, err);
	*q = ready ? r.q.data : *room;
	return status;
}
