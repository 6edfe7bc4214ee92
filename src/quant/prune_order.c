/* In what order the filters of a group go: always the one that the next layers, refitted, miss
 * least. With the inverse H of the inputs' second moments and weights W, leaving out columns S
 * costs tr(W_S (H_SS)^-1 W_S'), and what is left takes over W_S (H_SS)^-1 H_S: (Hassibi and Stork's
 * surgeon, 1993, for whole channels as in Kurtic et al., ZipLM, 2023). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/prune_parts.h"

#define MOST_INVERSE 1300 /* of more columns only the diagonal is looked at */
#define DAMP 1e-4

/* A layer that reads the group. */
struct reader {
	const struct fit_layer *f;
	int64_t n; /* columns and the bias */
	double *h; /* inverse [n][n]; of many columns the diagonal of the moments [n] */
	bool diagonal;
	double
	    *w; /* [outs'][n]: what is left to make up for; outs' is outs times taps for centre */
	int64_t outs;
	double energy;   /* variance of the outputs, summed */
	int64_t *column; /* of each unit: [from[i], from[i + 1]) */
	int64_t *from;
};

static void reader_free(struct reader *r)
{
	free(r->h);
	free(r->w);
	free(r->column);
	free(r->from);
	*r = (struct reader){0};
}

/* ---- opening -----------------------------------------------------------------------------------
 */

static int find_columns(
    struct pruning *p, const struct fit_group *g, const int *place, struct reader *r)
{
	const struct value *w = prune_weight(&r->f->layer);
	int axis = r->f->layer.in[0];
	int64_t cols = r->f->rows.cols, taps = r->f->rows.centre ? 1 : r->f->rows.taps;
	r->from = calloc(g->units->n + 2, sizeof *r->from);
	r->column = calloc(cols + 1, sizeof *r->column);
	if (!r->from || !r->column)
		return -1;
	for (int round = 0; round < 2; round++) {
		for (int64_t c = 0; c < cols; c++) {
			int32_t x = unit_at(&p->u, w, axis, c / taps);
			int k = x < 0 ? -1 : place[x];
			if (k < 0)
				continue;
			if (round)
				r->column[r->from[k + 1]++] = c;
			else
				r->from[k + 2]++;
		}
		for (int i = 0; !round && i < g->units->n; i++)
			r->from[i + 2] += r->from[i + 1];
	}
	return r->from[g->units->n] > 0;
}

static int read_weights(struct reader *r)
{
	struct const_view v;
	const struct fit_rows *rows = &r->f->rows;
	int64_t taps = rows->centre ? rows->taps : 1;
	r->outs = rows->outs * taps;
	r->w = calloc((size_t)r->outs * (size_t)r->n + 1, sizeof *r->w);
	if (!r->w || const_open(prune_weight(&r->f->layer), &v, NULL))
		return -1;
	const float *from = v.t.data;
	for (int64_t o = 0; o < rows->outs; o++)
		for (int64_t c = 0; c < rows->cols; c++)
			for (int64_t t = 0; t < taps; t++)
				r->w[(o * taps + t) * r->n + c] =
				    taps > 1 ? from[(o * rows->cols + c) * taps + t]
					     : from[fit_rows_weight(rows, o, c)];
	const_close(&v);
	return 0;
}

/* The variance of the outputs: W (H - mean mean') W'. */
static double energy_of(const struct reader *r)
{
	const double *xx = r->f->gram.xx;
	int64_t n = r->n, cols = n - 1;
	double sum = 0, rows = xx[n * n - 1];
	for (int64_t o = 0; o < r->outs; o++) {
		const double *w = r->w + o * n;
		double mean = 0, all = 0;
		for (int64_t i = 0; i < cols; i++) {
			double s = 0;
			for (int64_t j = 0; j < i; j++)
				s += w[j] * xx[i * n + j];
			all += w[i] * (2 * s + w[i] * xx[i * n + i]);
			mean += w[i] * xx[cols * n + i];
		}
		sum += all - mean * mean / rows;
	}
	return sum > 0 ? sum : 0;
}

static int invert(struct reader *r)
{
	int64_t n = r->n;
	const double *xx = r->f->gram.xx;
	double mean = 0;
	r->diagonal = n > MOST_INVERSE;
	r->h = malloc((r->diagonal ? n : n * n) * sizeof *r->h);
	if (!r->h)
		return -1;
	for (int64_t i = 0; i < n - 1; i++)
		mean += xx[i * n + i] / (double)(n - 1);
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j <= i; j++) {
			double x = xx[i * n + j] + (i == j ? DAMP * mean + 1e-12 : 0);
			if (!r->diagonal)
				r->h[i * n + j] = r->h[j * n + i] = x;
			else if (i == j)
				r->h[i] = x;
		}
	return r->diagonal || fit_cholesky_inverse(r->h, n) ? 0 : -1;
}

/* 1: it reads the group; 0: not, or by groups of its own; -1 without memory, or of inputs that
 * cannot be inverted. */
static int reader_open(struct pruning *p, const struct fit_group *g, const int *place,
    const struct fit_layer *f, struct reader *r)
{
	*r = (struct reader){.f = f, .n = f->rows.cols + 1};
	int has = f->rows.groups > 1 ? 0 : find_columns(p, g, place, r);
	if (has <= 0)
		return has;
	if (read_weights(r) || invert(r))
		return -1;
	r->energy = energy_of(r);
	return 1;
}

/* ---- one unit ----------------------------------------------------------------------------------
 */

/* The inverse of H_SS in s [k][k]; k columns from c on. */
static bool corner(const struct reader *r, const int64_t *c, int64_t k, double *s)
{
	for (int64_t i = 0; i < k; i++)
		for (int64_t j = 0; j < k; j++)
			s[i * k + j] = r->h[c[i] * r->n + c[j]];
	return fit_cholesky_inverse(s, k);
}

static double cost(const struct reader *r, int unit, double *s)
{
	const int64_t *c = r->column + r->from[unit];
	int64_t k = r->from[unit + 1] - r->from[unit];
	double sum = 0;
	bool good = r->diagonal || corner(r, c, k, s);
	for (int64_t o = 0; good && o < r->outs; o++) {
		const double *w = r->w + o * r->n;
		for (int64_t i = 0; i < k; i++) {
			double x = 0;
			for (int64_t j = 0; !r->diagonal && j < k; j++)
				x += s[i * k + j] * w[c[j]];
			sum += w[c[i]] * (r->diagonal ? r->h[c[i]] * w[c[i]] : x);
		}
	}
	return r->energy > 0 ? sum / r->energy : 0;
}

/* The unit goes: the others take over, in the weights and in what is known of them. part and
 * column hold k rows of n. */
static void leave_out(struct reader *r, int unit, double *s, double *part, double *column)
{
	const int64_t *c = r->column + r->from[unit];
	int64_t k = r->from[unit + 1] - r->from[unit], n = r->n;
	bool good = !r->diagonal && k && corner(r, c, k, s);
	for (int64_t i = 0; good && i < k; i++) {
		memcpy(column + i * n, r->h + c[i] * n, n * sizeof *column);
		memset(part + i * n, 0, n * sizeof *part);
		for (int64_t m = 0; m < k; m++)
			for (int64_t j = 0; j < n; j++)
				part[i * n + j] += s[i * k + m] * r->h[c[m] * n + j];
	}
	for (int64_t o = 0; good && o < r->outs; o++) {
		double *w = r->w + o * n;
		for (int64_t i = 0; i < k; i++)
			s[i] = w[c[i]];
		for (int64_t i = 0; i < k; i++)
			for (int64_t j = 0; j < n; j++)
				w[j] -= s[i] * part[i * n + j];
	}
	for (int64_t i = 0; good && i < k; i++)
		for (int64_t a = 0; a < n; a++)
			for (int64_t j = 0; j < n; j++)
				r->h[a * n + j] -= column[i * n + a] * part[i * n + j];
	for (int64_t i = 0; i < k; i++) {
		for (int64_t o = 0; o < r->outs; o++)
			r->w[o * n + c[i]] = 0;
		for (int64_t j = 0; good && j < n; j++)
			r->h[c[i] * n + j] = r->h[j * n + c[i]] = 0;
	}
}

/* ---- the group ---------------------------------------------------------------------------------
 */

struct work {
	struct reader *reader;
	int n;
	double *corner, *part, *column;
};

static void work_free(struct work *w)
{
	for (int i = 0; i < w->n; i++)
		reader_free(&w->reader[i]);
	free(w->reader);
	free(w->corner);
	free(w->part);
	free(w->column);
}

static int work_open(
    struct pruning *p, const struct fit_group *g, const int *place, struct work *w, struct err *err)
{
	int64_t most = 1, wide = 1;
	*w = (struct work){.reader = calloc(p->nlayers + 1, sizeof *w->reader)};
	if (!w->reader)
		return fail_nomem(err);
	for (int i = 0; i < p->nlayers; i++) {
		struct reader *r = &w->reader[w->n];
		int has = reader_open(p, g, place, &p->layer[i], r);
		w->n += has > 0;
		if (has <= 0)
			reader_free(r);
		for (int k = 0; has > 0 && k < g->units->n; k++)
			if (r->from[k + 1] - r->from[k] > most)
				most = r->from[k + 1] - r->from[k];
		if (has > 0 && r->n > wide)
			wide = r->n;
	}
	w->corner = malloc((size_t)(most * most) * sizeof *w->corner);
	w->part = malloc((size_t)(most * wide) * sizeof *w->part);
	w->column = malloc((size_t)(most * wide) * sizeof *w->column);
	return w->corner && w->part && w->column ? OK : fail_nomem(err);
}

/* Without readers that can be looked into: by the weights. */
static void order_by_score(const struct fit_group *g, const double *score, bool *went, int from)
{
	double all = 0;
	for (int i = 0; i < g->units->n; i++)
		all += score[g->units->unit[i]];
	for (int k = from; k < g->units->n; k++) {
		int best = -1;
		for (int i = 0; i < g->units->n; i++)
			if (!went[i] &&
			    (best < 0 || score[g->units->unit[i]] < score[g->units->unit[best]]))
				best = i;
		went[best] = true;
		g->order[k] = best;
		g->error[k + 1] = g->error[k] + (all > 0 ? score[g->units->unit[best]] / all : 1);
	}
}

static void order_by_readers(
    struct work *w, const struct fit_group *g, const double *score, bool *went)
{
	for (int k = 0; k < g->units->n; k++) {
		int best = -1;
		double least = 0, value = 0;
		for (int i = 0; i < g->units->n; i++) {
			double c = 0, by;
			for (int j = 0; !went[i] && j < w->n; j++)
				c += cost(&w->reader[j], i, w->corner);
			by = score ? score[g->units->unit[i]] : c;
			if (!went[i] && (best < 0 || by < least)) {
				best = i;
				least = by;
				value = c;
			}
		}
		went[best] = true;
		g->order[k] = best;
		g->error[k + 1] = g->error[k] + value;
		for (int j = 0; j < w->n; j++)
			leave_out(&w->reader[j], best, w->corner, w->part, w->column);
	}
}

static int order_group(
    struct pruning *p, struct fit_group *g, const int *place, const double *score, struct err *err)
{
	struct work w = {0};
	bool *went = calloc(g->units->n + 1, sizeof *went);
	int e = went ? work_open(p, g, place, &w, err) : fail_nomem(err);
	if (!e && w.n)
		order_by_readers(&w, g, p->o.criterion == PRUNING_ACTIVATION ? NULL : score, went);
	else if (!e)
		order_by_score(g, score, went, 0);
	if (went)
		work_free(&w);
	free(went);
	return e;
}

int fit_order(struct pruning *p, struct err *err)
{
	static const enum prune_criterion by[] = {PRUNE_L1, PRUNE_L2, PRUNE_MEDIAN, PRUNE_L2};
	int *place = malloc((p->u.nlabels + 1) * sizeof *place);
	double *score = malloc((p->u.nlabels + 1) * sizeof *score);
	int e = place && score ? prune_score(&p->u, &p->groups, by[p->o.criterion], score, err)
			       : fail_nomem(err);
	for (int32_t i = 0; !e && i < p->u.nlabels; i++)
		place[i] = -1;
	for (int k = 0; !e && k < p->groups.ngroups; k++) {
		struct fit_group *g = &p->group[k];
		for (int i = 0; i < g->units->n; i++)
			place[g->units->unit[i]] = i;
		e = order_group(p, g, place, score, err);
		for (int i = 0; i < g->units->n; i++)
			place[g->units->unit[i]] = -1;
		if (p->o.step)
			p->o.step(p->o.user, "ranking filters", k + 1, p->groups.ngroups);
	}
	free(place);
	free(score);
	return e;
}
