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
	struct segment *segment; /* of run_segment */
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
/* One use of each dynamic input of n is over. */
void dynamic_used(struct plan *p, const struct node *n);
/* Frees dynamic values and starts their counts anew. */
void dynamic_reset(struct exec *e, struct plan *p);
/* Runs of dynamic steps whose sizes follow from those of their inputs: last[i] is the last step of
 * the run that step i is in, -1 for none. The whole run is carried out in that place. */
void segment_ends(const struct exec *e, const struct plan *p, int *last);
/* The segment of the steps with last[i] = end, made when there is none yet. */
int segment_get(struct exec *e, const int *last, int end, struct segment **out, struct err *err);
/* What input k of the segment reads, NULL behind the last one. */
const struct value *segment_input(const struct segment *s, int k);
void segments_free(struct exec *e);
/* Fills in what a step's kernel needs for the plan's shapes. */
int plan_attention(struct exec *e, struct plan *p, struct call *c, struct err *err);
int plan_kernel(struct exec *e, struct plan *p, struct call *c, struct err *err);

/* Runs the calls on the inputs. */
int plan_run(
    struct exec *e, struct plan *p, const struct tensor *in, struct tensor *out, struct err *err);
/* The functions of calls. */
int run_eval(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_dynamic(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_segment(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_alias(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_nothing(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_conv(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_depthwise(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_matmul(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_max_pool(struct exec *e, struct plan *p, const struct call *c, struct err *err);
int run_attention(struct exec *e, struct plan *p, const struct call *c, struct err *err);

#endif
