/* What changed in a layer by itself: type, attributes, sizes, the ports of bodies. */
#ifndef REPORT_DIFF_LAYER_H
#define REPORT_DIFF_LAYER_H

#include "base/text.h"
#include "graph/graph.h"

/* Adds a line for each change from a to b. */
void diff_layer_own(struct text *t, const struct node *a, const struct node *b);
/* "then", "else" of If; "body". */
const char *diff_body_name(const struct node *n, int i);

#endif
