/* A network cut into pieces that run one after the other on all samples, each layer once: what one
 * piece gives is kept, and may be changed, for those behind it. */
#ifndef QUANT_FLOW_H
#define QUANT_FLOW_H

#include "quant/evaluate.h"

struct flow;

/* Pieces that end in these values, which come in the order of the graph; each depends on its
 * inputs. g is borrowed and given names. */
int flow_new(
    struct graph *g, const struct value *const *end, int n, struct flow **out, struct err *err);
void flow_free(struct flow *f); /* NULL is legal */
/* The most bytes that are kept for one run; -1: sizes are not known. */
int64_t flow_bytes(const struct flow *f);
/* Reads the samples; in and want of the evaluation are not used. */
int flow_start(struct flow *f, const struct evaluation *v, struct err *err);
/* Runs piece k, after all those before it. y[run] is what it ends in, DT_NONE where the samples
 * could not be read; what is written there, those behind it read. */
int flow_run(struct flow *f, int k, const struct evaluation *v, struct tensor **y, struct err *err);

#endif
