/* The accuracy-aware search: compress all, find out what each group costs, put back what it takes,
 * take again what it does not. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "quant/aware_search.h"

#define RANK_AGAIN 4 /* groups put back without holding the drop: the rest is ranked anew */

/* Negative and EVALUATE_STOPPED end a step; the latter is no error of the search. */
static bool stopped(struct aware_search *s, int r)
{
	if (r == EVALUATE_STOPPED)
		s->r->time_up = true;
	return r == EVALUATE_STOPPED;
}

static double gain_of(const struct aware_search *s, int k)
{
	double gain = s->c->group[k].gain;
	return isfinite(gain) && gain > 0 ? gain : 0;
}

/* Half of what an average group saves: each one put back costs something, and times are noisy. */
static double least_gain(const struct aware_search *s)
{
	double sum = 0;
	for (int k = 0; k < s->c->ngroups; k++)
		sum += gain_of(s, k);
	return sum > 0 ? sum / s->c->ngroups / 2 : 1;
}

/* What putting a group back regains: of the metric, or of the noise. */
static double regained(const struct aware_search *s, int k)
{
	const struct aware_rating *r = &s->rating[k];
	double metric = metric_drop(s->o->metric, r->value, s->base.value);
	if (s->o->rank == AWARE_BY_METRIC && isfinite(metric))
		return metric;
	if (!isfinite(s->base.nsr)) /* not a number before: what mends that goes first */
		return isfinite(r->nsr) ? 1 : 0;
	return (s->base.nsr - r->nsr) / s->base.nsr;
}

/* The group to put back next: most regained for a millisecond lost. -1: all are kept. */
static int best_group(const struct aware_search *s, const bool *tried)
{
	double least = least_gain(s), most = -INFINITY;
	int best = -1;
	for (int k = 0; k < s->c->ngroups; k++) {
		if (s->r->way[k] == AWARE_KEPT || tried[k])
			continue;
		double score = regained(s, k) / (gain_of(s, k) + least);
		if (best < 0 || score > most) {
			best = k;
			most = score;
		}
	}
	return best;
}

/* Does a group alone cost more than the limit? */
static bool too_much(const struct aware_search *s, int k)
{
	const struct aware_rating *r = &s->rating[k];
	double back = aware_drop(s->o, s->r->original, s->base.value) -
		      aware_drop(s->o, s->r->original, r->value);
	return back > s->o->max_drop && r->nsr < s->base.nsr;
}

/* *held says whether the drop holds with one more group kept. */
static int put_back(struct aware_search *s, int k, bool *held, struct err *err)
{
	double value = NAN;
	s->r->way[k] = AWARE_KEPT;
	int r = aware_judge(s, false, held, &value, err);
	if (!r)
		aware_say(s, AWARE_PUT_BACK, k, value, *held);
	return r;
}

/* Groups whose own effect exceeds the limit go another way or back, at once. */
static int put_back_worst(struct aware_search *s, bool *held, struct err *err)
{
	int n = s->c->ngroups, count = 0, r = OK;
	double value;
	for (int k = 0; k < n && !r; k++) {
		if (s->r->way[k] == AWARE_KEPT || !too_much(s, k))
			continue;
		bool tuned = false;
		r = aware_tune(s, k, &tuned, err);
		if (!r && !tuned)
			s->r->way[k] = AWARE_KEPT;
		if (!r)
			aware_say(s, tuned ? AWARE_TUNED : AWARE_PUT_BACK, k, NAN, false);
		s->r->found[k].at_once = s->r->way[k] == AWARE_KEPT;
		count++;
	}
	return r || !count ? r : aware_judge(s, false, held, &value, err);
}

/* One ranking and what follows from it. */
static int put_back_some(struct aware_search *s, bool *held, struct err *err)
{
	bool *tried = calloc((size_t)s->c->ngroups + 1, sizeof *tried);
	bool first = !s->round;
	int r = tried ? aware_rank(s, err) : fail_nomem(err);
	if (!r && first)
		r = put_back_worst(s, held, err);
	for (int i = 0, k; i < RANK_AGAIN && !r && !*held; i++) {
		if ((k = best_group(s, tried)) < 0)
			break;
		tried[k] = true;
		if (aware_late(s))
			r = EVALUATE_STOPPED;
		else
			r = put_back(s, k, held, err);
	}
	free(tried);
	return r;
}

static int nkept(const struct aware_search *s)
{
	int n = 0;
	for (int k = 0; k < s->c->ngroups; k++)
		n += s->r->way[k] == AWARE_KEPT;
	return n;
}

/* Of the groups kept the one that saves most time and was not tried. */
static int next_kept(const struct aware_search *s, const bool *tried)
{
	int best = -1;
	for (int k = 0; k < s->c->ngroups; k++)
		if (s->r->way[k] == AWARE_KEPT && !s->c->group[k].fixed && !tried[k] &&
		    (best < 0 || gain_of(s, k) > gain_of(s, best)))
			best = k;
	return best;
}

/* Groups that were put back on the way, and that the drop does not need, are compressed after all.
 */
static int take_again(struct aware_search *s, struct err *err)
{
	bool *tried = calloc((size_t)s->c->ngroups + 1, sizeof *tried);
	int r = tried ? OK : fail_nomem(err);
	for (int k; !r && nkept(s) > 1 && (k = next_kept(s, tried)) >= 0;) {
		bool held = false;
		double value = NAN;
		tried[k] = true;
		s->r->way[k] = 0;
		r = aware_late(s) ? EVALUATE_STOPPED : aware_judge(s, false, &held, &value, err);
		if (r || !held)
			s->r->way[k] = AWARE_KEPT;
		if (!r && held) {
			s->r->found[k].taken = true;
			aware_say(s, AWARE_TAKEN, k, value, held);
		}
	}
	free(tried);
	return r;
}

/* From all compressed to what holds the drop, or to the end of the time. */
static int search(struct aware_search *s, struct err *err)
{
	bool held = false;
	int r = OK;
	while (!held && !r && nkept(s) < s->c->ngroups) {
		int before = nkept(s), round = s->round;
		r = put_back_some(s, &held, err);
		if (!r && !held && nkept(s) == before && round > RANK_AGAIN)
			break; /* tuning alone goes no further */
	}
	if (!r && held)
		r = take_again(s, err);
	if (!stopped(s, r))
		return r;
	aware_say(s, AWARE_TIME_UP, -1, NAN, held);
	return OK;
}

/* Unless all compressed holds, whose answers are there already. */
static int verify(struct aware_search *s, bool done, struct err *err)
{
	struct aware_result *r = s->r;
	int status = done ? OK : aware_judge(s, true, &r->held, &r->result, err);
	if (done) {
		r->held = true;
		r->result = r->compressed;
	}
	if (status)
		return status;
	r->drop = aware_drop(s->o, r->original, r->result);
	r->nkept = nkept(s);
	for (int k = 0; k < s->c->ngroups; k++)
		r->found[k].way = r->way[k];
	aware_say(s, AWARE_VERIFIED, -1, r->result, r->held);
	return OK;
}

static int result_new(struct aware_search *s, struct err *err)
{
	struct aware_result *r = s->r;
	int n = s->c->ngroups;
	*r = (struct aware_result){.original = NAN, .compressed = NAN, .result = NAN, .drop = NAN};
	r->drop_compressed = r->sqnr_compressed = NAN;
	r->found = calloc((size_t)n + 1, sizeof *r->found);
	r->way = calloc((size_t)n + 1, sizeof *r->way);
	if (!r->found || !r->way)
		return fail_nomem(err);
	for (int k = 0; k < n; k++) {
		r->found[k] = (struct aware_found){.sqnr = NAN, .regained = NAN, .share = NAN};
		r->way[k] = s->c->group[k].fixed ? AWARE_KEPT : s->o->way ? s->o->way[k] : 0;
	}
	return OK;
}

static int result_samples(struct aware_search *s, struct err *err)
{
	struct aware_result *r = s->r;
	r->sample = calloc((size_t)r->n + 1, sizeof *r->sample);
	r->label = calloc((size_t)r->n + 1, sizeof *r->label);
	if (!r->sample || !r->label)
		return fail_nomem(err);
	for (int64_t i = 0; i < r->n; i++) {
		r->sample[i] = s->all.index[i];
		r->label[i] = s->all.label[i];
	}
	return OK;
}

/* Everything compressed; *held when that is all there is to do. */
static int compress_all(struct aware_search *s, bool *held, struct err *err)
{
	struct aware_result *r = s->r;
	int status = aware_judge(s, true, held, &r->compressed, err);
	if (status)
		return status;
	r->drop_compressed = aware_drop(s->o, r->original, r->compressed);
	aware_say(s, AWARE_COMPRESSED, -1, r->compressed, *held);
	return OK;
}

/* Does it hold with nothing compressed? Else there is nothing to search for. */
static int hopeless(struct aware_search *s, bool *out, struct err *err)
{
	bool held = true;
	double value = NAN;
	int n = s->c->ngroups, r = OK;
	*out = false;
	if (!s->c->changed)
		return OK;
	for (int k = 0; k < n; k++)
		s->r->way[k] = AWARE_KEPT;
	r = aware_judge(s, false, &held, &value, err);
	*out = !held;
	for (int k = 0; k < n; k++)
		s->r->way[k] = s->c->group[k].fixed ? AWARE_KEPT : 0;
	return stopped(s, r) ? OK : r;
}

int aware_search(struct graph *original, const struct compression *c, const struct aware_options *o,
    struct aware_result *out, struct err *err)
{
	struct aware_search s = {
	    .original = original, .c = c, .o = o, .r = out, .start = clock_seconds()};
	bool held = false, vain = false;
	s.until = o->seconds > 0 ? s.start + o->seconds : 0;
	int r = result_new(&s, err);
	r = r ? r : aware_open(&s, err);
	if (!r && !o->way) {
		r = compress_all(&s, &held, err);
		r = r || held ? r : hopeless(&s, &vain, err);
		r = r || held || vain ? r : search(&s, err);
	}
	r = r ? r : verify(&s, held, err);
	r = r ? r : result_samples(&s, err);
	out->seconds = clock_seconds() - s.start;
	aware_close(&s);
	return r;
}

void aware_free(struct aware_result *r)
{
	graph_free(r->graph);
	free(r->found);
	free(r->way);
	free(r->sample);
	free(r->label);
	free(r->before);
	free(r->after);
	*r = (struct aware_result){0};
}
