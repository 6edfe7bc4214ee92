/* Exponentials of whole spans in double, for results of 32 bits or fewer: loops without branches
 * that the compiler vectorises, relative error below 2^-39. */
#ifndef OPS_VMATH_H
#define OPS_VMATH_H

#include <stdint.h>

/* All work in place on n values, follow IEEE for infinities and keep NaN. */
void vexp(double *v, int64_t n);
void vtanh(double *v, int64_t n);
void vsigmoid(double *v, int64_t n);
void verf(double *v, int64_t n);
/* v = exp(v - max); returns the sum in order. */
double vexp_sum(double *v, int64_t n, double max);

#endif
