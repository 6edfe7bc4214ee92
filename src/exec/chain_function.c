/* Activations that are written as products of two ways, known by their operations in a chain. */
#include "exec/chain.h"

#include <math.h>

static bool is_times(const struct chain_op *op, float a)
{
	return op->op == SPAN_MUL && op->constant && fabsf(op->a - a) < 1e-6f;
}

/* 1 + erf(x / sqrt(2)) */
static bool is_gate(const struct chain_op *op)
{
	bool scaled = is_times(op, (float)M_SQRT1_2) ||
		      (op->op == SPAN_DIV && op->constant && fabsf(op->a - (float)M_SQRT2) < 2e-6f);
	return scaled && op[1].op == SPAN_ERF && op[2].op == SPAN_ADD && op[2].constant &&
	       op[2].a == 1;
}

void chain_one_function(struct chain *c, int from)
{
	struct chain_op *op = &c->k.op[from + 1];
	int n = c->k.nops - from - 2;
	bool half = n > 2 && is_times(op, 0.5f) && op[1].op == CHAIN_SWAP;
	if (n < 1 || op[n].op != CHAIN_MUL_KEPT)
		return;
	if (n > 2 && is_times(&op[n - 1], 0.5f) && op[n - 2].op == CHAIN_SWAP) {
		half = true;
		n -= 2;
	} else if (half || op->op == CHAIN_SWAP) {
		op += 1 + half;
		n -= 1 + half;
	}
	bool gelu = n == 3 && is_gate(op);
	if (!gelu && (n != 1 || half || (op->op != SPAN_SIGMOID && op->op != SPAN_HSIGMOID)))
		return;
	int is = gelu ? SPAN_GELU_ERF : op->op == SPAN_SIGMOID ? SPAN_SWISH : SPAN_HSWISH;
	c->k.op[from] = (struct chain_op){.op = (uint8_t)is, .a = 1};
	c->k.nops = from + 1;
	if (gelu && !half)
		c->k.op[c->k.nops++] = (struct chain_op){.op = SPAN_MUL, .constant = true, .a = 2};
}
