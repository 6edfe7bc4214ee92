/* Which values of two networks are the same tensor. */
#ifndef REPORT_MATCH_H
#define REPORT_MATCH_H

#include "base/map.h"
#include "graph/graph.h"

/* The values of a graph that its data decide (constants and what follows from them alone left out,
 * inputs too), to be found by name. Numbers the graph's values. */
struct match {
	struct map by_tensor; /* tensor name to value */
	struct map
	    by_layer; /* layer name to the only output of a node, when it has no tensor name */
};

int match_new(struct graph *g, struct match *m, struct err *err);
void match_free(struct match *m);
/* The value that is the same tensor as v of another network: one of the same tensor name; without
 * tensor names, the output of a layer of the same name and type. NULL when there is none. */
const struct value *match_find(const struct match *m, const struct value *v);
/* By value id: does the value depend on the network's inputs and is it none of them? To be freed;
 * NULL without memory. */
bool *match_computed(struct graph *g);

#endif
