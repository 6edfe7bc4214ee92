/* The plan for one set of input shapes: calls in order, and every value's place in one workspace.
 */
#ifndef EXEC_PLAN_H
#define EXEC_PLAN_H

#include "exec/state.h"
#include "kernels/conv_f32.h"
#include "kernels/matmul_f32.h"
#include "kernels/max_pool_f32.h"

struct call {
	int (*run)(struct exec *e, struct plan *p, const struct call *c, struct err *err);
	const struct step *step;
	union {
		struct conv_f32 *conv;
		struct dw_conv_f32 *dw;
		struct matmul_f32 *matmul;
		struct max_pool_f32 *max_pool;
		struct attention *attention;
	};
	size_t scratch_bytes;
	float *scratch;
};

struct plan {
	int64_t *key; /* rank and dims of each input */
	int nkey;
	struct arena *arena;
	struct tensor *value; /* by value id; data is set for the workspace, constants and known */
	bool *known;          /* by value id: content that follows from the shapes, on the heap */
	bool *dynamic;        /* by value id: size known only when run; a heap tensor then */
	int *left;            /* by value id: uses of a dynamic value still to come in this run */
	struct call *call;
	int ncalls;
	void *workspace;
	size_t bytes;
	struct tensor *in; /* operands of the eval at hand */
	void **copy;       /* by output: where an output that is an input is copied to, or NULL */
};

/* The plan for these inputs, from the cache or made now. */
int plan_get(struct exec *e, const struct tensor *in, struct plan **out, struct err *err);
void plan_free(struct exec *e, struct plan *p); /* NULL is legal */

/* Types and dims of every value, or that they do not follow from the inputs' shapes. */
int plan_infer(struct exec *e, struct plan *p, const struct tensor *in, struct err *err);
/* Makes constants that a kernel has used up available to a dynamic call of n. */
int dynamic_constants(struct exec *e, const struct node *n, struct err *err);
/* Frees dynamic values and starts their counts anew. */
void dynamic_reset(struct exec *e, struct plan *p);
/* Fills in what a step's kernel needs for the plan's shapes. */
int plan_attention(struct exec *e, struct plan *p, struct call *c, struct err *err);
int plan_kernel(struct exec *e, struct plan *p, struct call *c, struct err *err);

/* Runs the calls on the inputs. */
int plan_run(
    struct exec *e, struct plan *p, const struct tensor *in, struct tensor *out, struct err *err);
/* The functions of calls. */
int run_eval(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_dynamic(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_alias(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_nothing(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_conv(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_depthwise(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_matmul(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_max_pool(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_attention(struct exec *e, struct plan *p, const struct call *c, struct err *err);

#endif
