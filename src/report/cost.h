/* What a network costs: multiply-adds, parameters, bytes, layer by layer. */
#ifndef REPORT_COST_H
#define REPORT_COST_H

#include "graph/graph.h"

/* Multiply-adds of one node: convolutions of every kind and matrix products; -1 when its sizes are
 * not fixed, 0 for other operators. Bodies are not counted. */
int64_t cost_macs(const struct node *n);
/* Of all nodes of g; -1 when one's are not known. */
int64_t cost_graph_macs(const struct graph *g);
/* May constants of this type be parameters: floats, and integers of 8 bits and fewer? */
bool cost_is_weight(enum dtype t);
/* Elements of the float constants and of integer ones that are weights (8 bits and fewer). */
int64_t cost_parameters(const struct graph *g);
/* Elements and bytes of the constants that feed node n, also through Convert, Subtract, Multiply,
 * Reshape and Transpose of constants. */
struct cost_weights {
	int64_t elements, bytes;
	enum dtype type; /* as stored; of the largest */
};
struct cost_weights cost_weights(const struct node *n);
/* Bytes of all outputs of n, -1 when their sizes are not fixed. */
int64_t cost_output_bytes(const struct node *n);

#endif
