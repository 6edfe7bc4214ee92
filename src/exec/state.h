/* What the files of the executor share: the network as steps, its constants, the cached plans. */
#ifndef EXEC_STATE_H
#define EXEC_STATE_H

#include <pthread.h>

#include "base/pages.h"
#include "exec/exec.h"
#include "ops/op.h"

#define PLAN_CACHE 4                 /* plans kept, for the sets of input shapes seen last */
#define PLAN_BYTES ((size_t)1 << 30) /* of their workspaces together, the newest one apart */

/* One node that does something: neither Const, Parameter nor Result. */
struct step {
	struct node *node;
	bool folded;   /* its outputs are constants of the network */
	bool deferred; /* a constant that is made only if somebody asks for it */
};

/* Constants of the network and what follows from them, by value id. */
struct constants {
	struct tensor *t; /* DT_NONE: not constant; data NULL: not needed any more */
	bool *owned;      /* on our heap */
	int *wanted;      /* uses that are still to come */
	bool keep;        /* nothing goes before the end: a tap may want it */
};

/* A constant in the form that a kernel reads, made once for all plans. */
struct pack {
	const struct node *node; /* whose operand it is */
	int way, row;            /* of the kernel: another form for each */
	bool u8;                 /* for the kernels of 8 bits */
	float *scale;            /* theirs, by output channel; on the heap */
	void *data;              /* 64-byte aligned, in the network's room */
	size_t bytes;
	bool lent; /* by a compiled network, in which data lie instead */
};

/* What all execs of a network share. Steps are fixed once made; constants and packs change under
 * the lock, which whoever makes a plan holds, and running reads neither but at addresses that
 * stay. */
struct network {
	int refs; /* execs */
	pthread_mutex_t lock;
	struct graph *graph;
	struct step *step; /* in the graph's order; without a tap only those that are needed */
	int nsteps;
	int *maker;           /* by value id: index of the step, or -1 */
	int *uses;            /* by value id: uses by steps, and by Results that are wanted */
	int max_in;           /* inputs of any step */
	struct quant *quant;  /* by value id */
	struct constants c;   /* for plans */
	struct constants all; /* what went after packing and was needed again */
	struct pack *pack;
	int npacks, max_packs;
	struct pages_room packed;
	struct exec *behind; /* of a compiled network: the whole one, for shapes without a plan */
};

/* What one request has for itself: plans with their workspaces. */
struct exec {
	struct network *net;
	struct exec_options o;
	int noutputs;        /* the graph's, or 0 when none are wanted */
	struct pool *packer; /* during exec_prepare_with */
	/* the network's, for short */
	struct graph *graph;
	const struct step *step;
	int nsteps, max_in;
	const int *maker, *uses;
	const struct quant *quant;
	struct constants *c;
	struct arena *scratch;         /* eval's; empty between nodes */
	struct plan *plan[PLAN_CACHE]; /* used last first; NULL behind the last one */
	struct segment *segments;      /* of all plans */
	struct variable *variable;     /* of a network with state */
	int nvariables;
	struct exec *behind; /* for shapes that a compiled network has no plan for, or NULL */
	bool is_behind;      /* it ran last */
};

/* Steps and constants of the graph, with one reference. For a tap that is every step and every
 * constant to the end. */
int network_new(
    struct graph *g, const struct exec_options *o, struct network **out, struct err *err);
struct network *network_ref(struct network *net);
void network_unref(struct network *net); /* NULL is legal */

/* Evaluates every step that depends on constants only, once, into net->c. Unless keep is set, what
 * only they needed goes. To be freed by constants_free in every case. */
int fold_constants(struct network *net, struct err *err);
void constants_free(const struct network *net, struct constants *c);
/* One use of a constant is served by a kernel's packed copy: without further uses it goes. */
void constants_release(struct constants *c, const struct value *v);
/* The constant behind a value, made anew when it went before; absent when v is none. E_NOMEM or
 * what its evaluation says. */
int constants_get(struct network *net, const struct value *v, struct tensor *out, struct err *err);
/* The same, for a plan that reads it when it runs: it never goes. */
int constants_hold(struct network *net, const struct value *v, struct tensor *out, struct err *err);

#endif
