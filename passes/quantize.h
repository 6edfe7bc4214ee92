/* Quantization to 8 bits as plain data: where quantizers stand, and the network with them put in,
 * in the form that NNCF writes and OpenVINO runs in INT8. */
#ifndef PASSES_QUANTIZE_H
#define PASSES_QUANTIZE_H

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"

/* Weights for machines that add products of bytes in 16 bits: within half of the levels, so that
 * the sums of two products do not overflow. */
enum overflow_fix { OVERFLOW_DISABLE, OVERFLOW_FIRST_LAYER_ONLY, OVERFLOW_ENABLE };

struct quantize_options {
	/* Layers that stay as they are: of these names, exactly. */
	const char *const *kept;
	int nkept;
	/* Quantizers that only depthwise layers read have a range for each channel. */
	bool depthwise_channels;
	enum overflow_fix overflow;
	bool all;      /* also what is better left alone */
	bool products; /* also products of two results, as of queries with keys */
};

/* Why a layer that could be computed in 8 bits is not. */
enum quantize_skip { SKIP_NONE, SKIP_KEPT, SKIP_HEAD, SKIP_SLOW, SKIP_ALONE };
const char *quantize_skip_reason(enum quantize_skip why);
/* By id of each node's first output; the graph is numbered, skip filled by it. */
void quantize_skips(struct graph *g, const struct quantize_options *o, unsigned char *skip);
/* Multiplications of a layer with weights; 0 when sizes are not known. */
double quantize_macs(const struct node *n);

/* A FakeQuantize to come, on one value. */
struct quantizer {
	const char *name; /* of the layer that gives the value, ":k" behind it for output k > 0 */
	uint32_t value;   /* its id */
	bool sequence;    /* only products of sequences read it, as in transformers */
	bool symmetric;   /* a product of results reads it, which OpenVINO computes in 8 bits when
			   * 0 is the middle */
	int set;          /* those of one set share their range: the index of the first of them */
	int64_t channels; /* above 1: it may have a range for each of dim 1's, since only depthwise
			   * layers read it */
};

/* An input that reads a quantizer's output instead of the value. */
struct quantized_input {
	uint32_t node; /* its number in the graph's order */
	int index;
	int quantizer;
};

/* A layer to be computed in 8 bits: what is put back to its original precision at a time. */
struct quant_group {
	const char *name; /* the layer's */
	const char *type;
	uint32_t node; /* its number in the graph's order */
	bool weights;  /* input 1 is a constant that becomes i8 */
	double macs;   /* multiplications for one inference; 0 when sizes are not known */
	int64_t bytes; /* of the constant */
	int most;      /* the largest weight becomes: 127, or 63 */
};

/* A layer left alone by what is known of it, not by the user. */
struct quant_skipped {
	const char *name;
	enum quantize_skip why;
};

/* Names and arrays live in the arena. It holds for the graph as long as that does not change, and
 * for clones of it. */
struct placement {
	struct arena *arena;
	const struct graph *graph;
	struct quantizer *quantizer;
	struct quantized_input *input;
	struct quant_group *group;
	struct quant_skipped *skipped;
	int nquantizers, ninputs, ngroups, nskipped;
};

/* Numbers the graph; its shapes must have been inferred. Bodies are left alone. */
int quantize_place(
    struct graph *g, const struct quantize_options *o, struct placement *out, struct err *err);
void placement_free(struct placement *p);

/* The ends of a range, by channel. Any finite ones: quantize_apply moves them so that 0 is a level.
 */
struct quant_range {
	int64_t channels; /* 1, or the quantizer's */
	const float *low, *high;
	bool symmetric; /* around 0 when low is below it */
};

/* 8-bit weights of layers by their names, worked out once for all clones of a network. Several
 * threads may share them. */
struct weight_levels;
struct weight_levels *weight_levels_new(void); /* NULL without memory */
void weight_levels_free(struct weight_levels *s);
/* Works out what is missing of the placement's, with so many threads; 0: all that there are. */
int weight_levels_fill(
    struct weight_levels *s, const struct placement *p, int threads, struct err *err);
/* Those of layer n, with references for the caller; s NULL: just worked out. */
int weight_levels_get(struct weight_levels *s, const struct node *n, int most, struct blob **q,
    struct blob **scale, struct err *err);

/* A clone of the placement's graph with FakeQuantize and 8-bit weights; range by quantizer. */
int quantize_apply(const struct placement *p, const struct quant_range *range,
    struct weight_levels *levels, struct graph **out, struct err *err);

/* Weights of a layer and how they are quantized: used by quantize_apply; one scale for each output
 * channel, the largest value becoming most (127, or 63 to be safe where products of bytes are
 * added in 16 bits). Replaces input 1 of n by Const i8 -> Convert -> Multiply. */
int quantize_weights(struct node *n, int most, struct weight_levels *levels, struct err *err);
/* The integers and the scales that they become. */
int quantize_levels(
    const struct node *n, int most, struct blob **q, struct blob **scale, struct err *err);
/* The constant that the weights of n come from. */
struct blob *quantizable_blob(const struct node *n);
/* True when input 1 is a constant of n's that can be. */
bool quantizable_weights(const struct node *n);
/* Passes on the levels of its inputs 0..k-1 as they are; 0 when it does not. */
int passes_levels(const struct node *n);

#endif
