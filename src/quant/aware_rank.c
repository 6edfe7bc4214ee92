/* What each group does to the network's answers, by putting it back alone; and whether another way
 * of compressing it would do. */
#include <math.h>
#include <stdlib.h>

#include "quant/aware_search.h"
#include "quant/suffix.h"

#define WORTH                                                                              \
	0.5 /* of the noise that putting a group back takes away: another way does instead \
	     */

/* Variants of r->way, each with one group another way. */
struct variants {
	struct aware_search *s;
	int n, done;
	int *group, *way;
	struct aware_rating *rating; /* by variant: filled in */
};

static struct aware_rating rate(
    const struct aware_search *s, const struct answer *a, const struct deal *d)
{
	struct aware_rating r = {NAN, NAN};
	double sum = 0;
	int64_t n = 0;
	for (int64_t i = 0; i < d->n; i++)
		if (a[i].seen) {
			sum += a[i].nsr;
			n++;
		}
	if (!n)
		return r;
	r.nsr = sum / (double)n;
	if (s->o->metric != METRIC_COMMAND)
		r.value = metric_value(s->o->metric, a, d->label, d->n, NULL);
	return r;
}

static bool known(const struct aware_search *s, const char *key, struct aware_rating *r)
{
	double v[2];
	if (!memo_get(s->o->memo, key, v, 2))
		return false;
	*r = (struct aware_rating){v[0], v[1]};
	return true;
}

static int make_variant(void *user, int i, struct graph **out, struct err *err)
{
	const struct variants *v = user;
	struct aware_search *s = v->s;
	int *way = &s->r->way[v->group[i]], was = *way;
	*way = v->way[i];
	int r = s->c->make(s->c->user, s->r->way, out, err);
	*way = was;
	return r;
}

static void tell(struct variants *v, int done)
{
	const struct evaluate_progress *p = &v->s->o->progress;
	v->done = done;
	if (p->at && v->n)
		p->at(p->user, "ranking", done, v->n);
}

static int take_variant(void *user, int i, const struct answer *a, struct err *err)
{
	struct variants *v = user;
	struct aware_search *s = v->s;
	char key[64];
	if (aware_late(s))
		return EVALUATE_STOPPED;
	v->rating[i] = rate(s, a, &s->few);
	s->r->evaluated += s->few.n;
	tell(v, v->done + 1);
	double x[2] = {v->rating[i].nsr, v->rating[i].value};
	aware_key(s, "rank", v->group[i], v->way[i], key);
	return memo_put(s->o->memo, key, x, 2, err);
}

static struct evaluation on_few(struct aware_search *s)
{
	return (struct evaluation){.deal = &s->few,
	    .pool = s->o->pool,
	    .want = &s->want_few,
	    .compare = true,
	    .until = s->until,
	    .log = s->o->log};
}

/* Rates r->way itself; its network is left in *g. */
static int rate_base(struct aware_search *s, struct graph **g, struct err *err)
{
	struct evaluation v = on_few(s);
	char key[64];
	int r = s->c->make(s->c->user, s->r->way, g, err);
	if (r || known(s, aware_key(s, "rank", -1, 0, key), &s->base))
		return r;
	struct answer *a = calloc((size_t)s->few.n + 1, sizeof *a);
	r = a ? evaluate(*g, &v, a, err) : fail_nomem(err);
	if (!r) {
		s->base = rate(s, a, &s->few);
		s->r->evaluated += s->few.n;
		double x[2] = {s->base.nsr, s->base.value};
		r = memo_put(s->o->memo, key, x, 2, err);
	}
	free(a);
	return r;
}

static int rate_variants(struct variants *v, struct err *err)
{
	struct aware_search *s = v->s;
	struct evaluation e = on_few(s);
	struct graph *base = NULL;
	struct suffixes f = {.n = v->n,
	    .make = make_variant,
	    .take = take_variant,
	    .user = v,
	    .cache_bytes = s->o->cache_bytes};
	int r = rate_base(s, &base, err);
	f.base = base;
	tell(v, 0);
	if (!r && v->n)
		r = suffixes_evaluate(&f, &e, err);
	graph_free(base);
	return r;
}

static int variants_new(struct variants *v, struct aware_search *s, int n, struct err *err)
{
	*v = (struct variants){.s = s};
	v->group = calloc((size_t)n + 1, sizeof *v->group);
	v->way = calloc((size_t)n + 1, sizeof *v->way);
	v->rating = calloc((size_t)n + 1, sizeof *v->rating);
	return v->group && v->way && v->rating ? OK : fail_nomem(err);
}

static void variants_free(struct variants *v)
{
	free(v->group);
	free(v->way);
	free(v->rating);
}

/* Enters a variant unless it is known, which then goes to *r. */
static void enter(struct variants *v, int group, int way, struct aware_rating *r)
{
	char key[64];
	*r = (struct aware_rating){NAN, NAN};
	if (known(v->s, aware_key(v->s, "rank", group, way, key), r))
		return;
	v->group[v->n] = group;
	v->way[v->n++] = way;
}

/* What was found out in the first ranking is what the report shows. */
static void note(struct aware_search *s)
{
	for (int k = 0; k < s->c->ngroups && !s->round; k++) {
		const struct aware_rating *r = &s->rating[k];
		struct aware_found *f = &s->r->found[k];
		f->sqnr = -10 * log10(r->nsr);
		f->share = s->base.nsr > 0 ? 1 - r->nsr / s->base.nsr : 0;
		f->regained = metric_drop(s->o->metric, r->value, s->base.value);
	}
	if (!s->round)
		s->r->sqnr_compressed = -10 * log10(s->base.nsr);
	s->r->nranked = s->few.n;
	s->r->nranked_judged = s->ranks_judged ? s->few.n : 0;
	s->round++;
}

int aware_rank(struct aware_search *s, struct err *err)
{
	struct variants v;
	int n = s->c->ngroups, r = variants_new(&v, s, n, err);
	if (!s->rating)
		s->rating = calloc((size_t)n + 1, sizeof *s->rating);
	if (!r && !s->rating)
		r = fail_nomem(err);
	for (int k = 0; k < n && !r; k++) {
		s->rating[k] = (struct aware_rating){NAN, NAN};
		if (s->r->way[k] != AWARE_KEPT)
			enter(&v, k, AWARE_KEPT, &s->rating[k]);
	}
	r = r ? r : rate_variants(&v, err);
	for (int i = 0; i < v.n && !r; i++)
		s->rating[v.group[i]] = v.rating[i];
	if (!r) {
		note(s);
		aware_say(s, AWARE_RANKED, -1, s->base.value, false);
	}
	variants_free(&v);
	return r;
}

/* A group's ways rated anew on r->way as it is now: r[way], and r[ways] for putting it back. */
static int rate_ways(struct aware_search *s, int group, struct aware_rating *r, struct err *err)
{
	struct variants v;
	int ways = s->c->group[group].ways, was = s->r->way[group];
	struct aware_rating base = s->base;
	int status = variants_new(&v, s, ways + 1, err);
	for (int w = 0; w <= ways && !status; w++)
		if (w != was)
			enter(&v, group, w < ways ? w : AWARE_KEPT, &r[w]);
	status = status ? status : rate_variants(&v, err);
	for (int i = 0; i < v.n && !status; i++)
		r[v.way[i] == AWARE_KEPT ? ways : v.way[i]] = v.rating[i];
	r[was] = s->base;
	s->base = base;
	variants_free(&v);
	return status;
}

int aware_tune(struct aware_search *s, int group, bool *tuned, struct err *err)
{
	int ways = s->c->group[group].ways, was = s->r->way[group], way = was;
	*tuned = false;
	if (ways < 2)
		return OK;
	struct aware_rating *r = calloc((size_t)ways + 1, sizeof *r);
	int status = r ? rate_ways(s, group, r, err) : fail_nomem(err);
	for (int w = 0; w < ways && !status; w++)
		if (r[w].nsr < r[way].nsr)
			way = w;
	if (!status && way != was &&
	    r[was].nsr - r[way].nsr >= WORTH * (r[was].nsr - r[ways].nsr)) {
		s->r->way[group] = way;
		*tuned = true;
	}
	free(r);
	return status;
}
