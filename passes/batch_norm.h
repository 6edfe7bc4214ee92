/* Batch normalization as the scale and shift per channel that it is. */
#ifndef PASSES_BATCH_NORM_H
#define PASSES_BATCH_NORM_H

#include "passes/rewrite.h"

struct batch_norm {
	struct value *data;
	int64_t channels;
	double *scale, *shift; /* in scratch: y = x * scale + shift along axis 1 */
};

/* True when n is a BatchNormInference whose parameters are Const and give finite numbers. Rank of
 * the data known, at least 2. *status is set when memory failed. */
bool batch_norm_of(struct pass_ctx *c, const struct node *n, struct batch_norm *out, int *status);

#endif
