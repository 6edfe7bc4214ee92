/* Runs samples through a network and leaves what it saw of some of its values. */
#ifndef QUANT_COLLECT_H
#define QUANT_COLLECT_H

#include "graph/graph.h"
#include "quant/calibrate.h"
#include "quant/moments.h"
#include "quant/samples.h"
#include "formats/stats.h"
#include "quant/smooth.h"

/* The values of the placement's quantizers and the channels of those that may be smoothed, over the
 * first samples that can be read. */
struct collect_request {
	const struct placement *p;
	const struct smooth *smooth;
	const struct calibrate_options *o;
	const struct samples *samples;
	struct moments *moments; /* are taken too; NULL */
};
/* stats NULL: only for moments, of the samples that these take. */
int collect(const struct collect_request *r, struct stats **stats, struct err *err);
/* How many samples the options ask for that there are. */
int64_t collect_count(const struct calibrate_options *o, const struct samples *samples);

#endif
