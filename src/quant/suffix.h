/* Evaluating networks that differ from one base in a place each: what lies before the difference is
 * run once for many of them and kept. */
#ifndef QUANT_SUFFIX_H
#define QUANT_SUFFIX_H

#include "quant/evaluate.h"

/* The part of a variant from where it differs from the base on. */
struct suffix {
	struct graph *g; /* its inputs are the base's values of these names; owned */
	const char **name;
	int n;
	bool whole; /* nothing could be cut: the inputs are the network's own */
};
/* Takes variant over, cuts it, and gives the values at the cut names of their own in base and
 * variant both (unique by `tag`). Nodes are matched by name, operator, attributes, constants and
 * what they depend on. Both must be inferred. */
int suffix_new(
    struct suffix *s, struct graph *base, struct graph *variant, int tag, struct err *err);
void suffix_free(struct suffix *s);

/* Variants of a base, evaluated one after the other on the same samples. */
struct suffixes {
	struct graph *base; /* is given names */
	int n;
	/* Makes variant i; it is taken over. */
	int (*make)(void *user, int i, struct graph **out, struct err *err);
	/* Takes what variant i answered: a sample each. Not 0 ends it all with that status. */
	int (*take)(void *user, int i, const struct answer *a, struct err *err);
	void *user;
	int64_t cache_bytes; /* for the base's values */
};
/* v says what to evaluate on; its in, keep and bound are not used. The variants should come in the
 * order of the places where they differ. EVALUATE_STOPPED when the time was up. */
int suffixes_evaluate(const struct suffixes *s, const struct evaluation *v, struct err *err);

#endif
