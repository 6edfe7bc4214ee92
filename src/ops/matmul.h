/* Matrix products with exact strides, in double and a fixed order: what MatMul, Einsum and
 * attention are made of. */
#ifndef OPS_MATMUL_H
#define OPS_MATMUL_H

#include "ops/op.h"

/* y[m][n] = sum over k of a[m][k] * b[k][n], from elements a_at, b_at, y_at on. One of a's two
 * strides is 1 or the dim is 1, and the same for b; y is contiguous. */
struct product {
	int64_t m, n, k;
	const struct tensor *a, *b;
	struct tensor *y;
	int64_t a_at, a_m, a_k;
	int64_t b_at, b_k, b_n;
	int64_t y_at;
	double *panel; /* PRODUCT_PANEL(k) doubles of scratch */
};
#define PRODUCT_ROWS 32
#define PRODUCT_COLS 64
#define PRODUCT_PANEL(k) ((k) * (PRODUCT_ROWS + PRODUCT_COLS))

/* Sums over k in ascending order in double, rounded once; integers are exact below 2^53 and wider
 * ones wrap in 64 bits. */
void product_run(const struct product *p);

/* x = exp(x - max x) in place; returns the sum, by which the caller divides. wide: to the accuracy
 * of double, else to that of float. */
double softmax_line(double *x, int64_t n, bool wide);

#endif
