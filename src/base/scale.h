/* Floats times factors, each product taken in double and rounded once. */
#ifndef BASE_SCALE_H
#define BASE_SCALE_H

#include <stddef.h>

/* dst = src * s for n floats. Neither need be aligned; they don't overlap. */
void scale_all(void *dst, const void *src, size_t n, double s);
/* The same with a factor for each. */
void scale_each(void *dst, const void *src, size_t n, const double *s);

/* For particular processors, as many elements as go in whole vectors: how many. */
size_t scale_all__avx512(void *dst, const void *src, size_t n, double s);
size_t scale_each__avx512(void *dst, const void *src, size_t n, const double *s);

#endif
