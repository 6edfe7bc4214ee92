/* What the files of the executor share: the network as steps, its constants, the cached plans. */
#ifndef EXEC_STATE_H
#define EXEC_STATE_H

#include "exec/exec.h"
#include "ops/op.h"

#define PLAN_CACHE 4                 /* plans kept, for the sets of input shapes seen last */
#define PLAN_BYTES ((size_t)1 << 30) /* of their workspaces together, the newest one apart */

/* One node that does something: neither Const, Parameter nor Result. */
struct step {
	struct node *node;
	bool folded; /* its outputs are constants of the exec */
};

/* Constants of the network and what follows from them, by value id. */
struct constants {
	struct tensor *t; /* DT_NONE: not constant; data NULL: not needed any more */
	bool *owned;      /* on our heap */
	int *wanted;      /* uses that are still to come */
	bool keep;        /* nothing goes before the end: a tap may want it */
	bool dropped;     /* something went that eval would want */
};

/* A constant in the form that a kernel reads, made once for all plans. */
struct pack {
	const struct node *node; /* whose operand it is */
	int way, row;            /* of the kernel: another form for each */
	void *data;              /* 64-byte aligned, on the heap */
	size_t bytes;
};

struct exec {
	struct graph *graph;
	struct exec_options o;
	struct step *step; /* in the graph's order; without a tap only those that a Result needs */
	int nsteps;
	int *maker;           /* by value id: index of the step, or -1 */
	int *uses;            /* by value id: uses by steps and Results */
	struct constants c;   /* for plans */
	struct constants all; /* with what went after packing; made when it is needed again */
	struct pack *pack;
	int npacks, max_packs;
	struct arena *scratch;         /* eval's; empty between nodes */
	struct plan *plan[PLAN_CACHE]; /* used last first; NULL behind the last one */
	struct segment *segments;      /* of all plans */
	struct variable *variable;     /* of a network with state */
	int nvariables;
	int max_in; /* inputs of any step */
};

/* Evaluates every step that depends on constants only, once. Unless keep is set, what only they
 * needed goes. c is zero-initialised, and freed by constants_free in every case. */
int fold_constants(struct exec *e, struct constants *c, struct err *err);
void constants_free(const struct exec *e, struct constants *c);
/* One use of a constant is served by a kernel's packed copy: without further uses it goes. */
void constants_release(struct constants *c, const struct value *v);
/* The constant behind a value, made anew when it went before; absent when v is none. E_NOMEM or
 * what its evaluation says. */
int constants_get(struct exec *e, const struct value *v, struct tensor *out, struct err *err);

/* Hands the outputs of a node, value by value, to the tap; t holds n->nout tensors. */
int tap_outputs(struct exec *e, const struct node *n, const struct tensor *t, struct err *err);

#endif
