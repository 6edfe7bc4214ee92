/* Sums of products of rows, and least squares with them. */
#ifndef QUANT_FIT_GRAM_H
#define QUANT_FIT_GRAM_H

#include "base/status.h"
#include "base/threads.h"

#include <stdint.h>

/* xx [n][n] = sum of x x', yx [m][n] = sum of y x', over rows; the last number of x is 1. */
struct fit_gram {
	int64_t n, m, rows;
	double *xx, *yx; /* yx NULL when m is 0 */
};
int fit_gram_new(struct fit_gram *g, int64_t n, int64_t m, struct err *err);
void fit_gram_free(struct fit_gram *g);
/* rows of x, n - 1 numbers to which a 1 is added, and of y, m numbers: ldx and ldy apart. */
int fit_gram_add(struct fit_gram *g, struct pool *pool, int64_t rows, const float *x, int64_t ldx,
    const float *y, int64_t ldy, struct err *err);

/* a [n][n], symmetric and positive, becomes its lower Cholesky factor; false when it is not. */
bool fit_cholesky(double *a, int64_t n);
void fit_cholesky_solve(const double *l, int64_t n, double *b); /* b becomes the solution */
bool fit_cholesky_inverse(double *a, int64_t n); /* a becomes its inverse; false as fit_cholesky */

#endif
