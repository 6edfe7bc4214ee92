/* Networks from the text form. */
#ifndef UNIT_NETWORK_H
#define UNIT_NETWORK_H

#include "check.h"

#include "graph/print.h"
#include "ops/op.h"

/* A product that two functions read, whose results meet again. */
static const char two_branches[] = "x = Parameter-1 {shape=1,4 element_type=f32}\n"
				   "w = Const f32[4,4] random(1)\n"
				   "p = MatMul-1(x, w) {transpose_a=false transpose_b=false}\n"
				   "r = ReLU-1(p)\n"
				   "t = Tanh-1(p)\n"
				   "y = Subtract-1(r, t)\n"
				   "Result-1(y)\n";

/* Read and inferred line by line. */
static inline struct graph *scan(const char *text)
{
	struct graph *g = NULL;
	struct err err = {0};
	if (graph_scan(text, op_find, node_infer, &g, &err))
		print_error("%s\n%s\n", err.text, text);
	assert_non_null(g);
	return g;
}

#endif
