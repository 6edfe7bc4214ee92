/* What the convolutions and matrix products of a network are computed in, and why not in 8 bits. */
#ifndef REPORT_PRODUCTS_H
#define REPORT_PRODUCTS_H

#include "report/cost.h"

enum product_why {
	PRODUCT_INT8,    /* both sides are levels: multiplied in 8 bits */
	PRODUCT_FLOATS,  /* neither the input nor the weights are quantized */
	PRODUCT_INPUT,   /* the weights are, the input is not */
	PRODUCT_WEIGHTS, /* the other way round */
	PRODUCT_FORM,    /* both are, in a form that no kernel takes */
	PRODUCT_RESULTS, /* both factors are results of layers */
	PRODUCT_WHYS
};

struct product {
	const struct node *node;
	enum product_why why;
	int64_t macs; /* -1: its sizes are not fixed */
	struct cost_weights weights;
};

/* In the order of the graph, bodies left out: these run in floats. */
struct products {
	struct product *v;
	int n;
	int count[PRODUCT_WHYS];
	int64_t macs[PRODUCT_WHYS];
};

/* Asks the executor, without making a plan. v is heap. */
int products_find(struct graph *g, struct products *p, struct err *err);
void products_free(struct products *p);
/* "the weights are quantized, the input is not"; "" for PRODUCT_INT8. */
const char *product_reason(enum product_why why);
/* Multiply-adds of all. */
int64_t products_macs(const struct products *p);

#endif
