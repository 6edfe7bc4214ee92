/* Evens out the channels between two linear layers, so that one range fits them all in 8 bits:
 * what a channel gains in the first layer, the next one loses. Factors are powers of two, which
 * leaves every result as it was. */
#include <math.h>
#include <string.h>

#include "passes/linear.h"

#define MOST 10 /* a factor is at most 2 to this */
#define MAX_NEXT 16
#define CHUNK 4096 /* weights read at a time */
#define LANES 8    /* sums side by side */

struct pair {
	struct linear from, next[MAX_NEXT];
	int nnext;
	struct node *bias; /* or NULL */
	int64_t channels;
	double *scale;
};

/* f(c x) = c f(x) for each channel and c > 0. Clamps are not: their bounds hold for all channels.
 */
static bool scales_through(const struct node *n, int axis)
{
	double slope;
	int64_t axes[MAX_RANK];
	int count;
	if (node_is(n, OP_PRELU))
		return const_number(node_in(n, 1), &slope);
	if (node_is(n, OP_REDUCE_MEAN)) {
		const struct value *v = node_in(n, 0);
		if (!const_ints(node_in(n, 1), axes, MAX_RANK, &count) ||
		    !attr_bool(n, "keep_dims"))
			return false;
		for (int i = 0; i < count; i++)
			if ((axes[i] + v->info.shape.rank) % v->info.shape.rank == axis)
				return false;
		return true;
	}
	bool pool = node_is(n, OP_MAX_POOL) || node_is(n, OP_MAX_POOL_1) ||
		    node_is(n, OP_MAX_POOL_14) || node_is(n, OP_AVG_POOL);
	if (pool)
		return axis == 1 && (n->nout == 1 || !n->out[1].nuses);
	return node_is(n, OP_RELU);
}

/* The value behind the layer and what scales through after it, the last with any readers. */
static const struct value *last_of(struct pair *p)
{
	const struct value *v = &p->from.node->out[0];
	struct node *n = only_use(v);
	if (n && node_is(n, OP_ADD) && const_input(n) >= 0) {
		p->bias = n;
		v = &n->out[0];
		n = only_use(v);
	}
	while (n && scales_through(n, p->from.axis_out)) {
		v = &n->out[0];
		n = only_use(v);
	}
	return v;
}

/* All readers are layers that mix the channels: a depthwise one has a range for each. */
static bool find_next(struct pair *p, const struct value *v)
{
	value_each_use (v, u) {
		struct linear *l = &p->next[p->nnext];
		if (p->nnext == MAX_NEXT || !linear_of(u->node, l) || u->index != l->data)
			return false;
		bool depthwise = l->groups > 1 && l->p == 1 && l->q == 1;
		if (depthwise || l->axis_in != p->from.axis_out || l->rank_in != p->from.rank_out ||
		    linear_inputs(l) != p->channels)
			return false;
		if (node_in(l->node, l->weight)->info.type != DT_F32)
			return false;
		p->nnext++;
	}
	return p->nnext > 0;
}

/* Adds n squares to x. */
static void add_squares(const float *w, int64_t n, double *x)
{
	double sum[LANES] = {0}, all = 0;
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
			sum[k] += (double)w[i + k] * w[i + k];
	for (; i < n; i++)
		all += (double)w[i] * w[i];
	for (int k = 0; k < LANES; k++)
		all += sum[k];
	*x += all;
}

/* Widens x to the largest of n magnitudes. */
static void widen(const float *w, int64_t n, double *x)
{
	float most = 0;
	for (int64_t i = 0; i < n; i++)
		most = fabsf(w[i]) > most ? fabsf(w[i]) : most;
	*x = most > *x ? most : *x;
}

/* The same of each x with a magnitude of its own. */
static void widen_each(const float *w, int64_t n, double *x)
{
	for (int64_t i = 0; i < n; i++)
		x[i] = fabsf(w[i]) > x[i] ? fabsf(w[i]) : x[i];
}

/* How weights are seen by channel: by span of them, span number i of channel i, or of i modulo a
 * period in each group of channels. */
struct order {
	int64_t span, group, period; /* spans of a group of channels; channels, which come again */
	bool squares;
};

/* Weights from number `from` on. */
static void see(const struct order *o, const float *w, int64_t from, int64_t n, double *x)
{
	for (int64_t i = 0, run; i < n; i += run) {
		int64_t at = (from + i) / o->span, c = at % o->group % o->period;
		double *to = x + at / o->group * o->period + c;
		if (o->span == 1 && !o->squares) {
			run = o->period - c < n - i ? o->period - c : n - i;
			widen_each(w + i, run, to);
			continue;
		}
		run = o->span - (from + i) % o->span;
		run = run < n - i ? run : n - i;
		if (o->squares)
			add_squares(w + i, run, to);
		else
			widen(w + i, run, to);
	}
}

/* Sums of squares by output channel, or largest magnitudes by input channel. */
static int measure(const struct linear *l, bool out, double *x, struct err *err)
{
	const struct blob *b = value_const(node_in(l->node, l->weight))->data;
	bool by_p = out == l->p_is_out;
	struct order o = {.squares = out, .group = by_p ? l->p : l->p * l->q};
	_Alignas(64) float w[CHUNK];
	int64_t count = l->groups * l->p * l->q * l->inner;
	int status = OK;
	o.span = by_p ? l->q * l->inner : l->inner;
	o.period = by_p ? l->p : l->q;
	for (int64_t i = 0, n; i < count && !status; i += n) {
		n = count - i < CHUNK ? count - i : CHUNK;
		status = blob_read(b, (size_t)i * sizeof *w, w, (size_t)n * sizeof *w, err);
		if (!status)
			see(&o, w, i, n, x);
	}
	return status;
}

/* The factor by which a channel's range, as the weights make it, and the weights that read it meet
 * in the middle. Channels that are 0 on a side stay. */
static int choose(struct pass_ctx *c, struct pair *p)
{
	double *gives = arena_array(c->scratch, 2 * (size_t)p->channels, sizeof *gives);
	double *takes = gives + p->channels, mean = 0;
	int64_t n = 0;
	if (!gives)
		return fail_nomem(c->err);
	memset(gives, 0, 2 * (size_t)p->channels * sizeof *gives);
	int status = measure(&p->from, true, gives, c->err);
	for (int k = 0; k < p->nnext && !status; k++)
		status = measure(&p->next[k], false, takes, c->err);
	if (status)
		return status;
	for (int64_t i = 0; i < p->channels; i++) {
		bool alive = gives[i] > 0 && takes[i] > 0 && isfinite(gives[i] + takes[i]);
		p->scale[i] = alive ? log2(takes[i] / sqrt(gives[i])) / 2 : NAN;
		n += alive;
		mean += alive ? p->scale[i] : 0;
	}
	int changed = 0;
	for (int64_t i = 0; i < p->channels; i++) {
		double x = isnan(p->scale[i]) ? 0 : nearbyint(p->scale[i] - mean / (double)n);
		p->scale[i] = exp2(fmax(-MOST, fmin(MOST, x)));
		changed += p->scale[i] != 1;
	}
	return changed > 0;
}

/* 1 done; 0 when something would overflow, with all as it was. */
static int scale_layers(struct pass_ctx *c, struct pair *p, const double *inverse)
{
	int status = OK, done = 0, undone;
	if (!linear_scale_out(c, &p->from, p->scale, &status))
		return status;
	while (done < p->nnext && linear_scale_in(c, &p->next[done], inverse, &status))
		done++;
	if (status || done == p->nnext)
		return status ? status : 1;
	while (!status && done-- > 0)
		linear_scale_in(c, &p->next[done], p->scale, &status);
	linear_scale_out(c, &p->from, inverse, &undone);
	return status ? status : undone;
}

static int scale_bias(struct pass_ctx *c, struct pair *p, const double *bias)
{
	int k = const_input(p->bias);
	struct node *old = node_in(p->bias, k)->node;
	struct node *new = add_channels(
	    p->bias, old->name, DT_F32, p->from.rank_out, p->from.axis_out, p->channels, bias);
	if (!new)
		return fail_nomem(c->err);
	node_set_input(p->bias, k, &new->out[0]);
	remove_dead(old);
	return OK;
}

static int even_out(struct pass_ctx *c, struct pair *p)
{
	double *x = arena_array(c->scratch, 3 * (size_t)p->channels, sizeof *x);
	double *inverse = x ? x + p->channels : NULL, *bias = x ? inverse + p->channels : NULL;
	if (!x)
		return fail_nomem(c->err);
	p->scale = x;
	if (p->bias && (!const_channels(node_in(p->bias, const_input(p->bias)), p->from.rank_out,
			   p->from.axis_out, p->channels, bias)))
		return 0;
	int status = choose(c, p);
	if (status <= 0)
		return status;
	for (int64_t i = 0; i < p->channels; i++) {
		inverse[i] = 1 / p->scale[i];
		bias[i] *= p->scale[i];
	}
	status = scale_layers(c, p, inverse);
	if (status == 1 && p->bias && scale_bias(c, p, bias))
		return E_NOMEM;
	return status;
}

static int visit(struct pass_ctx *c, struct node *n)
{
	struct pair p = {0};
	if (!linear_of(n, &p.from) || node_in(n, p.from.weight)->info.type != DT_F32)
		return 0;
	p.channels = linear_outputs(&p.from);
	if (p.channels < 2 || !find_next(&p, last_of(&p)))
		return 0;
	return even_out(c, &p);
}

static int equalize(struct pass_ctx *c)
{
	int done = 0, r = 0;
	for (struct node *n = c->graph->first; n && c->options->equalize; n = n->next) {
		struct arena_mark mark = arena_mark(c->scratch);
		r = visit(c, n);
		arena_reset(c->scratch, mark);
		if (r < 0)
			return err_in(c->err, "node '%s'", n->name);
		done += r;
	}
	return done;
}

const struct pass pass_equalize = {
    .name = "equalize",
    .about = "even out channels between layers before quantization (mo-calibrate)",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_SHAPES | FACT_ORDER,
    .optional_off = true,
    .run = equalize,
};
