/* What a translator of one ONNX operator works with: its attributes, its inputs, and layers to
 * make.
 *
 * A failure sticks: helpers called after it do nothing and give NULL, so a translator tests nothing
 * and ends in tr_out. Each layer is inferred as it is made, so types, ranks and small constants can
 * be asked for along the way. Helper layers are named after the node; the one that gives the node's
 * first output gets the node's name. */
#ifndef FORMATS_ONNX_TRANSLATE_H
#define FORMATS_ONNX_TRANSLATE_H

#include "formats/onnx_import.h"
#include "ops/op.h"

struct tr {
	struct onnx_scope *scope;
	const Onnx__NodeProto *node;
	const char *name; /* of the layer */
	int opset;        /* of the operator's domain */
	int nin, nout;
	struct value **in;                            /* NULL: not given */
	struct value **out;                           /* to be set */
	const struct onnx_list **in_list, **out_list; /* where the input or output is a sequence */
	struct graph *graph;
	struct node *mark; /* the graph's last node before this one's layers */
	int nattrs;
	const Onnx__AttributeProto **attr;
	bool *used;
	int status;
	struct err *err;
};

typedef void translate_fn(struct tr *t);

/* A row of onnx_ops.def: the operator under the domain's versions first..last. */
struct onnx_op {
	const char *name; /* "Conv"; "domain:Name" outside the default domain */
	int first, last;
	translate_fn *translate;
};
extern const struct onnx_op onnx_ops[];

/* Sets the error, once; E_UNSUPPORTED goes into the list of nodes that cannot be converted. */
void tr_fail(struct tr *t, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- attributes: asking for one marks it as known; a wrong kind is an error ---- */
bool tr_has(struct tr *t, const char *name); /* given? (does not mark it) */
void tr_ignore(struct tr *t, const char *name);
/* An error when it is not given. */
void tr_require(struct tr *t, const char *name);
int64_t tr_int(struct tr *t, const char *name, int64_t initial);
bool tr_bool(struct tr *t, const char *name, bool initial);
double tr_float(struct tr *t, const char *name, double initial);
const char *tr_str(struct tr *t, const char *name, const char *initial);
/* Count, or -1 when not given. */
int tr_ints(struct tr *t, const char *name, const int64_t **v);
int tr_floats(struct tr *t, const char *name, const float **v);
int tr_strs(struct tr *t, const char *name, const char ***v);
const Onnx__TensorProto *tr_tensor(struct tr *t, const char *name);
/* Exactly n numbers, or initial n times when not given. */
void tr_ints_n(struct tr *t, const char *name, int n, int64_t initial, int64_t *v);
/* A subgraph, which must be given. */
const Onnx__GraphProto *tr_graph(struct tr *t, const char *name);
/* An element type; initial when not given or 0. */
enum dtype tr_type(struct tr *t, const char *name, enum dtype initial);

/* ---- values ---- */
/* Input k, which must be given. */
struct value *tr_in(struct tr *t, int k);
bool tr_given(const struct tr *t, int k);
/* Is output k asked for? */
bool tr_wants(const struct tr *t, int k);
/* Sets output k. */
void tr_out(struct tr *t, int k, struct value *v);
enum dtype tr_dtype(const struct value *v);
/* Known rank, else a failure and 0. */
int tr_rank(struct tr *t, const struct value *v);
/* Static size of a dim, or -1. */
int64_t tr_dim(const struct value *v, int axis);
/* The axis in 0..rank-1 of one that may count from the end. */
int tr_axis(struct tr *t, int64_t axis, int rank);
/* Content of a constant or otherwise known integer value of rank 0 or 1: count, or -1. */
int tr_known(const struct value *v, int64_t *out, int max);
/* Content of a constant of one number. */
bool tr_known_number(const struct value *v, double *out);

/* ---- constants ---- */
struct value *tr_i64(struct tr *t, int n, const int64_t *v); /* n -1: a scalar */
struct value *tr_i64_1(struct tr *t, int64_t v);             /* one element, rank 1 */
struct value *tr_scalar_i64(struct tr *t, int64_t v);
struct value *tr_number(struct tr *t, enum dtype type, double v);             /* scalar */
struct value *tr_number_of(struct tr *t, const struct value *like, double v); /* of like's type */
struct value *tr_range(struct tr *t, int from, int to);                       /* from .. to-1 */
struct value *tr_constant(struct tr *t, const char *name, const struct onnx_const *c);

/* ---- layers ---- */
/* A layer whose attributes are to be set before tr_end infers it. nout of rows that leave it open.
 */
struct node *tr_new_n(struct tr *t, enum op_id id, int nout, struct value *const *in, int nin);
#define TR_LIST(...)                            \
	((struct value *const[]){__VA_ARGS__}), \
	    (int)(sizeof((struct value *const[]){__VA_ARGS__}) / sizeof(struct value *))
#define tr_new(t, id, ...) tr_new_n(t, id, op_row(id)->nout, TR_LIST(__VA_ARGS__))
void tr_set_i(struct tr *t, struct node *n, const char *name, int64_t v);
void tr_set_f(struct tr *t, struct node *n, const char *name, double v);
void tr_set_s(struct tr *t, struct node *n, const char *name, const char *v);
void tr_set_type(struct tr *t, struct node *n, const char *name, enum dtype v);
void tr_set_ints(struct tr *t, struct node *n, const char *name, int count, const int64_t *v);
/* From the spelling that the IR has for it. */
void tr_set_text(struct tr *t, struct node *n, const char *name, const char *text);
/* Infers the layer; its first output. */
struct value *tr_end(struct tr *t, struct node *n);
/* tr_new and tr_end of a layer whose attributes keep their defaults. */
#define tr_op(t, id, ...) tr_end(t, tr_new(t, id, __VA_ARGS__))
/* Output k of the layer behind v. */
struct value *tr_port(struct value *v, int k);

/* ---- common shapes of things ---- */
struct value *tr_convert(
    struct tr *t, struct value *v, enum dtype type); /* v itself when of that type */
/* A constant gets new dims in place, another value a Reshape layer. */
struct value *tr_reshape(struct tr *t, struct value *v, int rank, const int64_t *dims);
struct value *tr_reshape_to(struct tr *t, struct value *v, struct value *dims);
struct value *tr_transpose(struct tr *t, struct value *v, int n, const int64_t *order);
struct value *tr_unsqueeze(struct tr *t, struct value *v, int n, const int64_t *axes);
struct value *tr_squeeze(struct tr *t, struct value *v, int n, const int64_t *axes);
struct value *tr_shape_of(struct tr *t, struct value *v); /* i64 */
struct value *tr_gather(struct tr *t, struct value *v, struct value *indices, int64_t axis);
/* Elements from..to-1 (step 1) of a vector. */
struct value *tr_part(struct tr *t, struct value *v, int64_t from, int64_t to);
struct value *tr_slice(struct tr *t, struct value *v, int64_t axis, int64_t from, int64_t to);
struct value *tr_concat(struct tr *t, int64_t axis, struct value *const *v, int n);
struct value *tr_reduce(
    struct tr *t, enum op_id id, struct value *v, struct value *axes, bool keep);
struct value *tr_broadcast(struct tr *t, struct value *v, struct value *dims);
/* v of one element as a scalar. */
struct value *tr_scalar(struct tr *t, struct value *v);
/* A vector [C] as [1, C, 1, ...] of the given rank (along axis). */
struct value *tr_along(struct tr *t, struct value *v, int rank, int axis);
/* The second operand of an opset 1..6 operator with attributes broadcast and axis, as numpy
 * stretches it. */
struct value *tr_legacy_broadcast(struct tr *t);
/* The number of elements of v, an i64 scalar. */
struct value *tr_count(struct tr *t, struct value *v);

/* x as a matrix: axes 0..axis-1 by the rest. */
struct value *tr_matrix_at(struct tr *t, struct value *x, int axis);
struct value *tr_flat_keep_first(struct tr *t, struct value *x);
/* Largest stride, dilation, pad or kernel: sums and products of them stay within 64 bits. */
#define TR_WINDOW_MAX (1 << 20)
/* What convolutions and pools share: one entry per spatial axis. */
struct tr_window {
	int n;
	int64_t stride[MAX_RANK], dilation[MAX_RANK], begin[MAX_RANK], end[MAX_RANK];
	const char *auto_pad; /* in the IR's spelling */
};
/* From the attributes strides, dilations, pads, auto_pad; w->n is set. */
void tr_window_read(struct tr *t, struct tr_window *w);
void tr_window_set(struct tr *t, struct node *n, const struct tr_window *w);
/* clamp(round(x / scale) + zero) of the zero point's type, else of type, and its reverse, of the
 * scale's. A scale or zero point of one axis lies along axis; zero may be NULL. */
struct value *tr_quantize(struct tr *t, struct value *x, struct value *scale, struct value *zero,
    int axis, enum dtype type);
struct value *tr_dequantize(
    struct tr *t, struct value *x, struct value *scale, struct value *zero, int axis);

#define ONNX(name, first, last, fn) translate_fn tr_##fn;
#include "formats/onnx_ops.def"
#undef ONNX

#endif
