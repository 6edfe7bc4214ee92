/* Reads values as they lie in memory: extremes, by channel or not, and histograms. */
#ifndef QUANT_OBSERVE_H
#define QUANT_OBSERVE_H

#include "exec/exec.h"
#include "formats/stats.h"

/* Adds one sample's value to the site; room holds 2 * channels floats. E_FORMAT when it holds what
 * is not finite, or no activation's size. */
int observe(struct stats_site *s, const struct exec_view *view, float *room, struct err *err);
/* The same by channel of the last axis; room holds 3 * channels. columns.c */
int observe_columns(
    struct stats_site *s, const struct exec_view *view, float *room, struct err *err);
/* A sample's extremes; low above high when it has no elements. */
void observe_extremes(struct stats_channel *c, float low, float high);

#endif
