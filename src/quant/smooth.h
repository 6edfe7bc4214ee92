/* SmoothQuant (Xiao et al. 2023): what a few large channels of a transformer's activations take
 * from the range of all goes into the weights that read them.
 *	smooth_find(graph, ignored, &s)     the activations that may be smoothed
 *	... statistics by channel of each, among those of calibration ...
 *	smooth_apply(s, statistics, alpha)  changes the graph
 */
#ifndef QUANT_SMOOTH_H
#define QUANT_SMOOTH_H

#include "formats/stats.h"
#include "graph/graph.h"

#define SMOOTH_AUTO (-2.0) /* the alpha that leaves least noise, by what is known of each */
#define SMOOTH_OFF (-1.0)

struct smooth_site {
	const char *name;  /* of its statistics */
	const char *value; /* whose they are, as quantizers are called */
	const char *after; /* the value that products read once it is smoothed; NULL: it is not */
	uint32_t id;       /* the value's, in the graph as it was */
	int64_t channels;  /* of the last axis */
	double *scale;     /* what each is divided by */
	double alpha;
	double rows; /* of channels in a sample */
};

struct smooth {
	struct arena *arena;
	struct graph *g;
	const char *const *ignored; /* borrowed */
	int nignored;
	struct smooth_site *site;
	int n;
};

/* Numbers the graph. Layers of these names are left alone. smooth_free in every case. */
int smooth_find(
    struct graph *g, const char *const *ignored, int nignored, struct smooth *out, struct err *err);
void smooth_free(struct smooth *s);
/* alpha from 0 (all noise stays with the activations) to 1 (all goes to the weights), or
 * SMOOTH_AUTO. Sites without statistics stay as they are. The graph must be numbered again. */
int smooth_apply(
    struct smooth *s, const struct stats *stats, double alpha, int threads, struct err *err);
/* Is that what the layer of this name reads, once the graph is smoothed? */
bool smooth_feeds(const struct smooth *s, const struct smooth_site *t, const char *layer);
/* The extremes of a smoothed site, from what was seen of its channels. Where all channels reach
 * about as far, the extremes of a sample are those of all, and none is cut off by taking a mean. */
struct stats_channel smooth_extremes(
    const struct smooth_site *s, const struct stats_site *columns, int64_t samples);

#endif
