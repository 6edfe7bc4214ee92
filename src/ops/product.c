/* Matrix products in double over panels of a and b. */
#include <string.h>

#include "ops/elem.h"
#include "ops/matmul.h"

/* panel[i][j] for rows i of stride si and columns j of stride sj, with room for width columns. */
static void load_panel(double *panel, int64_t width, const struct tensor *t, int64_t at,
    int64_t rows, int64_t si, int64_t cols, int64_t sj)
{
	double line[SPAN];
	if (sj == 1 || cols == 1) {
		for (int64_t i = 0; i < rows; i++)
			span_f64(panel + i * width, t, at + i * si, cols);
		return;
	}
	for (int64_t j = 0; j < cols; j++)
		for (int64_t i = 0; i < rows; i += SPAN) {
			int64_t n = rows - i < SPAN ? rows - i : SPAN;
			if (si == 1 || n == 1)
				span_f64(line, t, at + j * sj + i * si, n);
			else
				for (int64_t q = 0; q < n; q++)
					span_f64(line + q, t, at + j * sj + (i + q) * si, 1);
			for (int64_t q = 0; q < n; q++)
				panel[(i + q) * width + j] = line[q];
		}
}

#define TILE 8

/* sum[j] = sum over k of a[k] * b[k][j]; b's rows are PRODUCT_COLS apart. */
static VECTOR void dot_tile(
    double *restrict sum, const double *restrict a, const double *restrict b, int64_t k)
{
	double c[TILE] = {0};
	for (int64_t i = 0; i < k; i++)
		for (int j = 0; j < TILE; j++)
			c[j] += a[i] * b[i * PRODUCT_COLS + j];
	memcpy(sum, c, sizeof c);
}

static void product_f64(const struct product *p)
{
	double *a = p->panel, *b = p->panel + PRODUCT_ROWS * p->k, row[PRODUCT_COLS];
	for (int64_t n = 0; n < p->n; n += PRODUCT_COLS) {
		int64_t cols = p->n - n < PRODUCT_COLS ? p->n - n : PRODUCT_COLS;
		load_panel(b, PRODUCT_COLS, p->b, p->b_at + n * p->b_n, p->k, p->b_k, cols, p->b_n);
		for (int64_t m = 0; m < p->m; m += PRODUCT_ROWS) {
			int64_t rows = p->m - m < PRODUCT_ROWS ? p->m - m : PRODUCT_ROWS;
			load_panel(a, p->k, p->a, p->a_at + m * p->a_m, rows, p->a_m, p->k, p->a_k);
			for (int64_t i = 0; i < rows; i++) {
				for (int64_t j = 0; j < cols; j += TILE)
					dot_tile(row + j, a + i * p->k, b + j, p->k);
				span_put_f64(p->y, p->y_at + (m + i) * p->n + n, cols, row);
			}
		}
	}
}

static void product_i64(const struct product *p)
{
	for (int64_t m = 0; m < p->m; m++)
		for (int64_t n = 0; n < p->n; n++) {
			uint64_t sum = 0;
			for (int64_t k = 0; k < p->k; k++)
				sum += (uint64_t)tensor_i64(
					   p->a, p->a_at + m * p->a_m + k * p->a_k) *
				       (uint64_t)tensor_i64(
					   p->b, p->b_at + k * p->b_k + n * p->b_n);
			int64_t v = (int64_t)sum;
			span_put_i64(p->y, p->y_at + m * p->n + n, 1, &v);
		}
}

void product_run(const struct product *p)
{
	if (type_whole(p->y->type))
		product_i64(p);
	else
		product_f64(p);
}
