/* Shifts biases so that the means of all layers are those of the original, from the inputs on: one
 * layer's shift moves the means of all behind it, which therefore run after it. */
#include "quant/full_bias.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "exec/exec.h"
#include "passes/rewrite.h"
#include "quant/flow.h"

/* Sums by channel of what a layer gives, bias included. */
struct sums {
	const struct value *v;
	int axis;
	int64_t channels, count; /* numbers summed up in each */
	double *sum;
};

struct run {
	const struct full_bias *f;
	struct sums *layer;
	int nlayers;
	int *site; /* by value id: 1 + layer, 0: none */
};

/* The output of the layer, with the bias that it has. */
static const struct value *biased(const struct node *n)
{
	const struct node *add = only_use(&n->out[0]);
	return add && node_is(add, OP_ADD) && const_input(add) >= 0 ? &add->out[0] : &n->out[0];
}

static int axis_of(const struct node *n)
{
	return node_is(n, OP_MATMUL) ? n->out[0].info.shape.rank - 1 : 1;
}

static bool tapped(void *user, const struct value *v)
{
	const struct run *r = user;
	return r->site[v->id] > 0;
}

static bool has_channels(const struct tensor *t, int axis, int64_t channels)
{
	return t->type == DT_F32 && t->rank > axis && t->dim[axis] == channels;
}

/* Numbers of each channel: outer blocks of inner ones. */
static void sizes(const struct tensor *t, int axis, int64_t *outer, int64_t *inner)
{
	*outer = *inner = 1;
	for (int d = 0; d < t->rank; d++)
		*(d < axis ? outer : inner) *= d == axis ? 1 : t->dim[d];
}

static int64_t sum_channels(const struct tensor *t, int axis, double *to)
{
	const float *x = t->data;
	int64_t outer, inner;
	sizes(t, axis, &outer, &inner);
	for (int64_t o = 0; o < outer; o++)
		for (int64_t c = 0; c < t->dim[axis]; c++, x += inner) {
			double sum = 0;
			for (int64_t i = 0; i < inner; i++)
				sum += x[i];
			to[c] += sum;
		}
	return outer * inner;
}

static void shift_channels(struct tensor *t, int axis, const double *by)
{
	float *x = t->data;
	int64_t outer, inner;
	sizes(t, axis, &outer, &inner);
	for (int64_t o = 0; o < outer; o++)
		for (int64_t c = 0; c < t->dim[axis]; c++, x += inner)
			for (int64_t i = 0; i < inner; i++)
				x[i] += (float)by[c];
}

static int tap(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	struct run *r = user;
	struct sums *s = &r->layer[r->site[v->id] - 1];
	if (!has_channels(t, s->axis, s->channels))
		return fail(err, E_FORMAT, "'%s' has another shape", v->node->name);
	s->count += sum_channels(t, s->axis, s->sum);
	return OK;
}

static bool unreadable(int status)
{
	return status == E_IO || status == E_FORMAT || status == E_LIMIT || status == E_UNSUPPORTED;
}

/* The number of sample i of those that are run. */
static int64_t sample_at(const struct full_bias *f, int64_t i)
{
	int64_t all = f->samples->count < f->of ? f->samples->count : f->of;
	int64_t at = i * all / f->n;
	return f->index ? f->index[at] : at;
}

static int run_samples(struct run *r, struct graph *g, struct exec *e, struct err *err)
{
	const struct full_bias *f = r->f;
	struct tensor *in = calloc((size_t)g->ninputs + 1, sizeof *in);
	struct tensor *out = calloc((size_t)g->noutputs + 1, sizeof *out);
	int64_t label;
	int status = in && out ? OK : fail_nomem(err);
	for (int64_t i = 0; i < f->n && !status; i++) {
		status = f->samples->get(f->samples->user, sample_at(f, i), in, &label, err);
		if (unreadable(status)) { /* has been spoken of */
			err_clear(err);
			status = OK;
			continue;
		}
		status = status ? status : exec_run(e, in, out, err);
		for (int k = 0; k < g->ninputs; k++)
			tensor_free(&in[k]);
	}
	free(in);
	free(out);
	return status;
}

/* Sums up what the layers give in g. */
static int measure(struct run *r, struct graph *g, struct err *err)
{
	struct pool *pool = NULL;
	struct exec *e = NULL;
	graph_number(g);
	r->site = calloc((size_t)g->nvalues + 1, sizeof *r->site);
	int status = r->site ? pool_new(r->f->threads, &pool, err) : fail_nomem(err);
	for (int k = 0; k < r->nlayers && !status; k++) {
		struct sums *s = &r->layer[k];
		const struct node *n = graph_find_node(g, refinement_name(r->f->r, k));
		s->v = n ? biased(n) : NULL;
		s->count = 0;
		memset(s->sum, 0, (size_t)s->channels * sizeof *s->sum);
		if (!n)
			continue;
		s->axis = axis_of(n);
		r->site[s->v->id] = k + 1;
	}
	struct exec_options o = {
	    .pool = pool, .log = r->f->log, .tap = tap, .tapped = tapped, .user = r};
	status = status ? status : exec_new(g, &o, &e, err);
	status = status ? status : run_samples(r, g, e, err);
	exec_free(e);
	pool_free(pool);
	free(r->site);
	r->site = NULL;
	return status;
}

static bool allocate(struct run *r, const struct full_bias *f)
{
	*r = (struct run){.f = f, .nlayers = refinement_layers(f->r)};
	r->layer = calloc((size_t)r->nlayers + 1, sizeof *r->layer);
	for (int k = 0; r->layer && k < r->nlayers; k++) {
		refinement_shift(f->r, k, &r->layer[k].channels);
		r->layer[k].sum = calloc((size_t)r->layer[k].channels + 1, sizeof(double));
		if (!r->layer[k].sum)
			return false;
	}
	return r->layer != NULL;
}

static void release(struct run *r)
{
	for (int k = 0; r->layer && k < r->nlayers; k++)
		free(r->layer[k].sum);
	free(r->layer);
}

/* The means' error over their size, summed over layers; what is missing of each in `have`. */
static double compare(const struct run *want, struct run *have)
{
	double error = 0;
	for (int k = 0; k < want->nlayers; k++) {
		const struct sums *w = &want->layer[k];
		struct sums *h = &have->layer[k];
		double off = 0, size = 1e-30;
		for (int64_t c = 0; c < w->channels; c++) {
			double mean = w->count ? w->sum[c] / (double)w->count : 0;
			double now = h->count ? h->sum[c] / (double)h->count : mean;
			h->sum[c] = mean - now;
			off += (mean - now) * (mean - now);
			size += mean * mean;
		}
		error += off / size;
	}
	return error;
}

static int sweep(const struct full_bias *f, const struct run *want, struct run *have, double *error,
    struct err *err)
{
	struct graph *q = NULL;
	int status = f->make(f->user, &q, err);
	status = status ? status : measure(have, q, err);
	graph_free(q);
	*error = status ? 0 : compare(want, have);
	return status;
}

/* ---- layer by layer ---- */

/* A layer of the quantized network that can be shifted, and its output on all samples. */
struct step {
	int layer, axis;
	int64_t channels, runs;
	struct tensor *y;
	double *sum; /* [runs][channels], then in the first ones: what is missing of the mean */
	int64_t *count;
};

/* Has it a bias, or may it be given one? As refine_apply says. */
static bool can_shift(const struct node *n)
{
	return n->out[0].info.shape.rank > 1 && (!node_is(n, OP_MATMUL) || biased(n) != &n->out[0]);
}

static void sum_run(void *ctx, int task, int worker)
{
	struct step *s = ctx;
	(void)worker;
	if (has_channels(&s->y[task], s->axis, s->channels))
		s->count[task] = sum_channels(&s->y[task], s->axis, s->sum + task * s->channels);
}

static void shift_run(void *ctx, int task, int worker)
{
	struct step *s = ctx;
	(void)worker;
	if (s->count[task])
		shift_channels(&s->y[task], s->axis, s->sum);
}

/* Sums are added up in the order of the samples, whoever took them. */
static void correct(
    struct step *s, const struct full_bias *f, const struct sums *want, struct pool *pool)
{
	int64_t count = 0, n;
	double *shift = refinement_shift(f->r, s->layer, &n);
	pool_run(pool, (int)s->runs, sum_run, s);
	for (int64_t r = 0; r < s->runs; r++)
		count += s->count[r];
	if (!count || !want->count)
		return;
	for (int64_t c = 0; c < s->channels; c++) {
		double sum = 0;
		for (int64_t r = 0; r < s->runs; r++)
			sum += s->sum[r * s->channels + c];
		s->sum[c] = want->sum[c] / (double)want->count - sum / (double)count;
		shift[c] += s->sum[c];
	}
	pool_run(pool, (int)s->runs, shift_run, s);
}

static int run_step(struct step *s, struct flow *flow, int k, const struct evaluation *v,
    const struct full_bias *f, const struct sums *want, struct err *err)
{
	int status = flow_run(flow, k, v, &s->y, err);
	s->channels = want->channels;
	s->runs = deal_runs(v->deal);
	s->sum = calloc((size_t)(s->runs * s->channels) + 1, sizeof *s->sum);
	s->count = calloc((size_t)s->runs + 1, sizeof *s->count);
	if (!status && (!s->sum || !s->count))
		status = fail_nomem(err);
	if (!status)
		correct(s, f, want, v->pool);
	free(s->sum);
	free(s->count);
	return status;
}

static int deal_samples(
    const struct full_bias *f, const struct graph *g, struct deal *d, struct err *err)
{
	int status = deal_new(d, f->samples, 0, f->n, g, err);
	for (int64_t i = 0; i < d->n && !status; i++)
		d->index[i] = sample_at(f, i);
	d->batch = 1;
	return status;
}

static int run_steps(const struct full_bias *f, struct flow *flow, struct step *step, int n,
    const struct graph *q, const struct run *want, struct err *err)
{
	struct deal deal = {0};
	struct evaluation v = {.deal = &deal};
	int status = deal_samples(f, q, &deal, err);
	status = status ? status : pool_new(f->threads, &v.pool, err);
	status = status ? status : flow_start(flow, &v, err);
	for (int k = 0; k < n && !status; k++)
		status = run_step(&step[k], flow, k, &v, f, &want->layer[step[k].layer], err);
	pool_free(v.pool);
	deal_free(&deal);
	return status;
}

/* Layers that can be shifted, in the quantized network. */
static int find_steps(
    const struct full_bias *f, const struct graph *q, struct step *step, const struct value **end)
{
	int n = 0;
	for (int k = 0; k < refinement_layers(f->r); k++) {
		const struct node *node = graph_find_node(q, refinement_name(f->r, k));
		if (!node || !can_shift(node))
			continue;
		end[n] = biased(node);
		step[n++] = (struct step){.layer = k, .axis = axis_of(node)};
	}
	return n;
}

/* As many samples as the memory holds what is kept of. */
static int64_t samples_that_fit(const struct full_bias *f, const struct flow *flow)
{
	int64_t all = f->samples->count < f->of ? f->samples->count : f->of;
	int64_t n = f->n < all ? f->n : all, bytes = flow_bytes(flow);
	int64_t fit = bytes > 0 && f->bytes ? f->bytes / bytes : n;
	return fit < 1 ? 1 : fit < n ? fit : n;
}

static int correct_all(struct full_bias *f, struct graph *q, struct err *err)
{
	int n = refinement_layers(f->r);
	struct step *step = calloc((size_t)n + 1, sizeof *step);
	const struct value **end = calloc((size_t)n + 1, sizeof *end);
	struct flow *flow = NULL;
	struct run want, have = {0};
	double first = 0, last = 0;
	bool ok = allocate(&want, f) && allocate(&have, f);
	int status = ok && step && end ? OK : fail_nomem(err);
	if (!status) {
		n = find_steps(f, q, step, end);
		status = flow_new(q, end, n, &flow, err);
	}
	if (!status)
		f->n = samples_that_fit(f, flow);
	status = status ? status : measure(&want, f->g, err);
	status = status ? status : sweep(f, &want, &have, &first, err);
	status = status ? status : run_steps(f, flow, step, n, q, &want, err);
	status = status ? status : sweep(f, &want, &have, &last, err);
	if (!status)
		log_say(&f->log, LOG_DEBUG,
		    "biases: error of means %.6g, before %.6g (%lld samples)", last, first,
		    (long long)f->n);
	flow_free(flow);
	release(&want);
	release(&have);
	free(step);
	free(end);
	return status;
}

int full_bias(const struct full_bias *f, struct err *err)
{
	struct full_bias own = *f;
	struct graph *q = NULL;
	int status = f->make(f->user, &q, err);
	status = status ? status : correct_all(&own, q, err);
	graph_free(q);
	return status;
}
