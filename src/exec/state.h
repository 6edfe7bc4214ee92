/* What the files of the executor share: the network as steps, its constants, and the cached plans.
 */
#ifndef EXEC_STATE_H
#define EXEC_STATE_H

#include "exec/exec.h"
#include "ops/op.h"

#define PLAN_CACHE 4 /* plans kept for the sets of input shapes seen last */

struct plan;

/* One node that does something: neither Const, Parameter nor Result. */
struct step {
	struct node *node;
	bool folded; /* its outputs are constants of the exec */
};

struct exec {
	struct graph *graph;
	struct exec_options o;
	struct step *step; /* in the graph's order; without a tap only those that a Result needs */
	int nsteps;
	struct tensor *constant;       /* by value id; DT_NONE: not constant */
	bool *owned;                   /* by value id: the constant is on our heap */
	int *uses;                     /* by value id: uses by steps that run and by Results */
	struct arena *scratch;         /* eval's; empty between nodes */
	struct plan *plan[PLAN_CACHE]; /* used last first; NULL behind the last one */
	struct tensor *held;           /* heap outputs of a stepwise run, valid until the next */
	int max_in, max_out;           /* ports of any step */
};

/* Evaluates every step that depends on constants only, once; drops what only they needed. */
int fold_constants(struct exec *e, struct err *err);

/* Node by node with heap values, each freed after its last use: for shapes that depend on data. */
int stepwise_run(struct exec *e, const struct tensor *in, struct tensor *out, struct err *err);

/* Hands the outputs of a node, value by value, to the tap; t holds n->nout tensors. */
int tap_outputs(struct exec *e, const struct node *n, const struct tensor *t, struct err *err);

#endif
