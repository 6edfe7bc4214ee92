/* Runs samples through a network, several at a time, and leaves what it saw of some of its values.
 */
#include <pthread.h>
#include <stdlib.h>

#include "exec/exec.h"
#include "quant/collect.h"
#include "quant/observe.h"

struct worker {
	struct collect *c;
	struct exec *e;
	struct stats *s;
	struct tensor *in, *out;
	float *room;
	struct err err;
	int64_t at, failed; /* the sample at hand, and the one that failed */
};

struct collect {
	const struct placement *p;
	const struct calibrate_options *o;
	const struct samples *samples;
	const struct smooth *smooth;
	int *site;     /* by value id: number of the site, -1 for none */
	int *columns;  /* the same for its channels */
	int64_t count; /* samples asked for */
	pthread_mutex_t reading, lock;
	int64_t next; /* under reading */
	int64_t done; /* under the lock */
	bool stop;
	struct worker *worker;
	int nworkers;
};

static bool tapped(void *user, const struct value *v)
{
	const struct worker *w = user;
	return w->c->site[v->id] >= 0 || w->c->columns[v->id] >= 0;
}

static int watch(void *user, const struct value *v, const struct exec_view *view, struct err *err)
{
	struct worker *w = user;
	int site = w->c->site[v->id], columns = w->c->columns[v->id], status = OK;
	if (site >= 0)
		status = observe(&w->s->site[site], view, w->room, err);
	if (!status && columns >= 0)
		status = observe_columns(&w->s->site[columns], view, w->room, err);
	return status;
}

/* ---- one sample after the other ---- */

static bool unreadable(int status)
{
	return status == E_IO || status == E_FORMAT || status == E_LIMIT || status == E_UNSUPPORTED;
}

/* Gets the next sample, in order, so that what is said of unreadable ones is the same for any
 * number of threads. false: no more of them. */
static bool take(struct worker *w, int64_t *at, int *status)
{
	struct collect *c = w->c;
	int64_t label;
	pthread_mutex_lock(&c->reading);
	bool more = !__atomic_load_n(&c->stop, __ATOMIC_RELAXED) && c->next < c->count;
	if (more) {
		*at = c->o->index ? c->o->index[c->next] : c->next;
		w->at = c->next++;
		*status = c->samples->get(c->samples->user, *at, w->in, &label, &w->err);
		if (unreadable(*status))
			log_say(&c->o->log, LOG_WARN, "%s", w->err.text);
		else if (*status)
			__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&c->reading);
	return more;
}

static int run_sample(struct worker *w, int64_t at)
{
	struct collect *c = w->c;
	int status = exec_run(w->e, w->in, w->out, &w->err);
	if (status)
		err_in(&w->err, "sample %lld", (long long)at);
	for (int k = 0; k < c->p->graph->ninputs; k++)
		tensor_free(&w->in[k]);
	w->s->samples++;
	return status;
}

static void work(void *ctx, int task, int worker)
{
	struct collect *c = ctx;
	struct worker *w = &c->worker[task];
	int64_t at;
	int status = OK;
	(void)worker;
	while (!status && take(w, &at, &status)) {
		bool gone = unreadable(status);
		if (gone)
			err_clear(&w->err);
		status = gone ? OK : status ? status : run_sample(w, at);
		pthread_mutex_lock(&c->lock);
		if (status)
			__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
		c->done++;
		if (c->o->progress && !status)
			c->o->progress(c->o->user, c->done, c->count);
		pthread_mutex_unlock(&c->lock);
	}
	w->failed = status ? w->at : -1;
}

/* ---- workers ---- */

static struct stats *new_stats(const struct collect *c, struct err *err)
{
	const struct placement *p = c->p;
	int n = p->nquantizers;
	struct stats *s = stats_new(n + c->smooth->n);
	int status = s ? OK : fail_nomem(err);
	for (int i = 0; i < n && !status; i++)
		status = stats_site_open(
		    s, i, p->quantizer[i].name, p->quantizer[i].channels, c->o->histograms, err);
	for (int i = 0; i < c->smooth->n && !status; i++)
		status = stats_site_open(
		    s, n + i, c->smooth->site[i].name, c->smooth->site[i].channels, false, err);
	if (!status)
		return s;
	stats_free(s);
	return NULL;
}

static int open_worker(struct collect *c, int k, int64_t channels, struct err *err)
{
	const struct graph *g = c->p->graph;
	struct worker *w = &c->worker[k];
	*w = (struct worker){.c = c, .failed = -1};
	w->in = calloc((size_t)g->ninputs + 1, sizeof *w->in);
	w->out = calloc((size_t)g->noutputs + 1, sizeof *w->out);
	w->room = calloc(3 * (size_t)channels, sizeof *w->room);
	w->s = new_stats(c, err);
	if (!w->in || !w->out || !w->room || !w->s)
		return fail_nomem(err);
	struct exec_options eo = {.log = c->o->log, .watch = watch, .tapped = tapped, .user = w};
	if (!k)
		return exec_new((struct graph *)g, &eo, &w->e, err);
	int status = exec_share(c->worker[0].e, NULL, &w->e, err);
	if (!status)
		exec_set_user(w->e, w);
	return status;
}

static int open_workers(struct collect *c, struct err *err)
{
	int64_t channels = 1;
	int status = OK, n = c->nworkers;
	for (int i = 0; i < c->p->nquantizers; i++)
		if (c->p->quantizer[i].channels > channels)
			channels = c->p->quantizer[i].channels;
	for (int i = 0; i < c->smooth->n; i++)
		if (c->smooth->site[i].channels > channels)
			channels = c->smooth->site[i].channels;
	c->worker = calloc((size_t)n, sizeof *c->worker);
	c->nworkers = 0;
	while (c->worker && c->nworkers < n && !status)
		status = open_worker(c, c->nworkers++, channels, err);
	return c->worker ? status : fail_nomem(err);
}

static void close_workers(struct collect *c)
{
	for (int k = c->nworkers - 1; k >= 0; k--) {
		struct worker *w = &c->worker[k];
		for (int i = 0; w->in && i < c->p->graph->ninputs; i++)
			tensor_free(&w->in[i]);
		exec_free(w->e);
		stats_free(w->s);
		free(w->in);
		free(w->out);
		free(w->room);
		err_clear(&w->err);
	}
	free(c->worker);
}

/* The error of the first sample that failed, whoever ran it. */
static int first_error(struct collect *c, struct err *err)
{
	struct worker *first = NULL;
	for (int k = 0; k < c->nworkers; k++) {
		struct worker *w = &c->worker[k];
		if (w->failed >= 0 && (!first || w->failed < first->failed))
			first = w;
	}
	if (!first)
		return OK;
	*err = first->err;
	first->err = (struct err){0};
	return err->status;
}

static int gather(struct collect *c, struct stats **out, struct err *err)
{
	int status = first_error(c, err);
	for (int k = 1; k < c->nworkers && !status; k++)
		status = stats_merge(c->worker[0].s, c->worker[k].s, err);
	if (!status && !c->worker[0].s->samples)
		status = fail(
		    err, E_FORMAT, "none of the %lld samples can be read", (long long)c->count);
	if (!status) {
		*out = c->worker[0].s;
		c->worker[0].s = NULL;
	}
	return status;
}

static int run(struct collect *c, struct stats **out, struct err *err)
{
	struct pool *pool = NULL;
	int status = pool_new(c->o->threads, &pool, err);
	if (status)
		return status;
	c->nworkers = pool_size(pool) < c->count ? pool_size(pool) : (int)c->count;
	status = open_workers(c, err);
	if (!status) {
		pool_run(pool, c->nworkers, work, c);
		status = gather(c, out, err);
	}
	close_workers(c);
	pool_free(pool);
	return status;
}

int collect_stats(const struct placement *p, const struct smooth *smooth,
    const struct calibrate_options *o, const struct samples *samples, struct stats **out,
    struct err *err)
{
	struct collect c = {.p = p, .smooth = smooth, .o = o, .samples = samples};
	c.count = o->samples < samples->count ? o->samples : samples->count;
	if (c.count < 1)
		return fail(err, E_USAGE, "there are no samples");
	c.site = malloc(2 * ((size_t)p->graph->nvalues + 1) * sizeof *c.site);
	if (!c.site)
		return fail_nomem(err);
	c.columns = c.site + p->graph->nvalues;
	for (uint32_t i = 0; i < 2 * p->graph->nvalues; i++)
		c.site[i] = -1;
	for (int i = 0; i < smooth->n; i++)
		c.columns[smooth->site[i].id] = p->nquantizers + i;
	for (int i = 0; i < p->nquantizers; i++)
		c.site[p->quantizer[i].value] = i;
	pthread_mutex_init(&c.lock, NULL);
	pthread_mutex_init(&c.reading, NULL);
	int status = run(&c, out, err);
	pthread_mutex_destroy(&c.lock);
	pthread_mutex_destroy(&c.reading);
	free(c.site);
	return status;
}
