/* Judging networks for the accuracy-aware search: on which samples, against what. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/clock.h"
#include "quant/aware_search.h"

#define ROUNDING 1e-9 /* 0.61 - 0.60 is not above a limit of 0.01 */
#define AIM 0.75      /* of the limit: other samples and other executors differ a little */

double aware_drop(const struct aware_options *o, double original, double value)
{
	double drop = metric_drop(o->metric, original, value);
	if (!o->relative || metric_needs_original(o->metric) || drop == 0)
		return drop;
	return drop / fabs(original);
}

/* While groups are put back the search aims at less than the limit. */
static double limit_of(const struct aware_search *s, bool full)
{
	return s->o->max_drop * (full ? 1 : AIM);
}

static bool holds(const struct aware_search *s, bool full, double value)
{
	return aware_drop(s->o, s->r->original, value) <= limit_of(s, full) + ROUNDING;
}

bool aware_late(struct aware_search *s)
{
	if (s->until > 0 && clock_seconds() > s->until)
		s->r->time_up = true;
	return s->r->time_up;
}

char *aware_key(const struct aware_search *s, const char *what, int k, int w, char buf[64])
{
	XXH64_state_t *x = XXH64_createState();
	unsigned long long h = 0;
	if (x) {
		XXH64_reset(x, 0);
		for (int i = 0; i < s->c->ngroups; i++) {
			int32_t way = i == k ? w : s->r->way[i];
			XXH64_update(x, &way, sizeof way);
		}
		h = XXH64_digest(x);
	}
	XXH64_freeState(x);
	snprintf(buf, 64, "%s %016llx", what, h);
	return buf;
}

void aware_say(struct aware_search *s, enum aware_event e, int group, double value, bool held)
{
	struct aware_step step = {.event = e,
	    .group = group < 0 ? NULL : s->c->group[group].name,
	    .groups = s->c->ngroups,
	    .value = value,
	    .drop = isnan(value) ? NAN : aware_drop(s->o, s->r->original, value),
	    .held = held,
	    .samples = e == AWARE_RANKED ? s->few.n : s->all.n,
	    .seconds = clock_seconds() - s->start};
	for (int i = 0; i < s->c->ngroups; i++)
		step.kept += s->r->way[i] == AWARE_KEPT;
	if (s->o->step)
		s->o->step(s->o->user, &step);
}

static int metric_of(struct aware_search *s, struct graph *g, const struct deal *d,
    const struct answer *a, double *value, struct err *err)
{
	if (s->o->metric == METRIC_COMMAND)
		return s->o->command(s->o->user, g, value, err);
	*value = metric_value(s->o->metric, a, d->label, d->n, NULL);
	return OK;
}

static struct evaluation on_all(struct aware_search *s)
{
	return (struct evaluation){.deal = &s->all,
	    .pool = s->o->pool,
	    .want = s->wants_original ? &s->want_all : NULL,
	    .compare = s->wants_original,
	    .keep_bytes = s->o->cache_bytes,
	    .progress = s->o->progress,
	    .log = s->o->log};
}

/* ---- the original ---- */

/* Leaves of a deal the samples that can be read and have the label that the metric needs; *n says
 * how many. With none the deal stays as it is. */
static int keep_usable(
    struct aware_search *s, struct deal *all, const struct answer *a, int64_t *n, struct err *err)
{
	struct deal d;
	bool *pick = calloc((size_t)all->n + 1, sizeof *pick);
	if (!pick)
		return fail_nomem(err);
	*n = 0;
	for (int64_t i = 0; i < all->n; i++) {
		bool labelled = all->label[i] >= 0 || !metric_needs_labels(s->o->metric);
		pick[i] = a[i].seen && labelled;
		*n += pick[i];
	}
	int r = *n ? deal_subset(&d, all, pick, err) : OK;
	free(pick);
	if (r || !*n)
		return r;
	deal_free(all);
	*all = d;
	return OK;
}

static int none_usable(const struct deal *all, struct err *err)
{
	int64_t least = 0;
	for (int64_t i = 0; i < all->n; i++)
		least = all->label[i] < least ? all->label[i] : least;
	return least < 0 ? fail(err, E_DATA,
			       "none of the %lld samples to judge by has a label that is a class: "
			       "one is %lld (see --label-offset)",
			       (long long)all->n, (long long)least)
			 : fail(err, E_USAGE, "none of the %lld samples to judge by can be used",
			       (long long)all->n);
}

/* nrank of the samples judged by, evenly spread. */
static int pick_few(struct aware_search *s, struct err *err)
{
	int64_t n = s->o->nrank < s->all.n ? s->o->nrank : s->all.n;
	bool *pick = calloc((size_t)s->all.n + 1, sizeof *pick);
	if (!pick)
		return fail_nomem(err);
	for (int64_t i = 0; i < n; i++)
		pick[(int64_t)((double)i * (double)s->all.n / (double)n)] = true;
	deal_free(&s->few);
	int r = deal_subset(&s->few, &s->all, pick, err);
	free(pick);
	s->ranks_judged = true;
	return r;
}

static int judge_original(struct aware_search *s, struct err *err)
{
	struct aware_result *r = s->r;
	struct evaluation v = on_all(s);
	v.want = NULL;
	r->before = calloc((size_t)s->all.n + 1, sizeof *r->before);
	if (!r->before)
		return fail_nomem(err);
	int64_t n = s->all.n, usable = n;
	int status = evaluate(s->original, &v, r->before, err);
	status = status ? status : keep_usable(s, &s->all, r->before, &usable, err);
	status = status || usable ? status : none_usable(&s->all, err);
	if (status)
		return status;
	if (n != s->all.n || s->wants_original) {
		v.keep = s->wants_original ? &s->want_all : NULL;
		v.want = NULL;
		status = evaluate(s->original, &v, r->before, err);
	}
	r->n = s->all.n;
	r->evaluated += n;
	if (!status && metric_needs_original(s->o->metric))
		r->original = metric_perfect(s->o->metric);
	else if (!status)
		status = metric_of(s, s->original, &s->all, r->before, &r->original, err);
	return status;
}

/* The original's outputs for the samples to rank with; how many of these can be used. */
static int want_few(struct aware_search *s, int64_t *usable, struct err *err)
{
	struct evaluation v = on_all(s);
	struct answer *a = calloc((size_t)s->few.n + 1, sizeof *a);
	v.deal = &s->few;
	v.want = NULL;
	v.keep = &s->want_few;
	v.compare = true;
	int64_t n = s->few.n;
	int r = a ? evaluate(s->original, &v, a, err) : fail_nomem(err);
	s->r->evaluated += n;
	r = r ? r : keep_usable(s, &s->few, a, usable, err);
	free(a);
	if (r || !*usable || *usable == n)
		return r;
	kept_free(&s->want_few);
	return want_few(s, usable, err); /* the runs have moved */
}

/* Samples of their own when there are some that the metric can do with. */
static int open_few(struct aware_search *s, struct err *err)
{
	const struct samples *own = s->o->rank_by;
	int64_t usable = 0;
	int r = OK;
	if (own && own->count > 0 && (own->labelled || !metric_needs_labels(s->o->metric))) {
		r = deal_new(&s->few, own, 0, s->o->nrank, s->original, err);
		r = r ? r : want_few(s, &usable, err);
	}
	if (r || usable)
		return r;
	kept_free(&s->want_few);
	r = pick_few(s, err);
	return r ? r : want_few(s, &usable, err);
}

int aware_open(struct aware_search *s, struct err *err)
{
	const struct aware_options *o = s->o;
	s->wants_original = metric_needs_original(o->metric);
	if (metric_needs_labels(o->metric) && !o->samples->labelled)
		return fail(err, E_USAGE, "the metric %s needs labels", metric_name(o->metric));
	int r = deal_new(&s->all, o->samples, o->from, INT32_MAX, s->original, err);
	r = r ? r : judge_original(s, err);
	r = r ? r : open_few(s, err);
	if (!r)
		aware_say(s, AWARE_ORIGINAL, -1, s->r->original, true);
	return r;
}

void aware_close(struct aware_search *s)
{
	deal_free(&s->all);
	deal_free(&s->few);
	kept_free(&s->want_all);
	kept_free(&s->want_few);
	free(s->rating);
}

/* ---- networks ---- */

/* The drop as a number of hits; among 0: it is not one. */
static struct bound bound_of(const struct aware_search *s)
{
	const struct aware_options *o = s->o;
	int among = o->metric == METRIC_TOP1 ? 1 : o->metric == METRIC_TOP5 ? 5 : 0;
	double n = (double)s->all.n, whole = n * (o->relative ? fabs(s->r->original) : 1);
	/* of few samples the aim is not to become none */
	double aim = ceil(whole * o->max_drop * AIM), most = floor(whole * o->max_drop + ROUNDING);
	double least = s->r->original * n - fmin(aim, most);
	return (struct bound){among, (int64_t)ceil(least - ROUNDING * n)};
}

/* Evaluates r->way's network on all samples. */
static int judge(struct aware_search *s, bool full, bool *held, double *value, struct err *err)
{
	struct evaluation v = on_all(s);
	struct graph *g = NULL;
	struct answer *a = calloc((size_t)s->all.n + 1, sizeof *a);
	int r = a ? s->c->make(s->c->user, s->r->way, &g, err) : fail_nomem(err);
	if (!full) {
		v.bound = bound_of(s);
		v.until = s->until;
	}
	r = r ? r : evaluate(g, &v, a, err);
	s->r->evaluated += answers_seen(a, a ? s->all.n : 0);
	if (r == EVALUATE_STOPPED && v.bound.among) {
		int64_t hits = answers_hit(a, s->all.n, v.bound.among);
		int64_t left = s->all.n - answers_seen(a, s->all.n);
		bool known = hits >= v.bound.need || hits + left < v.bound.need;
		*held = hits >= v.bound.need;
		*value = NAN;
		r = known ? OK : r;
	} else if (!r) {
		r = metric_of(s, g, &s->all, a, value, err);
		*held = !r && holds(s, full, *value);
	}
	if (!r && full) {
		free(s->r->after);
		graph_free(s->r->graph);
		s->r->after = a;
		s->r->graph = g;
		return OK;
	}
	graph_free(g);
	free(a);
	return r;
}

int aware_judge(struct aware_search *s, bool full, bool *held, double *value, struct err *err)
{
	char key[64];
	double known[2];
	aware_key(s, "judge", -1, 0, key);
	if (!full && memo_get(s->o->memo, key, known, 2)) {
		*held = known[0] != 0;
		*value = known[1];
		return OK;
	}
	int r = judge(s, full, held, value, err);
	known[0] = r ? 0 : *held;
	known[1] = r ? NAN : *value;
	return r || full ? r : memo_put(s->o->memo, key, known, 2, err);
}
