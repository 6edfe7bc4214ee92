/* Networks that end in a choice of boxes, as detectors do, made comparable. */
#ifndef QUANT_CHOICE_H
#define QUANT_CHOICE_H

#include "graph/graph.h"

/* NonMaxSuppression gives other boxes, in another order and number, when a score changes by the
 * least: its outputs tell nothing about distances. *out is a clone of g that instead gives what the
 * last of them read (boxes and scores), behind the outputs that follow from none; NULL when there
 * is none. Nodes are in order. */
int choice_before(struct graph *g, struct graph **out, struct err *err);

#endif
