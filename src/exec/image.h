/* A plan as bytes: one description of each record serves writing and reading.
 *
 * Every image_ function below writes what it is given, or reads it: then what lies outside of the
 * limits marks the image as bad, for good, and gives the lower limit. */
#ifndef EXEC_IMAGE_H
#define EXEC_IMAGE_H

#include <limits.h>

#include "base/cursor.h"
#include "base/text.h"
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

/* image_graph.c: the nodes that a plan needs, in an order that node numbers refer to. */
int image_graph_save(struct exec *e, const struct plan *p, struct image *im, struct err *err);
int image_graph_load(struct image *im, struct graph **out, struct err *err);
/* image_call.c: kind, operands and kernel of a call, its node apart. False when calls of this kind
 * cannot be written. */
bool image_call(struct image *im, struct call *c, int nin, int nout);
/* image_check*.c: a call that was read stays inside of its buffers, whatever it says. Completes
 * it, and tells the buffers' lifetimes. */
int image_check(struct lower *l, struct call *c, struct err *err);

#endif
