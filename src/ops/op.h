/* The table of operators, and the two contexts in which a row's functions work.
 *
 * A new operator is one OP(...) line in ops.def, an infer and an eval (often shared) in the file of
 * its family, an attribute list beside them, and a line in formats/onnx_ops.def when ONNX has it.
 */
#ifndef OPS_OP_H
#define OPS_OP_H

#include "graph/graph.h"
#include "graph/op.h"

enum op_id {
#define OP(id, ty, set, lo, hi, no, at, in, ev, fl) OP_##id,
#include "ops/ops.def"
#undef OP
	OP_COUNT
};

extern const struct op op_table[OP_COUNT];

static inline const struct op *op_row(enum op_id id)
{
	return &op_table[id];
}
static inline bool node_is(const struct node *n, enum op_id id)
{
	return n->op->id == (int)id;
}
/* The row for ("SoftMax", 8), also under the spellings that are only read ("Softmax", "Relu"); NULL
 * when none. */
const struct op *op_find(const char *type, int opset);
/* True when some opset has this type: to tell "unknown layer" from "unknown opset of a layer". */
bool op_known(const char *type);

/* ---- inference --------------------------------------------------------------------------------
 */

/* All pointers are the caller's. in[k].type is DT_NONE for an absent input. in[k].shape may be
 * unknown or partly known: infer must answer with what follows and no more. tensor is the content
 * of an input that is known in full (a constant, or real data at run time), NULL otherwise. Outputs
 * start as unknown. */
struct infer {
	const struct node
	    *node; /* attributes only: its in/out values may belong to another moment */
	int nin, nout;
	const struct infer_in {
		enum dtype type;
		struct shape shape;
		const struct dim *elems; /* partial integer content, see struct info */
		const struct tensor *tensor;
	} * in;
	struct info *out;
	struct arena *arena;   /* for out[].elems */
	struct graph *symbols; /* hands out symbols for new unknown dims; may be NULL */
	struct err *err;
};

/* Is the input given? */
static inline bool infer_has(const struct infer *s, int k)
{
	return k < s->nin && s->in[k].type != DT_NONE;
}
/* Content of integer input k: NULL when unknown, else *n dims (n = element count), each known or
 * ranged. */
const struct dim *infer_elems(const struct infer *s, int k, int *n);
/* Content of integer input k when fully known: count, or -1. Copies at most max values (more: -1).
 */
int infer_ints(const struct infer *s, int k, int64_t *v, int max);
/* One fully known integer. */
bool infer_int(const struct infer *s, int k, int64_t *v);
/* Normalises axis of a rank, negative counts from the end: -1 with the error set when out of range.
 */
int infer_axis(struct infer *s, int64_t axis, int rank);
/* Integer content of a tensor of rank 0 or 1 with at most LIMIT_ELEMS elements as dims in the
 * arena; NULL when it is none such, or without memory (then nothing is known). */
const struct dim *tensor_elems(const struct tensor *t, struct arena *a);
/* Sets output k's elems (copied), for an integer result of n <= LIMIT_ELEMS elements. */
void infer_set_elems(struct infer *s, int k, int n, const struct dim *elems);
/* fail(E_FORMAT) on s->err. */
int infer_fail(struct infer *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Fills n->out[].info from its inputs' values (constants give tensors); bodies are inferred too.
 * The error names the node. */
int node_infer(struct node *n, struct err *err);
/* node_infer in order over the whole graph. */
int graph_infer(struct graph *g, struct err *err);

/* ---- evaluation -------------------------------------------------------------------------------
 */

/* in[k] is absent (DT_NONE) for an input not given. Outputs are allocated by the caller from
 * inference on the concrete shapes, except for OPF_DATA_SHAPE rows, whose eval calls eval_output
 * first. Input and output buffers never overlap. eval reads no value it was not given, calls no ISA
 * kernel and no float variant of the C library, computes transcendental functions in double and
 * rounds once, reduces in a fixed order. */
struct eval {
	const struct node *node;
	int nin, nout;
	const struct tensor *in;
	struct tensor *out;
	int (*alloc)(struct eval *s, int k, enum dtype type, int rank, const int64_t *dims);
	void *user;
	struct arena *scratch; /* reset by the caller after each node */
	struct err *err;
};

static inline bool eval_has(const struct eval *s, int k)
{
	return k < s->nin && s->in[k].type != DT_NONE;
}
/* OPF_DATA_SHAPE rows: allocates output k. */
static inline int eval_output(struct eval *s, int k, enum dtype type, int rank, const int64_t *dims)
{
	return s->alloc(s, k, type, rank, dims);
}
int eval_fail(struct eval *s, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Runs infer on the concrete inputs and then eval, with heap outputs that the caller frees with
 * tensor_free: what folding and the executor use. out has node->nout absent tensors. */
int node_eval(
    const struct node *n, const struct tensor *in, int nin, struct tensor *out, struct err *err);

#endif
