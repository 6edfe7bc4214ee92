/* What the files that make calls share: buffers, spots, and the calls themselves. */
#ifndef EXEC_LOWER_H
#define EXEC_LOWER_H

#include <limits.h>

#include "exec/plan.h"
#include "exec/tune.h"

/* A channel range of a Concat's result that a value is written to in place. */
struct target {
	const struct value *whole; /* NULL: none */
	int64_t channel;
};

/* Where a value lies that only attention reads: by strides in another one. */
struct view {
	struct ref ref; /* buffer 0: it lies elsewhere */
	int64_t stride[MAX_RANK];
};

struct lower {
	struct exec *e;
	struct plan *p;
	bool *absorbed;        /* by step: done by a kernel before it */
	bool *last;            /* by value id: computed as CHANNELS_LAST */
	struct target *target; /* by value id */
	struct view *view;     /* by value id */
	struct tuning tuning;
	struct err *err;
};

/* ---- what a kernel takes along (fuse.c) ---- */

struct fused {
	const struct node *end;     /* the last node done: its output is the kernel's */
	float *bias;                /* one per channel, in the plan's arena, or NULL */
	const struct value *add;    /* added before the clamp, of the output's dims, or NULL */
	const struct value *before; /* what add is added to, when a watcher is told its ends */
	float lo, hi;
	struct chain_op act; /* a function behind the clamp; op SPAN_NONE: none */
};
/* Uses of v by live nodes, and two of these; the tap counts as one more. Those whose results the
 * plan knows don't read it. */
int live_readers(const struct lower *l, const struct value *v, const struct node *by[2]);
/* The one live node that uses v, or NULL. */
const struct node *follower(const struct lower *l, const struct value *v);
/* Computed before step i, with a place in memory? */
bool is_there(const struct lower *l, const struct value *v, int i);
/* The nodes behind n that its kernel, run in the place of step i, does with channels along axis of
 * its output: marks them absorbed. */
int fuse(struct lower *l, int i, const struct node *n, int axis, int64_t channels, struct fused *f);
/* The same for kernels that tell what they see before the sum, where the tap hears it. */
int fuse_seeing(
    struct lower *l, int i, const struct node *n, int axis, int64_t channels, struct fused *f);
/* The same for kernels that add no other value. */
int fuse_alone(
    struct lower *l, int i, const struct node *n, int axis, int64_t channels, struct fused *f);
/* What a quantized kernel takes along, see struct u8_epilogue. */
struct fused_u8 {
	const struct node *end;
	int64_t channels;
	int axis;
	bool floats; /* the sums are */
	bool alone;  /* nothing is added */
	float *f;    /* factors: the caller sets those of the sums, fuse_u8 the others */
	int levels, rounded;
	int sums; /* enum u8_sum */
	float lo[CONV_U8_LEVELS + 1], hi[CONV_U8_LEVELS + 1];
	float scale, shift;
	const struct value *add; /* of the output's dims, or NULL */
	float add_zero, sum_scale, sum_shift;
	const struct quant *out; /* of the result, which is bytes; NULL: floats */
	struct tail_u8 tail;
};
/* Room for all the factors there can be, all 0. */
int fuse_u8_factors(struct lower *l, struct fused_u8 *f);
/* The nodes behind step i that its quantized kernel does: marks them absorbed. */
int fuse_u8(struct lower *l, int i, struct fused_u8 *f);
/* Is v, which has a scale for each channel, read by a kernel that takes it as bytes? */
bool bytes_are_read(const struct lower *l, const struct value *v);
/* Does t, aligned to the right of rank dims, hold one value for each index of one axis, or one for
 * all? */
bool is_per_axis(const struct tensor *t, int rank, int axis, int64_t size);
/* A function of each element behind f. */
void fuse_act(struct lower *l, struct fused *f);
static inline void fused_act(struct nhwc_conv_f32 *k, const struct fused *f)
{
	k->act = f->act.op;
	k->act_a = f->act.a;
	k->act_b = f->act.b;
}
/* Is n a function of each element, and which? */
bool chain_unary(const struct lower *l, const struct node *n, struct chain_op *op);
/* Where n makes integers of floats and only a Convert reads them, which makes them floats again:
 * that one. */
const struct node *chain_truncation(const struct lower *l, const struct node *n);
/* The FakeQuantize behind: its result's values, which the kernel writes as bytes; NULL: none, or
 * with a scale for each channel. */
const struct quant *fuse_quantize(struct lower *l, const struct node **end);

/* ---- layouts (layout.c) ---- */

/* Sets last and target for every value. */
void layout_choose(struct lower *l);
/* A tensor's dims as they lie in memory with the channels last: of rank dims, aligned to the right.
 */
struct tensor layout_view(const struct tensor *t, int rank);

/* ---- buffers and spots (spot.c) ---- */

int buffer_add(struct lower *l, enum buffer_kind kind, size_t bytes, uint32_t *out);
int buffer_fixed(struct lower *l, const void *at, size_t bytes, struct ref *out);
/* The place of a value in this layout; a call that changes the layout is added when it is not there
 * yet. */
int spot_need(struct lower *l, const struct value *v, enum layout layout, struct spot *out);
/* Room for a value that the next call computes. in_place allows a part of a Concat's result. */
int spot_make(
    struct lower *l, const struct value *v, enum layout layout, bool in_place, struct spot *out);
/* Rows of a value that lies like this; distances and codes are the caller's to set. */
struct quant_u8 quant_rows(const struct tensor *t, enum layout layout);
/* A value that is another one, from an offset on. */
void spot_alias(struct lower *l, const struct value *v, enum layout layout, struct spot s);

/* ---- calls (lower.c and lower_*.c) ---- */

/* Can kernels count it in an int, a few of them, too? */
static inline bool is_small(int64_t n)
{
	return n > -INT_MAX / 64 && n < INT_MAX / 64;
}

/* A call at the end; NULL without memory. What is set in it must be carried by its FIELDS_io, see
 * calls.def: a compiled network has nothing else. Operands are told by call_uses, which keeps their
 * buffers alive. */
struct call *call_add(struct lower *l, enum call_kind kind, const struct node *n);
void call_uses(struct lower *l, struct ref r);
/* in, add (of buffer 0: none) and out at once. */
void call_operands(
    struct lower *l, struct call *c, struct spot in, struct spot add, struct spot out);
int call_scratch(struct lower *l, struct call *c, size_t bytes);
/* A call for n that reads its first input and makes result, both in the layout: in and out are set
 * and told. x and y say where they are. */
int call_one(struct lower *l, enum call_kind kind, const struct node *n, const struct value *result,
    enum layout layout, struct spot *x, struct spot *y, struct call **c);

/* Geometry of a convolution; false when the kernels don't count that far. */
bool conv_shape_of(const struct lower *l, const struct node *n, struct conv_shape *s);
/* That of rows [rows x cin] times a constant matrix; likewise. */
bool linear_shape_of(const struct lower *l, const struct node *n, struct conv_shape *s);
/* That of a max pooling, but for the distances of pixels. */
bool max_pool_shape(const struct lower *l, const struct node *n, struct conv_shape *s);

/* Each lowers step i; *done says whether there is a kernel for it. */
int lower_conv(struct lower *l, int i, bool *done);
/* For lower_conv: step i, which k and f would do, together with the convolutions behind it. */
int lower_block(struct lower *l, int i, const struct nhwc_conv_f32 *k, const struct fused *f,
    const void *packed, bool *done);
int lower_matmul(struct lower *l, int i, bool *done);
int lower_linear(struct lower *l, int i, bool *done); /* of lower_matmul: a constant matrix */
/* For lower_linear: a matrix that stays compressed. */
int lower_compressed(struct lower *l, int i, const struct conv_shape *s, bool *done);
int lower_deconv(struct lower *l, int i, bool *done);
int lower_image(struct lower *l, int i, bool *done); /* Interpolate and LRN */
int lower_pool(struct lower *l, int i, bool *done);
int lower_reduce(struct lower *l, int i, bool *done);
int lower_move(struct lower *l, int i, bool *done);
int lower_runs(struct lower *l, int i, bool *done);
int lower_shuffle(struct lower *l, int i, bool *done);
int lower_pick(struct lower *l, int i, bool *done);   /* Pad */
int lower_blocks(struct lower *l, int i, bool *done); /* DepthToSpace, SpaceToDepth */
int lower_chain(struct lower *l, int i, bool *done);
int lower_norm(struct lower *l, int i, bool *done);
int lower_attention(struct lower *l, int i, bool *done);
int lower_recurrent(struct lower *l, int i, bool *done);
int lower_view(struct lower *l, int i, bool *done);    /* what only attention reads */
int lower_conv_u8(struct lower *l, int i, bool *done); /* and products with constants */
int lower_u8(struct lower *l, int i, bool *done);      /* what else is computed in 8 bits */
/* Has step i a kernel that reads and writes CHANNELS_LAST, but for what only packing tells? */
bool conv_has_kernel(const struct lower *l, const struct node *n);
/* The way of a convolution, as the options are. */
int conv_way_of(struct lower *l, const struct conv_shape *s);
/* How v lies for the convolution that reads it; sets planes of it. */
enum layout conv_reads(const struct lower *l, const struct value *v, struct nhwc_conv_f32 *k);
bool deconv_has_kernel(const struct lower *l, const struct node *n);
bool deconv_shape_of(const struct lower *l, const struct node *n, struct conv_shape *s);
bool image_has_kernel(const struct lower *l, const struct node *n);
/* Does n only tell otherwise what lies with its channels last, which it then does after n, too? */
bool move_keeps_last(const struct lower *l, const struct node *n);
/* Is n's result one of channels shuffled, which lies with its channels last? Are the operands of
 * Concat n shuffled, from where they lie? */
bool shuffle_keeps_last(const struct lower *l, const struct node *n);
bool blocks_keep_last(const struct lower *l, const struct node *n);
/* Is it a Pad of an image with channels last that picks pixels? */
bool pick_has_kernel(const struct lower *l, const struct node *n);
/* n picks pixels by that table. */
int pick_call(struct lower *l, const struct node *n, struct pixel_pick k, const int32_t *table);
bool shuffle_takes(const struct lower *l, const struct node *n);
/* The axis of a Split, -1 when it is not known. */
int split_axis(const struct lower *l, const struct node *n);
bool pool_has_kernel(const struct lower *l, const struct node *n);

static inline const struct tensor *lower_dims(const struct lower *l, const struct value *v)
{
	return &l->p->value[v->id];
}
/* What is known to be in v, as a constant or by the plan; without data when it isn't. */
static inline struct tensor lower_content(const struct lower *l, const struct value *v)
{
	return l->p->known[v->id] ? *lower_dims(l, v) : l->e->c->t[v->id];
}
static inline bool lower_constant(const struct lower *l, const struct value *v)
{
	return l->e->c->t[v->id].type != DT_NONE;
}
/* Content that no run changes: a constant, or what follows from the shapes of this plan. */
static inline bool lower_fixed(const struct lower *l, const struct value *v)
{
	return lower_constant(l, v) || l->p->known[v->id];
}
/* Pixels of a value with channels: dims 0 and 2.. */
static inline int64_t pixels_of(const struct tensor *t)
{
	int64_t n = t->dim[0];
	for (int d = 2; d < t->rank; d++)
		n *= t->dim[d];
	return n;
}

#endif
