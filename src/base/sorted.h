/* Numbers in order. */
#ifndef BASE_SORTED_H
#define BASE_SORTED_H

#include <stdlib.h>

/* For qsort: doubles, the smallest first; none may be a NaN. */
static inline int ascending_f64(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Sorts v and gives the number in the middle, or the mean of the two there; 0 of none. */
static inline double median_f64(double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, ascending_f64);
	return n ? (v[(n - 1) / 2] + v[n / 2]) / 2 : 0;
}

#endif
