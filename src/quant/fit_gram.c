/* Sums of products of rows, by blocks of single precision summed up in double; Cholesky. */
#include "quant/fit_gram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 8
#define TILE 4 /* columns that share a load */

typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

int fit_gram_new(struct fit_gram *g, int64_t n, int64_t m, struct err *err)
{
	*g = (struct fit_gram){.n = n, .m = m};
	g->xx = calloc((size_t)n * (size_t)n, sizeof *g->xx);
	g->yx = m ? calloc((size_t)m * (size_t)n, sizeof *g->yx) : NULL;
	return g->xx && (!m || g->yx) ? OK : fail_nomem(err);
}

void fit_gram_free(struct fit_gram *g)
{
	free(g->xx);
	free(g->yx);
	*g = (struct fit_gram){0};
}

static float sum_of(const lanes *v)
{
	float s = 0;
	for (int i = 0; i < LANES; i++)
		s += (*v)[i];
	return s;
}

/* One block of rows, turned so that the numbers of a column lie side by side. */
struct block {
	struct fit_gram *g;
	int64_t len;        /* rows, filled up with zeros to whole lanes */
	const float *x, *y; /* [n][len], [m][len] */
};

static void row_of(const float *a, const float *b, int64_t count, int64_t len, double *out)
{
	int64_t j = 0;
	for (; j + TILE <= count; j += TILE) {
		const float *c = b + j * len;
		lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
		for (int64_t k = 0; k < len; k += LANES) {
			lanes v = *(const lanes *)(a + k);
			s0 += v * *(const lanes *)(c + k);
			s1 += v * *(const lanes *)(c + len + k);
			s2 += v * *(const lanes *)(c + 2 * len + k);
			s3 += v * *(const lanes *)(c + 3 * len + k);
		}
		out[j] += sum_of(&s0);
		out[j + 1] += sum_of(&s1);
		out[j + 2] += sum_of(&s2);
		out[j + 3] += sum_of(&s3);
	}
	for (; j < count; j++) {
		lanes s = {0};
		for (int64_t k = 0; k < len; k += LANES)
			s += *(const lanes *)(a + k) * *(const lanes *)(b + j * len + k);
		out[j] += sum_of(&s);
	}
}

/* Row i of xx up to the diagonal, then those of yx. */
static void add_row(void *ctx, int task, int worker)
{
	struct block *b = ctx;
	struct fit_gram *g = b->g;
	(void)worker;
	if (task < g->n)
		row_of(b->x + task * b->len, b->x, task + 1, b->len, g->xx + task * g->n);
	else
		row_of(b->y + (task - g->n) * b->len, b->x, g->n, b->len,
		    g->yx + (task - g->n) * g->n);
}

int fit_gram_add(struct fit_gram *g, struct pool *pool, int64_t rows, const float *x, int64_t ldx,
    const float *y, int64_t ldy, struct err *err)
{
	int64_t len = (rows + LANES - 1) / LANES * LANES, cols = g->n - 1;
	float *all = calloc((size_t)(g->n + g->m) * (size_t)len + 1, sizeof *all);
	if (!all)
		return fail_nomem(err);
	float *ty = all + g->n * len;
	for (int64_t k = 0; k < rows; k++) {
		for (int64_t i = 0; i < cols; i++)
			all[i * len + k] = x[k * ldx + i];
		all[cols * len + k] = 1;
		for (int64_t i = 0; i < g->m; i++)
			ty[i * len + k] = y[k * ldy + i];
	}
	struct block b = {g, len, all, ty};
	pool_run(pool, (int)(g->n + g->m), add_row, &b);
	g->rows += rows;
	free(all);
	return OK;
}

bool fit_cholesky(double *a, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j <= i; j++) {
			double s = a[i * n + j];
			const double *p = a + i * n, *q = a + j * n;
			for (int64_t k = 0; k < j; k++)
				s -= p[k] * q[k];
			if (i == j && !(s > 0 && isfinite(s)))
				return false;
			a[i * n + j] = i == j ? sqrt(s) : s / a[j * n + j];
		}
	return true;
}

void fit_cholesky_solve(const double *l, int64_t n, double *b)
{
	for (int64_t i = 0; i < n; i++) {
		for (int64_t k = 0; k < i; k++)
			b[i] -= l[i * n + k] * b[k];
		b[i] /= l[i * n + i];
	}
	for (int64_t i = n - 1; i >= 0; i--) {
		b[i] /= l[i * n + i];
		for (int64_t k = 0; k < i; k++)
			b[k] -= l[i * n + k] * b[i];
	}
}

bool fit_cholesky_inverse(double *a, int64_t n)
{
	double *l = malloc((size_t)n * (size_t)n * sizeof *l);
	if (!l)
		return false;
	memcpy(l, a, (size_t)n * (size_t)n * sizeof *l);
	bool good = fit_cholesky(l, n);
	for (int64_t i = 0; good && i < n; i++) {
		memset(a + i * n, 0, (size_t)n * sizeof *a);
		a[i * n + i] = 1;
		fit_cholesky_solve(l, n, a + i * n);
	}
	free(l);
	return good;
}
