/* Filter pruning with samples: which filters the next layers miss least, how many of each layer the
 * network can do without, and weights refitted so that the layers give what they gave.
 *
 *	pruning_new(graph, options, samples, &p)   looks at the original: layers, statistics, plan
 *	pruning_make(p, share, &g)                 as often as wanted: a network without that share
 *	                                           of the multiply-adds
 */
#ifndef QUANT_PRUNE_H
#define QUANT_PRUNE_H

#include "base/threads.h"
#include "passes/prune.h"
#include "quant/samples.h"

enum pruning_criterion { PRUNING_L1, PRUNING_L2, PRUNING_MEDIAN, PRUNING_ACTIVATION };

struct pruning_options {
	enum pruning_criterion criterion;
	bool exact_ratio;  /* any number of filters instead of multiples of 16 */
	bool uniform;      /* every layer loses the same share; else by sensitivity */
	bool no_refit;     /* weights stay as they are */
	int64_t samples;   /* how many to look at, the first ones */
	double ridge;      /* of the least squares, over the mean square of the inputs; 0: chosen by
			    * samples that are held out */
	struct pool *pool; /* borrowed */
	struct log log;
	/* A line's worth of progress; may be NULL. */
	void (*step)(void *user, const char *what, int64_t done, int64_t of);
	void *user;
};

struct pruning;
/* Borrows the samples; copies the graph, which has had its passes. E_USAGE when nothing can go. */
int pruning_new(const struct graph *g, const struct pruning_options *o,
    const struct samples *samples, struct pruning **out, struct err *err);
void pruning_free(struct pruning *p); /* NULL is legal */
/* The least share of the multiply-adds that is at least `share`, as far as filters may go; *made is
 * what it became. The caller frees the graph. */
int pruning_make(
    struct pruning *p, double share, struct graph **out, double *made, struct err *err);

/* The plan for such a network, without making it. */
void pruning_plan(struct pruning *p, double share);
/* What the plan says of a group. */
struct pruning_group {
	const char *name;
	int filters, kept, layers;
	double sensitivity; /* noise of the outputs over that of the layers that read the group */
};
int pruning_ngroups(const struct pruning *p);
struct pruning_group pruning_group(const struct pruning *p, int k);

#endif
