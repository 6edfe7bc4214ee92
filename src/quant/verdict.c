/* What a change costs: drop with its interval, the samples that flipped, the worst groups. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/verdict.h"

#define MOST_FAR 20
#define SEED 20260101 /* of the bootstrap */
#define ROUNDING 1e-9 /* 0.61 - 0.60 is not above a limit of 0.01 */

/* The samples that count, packed: at first in their order, then by group. */
struct pairs {
	int64_t n;
	enum metric m;
	struct answer *original, *result;
	int64_t *label; /* NULL: none */
	struct member {
		int64_t group, sample; /* group -1: none */
	} * member;
};

static void pairs_free(struct pairs *p)
{
	free(p->original);
	free(p->result);
	free(p->label);
	free(p->member);
}

static int64_t group_of(const struct verdict_input *in, int64_t i)
{
	if (in->groups)
		return in->groups->of[i];
	return in->label ? in->label[i] : -1;
}

/* Packs sample i of the input; puts it over the member that named it, when sorted anew. */
static void pairs_put(struct pairs *p, const struct verdict_input *in, int64_t i)
{
	p->original[p->n] = in->original[i];
	p->result[p->n] = in->result[i];
	if (p->label)
		p->label[p->n] = in->label[i];
	p->member[p->n++] = (struct member){group_of(in, i), i};
}

static int pairs_make(struct pairs *p, const struct verdict_input *in, struct err *err)
{
	p->original = calloc(in->n + 1, sizeof *p->original);
	p->result = calloc(in->n + 1, sizeof *p->result);
	p->label = in->label ? calloc(in->n + 1, sizeof *p->label) : NULL;
	p->member = calloc(in->n + 1, sizeof *p->member);
	if (!p->original || !p->result || (in->label && !p->label) || !p->member)
		return fail_nomem(err);
	for (int64_t i = 0; i < in->n; i++)
		if (in->original[i].seen && in->result[i].seen)
			pairs_put(p, in, i);
	return OK;
}

/* ---- the drop over all samples ---- */

/* The drop as a limit counts it. */
static double share_of(bool relative, double drop, double original)
{
	if (!relative || drop == 0)
		return drop;
	return original != 0 ? drop / fabs(original) : drop > 0 ? INFINITY : -INFINITY;
}

static bool held(double drop, double limit)
{
	return isnan(limit) || drop <= limit + ROUNDING;
}

/* The original against itself is perfect, and need not be looked up. */
static double original_value(const struct pairs *p, const int32_t *weight)
{
	return metric_needs_original(p->m)
		   ? metric_perfect(p->m)
		   : metric_value(p->m, p->original, p->label, p->n, weight);
}

static double result_value(const struct pairs *p, const int32_t *weight)
{
	return metric_value(p->m, p->result, p->label, p->n, weight);
}

static double resampled_drop(void *user, const int32_t *weight)
{
	const struct pairs *p = user;
	return metric_drop(p->m, original_value(p, weight), result_value(p, weight));
}

static void judge_interval(struct verdict *v, struct pairs *p)
{
	v->interval = v->score_interval ? interval_paired(v->lost, v->gained, p->n, INTERVAL_Z)
					: interval_bootstrap(p->n, resampled_drop, p, SEED);
	if (v->relative) {
		v->interval.low = share_of(true, v->interval.low, v->original);
		v->interval.high = share_of(true, v->interval.high, v->original);
	}
}

static void judge_drop(struct verdict *v, const struct verdict_input *in, struct pairs *p)
{
	bool command = v->metric == METRIC_COMMAND;
	v->original = command ? in->command_original : original_value(p, NULL);
	v->result = command ? in->command_result : result_value(p, NULL);
	v->drop = share_of(
	    v->relative, metric_drop(v->metric, v->original, v->result), v->original);
	v->interval = (struct interval){NAN, NAN};
	if (!command)
		judge_interval(v, p);
	v->drop_held = held(v->drop, in->max_drop);
}

/* ---- samples ---- */

static bool hit(enum metric m, const struct answer *a)
{
	return a->rank >= 0 && a->rank < (m == METRIC_TOP5 ? 5 : 1);
}

static int find_flips(struct verdict *v, const struct pairs *p, struct err *err)
{
	v->flip = calloc(p->n + 1, sizeof *v->flip);
	if (!v->flip)
		return fail_nomem(err);
	for (int64_t i = 0; i < p->n; i++) {
		const struct answer *o = &p->original[i], *r = &p->result[i];
		int64_t sample = p->member[i].sample, label = p->label ? p->label[i] : -1;
		v->lost += hit(v->metric, o) && !hit(v->metric, r);
		v->gained += !hit(v->metric, o) && hit(v->metric, r);
		if (o->best != r->best)
			v->flip[v->nflips++] = (struct verdict_flip){
			    sample, label < 0 ? -1 : label, o->best, r->best};
		if (o->finite && !r->finite && !v->not_finite++)
			v->first_not_finite = sample;
	}
	return OK;
}

static int by_distance(const void *a, const void *b, void *user)
{
	const struct answer *r = user;
	int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
	if (r[i].nsr != r[j].nsr)
		return r[i].nsr < r[j].nsr ? 1 : -1;
	return (i > j) - (i < j);
}

static int find_far(struct verdict *v, const struct pairs *p, struct err *err)
{
	v->far = calloc(p->n + 1, sizeof *v->far);
	if (!v->far)
		return fail_nomem(err);
	for (int64_t i = 0; i < p->n; i++)
		if (p->result[i].nsr > 0)
			v->far[v->nfar++] = i;
	qsort_r(v->far, v->nfar, sizeof *v->far, by_distance, p->result);
	v->nfar = v->nfar < MOST_FAR ? v->nfar : MOST_FAR;
	for (int64_t i = 0; i < v->nfar; i++)
		v->far[i] = p->member[v->far[i]].sample;
	return OK;
}

/* ---- groups ---- */

static int by_group(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (x->sample > y->sample) - (x->sample < y->sample);
}

static int by_drop(const void *a, const void *b)
{
	const struct verdict_group *x = a, *y = b;
	double dx = isnan(x->drop) ? -INFINITY : x->drop;
	double dy = isnan(y->drop) ? -INFINITY : y->drop;
	if (dx != dy)
		return dx < dy ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

/* The F1 of one class among all samples: what its group means when groups are the labels. */
static double class_f1(const struct pairs *p, const struct answer *a, int64_t class)
{
	int64_t tp = 0, n = 0;
	for (int64_t i = 0; i < p->n; i++) {
		tp += p->label[i] == class && a[i].best == class;
		n += (p->label[i] == class) + (a[i].best == class);
	}
	return n ? 2. * tp / n : NAN;
}

/* The group of k samples from i on. */
static void judge_group(
    struct verdict *v, const struct pairs *p, int64_t i, int64_t k, struct verdict_group *g)
{
	struct pairs part = {.n = k,
	    .m = p->m,
	    .original = p->original + i,
	    .result = p->result + i,
	    .label = p->label ? p->label + i : NULL};
	*g = (struct verdict_group){.id = p->member[i].group, .samples = k};
	for (int64_t j = 0; j < k; j++)
		g->flips += part.original[j].best != part.result[j].best;
	if (p->m == METRIC_F1 && v->by_label) {
		g->original = class_f1(p, p->original, g->id);
		g->result = class_f1(p, p->result, g->id);
	} else {
		g->original = original_value(&part, NULL);
		g->result = result_value(&part, NULL);
	}
	g->drop = share_of(v->relative, metric_drop(p->m, g->original, g->result), g->original);
}

static int judge_groups(
    struct verdict *v, const struct verdict_input *in, struct pairs *p, struct err *err)
{
	int64_t n = p->n, distinct = 0;
	qsort(p->member, n, sizeof *p->member, by_group);
	for (p->n = 0; p->n < n;) {
		bool first = !p->n || p->member[p->n].group != p->member[p->n - 1].group;
		distinct += first && p->member[p->n].group >= 0;
		pairs_put(p, in, p->member[p->n].sample);
	}
	v->group = calloc(distinct + 1, sizeof *v->group);
	if (!v->group)
		return fail_nomem(err);
	for (int64_t i = 0, k; i < n; i += k) {
		for (k = 1; i + k < n && p->member[i + k].group == p->member[i].group;)
			k++;
		if (p->member[i].group >= 0)
			judge_group(v, p, i, k, &v->group[v->ngroups++]);
	}
	qsort(v->group, v->ngroups, sizeof *v->group, by_drop);
	v->groups_held = !v->ngroups || held(v->group[0].drop, in->max_group_drop);
	return OK;
}

/* ---- all of it ---- */

static int check(const struct verdict_input *in, int64_t samples, struct err *err)
{
	if (!samples)
		return fail(err, E_USAGE, "there is no sample to judge by");
	if (metric_needs_labels(in->metric) && !in->label)
		return fail(err, E_USAGE, "the metric %s needs labels", metric_name(in->metric));
	if (in->metric == METRIC_COMMAND &&
	    (isnan(in->command_original) || isnan(in->command_result)))
		return fail(err, E_USAGE, "the metric's program gave no number");
	return OK;
}

static enum metric group_metric(const struct verdict_input *in)
{
	if (in->metric != METRIC_COMMAND)
		return in->metric;
	return in->label ? METRIC_TOP1 : METRIC_COSINE;
}

int verdict_make(const struct verdict_input *in, struct verdict *out, struct err *err)
{
	struct verdict *v = out;
	struct pairs p = {.m = in->metric};
	*v = (struct verdict){.metric = in->metric,
	    .group_metric = group_metric(in),
	    .relative = in->relative && !metric_needs_original(in->metric),
	    .max_drop = in->max_drop,
	    .max_group_drop = in->max_group_drop,
	    .labelled = in->label != NULL,
	    .by_label = !in->groups,
	    .score_interval = in->metric == METRIC_TOP1 || in->metric == METRIC_TOP5,
	    .first_not_finite = -1};
	int r = pairs_make(&p, in, err);
	v->samples = p.n;
	r = r ? r : check(in, p.n, err);
	r = r ? r : find_flips(v, &p, err);
	r = r ? r : find_far(v, &p, err);
	if (!r) {
		judge_drop(v, in, &p);
		p.m = v->group_metric;
		r = judge_groups(v, in, &p, err);
	}
	v->ok = v->drop_held && v->groups_held && !v->not_finite;
	pairs_free(&p);
	if (r)
		verdict_free(v);
	return r;
}

void verdict_free(struct verdict *v)
{
	free(v->flip);
	free(v->far);
	free(v->group);
	v->flip = NULL;
	v->far = NULL;
	v->group = NULL;
}
