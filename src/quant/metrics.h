/* How good answers are: top-k over labelled samples. */
#ifndef QUANT_METRICS_H
#define QUANT_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "graph/tensor.h"

/* The k best of n scores, best first; equal scores in index order, NaN below everything. Returns
 * how many were written: the smaller of n and k. */
int metrics_best(const double *score, int64_t n, int k, int64_t *index);
/* How many scores stand before the label's in that order: 0 is top-1. -1 for a label outside 0..n-1
 * or a NaN score. */
int64_t metrics_rank(const double *score, int64_t n, int64_t label);

/* Counts; zero-initialise. */
struct accuracy {
	int64_t samples, top1, top5;
	int64_t not_finite; /* samples with an infinity or NaN among the scores */
	int64_t outside;    /* samples whose label is no class of the network */
};
void accuracy_add(struct accuracy *a, const double *score, int64_t n, int64_t label);

#endif
