/* Edits of a whole model that its user asks for, before any pass: sizes, layout, frozen inputs,
 * cuts. */
#ifndef OPS_EDIT_H
#define OPS_EDIT_H

#include "ops/op.h"

/* All but edit_batch leave types and shapes to graph_infer. Names are tensor or layer names; one
 * that is unknown is E_USAGE. */

/* Gives input k this shape. */
int edit_shape(struct graph *g, int k, const struct shape *s, struct err *err);
/* Input k, laid out as from ("nhwc"), is to be fed as to ("nchw"), a permutation of it or the same.
 */
int edit_layout(struct graph *g, int k, const char *from, const char *to, struct err *err);
/* Input k becomes a constant: n values, or one for all elements of an input of fixed shape. */
int edit_freeze(struct graph *g, int k, int n, const double *v, struct err *err);
/* The part of the model between tensors: in become the first inputs, out all outputs, each in the
 * order given; none: those that are there. What feeds no output goes. */
int edit_cut(struct graph *g, const char *const *in, int nin, const char *const *out, int nout,
    struct err *err);
/* Gives dim axis[k] of input k this size (axis -1: leaves that input alone) and infers everything
 * again. Types and shapes must have been inferred. A Reshape to sizes that hold the old batch is
 * given a target with the new one where its elements keep their order, sample by sample; where that
 * does not follow, the error names the node that pins the batch and what it takes it from. */
int edit_batch(struct graph *g, const int *axis, int64_t batch, struct err *err);

#endif
