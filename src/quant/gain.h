/* What layers take, measured: the time that a compression saves in each. */
#ifndef QUANT_GAIN_H
#define QUANT_GAIN_H

#include "graph/graph.h"
#include "quant/samples.h"

/* ms[k] is the least time of the calls for the node name[k] in some runs of the network on one
 * sample and one thread; 0 where another call took it along. */
int gain_times(struct graph *g, const struct samples *s, const char *const *name, int n, double *ms,
    struct err *err);
/* The least time of a whole run, in milliseconds. */
int gain_latency(struct graph *g, const struct samples *s, double *ms, struct err *err);

#endif
