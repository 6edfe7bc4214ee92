/* A plan as bytes: one description of each record serves writing and reading.
 *
 * Every image_ function below writes what it is given, or reads it: then what lies outside of the
 * limits marks the image as bad, for good, and gives the lower limit. */
#ifndef EXEC_IMAGE_H
#define EXEC_IMAGE_H

#include <limits.h>

#include "base/cursor.h"
#include "base/text.h"
#include "exec/compiled.h"
#include "exec/lower.h"

/* What kernels count in int may be so large, and their products too. */
#define IMAGE_SMALL (INT_MAX / 64)
#define IMAGE_LARGE (INT64_C(1) << 38)

struct image {
	bool load;
	struct cursor in;
	struct text out;
	struct arena *arena; /* of what is read */
	int nbuffers;        /* that refs which are read may name */
	bool bad;
};

bool image_fails(const struct image *im);
void image_i64(struct image *im, int64_t *v, int64_t least, int64_t most);
void image_int(struct image *im, int *v, int least, int most);
void image_bool(struct image *im, bool *v);
void image_float(struct image *im, float *v);
/* A count whose elements take at least size bytes each, of which the image must still have as many.
 */
void image_count(struct image *im, int *n, int most);
/* Text of at most LIMIT_NAME bytes; "" for NULL. */
void image_text(struct image *im, const char **s);
/* Type, rank and dims, of which data has not more than the limits allow; absent is legal. */
void image_tensor(struct image *im, struct tensor *t);
/* A rank that is known, and the range of each dim. */
void image_shape(struct image *im, struct shape *s);

/* image_pieces.c: constant bytes that lie behind each other at multiples of 64, each content once.
 * Zero-initialise; data are borrowed. */
struct image_pieces {
	struct exec_bytes *v;
	int64_t *at, end;
	int n, max;
	struct piece_key *key;
	size_t nkeys, nused;
};
/* Where the bytes lie; false without memory. */
bool image_piece(struct image_pieces *p, const void *data, size_t size, int64_t *at);
void image_pieces_free(struct image_pieces *p);

/* A compiled network: what its sections hold, and the plans by their shapes. */
struct compiled {
	struct blob *plan, *weights, *network, *constants; /* the last two NULL when it has none */
	struct arena *arena;
	const char *level; /* of the processor */
	bool exact, bf16;
	float share;
	int n;
	struct compiled_plan {
		struct tensor *in, *out; /* without data */
		size_t at, size;         /* in plan */
	} * v;
};
/* compiled.c: where constant bytes lie that an image names; NULL when not inside of a section. */
const void *compiled_bytes(const struct compiled *c, int64_t at, int64_t size);

/* image_graph.c: the nodes that plans need, in an order that node numbers refer to. Inputs and
 * outputs have the shapes given, which may be open. */
struct image_edges {
	const struct shape *in, *out;
};
int image_graph_save(struct exec *e, struct plan *const *p, int n, const struct image_edges *edges,
    struct image *im, struct err *err);
int image_graph_load(struct image *im, struct graph **out, struct err *err);
void image_node_save(struct image *im, struct node *n);
/* Without inputs and shapes. */
int image_node_load(struct image *im, struct graph *g, struct err *err);
/* Inputs and outputs of the graph; nodes by their marks, or as in the list. */
void image_edges_save(const struct graph *g, const struct image_edges *edges, struct image *im);
int image_edges_load(
    struct image *im, struct graph *g, struct node *const *list, int n, struct err *err);
/* image_plan.c: one plan, whose nodes are marked with their numbers. */
int image_plan_save(struct exec *e, const struct plan *p, struct image *im,
    struct image_pieces *pieces, struct err *err);
int image_plan_load(
    struct exec *e, const struct compiled_plan *at, struct plan **out, struct err *err);
/* image_network.c: the whole network that plans are made of, its constants, and the packed weights
 * that there are. */
int image_network_save(
    struct exec *e, struct image *im, struct image_pieces *pieces, struct err *err);
int image_network_load(
    const struct compiled *c, const struct exec_options *o, struct exec **out, struct err *err);
/* image_const.c: a constant of it, by its bytes or by the packed weights that have them in another
 * order; loading adds it to the graph. */
int image_const_save(const struct network *net, struct image *im, const struct node *n,
    struct image_pieces *pieces, struct err *err);
int image_const_load(struct image *im, const struct compiled *c, struct graph *g, struct err *err);
/* image_call.c: kind, operands and kernel of a call, its node apart. False when calls of this kind
 * cannot be written. */
bool image_call(struct image *im, struct call *c, int nin, int nout);
/* image_check*.c: a call that was read stays inside of its buffers, whatever it says. Completes
 * it, and tells the buffers' lifetimes. */
int image_check(struct lower *l, struct call *c, struct err *err);

#endif
