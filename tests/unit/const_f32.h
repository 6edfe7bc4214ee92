/* Constants of floats, for graphs that tests build by hand. */
#ifndef UNIT_CONST_F32_H
#define UNIT_CONST_F32_H

#include "graph/graph.h"

/* In front of at, which may be NULL: rank 1, or 0 when n is -1, which is one value. */
static inline struct node *const_f32(
    struct graph *g, struct node *at, const char *name, int n, const float *v)
{
	int64_t dim = n, count = n < 0 ? 1 : n;
	return graph_const(
	    g, at, name, DT_F32, n >= 0, &dim, blob_copy(v, (size_t)count * sizeof *v));
}

#endif
