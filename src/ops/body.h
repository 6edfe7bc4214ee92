/* Runs the body of a control-flow layer on tensors, as often as it takes. */
#ifndef OPS_BODY_H
#define OPS_BODY_H

#include "ops/op.h"

struct script;

/* Lays out the nodes of a body, once per evaluation, in the arena; the graph is only read. */
int script_new(const struct graph *g, struct arena *a, struct script **out, struct err *err);
/* One run: in[k] for Parameter k (borrowed); out[k] for Result k, heap tensors that the caller
 * frees. On failure out holds nothing to free. */
int script_run(struct script *s, const struct tensor *in, struct tensor *out, struct err *err);

#endif
