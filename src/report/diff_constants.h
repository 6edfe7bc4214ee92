/* The values of constants that two networks' same layer reads. */
#ifndef REPORT_DIFF_CONSTANTS_H
#define REPORT_DIFF_CONSTANTS_H

#include "report/diff.h"

/* Compares what a and b, which no data reach, are: fills d->tensor[d->ntensors], and keeps it by
 * counting ntensors up when they differ. Also when they are stored in other types, unless a
 * tolerance above 0 allows that. */
int diff_constant(const struct value *a, const struct value *b, double tolerance, struct diff *d,
    struct err *err);

#endif
