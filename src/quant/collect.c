/* Runs samples through a network and leaves what it saw of some of its values. */
#include <math.h>
#include <stdlib.h>

#include "exec/exec.h"
#include "quant/collect.h"

struct collect {
	const struct placement *p;
	const struct samples *samples;
	struct stats *s;
	int *site;      /* by value id: number of the site, -1 for none */
	int64_t sample; /* that runs */
	struct exec *e;
	struct tensor *in, *out;
};

static bool tapped(void *user, const struct value *v)
{
	const struct collect *c = user;
	return c->site[v->id] >= 0;
}

static int see(const struct stats_site *s, const struct tensor *t, float *low, float *high)
{
	const float *x = t->data;
	int64_t n = tensor_count(t), inner = 1;
	int bad = 0;
	for (int d = 2; d < t->rank; d++)
		inner *= t->dim[d];
	for (int64_t c = 0; c < s->channels; c++) {
		low[c] = INFINITY;
		high[c] = -INFINITY;
	}
	for (int64_t i = 0; i < n; i++) {
		int64_t c = s->channels > 1 ? i / inner % s->channels : 0;
		low[c] = x[i] < low[c] ? x[i] : low[c];
		high[c] = x[i] > high[c] ? x[i] : high[c];
		bad |= !isfinite(x[i]);
	}
	return bad;
}

static int tap(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	struct collect *c = user;
	struct stats_site *s = &c->s->site[c->site[v->id]];
	int64_t at = c->sample * s->channels;
	if (see(s, t, s->low + at, s->high + at))
		return fail(err, E_FORMAT, "'%s' is not finite", s->name);
	return OK;
}

static int new_stats(struct collect *c, int64_t samples, struct err *err)
{
	const struct placement *p = c->p;
	struct stats *s = c->s = calloc(1, sizeof *s);
	if (!s || !(s->arena = arena_new()))
		return fail_nomem(err);
	s->site = arena_array(s->arena, (size_t)p->nquantizers, sizeof *s->site);
	if (!s->site)
		return fail_nomem(err);
	s->nsites = p->nquantizers;
	for (int i = 0; i < s->nsites; i++) {
		struct stats_site *t = &s->site[i];
		t->name = arena_str(s->arena, p->quantizer[i].name);
		t->channels = p->quantizer[i].channels;
		t->low = calloc((size_t)samples * (size_t)t->channels, sizeof *t->low);
		t->high = calloc((size_t)samples * (size_t)t->channels, sizeof *t->high);
		if (!t->name || !t->low || !t->high)
			return fail_nomem(err);
		c->site[p->quantizer[i].value] = i;
	}
	return OK;
}

static bool unreadable(int status)
{
	return status == E_IO || status == E_FORMAT || status == E_LIMIT || status == E_UNSUPPORTED;
}

static int run_sample(struct collect *c, int64_t i, struct log log, struct err *err)
{
	int64_t label;
	int n = c->p->graph->ninputs;
	int status = c->samples->get(c->samples->user, i, c->in, &label, err);
	if (unreadable(status)) {
		log_say(&log, LOG_WARN, "%s", err->text);
		err_clear(err);
		return OK;
	}
	if (!status && !(status = exec_run(c->e, c->in, c->out, err)))
		c->sample++;
	else if (!status || unreadable(status))
		err_in(err, "sample %lld", (long long)i);
	for (int k = 0; k < n; k++)
		tensor_free(&c->in[k]);
	return status;
}

static int run_samples(
    struct collect *c, const struct calibrate_options *o, int64_t count, struct err *err)
{
	int status = OK;
	for (int64_t i = 0; i < count && !status; i++) {
		status = run_sample(c, i, o->log, err);
		if (o->progress && !status)
			o->progress(o->user, i + 1, count);
	}
	c->s->samples = c->sample;
	if (!status && !c->sample)
		return fail(
		    err, E_FORMAT, "none of the %lld samples can be read", (long long)count);
	return status;
}

static int open_exec(
    struct collect *c, const struct calibrate_options *o, struct pool **pool, struct err *err)
{
	const struct graph *g = c->p->graph;
	c->in = calloc((size_t)g->ninputs + 1, sizeof *c->in);
	c->out = calloc((size_t)g->noutputs + 1, sizeof *c->out);
	if (!c->in || !c->out)
		return fail_nomem(err);
	int status = pool_new(o->threads, pool, err);
	struct exec_options eo = {
	    .pool = *pool, .log = o->log, .tap = tap, .tapped = tapped, .user = c};
	return status ? status : exec_new((struct graph *)g, &eo, &c->e, err);
}

int collect_stats(const struct placement *p, const struct calibrate_options *o,
    const struct samples *samples, struct stats **out, struct err *err)
{
	struct collect c = {.p = p, .samples = samples};
	struct pool *pool = NULL;
	int64_t count = o->samples < samples->count ? o->samples : samples->count;
	c.site = malloc(((size_t)p->graph->nvalues + 1) * sizeof *c.site);
	for (uint32_t i = 0; c.site && i < p->graph->nvalues; i++)
		c.site[i] = -1;
	int status = c.site ? new_stats(&c, count, err) : fail_nomem(err);
	status = status ? status : open_exec(&c, o, &pool, err);
	status = status ? status : run_samples(&c, o, count, err);
	exec_free(c.e);
	pool_free(pool);
	free(c.site);
	free(c.in);
	free(c.out);
	if (status)
		stats_free(c.s);
	else
		*out = c.s;
	return status;
}
