/* First and second moments of what layers read, over rows taken from samples: what rounding of
 * weights and correction of biases go by. The samples run elsewhere, several at a time; each puts
 * its rows at a place of its own, and they are summed up once the levels are known. */
#ifndef QUANT_MOMENTS_H
#define QUANT_MOMENTS_H

#include "base/arena.h"
#include "exec/exec.h"
#include "passes/quantize.h"
#include "quant/smooth.h"

#define MOMENTS_BLOCK 256                /* inputs whose products are summed up together, about */
#define MOMENTS_MOST (2 * MOMENTS_BLOCK) /* the most of a block of whole kernels */

/* One layer's. A row is what one output is made of, in the order of the weights, by group. */
struct moments_layer {
	const char *name;
	const struct node *node;
	int64_t groups, k; /* k inputs to an output of each group */
	int block;         /* inputs of a block, the last may have fewer */
	int nblocks;
	bool products;       /* there are enough rows for them */
	int64_t each;        /* rows of a sample, at most */
	int64_t *count;      /* by sample: its rows */
	uint16_t *value;     /* FP16: [sample][each][groups][k] */
	const double *scale; /* what inputs are divided by since the rows were taken, or NULL */
	struct moments_layer *next; /* that reads the same value */
};

struct moments {
	struct arena *arena;
	struct moments_layer *layer;
	int nlayers;
	struct moments_layer **site; /* by value id: the layers that read it */
	int64_t of, turns;           /* samples that run, and those of them that are taken */
	int64_t longest;             /* row */
};

struct moments_options {
	int64_t samples; /* to take of those that run */
	int64_t of;      /* that run */
	int64_t rows;    /* to take of each layer, or as many as fit */
	size_t bytes;    /* limit for them; layers beyond it have few, without products */
};

/* Layers of the placement's graph that get 8-bit weights. */
int moments_new(const struct placement *p, const struct moments_options *o, struct moments **out,
    struct err *err);
void moments_free(struct moments *m); /* NULL is legal */
bool moments_tapped(const struct moments *m, const struct value *v);
/* Which of the samples that are taken sample i of those that run is; -1: none. */
int64_t moments_turn(const struct moments *m, int64_t i);
/* Takes rows of value v, in sample `turn`; room holds m->longest floats. Several threads may, for
 * different samples. */
int moments_take(struct moments *m, int64_t turn, const struct value *v,
    const struct exec_view *view, float *room, struct err *err);
/* Rows that were taken before the network was smoothed become those of the layers that it has now.
 * Borrows the sites' scales. */
void moments_smooth(struct moments *m, const struct smooth *s);
/* The number of inputs of a block. */
int moments_width(const struct moments_layer *l, int block);

/* The rows of a layer as it reads them in a quantized network: on the levels of its input. */
struct moments_rows {
	const struct moments_layer *l;
	int64_t turns, count;    /* count 0: there are none, or no levels */
	const float *low, *high; /* ends of the range, or of one for each group */
	int64_t nranges;
	int levels;
};
/* n is the layer in the quantized network. */
struct moments_rows moments_rows(
    const struct moments *m, const struct moments_layer *l, const struct node *n);
/* Columns [from, from + width), at most MOMENTS_MOST and of several groups only if of all of each:
 * x is [count][width], on levels; the sums by column are of the inputs as they were, and on levels.
 */
void moments_columns(const struct moments_rows *r, int64_t from, int64_t width, float *x,
    double *sum, double *sum_q);

#endif
