/* The ridge that serves samples best which it was not fitted to, then the solution by all. */
#include "quant/fit_blocks.h"

#include <stdlib.h>
#include <string.h>

#define HELD_OUT 4     /* one sample of so many */
#define MOST_JUDGED 64 /* outputs of a layer that a ridge is judged by */
#define RIDGE 0.1      /* where no sample is held out */

static const double ridges[] = {1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001};

int fit_blocks_new(
    struct fit_blocks *b, int64_t groups, int64_t cols, int64_t outs, struct err *err)
{
	*b = (struct fit_blocks){.groups = groups, .cols = cols, .outs = outs};
	b->seen = calloc((size_t)groups + 1, sizeof *b->seen);
	b->held = calloc((size_t)groups + 1, sizeof *b->held);
	int e = b->seen && b->held ? OK : fail_nomem(err);
	for (int64_t g = 0; !e && g < groups; g++) {
		e = fit_gram_new(&b->seen[g], cols / groups + 1, outs / groups, err);
		e = e ? e : fit_gram_new(&b->held[g], cols / groups + 1, outs / groups, err);
	}
	return e;
}

void fit_blocks_free(struct fit_blocks *b)
{
	for (int64_t g = 0; b->seen && b->held && g < b->groups; g++) {
		fit_gram_free(&b->seen[g]);
		fit_gram_free(&b->held[g]);
	}
	free(b->seen);
	free(b->held);
	*b = (struct fit_blocks){0};
}

int fit_blocks_add(struct fit_blocks *b, struct pool *pool, int64_t sample, int64_t rows,
    const float *x, const float *y, struct err *err)
{
	struct fit_gram *to = sample % HELD_OUT == HELD_OUT - 1 ? b->held : b->seen;
	int64_t cols = b->cols / b->groups, outs = b->outs / b->groups;
	int e = OK;
	for (int64_t g = 0; !e && g < b->groups; g++)
		e = fit_gram_add(&to[g], b->groups > 1 ? NULL : pool, rows, x + g * cols, b->cols,
		    y + g * outs, b->outs, err);
	return e;
}

/* The upper half becomes the lower one's mirror; the ridge goes onto all but the bias. */
static bool factor(const struct fit_gram *g, double ridge, double *to)
{
	int64_t n = g->n;
	double mean = 0;
	for (int64_t i = 0; i < n - 1; i++)
		mean += g->xx[i * n + i] / (double)(n - 1);
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j <= i; j++)
			to[i * n + j] = to[j * n + i] = g->xx[i * n + j];
	for (int64_t i = 0; i < n - 1; i++)
		to[i * n + i] += ridge * mean + 1e-12;
	return fit_cholesky(to, n);
}

/* What the squared error of output o changes by when x goes on top. */
static double change_of(const struct fit_gram *g, int64_t o, const double *x)
{
	double sum = 0;
	for (int64_t i = 0; i < g->n; i++) {
		double s = 0;
		for (int64_t j = 0; j < i; j++)
			s += g->xx[i * g->n + j] * x[j];
		sum += x[i] * (2 * s + g->xx[i * g->n + i] * x[i] - 2 * g->yx[o * g->n + i]);
	}
	return sum;
}

/* The held-out samples' change of error, of some outputs of all groups. l [n][n], x [n]. */
static bool judge(const struct fit_blocks *b, double ridge, double *l, double *x, double *change)
{
	int64_t each = (b->outs + MOST_JUDGED - 1) / MOST_JUDGED, next = 0, done = 0;
	*change = 0;
	for (int64_t g = 0; g < b->groups; g++) {
		const struct fit_gram *s = &b->seen[g];
		if (next < done + s->m && !factor(s, ridge, l))
			return false;
		for (; next < done + s->m; next += each) {
			memcpy(x, s->yx + (next - done) * s->n, (size_t)s->n * sizeof *x);
			fit_cholesky_solve(l, s->n, x);
			*change += change_of(&b->held[g], next - done, x);
		}
		done += s->m;
	}
	return true;
}

static double choose(const struct fit_blocks *b, double *l, double *x)
{
	double best = 0, least = 0, change;
	if (!b->held[0].rows)
		return RIDGE;
	for (size_t i = 0; i < sizeof ridges / sizeof *ridges; i++)
		if (judge(b, ridges[i], l, x, &change) && change < least) {
			least = change;
			best = ridges[i];
		}
	return best;
}

static void join(struct fit_gram *a, const struct fit_gram *b)
{
	for (int64_t i = 0; i < a->n * a->n; i++)
		a->xx[i] += b->xx[i];
	for (int64_t i = 0; i < a->m * a->n; i++)
		a->yx[i] += b->yx[i];
	a->rows += b->rows;
}

int fit_blocks_solve(struct fit_blocks *b, double *ridge, struct err *err)
{
	int64_t n = b->cols / b->groups + 1;
	double *l = malloc((size_t)(n * n + n) * sizeof *l);
	if (!l)
		return fail_nomem(err);
	if (!(*ridge > 0))
		*ridge = choose(b, l, l + n * n);
	for (int64_t g = 0; g < b->groups; g++) {
		struct fit_gram *s = &b->seen[g];
		join(s, &b->held[g]);
		bool good = *ridge > 0 && s->rows && factor(s, *ridge, l);
		for (int64_t o = 0; o < s->m; o++)
			if (good)
				fit_cholesky_solve(l, n, s->yx + o * n);
			else
				memset(s->yx + o * n, 0, (size_t)n * sizeof *s->yx);
	}
	free(l);
	return OK;
}
