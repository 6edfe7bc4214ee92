/* Compiled networks in the form that the target blob reads, made by this build: what an earlier one
 * made would be refused at the first field. */
#ifndef FUZZ_BLOB_SEEDS_H
#define FUZZ_BLOB_SEEDS_H

#include "fuzz.h"

#include "../unit/call_networks.h"
#include "base/cpu.h"
#include "exec/compiled.h"
#include "exec/exec.h"
#include "ops/op.h"

static inline void blob_number(size_t n, struct text *to)
{
	const uint8_t b[4] = {
	    (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
	text_addn(to, (const char *)b, sizeof b);
}

/* The lengths of the graph and of the network, these, the plans. */
static inline void blob_seed(const char *network, struct text *to)
{
	struct graph *g = NULL;
	struct exec *e = NULL;
	struct exec_image i = {0};
	struct tensor in = {0};
	int64_t dim[MAX_RANK];
	EXPECT(cpu_limit("ref"));
	EXPECT(graph_scan(network, op_find, node_infer, &g, NULL) == OK);
	const struct info *info = &g->inputs[0]->out[0].info;
	for (int d = 0; d < info->shape.rank; d++)
		dim[d] = dim_static(info->shape.dim[d]) ? info->shape.dim[d].min : 5;
	EXPECT(tensor_alloc(&in, info->type, info->shape.rank, dim, NULL) == OK);
	EXPECT(exec_new(g, NULL, &e, NULL) == OK);
	EXPECT(exec_prepare(e, &in, NULL) == OK);
	EXPECT(exec_save(e, &(struct exec_shapes){.open = true}, &i, NULL) == OK);
	blob_number(i.graph.size, to);
	blob_number(i.network.size, to);
	text_addn(to, i.graph.data, i.graph.size);
	text_addn(to, i.network.data, i.network.size);
	text_addn(to, i.plan.data, i.plan.size);
	EXPECT(!to->failed);
	exec_image_free(&i);
	exec_free(e);
	graph_free(g);
	tensor_free(&in);
	cpu_limit("bf16");
}

#endif
