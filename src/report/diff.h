/* What tells two networks apart, without running them: layers, their attributes, sizes and
 * connections, and the values of constants. */
#ifndef REPORT_DIFF_H
#define REPORT_DIFF_H

#include "base/arena.h"
#include "base/text.h"
#include "graph/graph.h"

/* A layer of either network or, where it is the same one changed, of both. */
struct diff_layer {
	const struct node *a, *b; /* NULL: added, removed */
	const char *within;       /* NULL, or of a layer in a body: "loop/body/" */
	struct text changes;      /* a line each: "pads_begin 1, 1 -> 0, 0" */
};

/* Constants, or what follows from constants alone, that the same layer reads. */
struct diff_tensor {
	const struct node *a, *b; /* the readers */
	const char *within;
	int input;
	enum dtype stored_a, stored_b; /* type of the largest constant behind it */
	bool same_size;
	double error, max_abs, sqnr; /* as in report/compare.h, with a as the reference */
};

struct diff {
	struct diff_layer *layer; /* removed and changed in a's order, then added in b's; layers of
				     bodies before the one that has the body */
	int nlayers, added, removed, changed, same;
	struct diff_tensor *tensor;      /* those that differ, the largest error first */
	int ntensors, compared, skipped; /* skipped: larger than 2 GiB, or no values known */
	struct text outputs;             /* a line for each that only one of them has, or that comes
					    from elsewhere, and for another order */
	bool equal;
	struct arena *arena;
};

/* Layers are those that the data go through; they are the same by name and type, else by the
 * tensor they make, else by what they read. Constants that differ by at most tolerance over their
 * range are the same. The graphs must outlive d; their marks are used. */
int diff_graphs(
    struct graph *a, struct graph *b, double tolerance, struct diff *d, struct err *err);
void diff_free(struct diff *d);

#endif
