/* What data make better of quantized weights: their rounding, and the biases behind them. Worked
 * out once, it can be put into any quantized clone of the same network. */
#ifndef QUANT_REFINE_H
#define QUANT_REFINE_H

#include "quant/moments.h"

struct refinement;

struct refine_options {
	bool rounding; /* weights rounded against their errors */
	bool biases;   /* corrected by the change of each output's mean */
	int threads;
};

/* q is a quantized clone of g, m the moments of its layers; none is changed. */
int refine_solve(const struct graph *g, const struct graph *q, const struct moments *m,
    const struct refine_options *o, struct refinement **out, struct err *err);
/* Layers of q that are not in 8 bits stay as they are. */
int refine_apply(const struct refinement *r, struct graph *q, struct err *err);
void refinement_free(struct refinement *r); /* NULL is legal */

/* What is added to the outputs of a layer, n of them: whoever knows better may change it. */
double *refinement_shift(struct refinement *r, int k, int64_t *n);

int refinement_layers(const struct refinement *r);
const char *refinement_name(const struct refinement *r, int k);

#endif
