/* What lies between two calls whose sizes only the data tell: a network of its own. */
#ifndef EXEC_SEGMENT_H
#define EXEC_SEGMENT_H

#include "exec/plan.h"

/* Runs of dynamic steps whose sizes follow from those of their inputs: last[i] is the last step of
 * the run that step i is in, -1 for none. The whole run is carried out in that place. */
void segment_ends(const struct exec *e, const struct plan *p, int *last);
/* The segment of the steps with last[i] = end, made when there is none yet. */
int segment_get(struct exec *e, const int *last, int end, struct segment **out, struct err *err);
/* What input k of the segment reads, NULL behind the last one. */
const struct value *segment_input(const struct segment *s, int k);
const struct exec *segment_exec(const struct segment *s);
void segments_free(struct exec *e);
int run_segment(struct exec *e, struct plan *p, const struct call *c, struct err *err);

#endif
