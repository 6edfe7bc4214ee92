/* Products of rows with themselves, with the kernels of matrix products. */
#ifndef EXEC_GRAM_H
#define EXEC_GRAM_H

#include "base/status.h"

/* sum[k x k] += the transpose of x[n x k] times x. */
int gram_add(const float *x, int n, int k, float *sum, struct err *err);

#endif
