/* Sets of shapes: for which shapes of its inputs a network is to be planned, read from text.
 *
 * A set "ids[1,128],mask[1,128]" gives a plan; sets are separated by ';'. One with ranges,
 * "ids[1,1..512]", says which shapes may come beside those: the network is kept whole then. */
#ifndef STORE_SHAPES_H
#define STORE_SHAPES_H

#include "exec/compiled.h"

struct shape_sets {
	struct exec_shapes s; /* in: ours */
};

/* The sets of all texts, in order. A name that is left out is that of the next input; sizes that
 * are not said are those of the network, or of a dim with the same symbol; where it names none, of
 * inputs with the same open shape. Ranges narrow the network's inputs. Without a plan, the largest
 * sizes of a range get one, or 1 where it has no end. To be freed in every case. */
int shapes_read(
    struct graph *g, const char *const *text, int n, struct shape_sets *out, struct err *err);
/* One set of fixed sizes: a shape for each input. */
int shapes_one(const struct graph *g, const char *text, struct shape *out, struct err *err);
/* Adds a set, unless it is there. */
int shapes_add(
    struct shape_sets *p, const struct graph *g, const struct tensor *in, struct err *err);
void shapes_free(struct shape_sets *p);

#endif
