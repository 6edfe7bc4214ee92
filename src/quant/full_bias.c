/* Shifts biases until the means of all layers are those of the original, from the inputs on: one
 * layer's shift moves the means of all behind it. */
#include "quant/full_bias.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "exec/exec.h"
#include "passes/rewrite.h"

#define SWEEPS 100 /* of more layers, several that follow each other are corrected at once */

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

static bool tapped(void *user, const struct value *v)
{
	const struct run *r = user;
	return r->site[v->id] > 0;
}

static int tap(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	struct run *r = user;
	struct sums *s = &r->layer[r->site[v->id] - 1];
	const float *x = t->data;
	int64_t outer = 1, inner = 1;
	if (t->type != DT_F32 || t->rank <= s->axis || t->dim[s->axis] != s->channels)
		return fail(err, E_FORMAT, "'%s' has another shape", v->node->name);
	for (int d = 0; d < t->rank; d++)
		*(d < s->axis ? &outer : &inner) *= d == s->axis ? 1 : t->dim[d];
	for (int64_t o = 0; o < outer; o++)
		for (int64_t c = 0; c < s->channels; c++, x += inner) {
			double sum = 0;
			for (int64_t i = 0; i < inner; i++)
				sum += x[i];
			s->sum[c] += sum;
		}
	s->count += outer * inner;
	return OK;
}

static bool unreadable(int status)
{
	return status == E_IO || status == E_FORMAT || status == E_LIMIT || status == E_UNSUPPORTED;
}

static int run_samples(struct run *r, struct graph *g, struct exec *e, struct err *err)
{
	const struct full_bias *f = r->f;
	struct tensor *in = calloc((size_t)g->ninputs + 1, sizeof *in);
	struct tensor *out = calloc((size_t)g->noutputs + 1, sizeof *out);
	int64_t all = f->samples->count < f->of ? f->samples->count : f->of, label;
	int64_t n = f->n < all ? f->n : all;
	int status = in && out ? OK : fail_nomem(err);
	for (int64_t i = 0; i < n && !status; i++) {
		int64_t at = i * all / n;
		status = f->samples->get(
		    f->samples->user, f->index ? f->index[at] : at, in, &label, err);
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

/* Finds the layers [from, to) in g and sums up what they give. */
static int measure(struct run *r, struct graph *g, int from, int to, struct err *err)
{
	struct pool *pool = NULL;
	struct exec *e = NULL;
	graph_number(g);
	r->site = calloc((size_t)g->nvalues + 1, sizeof *r->site);
	int status = r->site ? pool_new(r->f->threads, &pool, err) : fail_nomem(err);
	for (int k = 0; k < r->nlayers && !status; k++) {
		struct sums *s = &r->layer[k];
		const struct node *n = graph_find_node(g, refinement_layer(r->f->r, k).name);
		s->v = n ? biased(n) : NULL;
		s->count = 0;
		memset(s->sum, 0, (size_t)s->channels * sizeof *s->sum);
		if (!n || k < from || k >= to)
			continue;
		s->axis = node_is(n, OP_MATMUL) ? n->out[0].info.shape.rank - 1 : 1;
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

/* Layers [from, to). */
static void shift(const struct full_bias *f, const struct run *by, int from, int to)
{
	for (int k = from; k < to; k++) {
		int64_t n;
		double *x = refinement_shift(f->r, k, &n);
		for (int64_t c = 0; c < n; c++)
			x[c] += by->layer[k].sum[c];
	}
}

static int sweep(const struct full_bias *f, const struct run *want, struct run *have, int from,
    int to, double *error, struct err *err)
{
	struct graph *q = NULL;
	int status = f->make(f->user, &q, err);
	status = status ? status : measure(have, q, from, to, err);
	graph_free(q);
	*error = status ? 0 : compare(want, have);
	return status;
}

static int correct(const struct full_bias *f, const struct run *want, struct run *have,
    double *first, double *last, struct err *err)
{
	int n = want->nlayers, step = (n + SWEEPS - 1) / SWEEPS;
	int status = sweep(f, want, have, 0, n, first, err);
	for (int k = 0; k < n && !status; k += step) {
		int to = k + step < n ? k + step : n;
		status = sweep(f, want, have, k, to, last, err);
		if (!status)
			shift(f, have, k, to);
	}
	return status ? status : sweep(f, want, have, 0, n, last, err);
}

int full_bias(const struct full_bias *f, struct err *err)
{
	struct run want, have = {0};
	double first = 0, last = 0;
	bool ok = allocate(&want, f) && allocate(&have, f);
	int status = ok ? measure(&want, f->g, 0, want.nlayers, err) : fail_nomem(err);
	status = status ? status : correct(f, &want, &have, &first, &last, err);
	if (!status)
		log_say(
		    &f->log, LOG_DEBUG, "biases: error of means %.6g, before %.6g", last, first);
	release(&want);
	release(&have);
	return status;
}
