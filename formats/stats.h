/* What calibration saw of values: extremes of each sample, by value and channel. */
#ifndef FORMATS_STATS_H
#define FORMATS_STATS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "graph/tensor.h"

/* One value's. */
struct stats_site {
	const char *name;
	int64_t channels;  /* 1, or a row of extremes for each of dim 1 */
	float *low, *high; /* [sample][channel] */
};

struct stats {
	struct arena *arena;
	int64_t samples; /* seen */
	struct stats_site *site;
	int nsites;
};

const struct stats_site *stats_find(const struct stats *s, const char *name);
void stats_free(struct stats *s); /* NULL is legal */

#endif
