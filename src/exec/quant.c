/* Finds what of a network can be computed in 8 bits: from each FakeQuantize forwards to what keeps
 * its levels, from each layer with integer weights backwards to what it reads. */
#include "exec/quant.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "exec/compressed.h"

#define SKEWED 0.002f /* at most so is a range whose zero point is in the middle */

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

static bool is_channels(const struct tensor *t, int rank, int64_t channels)
{
	bool ok = t->data && t->type == DT_F32 &&
		  (t->rank == 0 || t->rank == rank || tensor_count(t) == 1);
	for (int d = 0; ok && d < t->rank; d++)
		ok = t->dim[d] == 1 || (d == 1 && t->dim[d] == channels);
	return ok;
}

static bool set_channel(const struct per_channel *r, int64_t c, struct quant *q)
{
	double lo = channel_at(&r[0], c), hi = channel_at(&r[1], c), range = hi - lo,
	       scale = range / 255;
	if (!(range > 0) || (float)scale < FLT_MIN || !is_near(lo, channel_at(&r[2], c), range) ||
	    !is_near(hi, channel_at(&r[3], c), range) || lo > scale * 1e-3 || hi < scale * -1e-3)
		return false;
	float from = (float)channel_at(&r[2], c);
	q->scales[c] = ((float)channel_at(&r[3], c) - from) / 255;
	q->lows[c] = from;
	q->zeros[c] = (uint8_t)nearbyint(-lo / scale);
	return true;
}

/* Where channels have negative levels, but in ranges that are less than one level of another
 * channel's, calibration saw no value of them: only levels from 0 up are used then, by all. */
static bool is_positive(const struct per_channel *r, int64_t channels, struct quant *q)
{
	float most = 0;
	for (int64_t c = 0; c < channels; c++)
		if (channel_at(&r[0], c) >= -1e-3 * q->scales[c])
			most = most > q->scales[c] ? most : q->scales[c];
		else
			q->clamped = true;
	for (int64_t c = 0; c < channels; c++)
		if (channel_at(&r[0], c) < -1e-3 * q->scales[c] && q->scales[c] * 255 > most)
			return false;
	return true;
}

static bool set_zeros(const struct per_channel *r, int64_t channels, struct quant *q)
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
		if (fabs(-(double)channel_at(&r[0], c) / q->scales[c] - q->zeros[c]) > 1e-3)
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
	struct per_channel r[4];
	const struct shape *s = &n->out[0].info.shape;
	if (s->rank < 3 || !dim_static(s->dim[1]) || attr_i(n, "levels") != 256)
		return (struct quant){0};
	int64_t channels = s->dim[1].min;
	for (int k = 0; k < 4; k++) {
		if (!node_is(node_in(n, k + 1)->node, OP_CONST))
			return (struct quant){0};
		struct tensor t = value_tensor(node_in(n, k + 1));
		if (!is_channels(&t, s->rank, channels))
			return (struct quant){0};
		r[k] = per_channel(&t);
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

/* A ReLU or Clamp that changes nothing of what q can be. */
static bool clamps_nothing(const struct node *n, const struct quant *q)
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

/* Pads with zeros, which are levels, or with what is there; takes the nearest pixels. */
static bool picks(const struct node *n)
{
	double fill = 0;
	if (node_is(n, OP_INTERPOLATE) || node_is(n, OP_INTERPOLATE_4))
		return attr_is(n, "mode", "nearest");
	return (node_is(n, OP_PAD_1) || node_is(n, OP_PAD)) &&
	       (!attr_is(n, "pad_mode", "constant") || n->nin < 4 || !node_in(n, 3) ||
		   (number(node_in(n, 3), &fill) && fill == 0));
}

/* Passes its data on level by level; how many of its inputs are data. */
static int keeps_levels(const struct network *net, const struct node *n)
{
	if (n->nout < 1 || n->nin < 1 || !n->in[0].value)
		return 0;
	const struct quant *q = &net->quant[n->in[0].value->id];
	bool one = is_max_pool(n) || quant_reshapes(n) || clamps_nothing(n, q) || quant_splits(n) ||
		   node_is(n, OP_TRANSPOSE) || node_is(n, OP_SHUFFLE_CHANNELS) ||
		   node_is(n, OP_DEPTH_TO_SPACE) || node_is(n, OP_SPACE_TO_DEPTH) || picks(n);
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

bool quant_is_signed(float lo, float hi, int top)
{
	float ratio = lo / hi, expected = top == 255 ? -256.0f / 254 : -1;
	return lo <= -QUANT_NO_RANGE && hi > 0 &&
	       fabsf((ratio - expected) / fminf(ratio, expected)) <= SKEWED;
}

static bool is_summed_only(const struct network *net, const struct value *v)
{
	value_each_use (v, u) {
		const struct node *n = u->node;
		if (!n->nout || net->maker[n->out[0].id] < 0 || !node_is(n, OP_ADD) ||
		    !quant_requantized(net, n))
			return false;
	}
	return true;
}

/* Sums that no convolution takes along work with the bytes' zero points: it is the same there. */
static bool is_signed(const struct network *net, const struct node *n)
{
	const struct quant *q = n->nout ? &net->quant[n->out[0].id] : NULL;
	return q && q->on && node_is(n, OP_FAKE_QUANTIZE) && !q->scales && q->zero == 128 &&
	       q->top == 255 && quant_is_signed(q->low, q->low + 255 * q->scale, q->top) &&
	       is_summed_only(net, &n->out[0]);
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
		if (!net->c.keep && quant_layer(net, n, &w) && (!w.fq || w.floats))
			compressed_defer(net, n);
		else if (!net->c.keep && compressed_find(net, n, &c))
			compressed_defer(net, n);
	}
	for (int i = 0; i < net->nsteps; i++)
		if (is_signed(net, net->step[i].node))
			net->quant[net->step[i].node->out[0].id].is_signed = true;
	return OK;
}
