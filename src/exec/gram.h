/* Products of rows with themselves, which calibration sums up over samples. */
#ifndef EXEC_GRAM_H
#define EXEC_GRAM_H

#include <stdint.h>

#include "base/room.h"
#include "base/status.h"

#define GRAM_SMALL 24 /* columns for which packing would take longer than the sums */

/* sum[k * k] = X'X of n rows of k columns, that are ld apart: k, unless that is at most GRAM_SMALL.
 */
int gram(const float *x, int64_t ld, int n, int k, float *sum, struct room *room, struct err *err);

#endif
