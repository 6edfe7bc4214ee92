/* Layers that are linear in their data with a constant weight, seen in one way: what scales or
 * shifts a channel before or after them goes into the weight and a bias. */
#ifndef PASSES_LINEAR_H
#define PASSES_LINEAR_H

#include "passes/rewrite.h"

/* The weight is [groups][p][q][inner], p the channels of the output and q those of the input, or
 * the other way round. Channel c of the p side is group c / p, c % p within it; q likewise. */
struct linear {
	struct node *node;
	int data, weight; /* input indexes */
	int64_t groups, p, q, inner;
	bool p_is_out;
	int axis_in, axis_out; /* where the channels lie in the data and in the output */
	int rank_in, rank_out;
	bool adds_border; /* the border of the data is padded (or, backwards, cut): no constant
			     shift */
};

/* Convolution, GroupConvolution, their BackpropData, MatMul with a Const f32 or f16 weight. */
bool linear_of(struct node *n, struct linear *out);
int64_t linear_inputs(const struct linear *l);  /* channels of the data */
int64_t linear_outputs(const struct linear *l); /* channels of the output */

/* weight *= scale per output (input) channel: a new deferred Const, no copy of the weight. False,
 * with nothing changed, when a product would overflow; *status is set when memory failed. */
bool linear_scale_out(struct pass_ctx *c, struct linear *l, const double *scale, int *status);
bool linear_scale_in(struct pass_ctx *c, struct linear *l, const double *scale, int *status);
/* out[o] = what the layer gives for a data channel i that is shift[i] everywhere. */
int linear_shift(struct pass_ctx *c, const struct linear *l, const double *shift, double *out);
/* Input channel i of the new weight is channel perm[i] of the old: a small heap copy. */
int linear_permute_in(struct pass_ctx *c, struct linear *l, const int64_t *perm);

/* The layer behind v, through a bias Add of a Const per channel when there is one (*bias, else
 * NULL); each with this single use. */
bool linear_behind(const struct value *v, struct linear *l, struct node **bias);
/* y = the layer * scale + shift instead of what it and its bias gave: changes the weight, adds a
 * bias or replaces the one there is, and puts the result in the place of old's output 0, whose
 * names it takes. 1 done, 0 not possible, or a negative status. */
int linear_affine(struct pass_ctx *c, struct linear *l, struct node *bias, const double *scale,
    const double *shift, struct node *old);

#endif
