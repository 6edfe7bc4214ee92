/* Steps whose sizes are known only when they run: eval, with results on the heap. */
#ifndef EXEC_DYNAMIC_H
#define EXEC_DYNAMIC_H

#include "exec/plan.h"

/* Puts the constants that a dynamic call of n reads into the plan, also those that a kernel has
 * used up. */
int dynamic_constants(struct exec *e, struct plan *p, const struct node *n, struct err *err);
/* One use of each dynamic input of n is over. */
void dynamic_used(struct plan *p, const struct node *n);
/* Frees dynamic values and starts their counts anew. */
void dynamic_reset(struct exec *e, struct plan *p);
int run_dynamic(struct exec *e, struct plan *p, const struct call *c, struct err *err);
/* What a dynamic call reads: what a call before has computed, this run has made, or a constant. */
struct tensor dynamic_operand(const struct plan *p, const struct value *v, struct ref ref);

#endif
