/* How much filters matter, judged by their weights, and which are to go. */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "passes/prune.h"

#define SKETCH 64      /* numbers that stand for a filter where distances are taken */
#define LEAST_SHARE 10 /* of a group's filters one in so many stays when ranked over all layers */

/* Weights seen as [outer][count][inner] around one axis. */
struct view {
	struct tensor t;
	int64_t outer, count, inner;
};

static struct view view_of(const struct tensor *t, int axis)
{
	struct view w = {*t, 1, t->dim[axis], 1};
	for (int i = 0; i < axis; i++)
		w.outer *= t->dim[i];
	for (int i = axis + 1; i < t->rank; i++)
		w.inner *= t->dim[i];
	return w;
}

static double weight(const struct view *w, int64_t at)
{
	return w->t.type == DT_F32 ? ((const float *)w->t.data)[at] : tensor_f64(&w->t, at);
}

static void norms(const struct view *w, bool squares, double *norm)
{
	for (int64_t o = 0; o < w->outer; o++)
		for (int64_t i = 0; i < w->count; i++)
			for (int64_t k = 0; k < w->inner; k++) {
				double x = weight(w, (o * w->count + i) * w->inner + k);
				norm[i] += squares ? x * x : fabs(x);
			}
	for (int64_t i = 0; squares && i < w->count; i++)
		norm[i] = sqrt(norm[i]);
}

/* Each filter as a few sums with random signs: distances survive (Johnson and Lindenstrauss). */
static void sketch(const struct view *w, float *sum)
{
	uint64_t seed = 1;
	for (int64_t o = 0; o < w->outer; o++)
		for (int64_t k = 0; k < w->inner; k++) {
			uint64_t signs = rng_next(&seed);
			for (int64_t i = 0; i < w->count; i++) {
				float x = (float)weight(w, (o * w->count + i) * w->inner + k);
				for (int s = 0; s < SKETCH; s++)
					sum[i * SKETCH + s] += signs >> s & 1 ? x : -x;
			}
		}
}

/* The sum of distances to the other filters: those near the geometric median can be replaced by
 * the others (He et al., "Filter pruning via geometric median", 2019). */
static int distances(const struct view *w, double *norm, struct err *err)
{
	float *sum = calloc(w->count * SKETCH + 1, sizeof *sum);
	if (!sum)
		return fail_nomem(err);
	sketch(w, sum);
	for (int64_t i = 0; i < w->count; i++)
		for (int64_t j = 0; j < w->count; j++) {
			float d2 = 0;
			for (int s = 0; s < SKETCH; s++) {
				float d = sum[i * SKETCH + s] - sum[j * SKETCH + s];
				d2 += d * d;
			}
			norm[i] += sqrt(d2);
		}
	free(sum);
	return OK;
}

static int score_axis(struct units *u, const struct prune_layer *l, int axis,
    const struct tensor *t, enum prune_criterion by, double *score, struct err *err)
{
	struct view w = view_of(t, axis);
	const struct value *v = prune_weight(l);
	double *norm = calloc(w.count + 1, sizeof *norm), mean = 0;
	int e = norm ? OK : fail_nomem(err);
	if (!e && by == PRUNE_MEDIAN)
		e = distances(&w, norm, err);
	else if (!e)
		norms(&w, by == PRUNE_L2, norm);
	for (int64_t i = 0; !e && i < w.count; i++)
		mean += norm[i] / w.count;
	for (int64_t i = 0; !e && i < w.count; i++)
		score[unit_at(u, v, axis, i)] += mean > 0 ? norm[i] / mean : 1;
	free(norm);
	return e;
}

static int score_layer(struct units *u, const struct prune_layer *l, enum prune_criterion by,
    double *score, struct err *err)
{
	struct const_view w;
	const struct value *v = prune_weight(l);
	bool any = false;
	for (int k = 0; k < 2; k++)
		any = any || (l->out[k] >= 0 && unit_free_axis(u, v, l->out[k]));
	if (!any)
		return OK;
	int e = prune_content(v, &w, err);
	if (e)
		return e;
	for (int k = 0; !e && k < 2; k++)
		if (l->out[k] >= 0 && unit_free_axis(u, v, l->out[k]))
			e = score_axis(u, l, l->out[k], &w.t, by, score, err);
	const_close(&w);
	return e;
}

int prune_score(struct units *u, const struct prune_groups *g, enum prune_criterion by,
    double *score, struct err *err)
{
	for (int32_t i = 0; i < u->nlabels; i++)
		score[i] = 0;
	for (int i = 0; i < g->nlayers; i++) {
		int e = score_layer(u, &g->layer[i], by, score, err);
		if (e)
			return err_in(err, "node '%s'", g->layer[i].node->name);
	}
	return OK;
}

/* ---- the choice --------------------------------------------------------------------------------
 */

/* How many of n units to keep of a wanted number: a multiple of step, or n, when that is asked. */
static int kept_of(int n, double wanted, int step, bool exact)
{
	if (exact || n <= step) {
		int k = (int)floor(wanted + 0.5);
		return !exact || k > n ? n : k < 1 ? 1 : k;
	}
	int below = (int)(wanted / step) * step, above = below + step;
	above = above > n ? n : above;
	if (below < step)
		return wanted < step ? step : above;
	return wanted - below < above - wanted ? below : above;
}

struct ranked {
	double score;
	int32_t unit;
};

static int by_score(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->score != y->score)
		return x->score < y->score ? -1 : 1;
	return (x->unit > y->unit) - (x->unit < y->unit);
}

/* The group's units, least first, by scores over their mean. */
static void rank(const struct prune_group *p, const double *score, struct ranked *r)
{
	double mean = 0;
	for (int i = 0; i < p->n; i++)
		mean += score[p->unit[i]] / p->n;
	for (int i = 0; i < p->n; i++)
		r[i] = (struct ranked){mean > 0 ? score[p->unit[i]] / mean : 1, p->unit[i]};
	qsort(r, p->n, sizeof *r, by_score);
}

/* The score below which the share of all units lies. */
static int threshold(
    const struct prune_groups *g, double share, const double *score, double *at, struct err *err)
{
	int64_t n = 0, k = 0;
	for (int i = 0; i < g->ngroups; i++)
		n += g->group[i].n;
	struct ranked *all = calloc(n + 1, sizeof *all);
	if (!all)
		return fail_nomem(err);
	for (int i = 0; i < g->ngroups; i++) {
		rank(&g->group[i], score, all + k);
		k += g->group[i].n;
	}
	qsort(all, n, sizeof *all, by_score);
	k = (int64_t)floor(share * (double)n + 0.5);
	*at = k < n ? all[k].score : HUGE_VAL;
	free(all);
	return OK;
}

static int choose_in(const struct prune_group *p, const struct prune_options *o, double limit,
    const double *score, bool *gone, struct err *err)
{
	struct ranked *r = calloc(p->n + 1, sizeof *r);
	double wanted = (1 - o->ratio) * p->n;
	if (!r)
		return fail_nomem(err);
	rank(p, score, r);
	if (o->global) {
		int below = 0;
		while (below < p->n && r[below].score < limit)
			below++;
		wanted = fmax(p->n - below, (double)p->n / LEAST_SHARE);
	}
	int go = p->n - kept_of(p->n, wanted, p->step, o->exact_ratio);
	for (int i = 0; i < go; i++)
		gone[r[i].unit] = true;
	free(r);
	return go;
}

int prune_choose(struct units *u, const struct prune_groups *g, const struct prune_options *o,
    const double *score, bool *gone, struct err *err)
{
	double limit = 0;
	int e = o->global ? threshold(g, o->ratio, score, &limit, err) : OK, total = 0;
	for (int32_t i = 0; i < u->nlabels; i++)
		gone[i] = false;
	for (int i = 0; !e && i < g->ngroups; i++) {
		int go = choose_in(&g->group[i], o, limit, score, gone, err);
		e = go < 0 ? go : OK;
		total += go;
	}
	return e ? e : total;
}
