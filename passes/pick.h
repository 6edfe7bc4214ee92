/* Layers that a user names: by NAME, TYPE, /regex/ of names, or all between two: FROM..TO. */
#ifndef PASSES_PICK_H
#define PASSES_PICK_H

#include <regex.h>

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"

/* A name, or /a regular expression/, compiled. */
struct pattern {
	const char *text;
	bool expression;
	regex_t regex; /* used for an expression only */
};
/* Borrows the text; E_USAGE when it is no regular expression. */
int pattern_open(struct pattern *p, const char *text, struct err *err);
void pattern_close(struct pattern *p);
/* The name of the layer or of one of its tensors. */
bool pattern_names(const struct pattern *p, const struct node *n);

struct picked {
	const char *text; /* as asked for */
	struct node **node;
	int n;
};
/* What text stands for, in the graph's order; node is the arena's. A whole name goes before the
 * other readings, so that whatever a layer is called, it can be named. E_USAGE when there is
 * nothing of the kind. */
int pick_layers(
    struct graph *g, const char *text, struct arena *arena, struct picked *out, struct err *err);

#endif
