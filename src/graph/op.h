/* What the graph knows of an operator: its row. The rows themselves are in ops/ops.def. */
#ifndef GRAPH_OP_H
#define GRAPH_OP_H

#include "graph/graph.h"

struct infer;
struct eval;

enum op_flag {
	OPF_BROADCAST = 1 << 0,  /* elementwise with numpy broadcasting of its inputs */
	OPF_UNARY = 1 << 1,      /* elementwise on one input; further inputs are parameters */
	OPF_DATA_SHAPE = 1 << 2, /* output sizes depend on the data: eval allocates the outputs */
	OPF_RANDOM = 1 << 3,     /* never folded, never merged */
	OPF_COMMUTES = 1 << 4,   /* op(a, b) = op(b, a) */
	OPF_MOVES = 1 << 5,      /* only moves or copies elements: any type, no arithmetic */
	OPF_SINK = 1 << 6,       /* Result, Assign: alive without uses */
};

struct op {
	int id;           /* enum op_id of ops/op.h */
	const char *type; /* the IR's spelling, "Convolution" */
	int opset;        /* 1 for "opset1" */
	int min_in, max_in;
	int nout;                     /* -1: by attribute or port map */
	const struct attr_def *attrs; /* ends with name NULL; never NULL itself */
	unsigned flags;
	/* Types, shapes and partial content of the outputs from those of the inputs; see ops/op.h.
	 */
	int (*infer)(struct infer *s);
	/* The plain C truth. */
	int (*eval)(struct eval *s);
};

#endif
