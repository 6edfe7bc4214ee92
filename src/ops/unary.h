/* Loops over the elements of a one-input operator, span by span. */
#ifndef OPS_UNARY_H
#define OPS_UNARY_H

#include "ops/elem.h"
#include "ops/op.h"

/* Output 0 from input 0 through f, which replaces n values in place (a and b are the operator's
 * parameters): of any type, rounded once. */
int unary_f64(
    struct eval *s, void (*f)(double *v, int64_t n, double a, double b), double a, double b);
/* The same for whole numbers, exact and wrapping. */
int unary_i64(
    struct eval *s, void (*f)(int64_t *v, int64_t n, int64_t a, int64_t b), int64_t a, int64_t b);

/* name_f64 for unary_f64: every x becomes expr, in which a and b may stand. */
#define MAP_F64(name, expr)                                                     \
	static VECTOR void name##_f64(double *v, int64_t n, double a, double b) \
	{                                                                       \
		(void)a, (void)b;                                               \
		for (int64_t i = 0; i < n; i++) {                               \
			double x = v[i];                                        \
			v[i] = (expr);                                          \
		}                                                               \
	}

#endif
