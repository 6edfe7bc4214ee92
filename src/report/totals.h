/* Sums over a network: layers, constants, work, and the types that things are stored in. */
#ifndef REPORT_TOTALS_H
#define REPORT_TOTALS_H

#include "graph/graph.h"
#include "ops/op.h"

struct totals {
	int layers, constants;
	int unsized; /* layers whose multiply-adds are not known */
	int64_t macs, weight_bytes, parameters;
	int64_t stored[DT_COUNT];   /* elements of constants by type */
	int64_t weights[DT_COUNT];  /* bytes of those that are parameters, by type */
	int64_t computed[DT_COUNT]; /* layers by the type of their first output */
	int count[OP_COUNT];
};

/* Layers of bodies count, a body itself does not. */
void totals_sum(struct totals *t, const struct graph *g);
/* Neither Const nor Parameter nor Result. */
bool is_layer(const struct node *n);
/* ids of the operators that there are, the most frequent first; how many. */
int totals_operators(const struct totals *t, int id[OP_COUNT]);

#endif
