/* Runs samples through a network and leaves what it saw of some of its values. */
#ifndef QUANT_COLLECT_H
#define QUANT_COLLECT_H

#include "graph/graph.h"
#include "quant/calibrate.h"
#include "quant/samples.h"
#include "formats/stats.h"
#include "quant/smooth.h"

/* The values of the placement's quantizers and the channels of those that may be smoothed, over the
 * first samples that can be read. */
int collect_stats(const struct placement *p, const struct smooth *smooth,
    const struct calibrate_options *o, const struct samples *samples, struct stats **out,
    struct err *err);

#endif
