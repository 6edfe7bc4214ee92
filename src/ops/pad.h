/* Where a Pad takes its elements from, for kernels that do the same. */
#ifndef OPS_PAD_H
#define OPS_PAD_H

#include "ops/op.h"

/* Of an input axis of n, for element i of the output counted from the pad in front on; outside of
 * the axis in a constant pad. */
int64_t pad_source(const struct node *node, int64_t i, int64_t n);

#endif
