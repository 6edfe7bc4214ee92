/* Quantization to 8 bits as a compression for the accuracy-aware search. */
#ifndef QUANT_AWARE_INT8_H
#define QUANT_AWARE_INT8_H

#include "quant/aware.h"
#include "quant/calibrate.h"

struct aware_int8 {
	struct compression c;
	struct calibration *calibration; /* borrowed */
	struct aware_group *group;
	const char **kept; /* scratch of make */
};
/* Groups are the calibration's. Times each layer before and after, unless gain, by group, says what
 * is saved. */
int aware_int8_new(struct aware_int8 *a, struct calibration *c, struct graph *original,
    const struct samples *s, const double *gain, struct err *err);
void aware_int8_free(struct aware_int8 *a);

#endif
