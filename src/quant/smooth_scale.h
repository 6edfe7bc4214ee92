/* The scales of smooth.c: what is known of an activation and of the weights that read it, and what
 * follows from that. The graph stays as it is. */
#ifndef QUANT_SMOOTH_SCALE_H
#define QUANT_SMOOTH_SCALE_H

#include "passes/linear.h"
#include "quant/smooth.h"

#define SMOOTH_READERS 8 /* products of one value */

struct smooth_known {
	int64_t channels;
	int nreaders;
	struct linear reader[SMOOTH_READERS];
	struct const_view weight[SMOOTH_READERS];
	double samples;
	double margin;
	const struct stats_channel *seen;
	double *act;    /* largest magnitudes of the channels */
	double *square; /* about the mean square of each */
	double *most;   /* of the weights that read each */
	double *energy; /* sum of their squares */
	double *peak;   /* room: of each output of a reader */
};

/* Fills in what follows from channels, samples, seen and the readers, whose weights are open. The
 * caller frees act in every case. */
int smooth_know(struct smooth_known *k, struct err *err);
/* Scales with the alpha that is wanted, or, when that is negative, with the one that leaves least
 * noise; room: 2 * channels. True when a scale is not 1. A product that nothing can take along
 * costs time: without free_of_cost it must be worth it. */
bool smooth_choose(struct smooth_known *k, double wanted, bool free_of_cost, double *room,
    double *scale, double *chosen);
/* A channel's extremes are those of fewer numbers than a whole value's: once all channels have the
 * same, what was not seen lies beyond some of them, by this factor. */
double smooth_margin(const struct smooth_site *s, int64_t samples);

#endif
