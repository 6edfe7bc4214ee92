/* A chain of operations element by element, done in one walk over memory. */
#ifndef KERNELS_CHAIN_F32_H
#define KERNELS_CHAIN_F32_H

#include "base/threads.h"
#include "kernels/span_f32.h"

#define CHAIN_OPS 24
#define CHAIN_OPERANDS 14

/* Besides those of enum span_op. */
enum chain_more {
	/* To levels 0..top and back, see struct span_f32: factors a, b, c, d or operands y..y+3. */
	CHAIN_LEVELS = SPAN_OPS,
	/* To levels as bytes, by a and b, or operands y and y + 1: the last operation, if any. */
	CHAIN_BYTES,
	CHAIN_KEEP, /* k = x */
	CHAIN_SWAP, /* k and x exchanged */
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
		float a, b, c, d, top;
	} op[CHAIN_OPS];
};

/* A piece on its way: rows of n elements without a gap, x and k, which is kept. */
struct chain_piece {
	float *x, *k;
	int rows, n;
};
/* One operation but CHAIN_BYTES. Operands f of it advance by step, 0 or 1, and begin anew in each
 * row. */
void chain_f32_op(const struct span_f32 *span, const struct chain_op *p, const float *const f[4],
    int step, struct chain_piece *e);
/* Operands of an operation: y and those behind. */
static inline int chain_op_operands(const struct chain_op *p)
{
	if (p->constant)
		return 0;
	return p->op == CHAIN_LEVELS ? 4 : p->op == CHAIN_BYTES ? 2 : p->op < SPAN_CLAMP;
}
static inline bool chain_ends_in_bytes(const struct chain_op *op, int n)
{
	return n && op[n - 1].op == CHAIN_BYTES;
}

/* out may be in when they are walked alike. operand[k] belongs to c->operand[k]. */
void chain_f32_run(const struct chain_f32 *c, struct pool *pool, const float *in,
    const float *const *operand, void *out);

#endif
