/* Rounding of weights with the error carried on: with H = R R' of the inputs' products, R upper
 * triangular, the change of the outputs is |e R|^2 for errors e of the weights, which is least,
 * column by column, when each weight makes up for the columns before it. */
#include "quant/rounding.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "exec/seen.h"

#define DAMPING 0.01
#define TILE 16 /* rows side by side in a cache line */

struct column {
	float felt;
	int at;
};

struct solver {
	const struct rounding *r;
	struct column *order; /* by turn */
	double *l;            /* lower triangle of the factor of H in reverse order */
	float *rt;            /* R by columns: rt[j * n + i], i <= j, divided by R[j][j] */
	float *diag;          /* R[j][j] */
};

/* ---- the factor ---- */

static int most_felt_first(const void *a, const void *b)
{
	const struct column *x = a, *y = b;
	return x->felt != y->felt ? (x->felt < y->felt ? 1 : -1)
				  : (x->at > y->at) - (x->at < y->at);
}

static void set_order(struct solver *s)
{
	size_t n = (size_t)s->r->n;
	for (size_t i = 0; i < n; i++)
		s->order[i] = (struct column){s->r->second[i * (n + 1)], (int)i};
	qsort(s->order, n, sizeof *s->order, most_felt_first);
}

/* Column j of rows i.., which begin on or behind the diagonal; false when H is not positive. */
static bool factor_column(struct solver *s, int i, int rows, int j, double damping)
{
	int n = s->r->n, to = s->order[n - 1 - j].at;
	double sum[SEEN_DOTS], *lj = s->l + (size_t)j * (size_t)n;
	seen_dots(s->l + (size_t)i * (size_t)n, n, rows, lj, j, sum);
	for (int r = 0; r < rows; r++) {
		const float *h = s->r->second + (size_t)s->order[n - 1 - i - r].at * (size_t)n;
		double x = h[to] + (i + r == j ? damping : 0) - sum[r];
		if (i + r == j && !(x > 0))
			return false;
		s->l[(size_t)(i + r) * (size_t)n + (size_t)j] = i + r == j ? sqrt(x) : x / lj[j];
	}
	return true;
}

/* H in reverse order of turns = L L'; false when it is not positive. */
static bool factor(struct solver *s, double damping)
{
	int n = s->r->n;
	for (int i = 0; i < n; i += SEEN_DOTS) {
		int end = n - i < SEEN_DOTS ? n : i + SEEN_DOTS;
		for (int j = 0; j < end; j++) {
			int from = j > i ? j : i;
			if (!factor_column(s, from, end - from, j, damping))
				return false;
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

/* Rows from the first on, column by turn. */
struct group {
	int64_t first;
	int count; /* of SEEN_ROWS; the others are 0 */
	float *w, *given, *better;
};

/* Rows from k on, to the end of the tile. */
static void gather_tile(const struct solver *s, const struct group *g, int k)
{
	int64_t stride = s->r->stride, row = g->first + k;
	const float *w = s->r->w + row * stride, *scale = s->r->scale + row;
	const int8_t *q = s->r->q + row * stride;
	int n = g->count - k < TILE ? g->count - k : TILE;
	for (int j = 0; j < s->r->n; j++) {
		float *to = g->w + j * SEEN_ROWS + k, *given = g->given + j * SEEN_ROWS + k;
		int64_t at = s->order[j].at;
		for (int i = 0; i < n; i++, at += stride) {
			to[i] = w[at] / scale[i];
			given[i] = (float)q[at];
		}
	}
}

static void gather(const struct solver *s, const struct group *g)
{
	if (g->count < SEEN_ROWS)
		memset(g->w, 0, 2 * (size_t)s->r->n * SEEN_ROWS * sizeof *g->w); /* given, too */
	for (int k = 0; k < g->count; k += TILE)
		gather_tile(s, g, k);
}

/* Rows from k on, those of the tile that are better. */
static void put_tile(const struct solver *s, const struct group *g, int k, const bool *better)
{
	int8_t *row[TILE];
	int at[TILE], n = 0;
	for (int i = k; i < g->count && i < k + TILE; i++)
		if (better[i]) {
			row[n] = s->r->q + (g->first + i) * s->r->stride;
			at[n++] = i;
		}
	for (int j = 0; j < s->r->n; j++)
		for (int i = 0; i < n; i++)
			row[i][s->order[j].at] = (int8_t)g->better[j * SEEN_ROWS + at[i]];
}

static void keep_better(const struct solver *s, const struct group *g, const float *before,
    const float *after, struct rounding_gain *gain)
{
	bool better[SEEN_ROWS];
	for (int k = 0; k < g->count; k++) {
		double unit = (double)s->r->scale[g->first + k] * s->r->scale[g->first + k];
		better[k] = after[k] < before[k];
		gain->before += unit * before[k];
		gain->after += unit * (better[k] ? after[k] : before[k]);
	}
	for (int k = 0; k < g->count; k += TILE)
		put_tile(s, g, k, better);
}

static void solve_rows(const struct solver *s, float *room, struct rounding_gain *gain)
{
	size_t size = (size_t)s->r->n * SEEN_ROWS;
	struct group g = {.w = room, .given = room + size, .better = room + 2 * size};
	struct seen_round now = {.n = s->r->n, .rt = s->rt, .diag = s->diag, .w = g.w};
	now.most = (float)s->r->most;
	now.e = room + 3 * size;
	for (int64_t o = 0; o < s->r->out; o += SEEN_ROWS) {
		g.first = o;
		g.count = (int)(s->r->out - o < SEEN_ROWS ? s->r->out - o : SEEN_ROWS);
		gather(s, &g);
		struct seen_round was = now;
		was.given = true;
		was.q = g.given;
		now.q = g.better;
		seen_round(&was);
		seen_round(&now);
		keep_better(s, &g, was.cost, now.cost, gain);
	}
}

static double mean_diagonal(const struct rounding *r)
{
	double sum = 0;
	for (int i = 0; i < r->n; i++)
		sum += r->second[(size_t)i * (size_t)(r->n + 1)];
	return sum / r->n;
}

int rounding_solve(
    const struct rounding *r, struct room *room, struct rounding_gain *gain, struct err *err)
{
	size_t n = (size_t)r->n;
	double damping = DAMPING * mean_diagonal(r);
	struct solver s = {.r = r};
	*gain = (struct rounding_gain){0};
	if (!(damping > 0) || !isfinite(damping))
		return OK;
	size_t each = sizeof *s.l * n + sizeof *s.rt * (n + 4 * SEEN_ROWS + 1) + sizeof *s.order;
	s.l = room_of(room, n, each);
	if (!s.l)
		return fail_nomem(err);
	s.rt = (float *)(s.l + n * n);
	s.diag = s.rt + n * n;
	s.order = (struct column *)(s.diag + n);
	set_order(&s);
	if (factor(&s, damping)) {
		turn_factor(&s);
		solve_rows(&s, (float *)(s.order + n), gain);
	}
	return OK;
}
