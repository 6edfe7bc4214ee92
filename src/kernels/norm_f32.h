/* SoftMax, mean-variance normalisation and means of rows. */
#ifndef KERNELS_NORM_F32_H
#define KERNELS_NORM_F32_H

#include "base/threads.h"
#include "kernels/span_f32.h"

/* Plain data. */
struct norm_f32 {
	enum norm_kind { NORM_SOFTMAX, NORM_MVN, NORM_MEAN } kind;
	int64_t rows;
	int n;         /* floats of a row */
	int64_t apart; /* from one of them to the next, with as many rows between: of SoftMax only,
			  others are dense, 1 */
	bool variance, inside_sqrt;
	float eps;
};

/* Floats of the result's rows. */
static inline int norm_f32_width(const struct norm_f32 *k)
{
	return k->kind == NORM_MEAN ? 1 : k->n;
}

/* gamma, beta: n values each, or NULL; for NORM_MVN only. out may be in. */
void norm_f32_run(const struct norm_f32 *k, struct pool *pool, const float *in, const float *gamma,
    const float *beta, float *out);

#endif
