/* A network with its plans and packed weights as bytes, and run out of them. */
#ifndef EXEC_COMPILED_H
#define EXEC_COMPILED_H

#include "exec/exec.h"
#include "graph/blob.h"

/* Sets of input shapes that a network is compiled for. */
struct exec_shapes {
	const struct tensor *in; /* n times one for each input; data are not read */
	int n;                   /* 0: that of the plan used last */
	bool open; /* other shapes that fit the network's may come: it is kept whole, too */
};
#define EXEC_SETS 64 /* at most */
/* What a compiled network consists of: byte strings, of which weights and constants are in pieces,
 * each beginning at a multiple of 64 behind the one before. The last two are empty when it is not
 * open. */
struct exec_image {
	struct exec_bytes {
		const void *data;
		size_t size;
	} graph, plan, network, *weights, *constants;
	size_t nweights, nconstants;
	struct exec_image_owned *owned;
};
/* Plans for these shapes, which share what they have in common. Of a network that was compiled
 * itself E_USAGE, unless it is open and has run a shape without a plan. The weights are the exec's.
 * out is to be freed by exec_image_free in every case. E_UNSUPPORTED for a network whose plan
 * depends on the data. */
int exec_save(struct exec *e, const struct exec_shapes *s, struct exec_image *out, struct err *err);
/* The shapes of the plan used last, for the caller to free; NULL when there is none. */
struct tensor *exec_last_shapes(const struct exec *e);
void exec_image_free(struct exec_image *i);
struct exec_sections {
	struct blob *graph, *plan, *weights, *network, *constants; /* the last two may be NULL */
};
/* The network of an image: exec_new takes it, with no tap and not with eval_only. Takes references;
 * weights and constants start at a multiple of 64 in memory. Bytes that make no sense are E_FORMAT,
 * here, in exec_new, or when a plan is used first; weights and constants are taken as they are. */
int exec_load(const struct exec_sections *s, struct graph **out, struct err *err);
/* How many plans a loaded network brings along, 0 when it is not a compiled one, and the shapes of
 * plan i: a tensor without data for each input. */
int exec_planned(const struct graph *g);
const struct tensor *exec_planned_for(const struct graph *g, int i);
/* Is it whole, so that other shapes than these can be planned? */
bool exec_planned_open(const struct graph *g);
/* Did the plan used last come with the network? */
bool exec_plan_loaded(const struct exec *e);
struct exec_plan_size {
	int calls;
	int64_t workspace, weights, alone; /* bytes; alone: of weights that no other plan reads */
};
/* Of each plan that the network brings along: out has room for all of them. */
int exec_plan_sizes(struct exec *e, struct exec_plan_size *out, struct err *err);

#endif
