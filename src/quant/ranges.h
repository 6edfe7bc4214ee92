/* From what calibration saw of values to the ranges of their quantizers. */
#ifndef QUANT_RANGES_H
#define QUANT_RANGES_H

#include "quant/calibrate.h"
#include "formats/stats.h"

/* range by quantizer, in the arena. E_FORMAT when a value was never seen. */
int ranges_choose(const struct placement *p, const struct stats *s,
    const struct calibrate_options *o, struct arena *a, struct quant_range *range, struct err *err);

#endif
