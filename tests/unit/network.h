/* Networks from the text form. */
#ifndef UNIT_NETWORK_H
#define UNIT_NETWORK_H

#include "check.h"

#include "graph/print.h"
#include "ops/op.h"

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
