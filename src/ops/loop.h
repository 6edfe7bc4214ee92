/* How the port maps of loops cut inputs into parts. */
#ifndef OPS_LOOP_H
#define OPS_LOOP_H

#include "graph/graph.h"

/* Number of parts into which a map entry cuts an axis of n elements; -1 when it does not come out
 * even or lies outside. */
int64_t loop_parts(const struct port_map *m, int64_t n);
/* The Result that says whether to go on, or -1. */
int loop_condition(const struct body *b);

#endif
