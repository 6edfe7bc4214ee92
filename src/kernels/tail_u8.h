/* What a quantized convolution does to its results besides its epilogue: a chain of operations on
 * floats, with a factor for each channel or one for all, while they are in the cache. */
#ifndef KERNELS_TAIL_U8_H
#define KERNELS_TAIL_U8_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/chain_f32.h"

#define TAIL_OPS 16
#define TAIL_ROWS 12 /* of factors */

/* Operands are numbers of rows. With CHAIN_BYTES in the end the results are bytes. Plain data. */
struct tail_u8 {
	int nops, rows; /* no operation: there is no tail */
	struct chain_op op[TAIL_OPS];
};

/* m rows of n floats at x, which are overwritten, to rows ld elements apart. n is at most 1024. f:
 * row y of the factors of these columns begins stride floats behind row y - 1. */
void tail_u8_run(const struct tail_u8 *t, const float *f, size_t stride, float *x, int m, int n,
    void *out, size_t ld);

#endif
