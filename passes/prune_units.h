/* Which parts of a network can only be removed together.
 *
 * Every index of every axis of every value has a label. Each operator ties labels of its inputs to
 * labels of its outputs: those of one class are one unit, which is removed everywhere or nowhere. A
 * class that reaches what must keep its size, such as an input or output of the model, is fixed.
 * This is the dependency graph of DepGraph (Fang et al., "Towards any structural pruning", 2023),
 * kept for single indices instead of layers, so that concats, splits, reshapes and grouped
 * convolutions need no cases of their own. */
#ifndef PASSES_PRUNE_UNITS_H
#define PASSES_PRUNE_UNITS_H

#include "passes/rewrite.h"

struct units {
	struct graph *graph;
	int32_t *first;  /* [value id * MAX_RANK + axis]: label of index 0, -1 without labels */
	int32_t *parent; /* of a label, itself for the first of its class */
	bool *fixed;     /* by first labels */
	int32_t nlabels;
	bool settling; /* reshapes that leave a choice are to choose now */
};

/* Labels and classes of g (bodies are fixed as a whole), which must be inferred and not change
 * while they are used. Numbers its values. */
int units_new(struct graph *g, struct units *u, struct err *err);
void units_free(struct units *u);

/* The class of index i of an axis, as its first label; -1 when the axis has no labels: its size is
 * 1, or not known. */
int32_t unit_at(struct units *u, const struct value *v, int axis, int64_t i);
static inline bool unit_has(const struct units *u, const struct value *v, int axis)
{
	return u->first[v->id * (size_t)MAX_RANK + axis] >= 0;
}

/* What rules do. An index or axis without a partner is fixed. */
void unit_tie(struct units *u, const struct value *a, int axis, int64_t i, const struct value *b,
    int baxis, int64_t j);
void unit_tie_axis(
    struct units *u, const struct value *a, int axis, const struct value *b, int baxis);
/* All axes of two values of one rank. */
void unit_tie_all(struct units *u, const struct value *a, const struct value *b);
/* As numpy broadcasts a to b. */
void unit_tie_broadcast(struct units *u, const struct value *a, const struct value *b);
void unit_fix_axis(struct units *u, const struct value *v, int axis);
void unit_fix_value(struct units *u, const struct value *v);           /* NULL is legal */
void unit_fix_node(struct units *u, const struct node *n);             /* all inputs and outputs */
bool unit_free_axis(struct units *u, const struct value *v, int axis); /* some index is not fixed */

/* The rules; false when the operator is none of theirs. */
bool ties_of_layer(struct units *u, const struct node *n);
bool ties_of_move(struct units *u, const struct node *n);

#endif
