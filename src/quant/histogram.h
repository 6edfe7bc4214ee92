/* Ranges from the distribution of values. */
#ifndef QUANT_HISTOGRAM_H
#define QUANT_HISTOGRAM_H

#include "quant/calibrate.h"

/* bins as struct stats_site has them. Moves the ends [*low, *high], the extremes of all values,
 * inwards by the method of the options. */
int histogram_range(const uint64_t *bins, const struct calibrate_options *o, bool symmetric,
    float *low, float *high, struct err *err);

#endif
