/* What could be better about a network, from its structure alone: advice before anything is run. */
#ifndef REPORT_HINTS_H
#define REPORT_HINTS_H

#include "base/text.h"
#include "report/products.h"
#include "report/totals.h"

struct hint {
	const char *about; /* "work", "bytes", "precision", "storage", "layers", "pruning",
			      "sizes" */
	double share;      /* of what: the text says; NAN: no share */
	struct text text;  /* a line */
};
struct hints {
	struct hint v[24];
	int n;
};

/* Where multiply-adds and bytes lie; which products stay in floats and why; what other storage
 * would take; what the passes of mo would still change; what pruning would take out; what sizes are
 * open. The graph is as it
 * was read, and is left so. */
int hints_find(struct graph *g, const struct totals *t, const struct products *p, struct hints *h,
    struct err *err);
/* "2 of 14 products stay in f32 (4.8 % of the multiply-adds): " and why: and which, for those of
 * one reason; nothing when there are none. */
void hint_floats(struct text *t, const struct products *p, enum product_why why);
void hints_free(struct hints *h);

#endif
