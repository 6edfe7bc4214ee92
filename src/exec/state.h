/* What the files of the executor share: the network as steps, its constants, the cached plans. */
#ifndef EXEC_STATE_H
#define EXEC_STATE_H

#include "exec/exec.h"
#include "ops/op.h"

#define PLAN_CACHE 4                 /* plans kept, for the sets of input shapes seen last */
#define PLAN_BYTES ((size_t)1 << 30) /* of their workspaces together, the newest one apart */

enum step_kind {
	STEP_EVAL,
	STEP_FOLDED,   /* its outputs are constants of the exec */
	STEP_ALIAS,    /* its output is its input under another shape */
	STEP_ABSORBED, /* done by the step whose end it is or precedes */
	STEP_CONV,
	STEP_DEPTHWISE,
	STEP_MATMUL,
	STEP_MAX_POOL,
	STEP_ATTENTION,
};

/* One node that does something: neither Const, Parameter nor Result. Kernels may take the nodes
 * that follow with them: a bias, a clamp. */
struct step {
	struct node *node;
	struct node *end; /* the last node done here: its output is the step's */
	enum step_kind kind;
	struct tensor weights; /* the constant operand; data NULL when packed says it all */
	float *packed;         /* on the heap */
	size_t packed_bytes;
	float *bias;  /* on the heap, one per output channel or column, or NULL */
	float lo, hi; /* clamp */
};

/* Constants of the network and what follows from them, by value id. */
struct constants {
	struct tensor *t; /* DT_NONE: not constant; data NULL: not needed any more */
	bool *owned;      /* on our heap */
	int *wanted;      /* uses that are still to come */
	bool keep;        /* nothing goes before the end: a tap may want it */
	bool dropped;     /* something went that eval would want */
};

struct exec {
	struct graph *graph;
	struct exec_options o;
	struct step *step; /* in the graph's order; without a tap only those that a Result needs */
	int nsteps;
	int *maker;                    /* by value id: index of the step, or -1 */
	int *uses;                     /* by value id: uses by steps and Results */
	struct constants c;            /* for plans */
	struct constants all;          /* with what went after packing; made when eval needs it */
	struct arena *scratch;         /* eval's; empty between nodes */
	struct plan *plan[PLAN_CACHE]; /* used last first; NULL behind the last one */
	struct segment *segments;      /* of all plans */
	int max_in;                    /* inputs of any step */
};

/* Evaluates every step that depends on constants only, once. Unless keep is set, what only they
 * needed goes. c is zero-initialised, and freed by constants_free in every case. */
int fold_constants(struct exec *e, struct constants *c, struct err *err);
void constants_free(const struct exec *e, struct constants *c);
/* One use of a constant is served by a kernel's packed copy: without further uses it goes. */
void constants_release(struct constants *c, const struct value *v);

/* Chooses kernels for steps and packs their constants. */
int bind_steps(struct exec *e, struct err *err);

/* Can the kernel of ScaledDotProductAttention take n, as far as types tell? */
bool attention_binds(const struct node *n);

/* Hands the outputs of a node, value by value, to the tap; t holds n->nout tensors. */
int tap_outputs(struct exec *e, const struct node *n, const struct tensor *t, struct err *err);

#endif
