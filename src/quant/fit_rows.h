/* A layer as a product of matrices: rows of its input, each with the outputs that it gives. */
#ifndef QUANT_FIT_ROWS_H
#define QUANT_FIT_ROWS_H

#include "graph/tensor.h"
#include "passes/prune.h"

struct fit_rows {
	const struct node *node;
	bool conv;   /* rows are patches of a 2-D convolution; else of a product x [..., K] */
	bool centre; /* of each patch only the middle: one number per channel */
	int64_t
	    cols; /* numbers in a row: channels * taps, channel by channel; no taps with centre */
	int64_t taps;   /* of the window */
	int64_t middle; /* which of them is that */
	int64_t outs;   /* channels made */
	int64_t groups; /* each makes its part of the outs of its part of the cols */
	bool turned;    /* the product's weights are [outs, cols] */
};

/* False when the layer is none that is seen so: other ranks, weights in few bits. most: more
 * columns make centre of a convolution, but groups of as many are not seen. */
bool fit_rows_of(const struct prune_layer *l, int64_t most, struct fit_rows *r);
/* Places of at most `most` rows among those of input x, spread evenly, the same for a seed. Their
 * number; 0 when x has none. */
int64_t fit_rows_pick(
    const struct fit_rows *r, const struct tensor *x, int64_t most, uint64_t seed, int64_t *place);
/* The same by the output, or what has its shape. */
int64_t fit_rows_pick_out(
    const struct fit_rows *r, const struct tensor *y, int64_t most, uint64_t seed, int64_t *place);
/* dst [n][cols] and dst [n][channels of y]; y is the layer's output or of its shape. */
void fit_rows_in(
    const struct fit_rows *r, const struct tensor *x, int64_t n, const int64_t *place, float *dst);
void fit_rows_out(
    const struct fit_rows *r, const struct tensor *y, int64_t n, const int64_t *place, float *dst);
/* The place in the layer's weights of output o's factor for column c of its group. */
int64_t fit_rows_weight(const struct fit_rows *r, int64_t o, int64_t c);

#endif
