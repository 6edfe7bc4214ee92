/* The names of the layers of an IR. */
#ifndef FORMATS_IR_NAMES_H
#define FORMATS_IR_NAMES_H

#include "graph/graph.h"

/* name[i] is that of order[i], whose mark is i: the node's own, or with a number behind it where
 * another one took that first; from the arena, or the node's. */
int ir_unique_names(
    struct node *const *order, int n, const char **name, struct arena *arena, struct err *err);
/* The tensor name that belongs to a Result alone, or NULL: its own name, when its value has it. */
const char *ir_result_name(const struct node *n);

#endif
