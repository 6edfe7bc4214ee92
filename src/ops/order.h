/* Integers that stand in the order of the elements they are made from, for sorting. */
#ifndef OPS_ORDER_H
#define OPS_ORDER_H

#include "graph/tensor.h"

/* Key of element i: smaller elements have smaller keys, equal ones equal keys; -0 equals 0, NaN is
 * the largest. */
int64_t order_key(const struct tensor *t, int64_t i);

#endif
