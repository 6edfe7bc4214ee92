/* Finds what of a network can be computed in 8 bits: from each FakeQuantize forwards to what keeps
 * its levels, from each layer with integer weights backwards to what it reads. */
#include "exec/quant.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exec/compressed.h"
#include "ops/elem.h"

/* ---- values ---- */

static bool number(const struct value *v, double *out)
{
	if (!v || !node_is(v->node, OP_CONST) || shape_count(&v->info.shape) != 1)
		return false;
	struct tensor t = value_tensor(v);
	if (t.type == DT_NONE || !t.data)
		return false;
	*out = tensor_f64(&t, 0);
	return isfinite(*out);
}

static bool is_near(double a, double b, double range)
{
	return fabs(a - b) <= 1e-6 * range;
}

/* One range for all, the same before and behind, with a level that is zero. */
static struct quant of_fake_quantize(const struct node *n)
{
	int64_t levels = attr_i(n, "levels");
	double r[4];
	for (int k = 0; k < 4; k++)
		if (!number(node_in(n, k + 1), &r[k]))
			return (struct quant){0};
	double range = r[1] - r[0], scale = range / (double)(levels - 1), zero = -r[0] / scale;
	if ((levels != 255 && levels != 256) || range <= 0 || (float)scale < FLT_MIN ||
	    !is_near(r[0], r[2], range) || !is_near(r[1], r[3], range) ||
	    fabs(zero - nearbyint(zero)) > 1e-3 || zero < -0.5 || zero > (double)levels - 0.5)
		return (struct quant){0};
	float top = (float)(levels - 1), lo = (float)r[2], hi = (float)r[3];
	return (struct quant){.scale = (hi - lo) / top, /* in floats as OpenVINO */
	    .shift = -(top * lo) / (hi - lo),
	    .low = lo,
	    .zero = (int)nearbyint(zero),
	    .top = (int)levels - 1};
}

/* Element of a range, one for all or one for each channel. */
static double end_at(const struct tensor *t, int64_t c)
{
	return tensor_f64(t, tensor_count(t) == 1 ? 0 : c);
}

static bool is_channels(const struct tensor *t, int rank, int64_t channels)
{
	bool ok = t->data && (t->rank == 0 || t->rank == rank || tensor_count(t) == 1);
	for (int d = 0; ok && d < t->rank; d++)
		ok = t->dim[d] == 1 || (d == 1 && t->dim[d] == channels);
	return ok;
}

static bool set_channel(const struct tensor *r, int64_t c, struct quant *q)
{
	double lo = end_at(&r[0], c), hi = end_at(&r[1], c), range = hi - lo, scale = range / 255;
	if (!(range > 0) || (float)scale < FLT_MIN || !is_near(lo, end_at(&r[2], c), range) ||
	    !is_near(hi, end_at(&r[3], c), range) || lo > scale * 1e-3 || hi < scale * -1e-3)
		return false;
	float from = (float)end_at(&r[2], c);
	q->scales[c] = ((float)end_at(&r[3], c) - from) / 255;
	q->lows[c] = from;
	q->zeros[c] = (uint8_t)nearbyint(-lo / scale);
	return true;
}

/* Where channels have negative levels, but in ranges that are less than one level of another
 * channel's, calibration saw no value of them: only levels from 0 up are used then, by all. */
static bool is_positive(const struct tensor *r, int64_t channels, struct quant *q)
{
	float most = 0;
	for (int64_t c = 0; c < channels; c++)
		if (end_at(&r[0], c) >= -1e-3 * q->scales[c])
			most = most > q->scales[c] ? most : q->scales[c];
		else
			q->clamped = true;
	for (int64_t c = 0; c < channels; c++)
		if (end_at(&r[0], c) < -1e-3 * q->scales[c] && q->scales[c] * 255 > most)
			return false;
	return true;
}

static bool set_zeros(const struct tensor *r, int64_t channels, struct quant *q)
{
	if (is_positive(r, channels, q)) {
		for (int64_t c = 0; c < channels; c++)
			q->lows[c] += q->zeros[c] * q->scales[c];
		free(q->zeros);
		q->zeros = NULL;
		return true;
	}
	q->clamped = false;
	for (int64_t c = 0; c < channels; c++)
		if (fabs(-end_at(&r[0], c) / q->scales[c] - q->zeros[c]) > 1e-3)
			return false;
	return true;
}

static void free_channels(struct quant *q)
{
	free(q->scales);
	free(q->lows);
	free(q->zeros);
}

static struct quant of_channels(const struct node *n)
{
	struct quant q = {.scale = 1, .top = 255};
	struct tensor r[4];
	const struct shape *s = &n->out[0].info.shape;
	if (s->rank < 3 || !dim_static(s->dim[1]) || attr_i(n, "levels") != 256)
		return (struct quant){0};
	int64_t channels = s->dim[1].min;
	for (int k = 0; k < 4; k++) {
		if (!node_is(node_in(n, k + 1)->node, OP_CONST))
			return (struct quant){0};
		r[k] = value_tensor(node_in(n, k + 1));
		if (!is_channels(&r[k], s->rank, channels))
			return (struct quant){0};
	}
	q.scales = calloc((size_t)channels + 1, sizeof *q.scales);
	q.lows = calloc((size_t)channels + 1, sizeof *q.lows);
	q.zeros = calloc((size_t)channels + 1, sizeof *q.zeros);
	bool ok = q.scales && q.lows && q.zeros;
	for (int64_t c = 0; ok && c < channels; c++)
		ok = set_channel(r, c, &q);
	if (ok && set_zeros(r, channels, &q))
		return q;
	free_channels(&q);
	return (struct quant){0};
}

void quant_free(struct network *net)
{
	for (uint32_t id = 0; net->quant && id < net->graph->nvalues; id++)
		free_channels(&net->quant[id]);
	free(net->quant);
}

bool quant_same(const struct quant *a, const struct quant *b)
{
	return a->scale > 0 && !a->scales && !b->scales && a->zero == b->zero && a->top == b->top &&
	       fabsf(a->scale - b->scale) <= 1e-6f * a->scale;
}

bool quant_reshapes(const struct node *n)
{
	if (node_is(n, OP_CONVERT))
		return node_in(n, 0)->info.type == DT_F32 && n->out[0].info.type == DT_F32;
	return node_is(n, OP_RESHAPE) || node_is(n, OP_SQUEEZE) || node_is(n, OP_SQUEEZE_15) ||
	       node_is(n, OP_UNSQUEEZE) || node_is(n, OP_IDENTITY);
}

bool quant_clamps_nothing(const struct node *n, const struct quant *q)
{
	float lo = (float)(0 - q->zero) * q->scale, hi = (float)(q->top - q->zero) * q->scale;
	float from = lo, to = hi;
	return quant_clamp(n, node_in(n, 0), &from, &to) && from == lo && to == hi;
}

bool quant_clamp(const struct node *n, const struct value *x, float *lo, float *hi)
{
	double a = -INFINITY, b = INFINITY;
	bool max = node_is(n, OP_MAXIMUM);
	if (node_is(n, OP_RELU)) {
		a = 0;
	} else if (node_is(n, OP_CLAMP)) {
		a = attr_f(n, "min");
		b = attr_f(n, "max");
	} else if (!(max || node_is(n, OP_MINIMUM)) || node_in(n, 0) == node_in(n, 1) ||
		   !number(node_in(n, node_in(n, 0) == x), max ? &a : &b)) {
		return false;
	}
	*lo = fminf(fmaxf(*lo, (float)a), (float)b);
	*hi = fminf(fmaxf(*hi, (float)a), (float)b);
	return true;
}

static bool is_max_pool(const struct node *n)
{
	return node_is(n, OP_MAX_POOL_1) || node_is(n, OP_MAX_POOL) || node_is(n, OP_MAX_POOL_14);
}

bool quant_splits(const struct node *n)
{
	return node_is(n, OP_SPLIT) || node_is(n, OP_VARIADIC_SPLIT);
}

/* Passes its data on level by level; how many of its inputs are data. */
static int keeps_levels(const struct network *net, const struct node *n)
{
	if (n->nout < 1 || n->nin < 1 || !n->in[0].value)
		return 0;
	const struct quant *q = &net->quant[n->in[0].value->id];
	bool one = is_max_pool(n) || quant_reshapes(n) || quant_clamps_nothing(n, q) ||
		   quant_splits(n) || node_is(n, OP_TRANSPOSE) || node_is(n, OP_SHUFFLE_CHANNELS);
	return q->scale <= 0 || q->scales ? 0 : node_is(n, OP_CONCAT) ? n->nin : one;
}

static struct quant of_step(const struct network *net, const struct node *n)
{
	if (node_is(n, OP_FAKE_QUANTIZE) && n->out[0].info.type == DT_F32) {
		struct quant q = of_fake_quantize(n);
		return q.scale > 0 || net->c.keep ? q : of_channels(n);
	}
	int ndata = keeps_levels(net, n);
	if (!ndata)
		return (struct quant){0};
	const struct quant *q = &net->quant[n->in[0].value->id];
	for (int k = 1; k < ndata; k++)
		if (!quant_same(q, &net->quant[n->in[k].value->id]))
			return (struct quant){0};
	return *q;
}

/* ---- weights ---- */

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

/* With a scale for each of its channels only one layer reads a value: filters of one channel, whose
 * weights surely fit. */
static bool reads_channels(
    const struct network *net, const struct node *n, const struct quant_weights *w)
{
	const struct shape *s = &node_in(n, 1)->info.shape;
	return net->uses[n->in[0].value->id] == 1 && node_is(n, OP_GROUP_CONVOLUTION) && !w->zero &&
	       (w->fq || w->q->out[0].info.type == DT_I8) && s->rank > 2 && s->dim[2].min == 1;
}

bool quant_layer(const struct network *net, const struct node *n, struct quant_weights *w)
{
	if (n->nin != 2 || !net->quant || !n->in[0].value)
		return false;
	const struct quant *q = &net->quant[n->in[0].value->id];
	return q->scale > 0 && find_weights(n, w) && (!q->scales || reads_channels(net, n, w));
}

/* ---- reading weights ---- */

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

/* ---- who wants 8 bits ---- */

static const struct node *only_reader(const struct network *net, const struct value *v)
{
	if (net->uses[v->id] != 1)
		return NULL;
	value_each_use (v, u)
		if (u->node->nout && net->maker[u->node->out[0].id] >= 0)
			return u->node;
	return NULL;
}

bool quant_requantized(const struct network *net, const struct node *n)
{
	const struct value *v = &n->out[0];
	const struct node *next = only_reader(net, v);
	float lo = -INFINITY, hi = INFINITY;
	while (next && quant_clamp(next, v, &lo, &hi)) {
		v = &next->out[0];
		next = only_reader(net, v);
	}
	return next && node_is(next, OP_FAKE_QUANTIZE) && node_in(next, 0) == v &&
	       net->quant[next->out[0].id].on && !net->quant[next->out[0].id].scales;
}

/* Marks the inputs that n wants in 8 bits. */
static void want(struct network *net, const struct node *n)
{
	struct quant_weights w;
	int ndata = keeps_levels(net, n);
	bool on = false;
	for (int k = 0; k < n->nout && ndata; k++)
		on |= net->quant[n->out[k].id].on;
	for (int k = 0; k < ndata && on; k++)
		net->quant[n->in[k].value->id].on = true;
	for (int k = 0; k < n->nout && on; k++)
		net->quant[n->out[k].id].on |= quant_splits(n);
	if (quant_layer(net, n, &w)) {
		net->quant[n->in[0].value->id].on = true;
		net->quant[n->in[0].value->id].floats |= w.floats;
	}
	if (!node_is(n, OP_ADD) || !quant_requantized(net, n))
		return;
	for (int k = 0; k < 2; k++) {
		struct quant *q = &net->quant[n->in[k].value->id];
		q->on |= q->scale > 0 && !q->scales;
	}
}

int quant_choose(struct network *net, const struct exec_options *o, struct err *err)
{
	struct quant_weights w;
	struct compressed c;
	net->quant = calloc(net->graph->nvalues + 1, sizeof *net->quant);
	if (!net->quant)
		return fail_nomem(err);
	if (o->eval_only)
		return OK;
	for (int i = 0; i < net->nsteps; i++) {
		const struct node *n = net->step[i].node;
		for (int k = 0; k < n->nout && (!k || quant_splits(n)); k++)
			net->quant[n->out[k].id] = of_step(net, n);
	}
	for (int i = net->nsteps - 1; i >= 0; i--) {
		const struct node *n = net->step[i].node;
		want(net, n);
		if (!net->c.keep && quant_layer(net, n, &w) && !w.fq)
			compressed_defer(net, n);
		else if (!net->c.keep && compressed_find(net, n, &c))
			compressed_defer(net, n);
	}
	return OK;
}
