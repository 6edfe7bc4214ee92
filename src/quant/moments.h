/* First and second moments of what layers read, over rows taken from samples: what rounding of
 * weights and correction of biases go by. */
#ifndef QUANT_MOMENTS_H
#define QUANT_MOMENTS_H

#include "base/arena.h"
#include "graph/graph.h"
#include "quant/samples.h"

#define MOMENTS_BLOCK 256 /* products of inputs are kept for at most so many that lie together */

/* One layer's. A row is what one output is made of, in the order of the weights, by group. */
struct moments_layer {
	const char *name;
	int64_t groups, k; /* k inputs to an output of each group */
	int64_t rows;      /* seen */
	int block;         /* inputs of a block, the last may have fewer */
	int nblocks;
	double *mean;   /* [groups][k], of the original inputs */
	double *mean_q; /* of the quantized ones */
	float **second; /* [groups * nblocks]: sums of products of quantized ones; NULL: beyond the
			 * limit of memory */
	float *buffer;  /* rows on their way: [groups][nblocks][capacity][width of the block] */
	int filled;
	const struct node *node; /* of the original */
	/* The levels of the input: the ends of one range, or of one for each group. */
	int64_t ranges;
	const float *lows, *highs;
	int levels;
	struct moments_layer *next; /* that reads the same value */
};

struct moments {
	struct arena *arena;
	struct moments_layer *layer;
	int nlayers;
	int64_t samples;
	size_t bytes; /* of second moments and buffers */
};

struct moments_options {
	int64_t samples; /* to run, spread over the first of them */
	int64_t of;
	const int64_t *index; /* their numbers, when they are not the first ones */
	int64_t rows;         /* to take of each layer */
	size_t bytes;         /* limit for second moments */
	int threads;
	struct log log;
};

/* Layers of q, a quantized clone of g, with 8-bit weights; g runs. */
int moments_collect(const struct graph *g, const struct graph *q, const struct moments_options *o,
    const struct samples *samples, struct moments **out, struct err *err);
void moments_free(struct moments *m); /* NULL is legal */
/* The first input and the number of inputs of a block. */
int moments_width(const struct moments_layer *l, int block);

#endif
