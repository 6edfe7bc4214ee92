/* Variables of a network with state: ReadValue and Assign. */
#ifndef EXEC_VARIABLES_H
#define EXEC_VARIABLES_H

#include "exec/plan.h"

/* Those of the steps; a run's assignments hold from its good end on. */
bool has_variable(const struct node *n); /* ReadValue or Assign */
int variables_new(struct exec *e, struct err *err);
void variables_free(struct exec *e);
void variables_end_run(struct exec *e, bool good);
/* Carries out a ReadValue or Assign. make: the output has no place, it becomes a heap tensor. */
int variables_step(struct exec *e, const struct node *n, const struct tensor *in,
    struct tensor *out, bool make, struct err *err);

#endif
