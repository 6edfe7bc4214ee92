/* Weights rounded to integers so that what a layer gives changes least on the data that it sees. */
#ifndef QUANT_ROUNDING_H
#define QUANT_ROUNDING_H

#include <stdint.h>

#include "base/room.h"
#include "base/status.h"

/* out rows of n weights, w and q at out * stride, scale[o] that of a row. second[n x n] are the
 * sums of products of the inputs, which stand for the data. */
struct rounding {
	int n;
	int64_t out;
	int64_t stride;
	const float *w, *scale;
	int most; /* |q| at most */
	const float *second;
	int8_t *q; /* in: rounded to nearest; out: better, or as it was */
};

/* What the rounding changes, as sums over rows of squared differences of outputs. */
struct rounding_gain {
	double before, after;
};

/* One column at a time, the most felt one first; those to come take over the error of those done.
 * A row is left alone where this would not help. second may be all zeros: nothing changes. */
int rounding_solve(
    const struct rounding *r, struct room *room, struct rounding_gain *gain, struct err *err);

#endif
