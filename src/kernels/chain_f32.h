/* A chain of operations element by element, done in one walk over memory. */
#ifndef KERNELS_CHAIN_F32_H
#define KERNELS_CHAIN_F32_H

#include "base/threads.h"
#include "kernels/span_f32.h"

#define CHAIN_OPS 20
#define CHAIN_OPERANDS 6

/* A box of outer x rows x cols elements, and for each tensor its steps: col is 1, or 0 where one
 * value serves a row. Plain data. */
struct chain_f32 {
	int64_t outer, rows, cols;
	struct chain_walk {
		int64_t outer, row;
		int col;
	} in, out, operand[CHAIN_OPERANDS];
	int nops, noperands;
	struct chain_op {
		uint8_t op;    /* enum span_op */
		uint8_t y;     /* number of the operand of a binary one */
		bool constant; /* its operand is a instead */
		float a, b;
	} op[CHAIN_OPS];
};

/* out may be in when they are walked alike. operand[k] belongs to c->operand[k]. */
void chain_f32_run(const struct chain_f32 *c, struct pool *pool, const float *in,
    const float *const *operand, float *out);

#endif
