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
/* SEEN_CARRY sums of products: sum[k] = the sum over i of by[i] * e[i * SEEN_CARRY + k]. */
void seen_carry(const float *by, const float *e, int n, float *sum);

#endif
