/* How far an answer is from the one expected. */
#ifndef REPORT_ERROR_H
#define REPORT_ERROR_H

#include "graph/tensor.h"

/* The largest |got - want| over the range of want, the larger of max - min and max |want| of its
 * finite elements. 0 when both are empty or equal; infinity when sizes differ, or where one is NaN
 * or infinite and the other is not the same. */
double error_over_range(const struct tensor *got, const struct tensor *want);

#endif
