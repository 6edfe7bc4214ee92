/* What the parts of pruning with samples share. */
#ifndef QUANT_PRUNE_PARTS_H
#define QUANT_PRUNE_PARTS_H

#include "exec/exec.h"
#include "quant/fit_gram.h"
#include "quant/prune.h"
#include "quant/fit_rows.h"

/* A layer that can be refitted: its inputs' products, and what came out of the original. */
struct fit_layer {
	struct prune_layer layer; /* of the copy of the original */
	struct fit_rows rows;
	int node, bias, anchor; /* places in the order of nodes: the layer, the sum with its bias,
				 * the last sum that its outputs go into unchanged */
	int axis;               /* of the channels in the anchor's output */
	struct fit_gram gram;   /* of the original's inputs, of layers without groups */
	float **want;           /* per sample: rows of the anchor's output */
};

struct fit_group {
	const struct prune_group *units;
	int *order;    /* the units' indices, in the order in which they go */
	double *error; /* [n + 1]: of the readers' outputs over their variance, after k went */
	int step;
	double sensitivity;
	int kept; /* of the plan at hand */
};

struct pruning {
	struct pruning_options o;
	const struct samples *samples;
	int64_t nsamples, rows; /* rows of each for a layer */
	struct arena *arena;
	struct graph *g; /* a copy of the original in which every layer has a bias */
	struct units u;
	struct prune_groups groups;
	struct node **node; /* in order */
	int nnodes;
	struct fit_layer *layer;
	int nlayers;
	struct fit_group *group;
	struct move *move; /* in the order of the plan */
	int nmoves;
	double macs; /* of the original */
};

/* A network made from the copy, with the same nodes in the same order; layers from first to last
 * are looked at. */
struct twin {
	struct pruning *p;
	struct graph *g;
	struct node **node;
	int first, last;
	const bool *gone; /* by label; NULL: nothing went */
	int64_t sample;
};

#define ROWS_PER_SAMPLE 64 /* at most */

struct node **fit_nodes(struct graph *g, int *n);
int64_t fit_seed(int64_t sample, int layer);
/* Runs samples [from, to) through a graph with a tap; after each, done (may be NULL) sees what came
 * out. */
int fit_run(struct pruning *p, struct graph *g, const struct exec_options *o, int64_t from,
    int64_t to, int (*done)(void *user, int64_t i, const struct tensor *out, struct err *err),
    struct err *err);
/* prune_fit.c: finds layers, adds biases; gathers from the original. */
int fit_find(struct pruning *p, struct err *err);
int fit_collect(struct pruning *p, struct err *err);
void fit_free(struct pruning *p);
/* prune_order.c: the order and the errors of each group. */
int fit_order(struct pruning *p, struct err *err);
/* prune_refit.c: weights of the chosen layers of a cut copy change so that the anchors come close
 * to the original's: one after each run of the samples, so that none makes up twice for the same.
 */
int fit_refit(struct pruning *p, struct graph *g, struct node **node, const bool *gone,
    const bool *layers, int64_t samples, struct err *err);
/* prune_plan.c */
int plan_sensitivity(struct pruning *p, struct err *err);
int plan_moves(struct pruning *p, struct err *err);
double plan_take(struct pruning *p, double share); /* sets kept; the share that is gone then */
/* Sets gone for the kept of each group. */
void plan_gone(const struct pruning *p, bool *gone);
/* A copy without the units in gone, inferred; node is its order, heap. */
int plan_cut(struct pruning *p, bool *gone, struct graph **g, struct node ***node, struct err *err);

#endif
