/* The nodes behind a quantized kernel that it can do to its sums: constants for each channel, sums
 * with another value, clamps, and FakeQuantize, the last of which makes bytes of them. */
#include <math.h>
#include <string.h>

#include "exec/batch_norm.h"
#include "exec/chain.h"
#include "exec/fuse_u8.h"

/* The factor of channel c since the last level, and what is added: times m plus a. */
static void change(struct walk *w, int64_t c, double m, double a)
{
	w->mul[c] = (float)(w->mul[c] * m);
	walk_plus(w)[c] = (float)(walk_plus(w)[c] * m + a);
}

/* The same in floats, of which OpenVINO keeps one product and one sum apart. */
static void note_gain(struct walk *w)
{
	w->odd |= w->gained || w->biased;
	w->gained = true;
}

static void note_bias(struct walk *w)
{
	w->odd |= w->biased;
	w->biased = true;
}

static void absorb(struct walk *w, const struct node *n)
{
	w->l->absorbed[w->l->e->maker[n->out[0].id]] = true;
	w->f->end = n;
}

static bool same_kind(const struct tensor *a, const struct tensor *b)
{
	return chain_same_dims(a, b) && a->type == b->type;
}

/* A constant for each channel or for all. */
static bool get(const struct walk *w, const struct value *v, int rank, struct per_channel *p)
{
	struct tensor t;
	struct err ignored = {0};
	if (!v || !lower_fixed(w->l, v) || lower_dims(w->l, v)->type != DT_F32 ||
	    !is_per_axis(lower_dims(w->l, v), rank, w->f->axis, w->f->channels))
		return false;
	t = *lower_dims(w->l, v);
	if (!w->l->p->known[v->id] &&
	    (constants_get(w->l->e->net, v, &t, &ignored) != OK || !t.data))
		return false;
	*p = per_channel(&t);
	return true;
}

/* ---- constants ---- */

static bool take_binary(struct walk *w, const struct node *n, const struct value *x)
{
	bool add = node_is(n, OP_ADD), sub = node_is(n, OP_SUBTRACT);
	bool mul = node_is(n, OP_MULTIPLY), div = node_is(n, OP_DIVIDE);
	int k = (add || mul) && node_in(n, 0) != x ? 0 : 1;
	struct per_channel p;
	if (!(add || sub || mul || div) || node_in(n, 1 - k) != x ||
	    !attr_is(n, "auto_broadcast", "numpy") ||
	    !same_kind(lower_dims(w->l, x), lower_dims(w->l, &n->out[0])) ||
	    !get(w, node_in(n, k), lower_dims(w->l, x)->rank, &p))
		return false;
	for (int64_t c = 0; c < w->f->channels; c++) {
		double v = channel_at(&p, c);
		change(w, c, mul ? v : div ? 1 / v : 1, add ? v : sub ? -v : 0);
		if (mul)
			w->gain[c] = (float)v;
		else
			w->bias[c] = (float)(sub ? -v : v);
	}
	w->odd |= div;
	if (mul)
		note_gain(w);
	else
		note_bias(w);
	return true;
}

static bool take_batch_norm(struct walk *w, const struct node *n, const struct value *x)
{
	struct batch_norm b;
	if (w->f->axis != 1 || !batch_norm_read(w->l, n, x, &b))
		return false;
	for (int64_t c = 0; c < w->f->channels; c++) {
		double scale = channel_at(&b.gamma, c) /
			       sqrt(channel_at(&b.variance, c) + b.epsilon);
		change(w, c, scale, channel_at(&b.beta, c) - channel_at(&b.mean, c) * scale);
		w->gain[c] = batch_norm_gain(&b, c);
		w->bias[c] = batch_norm_bias(&b, c, w->gain[c]);
	}
	note_gain(w);
	note_bias(w);
	return true;
}

/* ---- sums ---- */

/* What is added to x by n when that is a value of the same dims that is there already. */
static const struct value *added(const struct walk *w, const struct node *n, const struct value *x)
{
	if (!n || !node_is(n, OP_ADD) || w->f->add || w->f->alone ||
	    !attr_is(n, "auto_broadcast", "numpy"))
		return NULL;
	const struct value *v = node_in(n, node_in(n, 0) == x);
	bool same = same_kind(lower_dims(w->l, v), lower_dims(w->l, x)) &&
		    same_kind(lower_dims(w->l, v), lower_dims(w->l, &n->out[0]));
	return same && v != x && is_there(w->l, v, w->i) && !w->l->e->quant[v->id].scales ? v
											  : NULL;
}

static bool take_add(struct walk *w, const struct node *n, const struct value *x)
{
	const struct value *v = w->clamped ? NULL : added(w, n, x);
	struct fused_u8 *f = w->f;
	if (!v)
		return false;
	const struct quant *q = &w->l->e->quant[v->id];
	bool rounded = f->levels && f->rounded >> (f->levels - 1) & 1;
	f->add = v;
	f->add_zero = q->is_signed ? (float)q->zero : 0;
	w->unit = q->on ? q->scale : 1;
	if (q->on && !w->beside && !(rounded && order_added(w, q)))
		for (int64_t c = 0; c < f->channels; c++)
			change(w, c, 1 / (double)q->scale, (double)f->add_zero - q->zero);
	f->sum_scale = w->unit;
	return true;
}

/* ---- levels ---- */

/* Between levels 0 and top of a channel: level r * inv + zero. */
struct scale {
	double inv, zero;
};

/* The clamp in levels, which must be the same for all channels. */
static bool clamp_levels(const struct walk *w, const struct scale *s, int top, float *lo, float *hi)
{
	for (int64_t c = 0; c < w->f->channels; c++) {
		double a = w->lo * s[c].inv + s[c].zero, b = w->hi * s[c].inv + s[c].zero;
		a = a < 1e-3 ? 0 : a > top ? top : a;
		b = b > top - 1e-3 ? top : b < 0 ? 0 : b;
		if (c && (fabs(a - *lo) > 1e-3 || fabs(b - *hi) > 1e-3))
			return false;
		if (!c) {
			*lo = (float)a;
			*hi = (float)b;
		}
	}
	return true;
}

static void to_levels(struct walk *w, const struct scale *s)
{
	for (int64_t c = 0; c < w->f->channels; c++)
		change(w, c, s[c].inv, s[c].zero);
}

static bool get_ranges(const struct walk *w, const struct node *n, struct fq_ranges *q)
{
	int rank = lower_dims(w->l, &n->out[0])->rank;
	q->top = (int)attr_i(n, "levels") - 1;
	q->stored = false;
	q->first = 0;
	for (int k = 0; k < 4; k++)
		if (!get(w, node_in(n, k + 1), rank, &q->r[k]))
			return false;
	return true;
}

/* Levels that OpenVINO counts from another one than bytes do. */
static int *first_levels(struct walk *w, const struct fq_ranges *q, const struct scale *s)
{
	int *from = arena_array(w->l->e->scratch, (size_t)w->f->channels, sizeof *from);
	for (int64_t c = 0; from && c < w->f->channels; c++) {
		double lo = channel_at(&q->r[0], c), hi = channel_at(&q->r[1], c);
		from[c] = (int)(nearbyint(-lo * q->top / (hi - lo)) - nearbyint(s[c].zero));
	}
	return from;
}

/* From what there is to levels: true if in OpenVINO's order, else at once. beside: not rounded, but
 * summed with that. */
static bool reach(
    struct walk *w, const struct fq_ranges *q, const struct scale *s, const struct quant *beside)
{
	if (w->f->add) {
		order_sum(w, q);
		return true;
	}
	if (!w->f->levels && order_sums(w, q, beside))
		return true;
	to_levels(w, s);
	if (!w->f->levels)
		return false;
	int *from = first_levels(w, q, s);
	return from && order_levels(w, q, from);
}

/* The end: bytes. */
static bool take_bytes(struct walk *w, const struct node *n, const struct quant *q, struct scale *s)
{
	struct fused_u8 *f = w->f;
	struct fq_ranges r;
	for (int64_t c = 0; c < f->channels; c++) {
		s[c].inv = 1 / (double)(q->scales ? q->scales[c] : q->scale);
		s[c].zero = q->zeros ? q->zeros[c] : q->zero;
	}
	if ((q->scales && (f->add || f->axis != 1 || (q->clamped && !(w->lo >= 0)))) ||
	    !get_ranges(w, n, &r) ||
	    !clamp_levels(w, s, q->top, &f->lo[f->levels], &f->hi[f->levels]))
		return false;
	r.stored = !q->floats;
	r.first = q->is_signed && !f->add && !f->levels ? -q->zero : 0;
	reach(w, &r, s, NULL);
	f->out = q;
	return true;
}

/* Rounds to levels and goes on with what they mean as floats; or is only clamped. */
static bool take_level(struct walk *w, const struct node *n, struct scale *s)
{
	struct fused_u8 *f = w->f;
	struct fq_ranges q;
	if (f->levels == CONV_U8_LEVELS || f->add || !get_ranges(w, n, &q) || q.top < 1 ||
	    q.top > 1 << 12)
		return false;
	q.first = order_first(&q, f->channels);
	bool rounded = f->levels || w->clamped || f->axis != 1 || w->l->e->o.exact ||
		       quant_rounds(w->l->e, n);
	for (int64_t c = 0; c < f->channels; c++) {
		s[c].inv = q.top / ((double)channel_at(&q.r[1], c) - channel_at(&q.r[0], c));
		s[c].zero = -channel_at(&q.r[0], c) * s[c].inv;
		if (!(channel_at(&q.r[1], c) > channel_at(&q.r[0], c)) || !isfinite(s[c].inv) ||
		    !isfinite(s[c].zero))
			return false;
	}
	if (!clamp_levels(w, s, q.top, &f->lo[f->levels], &f->hi[f->levels]))
		return false;
	const struct value *v = rounded ? NULL : added(w, follower(w->l, &n->out[0]), &n->out[0]);
	const struct quant *beside = v && w->l->e->quant[v->id].on ? &w->l->e->quant[v->id] : NULL;
	w->beside = reach(w, &q, s, beside) && beside;
	f->rounded |= (int)rounded << f->levels;
	w->mul = walk_plus(w) + f->channels;
	for (int64_t c = 0; c < f->channels; c++) {
		float lo = channel_at(&q.r[2], c), hi = channel_at(&q.r[3], c);
		w->mul[c] = w->beside ? 1 : (hi - lo) / (float)q.top;
		walk_plus(w)[c] = w->beside ? 0 : lo;
	}
	f->levels++;
	w->lo = -INFINITY;
	w->hi = INFINITY;
	w->clamped = w->gained = w->biased = w->odd = false;
	w->last = q;
	return true;
}

/* ---- the nodes behind ---- */

bool bytes_are_read(const struct lower *l, const struct value *v)
{
	struct conv_shape s;
	struct quant_weights w;
	const struct node *n = follower(l, v);
	return n && conv_has_kernel(l, n) && conv_shape_of(l, n, &s) &&
	       quant_layer(l->e->net, n, &w) && nhwc_conv_u8_choose(&s, w.floats) >= 0;
}

/* Bytes when they are wanted, unless a sum that can be taken along follows. */
static bool take_fake_quantize(
    struct walk *w, const struct node *n, const struct value *x, struct scale *s, bool *end)
{
	const struct quant *q = &w->l->e->quant[n->out[0].id];
	if (!node_is(n, OP_FAKE_QUANTIZE) || node_in(n, 0) != x)
		return false;
	bool sum = !q->scales && added(w, follower(w->l, &n->out[0]), &n->out[0]);
	if (!q->on || (sum && w->f->levels < CONV_U8_LEVELS))
		return take_level(w, n, s);
	*end = true;
	return (!q->scales || bytes_are_read(w->l, &n->out[0])) && take_bytes(w, n, q, s);
}

static bool take(struct walk *w, const struct node *n, struct scale *s, bool *end)
{
	const struct value *x = &w->f->end->out[0];
	if (take_fake_quantize(w, n, x, s, end))
		return true;
	if (*end)
		return false;
	if (quant_clamp(n, x, &w->lo, &w->hi)) {
		w->clamped = true;
		return true;
	}
	if (w->clamped || w->f->add)
		return false;
	return take_binary(w, n, x) || take_batch_norm(w, n, x) || take_add(w, n, x);
}

/* ---- the tail ---- */

/* Are the operands constants for each channel, and few? */
static bool is_tail(struct lower *l, const struct chain *c, const void *user)
{
	const struct fused_u8 *f = user;
	int rank = lower_dims(l, c->in)->rank;
	for (int k = 0; k < c->k.noperands; k++) {
		const struct tensor *t = c->dims[k];
		if ((!c->made[k] && !lower_constant(l, c->operand[k])) || t->type != DT_F32 ||
		    !is_per_axis(t, rank, f->axis, f->channels))
			return false;
	}
	return c->k.nops <= TAIL_OPS && c->k.noperands <= TAIL_ROWS;
}

/* Rows of factors behind those of the epilogue. */
static int set_tail(struct walk *w, const struct chain *c)
{
	struct fused_u8 *f = w->f;
	float *to = f->f + 2 * (1 + f->levels) * f->channels;
	for (int k = 0; k < c->k.noperands; k++) {
		struct tensor t = *c->dims[k];
		int status = c->made[k] ? OK
					: constants_get(w->l->e->net, c->operand[k], &t, w->l->err);
		if (status < 0)
			return status;
		const float *from = c->made[k] ? c->made[k] : t.data;
		for (int64_t i = 0; i < f->channels; i++)
			*to++ = from[tensor_count(&t) == 1 ? 0 : i];
	}
	f->tail = (struct tail_u8){.nops = c->k.nops, .rows = c->k.noperands};
	memcpy(f->tail.op, c->k.op, (size_t)c->k.nops * sizeof *c->k.op);
	return OK;
}

static int take_tail(struct walk *w)
{
	const struct value *x = &w->f->end->out[0];
	struct chain c = {.in = x, .end = w->f->end};
	chain_follow(w->l, &c, is_tail, w->f);
	if (!c.k.nops)
		return OK;
	chain_absorb(w->l, &c, x);
	w->f->end = c.end;
	w->f->out = c.out;
	return set_tail(w, &c);
}

int fuse_u8_factors(struct lower *l, struct fused_u8 *f)
{
	size_t rows = 2 + 2 * CONV_U8_LEVELS + TAIL_ROWS;
	size_t n = rows * (size_t)f->channels + CONV_U8_MORE;
	f->f = arena_array(l->e->scratch, n, sizeof *f->f);
	return f->f ? OK : fail_nomem(l->err);
}

static int fuse_walk(struct walk *w, struct scale *s)
{
	struct fused_u8 *f = w->f;
	const struct node *n;
	bool end = false;
	if (!s || !w->gain || !w->bias)
		return fail_nomem(w->l->err);
	f->end = w->l->e->step[w->i].node;
	f->scale = 1;
	f->sums = U8_SUM_FUSED;
	while (!end && (n = follower(w->l, &f->end->out[0])) && n->nout == 1 && take(w, n, s, &end))
		absorb(w, n);
	return OK;
}

int fuse_u8(struct lower *l, int i, struct fused_u8 *f)
{
	struct arena_mark mark = arena_mark(l->e->scratch);
	size_t n = (size_t)f->channels;
	struct walk w = {.l = l,
	    .f = f,
	    .i = i,
	    .mul = f->f,
	    .lo = -INFINITY,
	    .hi = INFINITY,
	    .gain = arena_array(l->e->scratch, n, sizeof *w.gain),
	    .bias = arena_array(l->e->scratch, n, sizeof *w.bias)};
	int status = fuse_walk(&w, arena_array(l->e->scratch, n, sizeof(struct scale)));
	arena_reset(l->e->scratch, mark);
	if (f->out || status < 0)
		return status;
	f->lo[f->levels] = w.lo;
	f->hi[f->levels] = w.hi;
	return take_tail(&w);
}
