/* Slices by constants, alone or one after the other, seen in one way. */
#ifndef PASSES_SLICES_H
#define PASSES_SLICES_H

#include "passes/rewrite.h"

/* What is taken of one axis: count elements from begin on by step (>= 1). An axis that is left
 * whole has begin 0, step 1, and count -1 when its size is not known. */
struct cut {
	int64_t begin, step, count;
	bool whole;
};

/* The tensor that v is cut from by constant slices with steps forwards, v itself when there are
 * none; cut has one entry for each axis. Of a chain, all are taken. NULL when the rank is unknown.
 */
struct value *slice_source(struct value *v, struct cut *cut);
/* Is n a slice with such cuts, of its input 0? */
bool slice_cuts(const struct node *n, struct cut *cut);

#endif
