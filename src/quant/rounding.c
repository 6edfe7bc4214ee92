/* Rounding of weights with the error carried on: with H = R R' of the inputs' products, R upper
 * triangular, the change of the outputs is |e R|^2 for errors e of the weights, which is least,
 * column by column, when each weight makes up for the columns before it. */
#include "quant/rounding.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "exec/seen.h"

#define LANES SEEN_CARRY /* rows rounded together */
#define DAMPING 0.01

struct solver {
	const struct rounding *r;
	int *order;  /* column by turn */
	double *l;   /* lower triangle of the factor of H in reverse order */
	float *rt;   /* R by columns: rt[j * n + i], i <= j, divided by R[j][j] */
	float *diag; /* R[j][j] */
};

/* ---- the factor ---- */

struct column {
	float felt;
	int at;
};

static int most_felt_first(const void *a, const void *b)
{
	const struct column *x = a, *y = b;
	return x->felt != y->felt ? (x->felt < y->felt ? 1 : -1)
				  : (x->at > y->at) - (x->at < y->at);
}

static bool set_order(struct solver *s)
{
	int n = s->r->n;
	struct column *c = malloc((size_t)n * sizeof *c);
	for (int i = 0; c && i < n; i++)
		c[i] = (struct column){s->r->second[(size_t)i * (size_t)n + (size_t)i], i};
	if (c)
		qsort(c, (size_t)n, sizeof *c, most_felt_first);
	for (int i = 0; c && i < n; i++)
		s->order[i] = c[i].at;
	free(c);
	return c;
}

/* Four sums side by side: the order is fixed, and they go through the processor together. */
static double dot(const double *a, const double *b, int n)
{
	double s[4] = {0};
	int i = 0;
	for (; i + 4 <= n; i += 4)
		for (int k = 0; k < 4; k++)
			s[k] += a[i + k] * b[i + k];
	for (; i < n; i++)
		s[0] += a[i] * b[i];
	return (s[0] + s[1]) + (s[2] + s[3]);
}

/* H in reverse order of turns = L L'; false when it is not positive. */
static bool factor(struct solver *s, double damping)
{
	int n = s->r->n;
	for (int i = 0; i < n; i++) {
		const float *h = s->r->second + (size_t)s->order[n - 1 - i] * (size_t)n;
		double *li = s->l + (size_t)i * (size_t)n;
		for (int j = 0; j <= i; j++) {
			const double *lj = s->l + (size_t)j * (size_t)n;
			double x = h[s->order[n - 1 - j]] + (i == j ? damping : 0) - dot(li, lj, j);
			if (i == j && !(x > 0))
				return false;
			li[j] = i == j ? sqrt(x) : x / lj[j];
		}
	}
	return true;
}

static void turn_factor(struct solver *s)
{
	int n = s->r->n;
	for (int j = 0; j < n; j++) {
		s->diag[j] = (float)s->l[(size_t)(n - 1 - j) * (size_t)(n + 1)];
		for (int i = 0; i < j; i++)
			s->rt[(size_t)j * (size_t)n + (size_t)i] =
			    (float)s->l[(size_t)(n - 1 - i) * (size_t)n + (size_t)(n - 1 - j)] /
			    s->diag[j];
	}
}

/* ---- rows ---- */

struct rows {
	int64_t first;
	int count;
	float (*e)[LANES]; /* errors by turn, in scales */
	double before[LANES], after[LANES];
	int8_t *q; /* [count][n] */
};

static void carried(const struct solver *s, int j, const struct rows *g, float *sum)
{
	seen_carry(s->rt + (size_t)j * (size_t)s->r->n, g->e[0], j, sum);
}

static float in_scales(const struct solver *s, const struct rows *g, int j, int k)
{
	int64_t o = g->first + k;
	return s->r->w[o * s->r->stride + s->order[j]] / s->r->scale[o];
}

/* What the rounding at hand changes. */
static void weigh(const struct solver *s, struct rows *g)
{
	float sum[LANES];
	for (int j = 0; j < s->r->n; j++) {
		carried(s, j, g, sum);
		for (int k = 0; k < g->count; k++) {
			int64_t at = (g->first + k) * s->r->stride + s->order[j];
			g->e[j][k] = in_scales(s, g, j, k) - (float)s->r->q[at];
			double x = ((double)sum[k] + g->e[j][k]) * s->diag[j];
			g->before[k] += x * x;
		}
	}
}

static void round_rows(const struct solver *s, struct rows *g)
{
	float sum[LANES], most = (float)s->r->most;
	for (int j = 0; j < s->r->n; j++) {
		carried(s, j, g, sum);
		for (int k = 0; k < g->count; k++) {
			float w = in_scales(s, g, j, k), q = nearbyintf(w + sum[k]);
			q = q > most ? most : q < -most ? -most : q;
			g->e[j][k] = w - q;
			double x = ((double)sum[k] + g->e[j][k]) * s->diag[j];
			g->after[k] += x * x;
			g->q[(size_t)k * (size_t)s->r->n + (size_t)s->order[j]] = (int8_t)q;
		}
	}
}

static void keep_better(const struct solver *s, struct rows *g, struct rounding_gain *gain)
{
	size_t n = (size_t)s->r->n;
	for (int k = 0; k < g->count; k++) {
		double unit = (double)s->r->scale[g->first + k] * s->r->scale[g->first + k];
		bool better = g->after[k] < g->before[k];
		if (better)
			memcpy(s->r->q + (g->first + k) * s->r->stride, g->q + (size_t)k * n, n);
		gain->before += unit * g->before[k];
		gain->after += unit * (better ? g->after[k] : g->before[k]);
	}
}

static int solve_rows(const struct solver *s, struct rounding_gain *gain, struct err *err)
{
	size_t n = (size_t)s->r->n;
	struct rows g = {.e = calloc(n, sizeof *g.e), .q = malloc(n * LANES)};
	bool ok = g.e && g.q;
	for (int64_t o = 0; ok && o < s->r->out; o += LANES) {
		g.first = o;
		g.count = (int)(s->r->out - o < LANES ? s->r->out - o : LANES);
		memset(g.before, 0, sizeof g.before);
		memset(g.after, 0, sizeof g.after);
		weigh(s, &g);
		round_rows(s, &g);
		keep_better(s, &g, gain);
	}
	free(g.e);
	free(g.q);
	return ok ? OK : fail_nomem(err);
}

static double mean_diagonal(const struct rounding *r)
{
	double sum = 0;
	for (int i = 0; i < r->n; i++)
		sum += r->second[(size_t)i * (size_t)(r->n + 1)];
	return sum / r->n;
}

int rounding_solve(const struct rounding *r, struct rounding_gain *gain, struct err *err)
{
	size_t n = (size_t)r->n;
	double damping = DAMPING * mean_diagonal(r);
	struct solver s = {.r = r};
	*gain = (struct rounding_gain){0};
	if (!(damping > 0) || !isfinite(damping))
		return OK;
	s.order = malloc(n * sizeof *s.order);
	s.l = malloc(n * n * sizeof *s.l);
	s.rt = malloc(n * n * sizeof *s.rt);
	s.diag = malloc(n * sizeof *s.diag);
	bool ok = s.order && s.l && s.rt && s.diag && set_order(&s);
	int status = ok ? OK : fail_nomem(err);
	if (ok && factor(&s, damping)) {
		turn_factor(&s);
		status = solve_rows(&s, gain, err);
	}
	free(s.order);
	free(s.l);
	free(s.rt);
	free(s.diag);
	return status;
}
