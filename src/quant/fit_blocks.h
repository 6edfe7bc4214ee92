/* Least squares of one layer, a block for each of its groups. A part of the samples is held out: by
 * them the ridge is chosen, or that the layer had better stay as it is. */
#ifndef QUANT_FIT_BLOCKS_H
#define QUANT_FIT_BLOCKS_H

#include "quant/fit_gram.h"

struct fit_blocks {
	int64_t groups, cols, outs; /* of all groups */
	struct fit_gram *seen, *held;
};

/* cols and outs are multiples of groups. */
int fit_blocks_new(
    struct fit_blocks *b, int64_t groups, int64_t cols, int64_t outs, struct err *err);
void fit_blocks_free(struct fit_blocks *b);
/* One sample's rows: x [rows][cols], y [rows][outs]. */
int fit_blocks_add(struct fit_blocks *b, struct pool *pool, int64_t sample, int64_t rows,
    const float *x, const float *y, struct err *err);
/* What output o of a group gives is seen[group].yx + o * seen[group].n: a factor for each of the
 * group's columns, then the bias. ridge, over the mean square of the columns; 0: chosen. *ridge
 * becomes what was taken, 0 when there is nothing to be learned: all stays as it is. */
int fit_blocks_solve(struct fit_blocks *b, double *ridge, struct err *err);

#endif
