/* What calibration does to many floats at once, with the kernels that the processor has. */
#ifndef EXEC_SEEN_H
#define EXEC_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/seen_f32.h"

/* Widens [*low, *high] to n floats; false when one is not finite. */
bool seen_ends(const float *x, int64_t n, float *low, float *high);
/* The same for each of n columns of rows that are ld apart. */
bool seen_columns(const float *x, int64_t rows, int64_t ld, int64_t n, float *low, float *high);
/* What kernels see of results: nothing yet; and all of it, false when a float was not finite. */
void seen_open(struct seen_lanes *s);
bool seen_close(const struct seen_lanes *s, float *low, float *high);
/* Adds x to sum, puts it on the levels of a quantizer, and adds that to sum_q. */
void seen_levels(float *x, int64_t n, const struct seen_levels *l, float *sum, float *sum_q);
/* Rounds SEEN_ROWS rows of weights with their errors carried on, or weighs how they are rounded. */
void seen_round(struct seen_round *r);
/* Sums of products of at most SEEN_DOTS rows with b, the same on every machine. */
void seen_dots(const double *a, int64_t ld, int rows, const double *b, int n, double *sum);

#endif
