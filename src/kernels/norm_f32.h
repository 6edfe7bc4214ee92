/* SoftMax and mean-variance normalisation of dense rows. */
#ifndef KERNELS_NORM_F32_H
#define KERNELS_NORM_F32_H

#include "base/threads.h"
#include "kernels/span_f32.h"

/* Plain data. */
struct norm_f32 {
	enum norm_kind { NORM_SOFTMAX, NORM_MVN } kind;
	int64_t rows;
	int n; /* floats of a row */
	bool variance, inside_sqrt;
	float eps;
};

/* gamma, beta: n values each, or NULL; not for SoftMax. out may be in. */
void norm_f32_run(const struct norm_f32 *k, struct pool *pool, const float *in, const float *gamma,
    const float *beta, float *out);

#endif
