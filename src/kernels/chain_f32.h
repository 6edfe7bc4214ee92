/* A chain of operations element by element, done in one walk over memory. */
#ifndef KERNELS_CHAIN_F32_H
#define KERNELS_CHAIN_F32_H

#include "base/threads.h"
#include "kernels/span_f32.h"

#define CHAIN_OPS 24
#define CHAIN_OPERANDS 14

/* Besides those of enum span_op. */
enum chain_more {
	CHAIN_AFFINE = SPAN_OPS, /* x * a + b, or by operands y and y + 1 instead of a and b */
	CHAIN_LEVEL, /* likewise, clamped to 0..top and rounded half to even; a NaN becomes 0 */
	CHAIN_KEEP,  /* k = x */
	CHAIN_SWAP,  /* k and x exchanged */
	CHAIN_ADD_KEPT,
	CHAIN_MUL_KEPT, /* x * k */
	CHAIN_ALL,
};

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
		uint8_t op;    /* enum span_op or chain_more */
		uint8_t y;     /* number of the operand of a binary one */
		bool constant; /* its operand is a instead */
		float a, b, top;
	} op[CHAIN_OPS];
	bool bytes; /* out is bytes: what comes of a level */
};

/* out may be in when they are walked alike. operand[k] belongs to c->operand[k]. */
void chain_f32_run(const struct chain_f32 *c, struct pool *pool, const float *in,
    const float *const *operand, void *out);

#endif
