/* The plan for one set of input shapes: calls in order, and every value's place in one workspace.
 *
 * A plan is made in three steps. lower.c turns the steps of the network into calls: kernels that
 * take the nodes behind them along (bias, residual sum, clamp), eval for the rest, and changes of
 * layout where neighbours differ. Calls name their operands by buffer and offset, never by address.
 * Then memplan.c shares the workspace among buffers by lifetime, and run.c only follows refs. */
#ifndef EXEC_PLAN_H
#define EXEC_PLAN_H

#include "exec/quant.h"
#include "exec/state.h"
#include "kernels/attention_f32.h"
#include "kernels/chain_f32.h"
#include "kernels/copy.h"
#include "kernels/layout.h"
#include "kernels/linear_cw.h"
#include "kernels/matmul_f32.h"
#include "kernels/nhwc_block_f32.h"
#include "kernels/nhwc_conv_f32.h"
#include "kernels/nhwc_conv_u8.h"
#include "kernels/nhwc_deconv_f32.h"
#include "kernels/nhwc_lrn_f32.h"
#include "kernels/nhwc_pool.h"
#include "kernels/nhwc_resize_f32.h"
#include "kernels/norm_f32.h"
#include "kernels/pixels.h"
#include "kernels/quant_u8.h"
#include "kernels/recurrent_f32.h"
#include "kernels/shuffle.h"

/* Bytes of a buffer from an offset on; buffer 0 is none: a NULL pointer. */
struct ref {
	uint32_t buffer;
	int64_t offset;
};

enum buffer_kind {
	BUFFER_NONE,
	BUFFER_WORK,    /* in the workspace while it lives */
	BUFFER_INPUT,   /* what the caller gave for input k */
	BUFFER_FIXED,   /* constants, packed weights: at an address for good */
	BUFFER_DYNAMIC, /* a heap tensor of this run */
};

struct buffer {
	enum buffer_kind kind;
	uint32_t k;      /* input number, or value id when dynamic */
	const void *at;  /* BUFFER_FIXED */
	size_t size;     /* bytes; BUFFER_INPUT: 0 */
	int first, last; /* calls between which it lives */
};

/* How the elements of a value lie in memory. A value with a struct quant may lie there as bytes,
 * too, which is the same to the last bit. */
enum layout {
	ROW_MAJOR,     /* as its dims say */
	CHANNELS_LAST, /* dim 1 innermost: batch, dims 2.., dim 1, for float values of rank 3 to 5
			*/
	U8_ROW_MAJOR,
	U8_CHANNELS_LAST,
	LAYOUTS,
};
enum { LAYOUT_ORDER = 1, LAYOUT_U8 = 2 }; /* bits of an enum layout */

/* Where a value is to be found in one layout. ld: elements from pixel to pixel of CHANNELS_LAST,
 * which are more than its channels when it lies inside of another. */
struct spot {
	struct ref ref;
	int64_t ld;
};

/* A new kind is a row of calls.def, which says what it needs. */
enum call_kind {
#define CALL(kind, stem, fields, name) CALL_##kind,
#define CALL_RUN(kind, stem, name) CALL_##kind,
#include "exec/calls.def"
#undef CALL
#undef CALL_RUN
	CALL_KINDS,
};

struct call {
	enum call_kind kind;
	const struct node *node;
	struct ref in, out, add, packed, bias, scratch; /* kernels' operands; in and add read */
	size_t scratch_bytes;
	struct seen_lanes *before, *after; /* see struct nhwc_conv_f32_args; NULL without taps */
	union {
		struct nhwc_conv_f32 conv;
		struct {
			struct nhwc_block_f32 k;
			struct ref packed[NHWC_BLOCK], bias[NHWC_BLOCK];
		} block;
		struct nhwc_deconv_f32 deconv;
		struct {
			struct nhwc_resize_f32 k;
			struct ref table[2];
		} resize;
		struct nhwc_lrn_f32 lrn;
		struct nhwc_pool pool;
		struct {
			struct nhwc_conv_u8 k;
			struct ref f;
		} conv_u8;
		struct quant_u8 quant; /* of two: the second operand is add */
		struct {
			struct matmul_f32 q;
			struct ref b;
		} matmul;
		struct linear_cw linear_cw;
		struct {
			struct attention_f32 k;
			struct ref in[4];
		} attention;
		struct {
			struct recurrent_f32 k; /* in: x, packed: of the inputs, out: y */
			int length;             /* bits of an element, 0: none */
			struct ref h0, c0, lengths, states, reset, h, c;
		} recurrent;
		struct layout_move move;
		struct copy copy;
		struct {
			struct pixel_pick k;
			struct ref table;
		} pick;
		struct channel_shuffle shuffle; /* of two groups the second is add */
		struct {
			struct chain_f32 k;
			struct ref operand[CHAIN_OPERANDS];
		} chain;
		struct {
			struct norm_f32 k;
			struct ref gamma, beta;
		} norm;
		struct {
			struct tensor *t; /* nin operands, then nout results; data set when run */
			struct ref *ref;  /* theirs */
			int64_t *ld;      /* of a tap: from pixel to pixel; 0: row by row */
		} eval;
		struct {
			struct segment *s;
			struct ref *ref; /* of its inputs */
		} segment;
	};
};

struct plan {
	int64_t *key; /* rank and dims of each input */
	int nkey;
	struct arena *arena;
	struct tensor *value; /* by value id; data is set for constants, known and dynamic ones */
	bool *known;          /* by value id: content that follows from the shapes, on the heap */
	bool *dynamic;        /* by value id: size known only when run; a heap tensor then */
	struct seen_lanes **seen; /* by value id: what a kernel tells of it, or NULL */
	int *left; /* by value id: uses of a dynamic value still to come in this run */
	struct spot (*spot)[LAYOUTS]; /* by value id; buffer 0: not there in this layout */
	struct call *call;
	int ncalls, max_calls;
	struct buffer *buffer;
	uint32_t nbuffers, max_buffers;
	void **base; /* by buffer: its address in this run */
	void *workspace;
	size_t bytes;
	struct tensor *in; /* operands of a dynamic eval */
	struct ref *out;   /* by output of the network */
};

/* The plan for these inputs, from the cache or made now. */
int plan_get(struct exec *e, const struct tensor *in, struct plan **out, struct err *err);
/* From the cache, or NULL; and made now, for the caller to free. */
struct plan *plan_kept(const struct exec *e, const struct tensor *in);
int plan_make(struct exec *e, const struct tensor *in, struct plan **out, struct err *err);
void plan_free(struct exec *e, struct plan *p); /* NULL is legal */
/* An empty plan for these inputs; the places of its buffers, when these are known. */
int plan_alloc(struct exec *e, const struct tensor *in, struct plan **out, struct err *err);
int plan_place(struct plan *p, struct err *err);
/* compiled.c: checks that a compiled network serves e's options; the plan for these inputs out of
 * it; and who runs these inputs: e, or an exec of its own that makes plans where there are none. */
int compiled_open(struct exec *e, struct err *err);
int compiled_plan(struct exec *e, const struct tensor *in, struct plan **out, struct err *err);
int compiled_choose(struct exec *e, const struct tensor *in, struct err *err);
void compiled_close(struct network *net);

/* Types and dims of every value, or that they do not follow from the inputs' shapes. */
int plan_infer(struct exec *e, struct plan *p, const struct tensor *in, struct err *err);
/* Sets the calls and the buffers they need. */
int plan_lower(struct exec *e, struct plan *p, struct err *err);

const char *call_name(enum call_kind kind); /* for reports */
/* timing.c: what a report says of a call, but for its time. */
struct exec_timing call_timing(const struct plan *p, const struct call *c);
/* Runs the calls on the inputs. */
int plan_run(
    struct exec *e, struct plan *p, const struct tensor *in, struct tensor *out, struct err *err);

static inline void *ref_at(const struct plan *p, struct ref r)
{
	return r.buffer ? (char *)p->base[r.buffer] + r.offset : NULL;
}

#endif
