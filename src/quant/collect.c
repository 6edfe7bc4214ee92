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
	struct tensor *in;
	float *room;
	float *row; /* of a layer, for moments */
	struct err err;
	int64_t at, failed; /* the sample at hand, and the one that failed */
	int64_t turn;       /* of the sample, in moments; -1: none */
};

struct collect {
	const struct placement *p;
	const struct calibrate_options *o;
	const struct samples *samples;
	const struct smooth *smooth;
	struct moments *moments; /* or NULL */
	bool stats;              /* are wanted */
	int *site;               /* by value id: number of the site, -1 for none */
	int *columns;            /* the same for its channels */
	int64_t count;           /* samples asked for */
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
	return w->c->site[v->id] >= 0 || w->c->columns[v->id] >= 0 ||
	       (w->c->moments && moments_tapped(w->c->moments, v));
}

/* Quantizers with one range for all channels need no more, unless they keep histograms. */
static bool ends(void *user, const struct value *v)
{
	const struct worker *w = user;
	const struct collect *c = w->c;
	int site = c->site[v->id];
	return site >= 0 && c->columns[v->id] < 0 && !c->o->histograms &&
	       c->p->quantizer[site].channels == 1 &&
	       !(c->moments && moments_tapped(c->moments, v));
}

static int watch(void *user, const struct value *v, const struct exec_view *view, struct err *err)
{
	struct worker *w = user;
	int site = w->c->site[v->id], columns = w->c->columns[v->id], status = OK;
	if (site >= 0 && w->s)
		status = observe(&w->s->site[site], view, w->room, err);
	if (!status && columns >= 0 && w->s)
		status = observe_columns(&w->s->site[columns], view, w->room, err);
	if (!status && w->turn >= 0)
		status = moments_take(w->c->moments, w->turn, v, view, w->row, err);
	return status;
}

/* ---- one sample after the other ---- */

static bool unreadable(int status)
{
	return status == E_IO || status == E_FORMAT || status == E_LIMIT || status == E_UNSUPPORTED;
}

/* The next sample to run; c->count: none. */
static int64_t next_sample(const struct collect *c, int64_t i)
{
	while (!c->stats && i < c->count && moments_turn(c->moments, i) < 0)
		i++;
	return i;
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
		w->at = c->next;
		w->turn = c->moments ? moments_turn(c->moments, c->next) : -1;
		c->next = next_sample(c, c->next + 1);
		*status = c->samples->get(c->samples->user, *at, w->in, &label, &w->err);
		if (unreadable(*status) && c->stats)
			log_say(&c->o->log, LOG_WARN, "%s", w->err.text);
	}
	pthread_mutex_unlock(&c->reading);
	return more;
}

static int run_sample(struct worker *w, int64_t at)
{
	struct collect *c = w->c;
	int status = exec_run(w->e, w->in, NULL, &w->err);
	if (status)
		err_in(&w->err, "sample %lld", (long long)at);
	for (int k = 0; k < c->p->graph->ninputs; k++)
		tensor_free(&w->in[k]);
	if (w->s)
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
		if (status)
			__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
		pthread_mutex_lock(&c->lock);
		c->done++;
		if (c->o->progress && c->stats && !status)
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
	w->room = calloc(3 * (size_t)channels, sizeof *w->room);
	w->row = malloc((size_t)(c->moments ? c->moments->longest : 0) * sizeof *w->row + 1);
	w->s = c->stats ? new_stats(c, err) : NULL;
	if (!w->in || !w->room || !w->row || (c->stats && !w->s))
		return fail_nomem(err);
	struct exec_options eo = {.log = c->o->log,
	    .watch = watch,
	    .tapped = tapped,
	    .ends = ends,
	    .no_results = true,
	    .user = w};
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
		free(w->room);
		free(w->row);
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
	if (!c->stats)
		return status;
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

/* The first worker's plan, whose packed weights all share, while the others have nothing to do yet:
 * when the sizes of inputs are known. */
static int prepare(struct collect *c, struct pool *pool, struct err *err)
{
	const struct graph *g = c->p->graph;
	struct tensor *in = calloc((size_t)g->ninputs + 1, sizeof *in);
	bool known = true;
	int status = in ? OK : fail_nomem(err);
	for (int k = 0; k < g->ninputs && in; k++) {
		const struct info *i = &g->inputs[k]->out[0].info;
		known &= shape_static(&i->shape);
		in[k].type = i->type;
		in[k].rank = i->shape.rank;
		for (int d = 0; d < i->shape.rank && known; d++)
			in[k].dim[d] = i->shape.dim[d].min;
	}
	if (!status && known)
		status = exec_prepare_with(c->worker[0].e, in, pool, err);
	free(in);
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
	status = status ? status : prepare(c, pool, err);
	if (!status) {
		pool_run(pool, c->nworkers, work, c);
		status = gather(c, out, err);
	}
	close_workers(c);
	pool_free(pool);
	return status;
}

/* The samples of the turns are asked for, not those between them. */
static int expect_turns(const struct collect *c, struct err *err)
{
	int64_t n = 0, *index = malloc((size_t)c->moments->turns * sizeof *index);
	if (!index)
		return fail_nomem(err);
	for (int64_t i = next_sample(c, 0); i < c->count; i = next_sample(c, i + 1))
		index[n++] = c->o->index ? c->o->index[i] : i;
	int status = c->samples->expect(c->samples->user, index, n, err);
	free(index);
	return status;
}

static int open_sites(struct collect *c, const struct placement *p, struct err *err)
{
	size_t n = (size_t)p->graph->nvalues + 1;
	c->site = malloc(2 * n * sizeof *c->site);
	if (!c->site)
		return fail_nomem(err);
	c->columns = c->site + n;
	for (size_t i = 0; i < 2 * n; i++)
		c->site[i] = -1;
	for (int i = 0; i < c->smooth->n; i++)
		c->columns[c->smooth->site[i].id] = p->nquantizers + i;
	for (int i = 0; i < p->nquantizers; i++)
		c->site[p->quantizer[i].value] = i;
	return OK;
}

int64_t collect_count(const struct calibrate_options *o, const struct samples *samples)
{
	return o->samples < samples->count ? o->samples : samples->count;
}

int collect(const struct collect_request *r, struct stats **stats, struct err *err)
{
	static const struct smooth none;
	struct collect c = {.p = r->p,
	    .smooth = stats ? r->smooth : &none,
	    .o = r->o,
	    .samples = r->samples,
	    .moments = r->moments,
	    .stats = stats != NULL};
	c.count = collect_count(r->o, r->samples);
	if (c.count < 1)
		return fail(err, E_USAGE, "there are no samples");
	pthread_mutex_init(&c.lock, NULL);
	pthread_mutex_init(&c.reading, NULL);
	c.next = next_sample(&c, 0);
	int status = open_sites(&c, r->p, err);
	if (!status && !stats && r->samples->expect)
		status = expect_turns(&c, err);
	status = status ? status : run(&c, stats, err);
	pthread_mutex_destroy(&c.lock);
	pthread_mutex_destroy(&c.reading);
	free(c.site);
	return status;
}
