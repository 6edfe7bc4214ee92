/* NAME(round) and NAME(dots) of a row of seen_f32_rows, for the vectors of the including file's
 * instruction set. */
#include "kernels/seen_f32.h"
#include "kernels/vec_f32.h"

#ifndef NAME
#define NAME(what) seen_f32_##what##__ref
#endif

#define COLUMNS 4                /* that share the loads of errors */
#define WIDE (VEC == 16 ? 4 : 2) /* vectors of rows side by side */
#define DOUBLES 8

/* Adds to the sums of columns j.. the errors of columns [from, to), in order. */
INLINE void carry(const struct seen_round *r, const float *e, int j, int columns, int from, int to,
    vec s[COLUMNS][WIDE])
{
	const float *by = r->rt + (int64_t)j * r->n;
	for (int i = from; i < to; i++) {
#pragma GCC unroll 4
		for (int k = 0; k < WIDE; k++) {
			vec x = vec_load(e + (int64_t)i * SEEN_ROWS + k * VEC);
#pragma GCC unroll 4
			for (int c = 0; c < columns; c++)
				s[c][k] = vec_add(
				    s[c][k], vec_mul(vec_set1(by[(int64_t)c * r->n + i]), x));
		}
	}
}

/* Column j, sum being what those before it left. */
INLINE void settle(const struct seen_round *r, int j, int at, const vec *sum, vec *cost)
{
	vec most = vec_set1(r->most), least = vec_set1(-r->most), even = vec_set1(SEEN_EVEN);
	vec felt = vec_set1(r->diag[j]);
	for (int k = 0; k < WIDE; k++) {
		int64_t to = (int64_t)j * SEEN_ROWS + at + k * VEC;
		vec w = vec_load(r->w + to), q = vec_load(r->q + to);
		if (!r->given) {
			q = vec_clamp(vec_add(w, sum[k]), least, most);
			q = vec_sub(vec_add(q, even), even);
			vec_store(r->q + to, q);
		}
		vec e = vec_sub(w, q);
		vec_store(r->e + to, e);
		vec x = vec_mul(vec_add(sum[k], e), felt);
		cost[k] = vec_add(cost[k], vec_mul(x, x));
	}
}

/* Columns j.. of the rows from at on. */
INLINE void columns(const struct seen_round *r, int j, int n, int at, vec *cost)
{
	vec s[COLUMNS][WIDE];
	for (int c = 0; c < n; c++)
		for (int k = 0; k < WIDE; k++)
			s[c][k] = vec_zero();
	carry(r, r->e + at, j, n, 0, j, s);
	for (int c = 0; c < n; c++) {
		carry(r, r->e + at, j + c, 1, j, j + c, &s[c]);
		settle(r, j + c, at, s[c], cost);
	}
}

void NAME(round)(struct seen_round *r)
{
	for (int at = 0; at < SEEN_ROWS; at += WIDE * VEC) {
		vec cost[WIDE];
		int j = 0;
		for (int k = 0; k < WIDE; k++)
			cost[k] = vec_zero();
		for (; j + COLUMNS <= r->n; j += COLUMNS)
			columns(r, j, COLUMNS, at, cost);
		for (; j < r->n; j++)
			columns(r, j, 1, at, cost);
		for (int k = 0; k < WIDE; k++)
			vec_store(r->cost + at + k * VEC, cost[k]);
	}
}

typedef double doubles __attribute__((vector_size(DOUBLES * sizeof(double)), aligned(8)));

INLINE void dots_of(const double *a, int64_t ld, int rows, const double *b, int n, double *sum)
{
	doubles s[SEEN_DOTS][2] = {{{0}}};
	int i = 0;
	for (; i + 2 * DOUBLES <= n; i += 2 * DOUBLES)
#pragma GCC unroll 4
		for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
			for (int k = 0; k < 2; k++)
				s[r][k] += *(const doubles *)(a + r * ld + i + k * DOUBLES) *
					   *(const doubles *)(b + i + k * DOUBLES);
	for (int r = 0; r < rows; r++) {
		sum[r] = 0;
		for (int k = i; k < n; k++)
			sum[r] += a[r * ld + k] * b[k];
		s[r][0] += s[r][1];
		for (int k = 0; k < DOUBLES; k++)
			sum[r] += s[r][0][k];
	}
}

void NAME(dots)(const double *a, int64_t ld, int rows, const double *b, int n, double *sum)
{
	if (rows == SEEN_DOTS)
		dots_of(a, ld, SEEN_DOTS, b, n, sum);
	else
		for (int r = 0; r < rows; r++)
			dots_of(a + r * ld, ld, 1, b, n, sum + r);
}
