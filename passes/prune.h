/* Pruning: what may go, in what order, and taking it out. The pass needs the weights alone; whoever
 * has data ranks the units itself and hands over which are to go. */
#ifndef PASSES_PRUNE_H
#define PASSES_PRUNE_H

#include "passes/prune_units.h"

enum prune_kind { PRUNE_MAGNITUDE, PRUNE_FILTERS, PRUNE_2_4 };
enum prune_criterion { PRUNE_L1, PRUNE_L2, PRUNE_MEDIAN };

struct prune_options {
	enum prune_kind kind;
	double ratio;     /* of weights or filters, 0..1; not for 2:4 */
	bool global;      /* ranked over all layers instead of within each */
	bool exact_ratio; /* any number of channels instead of multiples of 16 */
	enum prune_criterion criterion;
	/* Called with the graph just before it changes, for reports. May be NULL. */
	void (*before)(void *user, const struct graph *g);
	void *user;
};

/* "magnitude:0.5", "filters:0.3" or "2:4"; E_USAGE for anything else. */
int prune_parse(const char *text, struct prune_options *o, struct err *err);

/* A layer with weights: a convolution of any kind, or a product with constants. Axes of its weight
 * by what they hold; -1: no such axis. */
struct prune_layer {
	struct node *node;
	int input;    /* of the node that the weights are */
	int out[2];   /* axes of the channels made */
	int in[2];    /* axes of the channels read, each after its group's in out[0] when grouped */
	int channel;  /* axis of the channels in the node's output */
	bool through; /* reads each channel for itself: a depthwise convolution */
};
/* False when n has no weights, or reads them where that is not known. */
bool prune_layer_of(struct node *n, struct prune_layer *l);
static inline struct value *prune_weight(const struct prune_layer *l)
{
	return node_in(l->node, l->input);
}
/* The content of what constants alone give, evaluated where it is not a Const; close with
 * const_close. */
int prune_content(const struct value *v, struct const_view *out, struct err *err);

/* Units that the same layers make, with as many channels in each: one is as good as another. */
struct prune_group {
	const char *name; /* of the first layer */
	int32_t *unit;    /* n of them */
	int n;
	int step;   /* units that make a multiple of 16 channels in each layer */
	int layers; /* that make these channels */
};

struct prune_groups {
	struct arena *arena; /* the caller's */
	struct prune_layer *layer;
	int nlayers;
	struct prune_group *group;
	int ngroups;
};
/* All layers, and the groups of units that are free and made by some layer that mixes channels. */
int prune_find_groups(
    struct units *u, struct arena *arena, struct prune_groups *out, struct err *err);

/* How much each unit matters, from the weights of the layers that make it: score has an entry per
 * label; mean 1 within a layer, summed over layers. */
int prune_score(struct units *u, const struct prune_groups *g, enum prune_criterion by,
    double *score, struct err *err);
/* Sets gone for the units that score least, by the options. The number of units. */
int prune_choose(struct units *u, const struct prune_groups *g, const struct prune_options *o,
    const double *score, bool *gone, struct err *err);

/* Takes the units out for which gone (by label of the class) is set, but for the last index of any
 * axis. Constants are cut; shapes must be inferred again; the units are then stale. */
int prune_cut(struct units *u, bool *gone, struct err *err);
/* The part of it that constants of shapes and bounds need, before the constants are cut. */
int prune_parameters(struct units *u, const bool *gone, struct err *err);

/* Zeros in place of weights, as the options ask. Weights set to 0, and *weights of them at all. */
int64_t prune_mask(
    struct graph *g, const struct prune_options *o, int64_t *weights, struct err *err);

#endif
