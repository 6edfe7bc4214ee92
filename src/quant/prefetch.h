/* Samples read ahead: the next ones are read and prepared while the current ones run. */
#ifndef QUANT_PREFETCH_H
#define QUANT_PREFETCH_H

#include "quant/samples.h"

struct prefetch;
struct prefetch_options {
	int threads;  /* that read; 0: one for each processor, at most 4 */
	size_t bytes; /* that may lie ready; 0: 256 MiB. One sample always may. */
};
/* Borrows from, whose get must allow as many calls at once as there are threads; each sample has
 * ninputs tensors. They are expected in the order of their numbers until prefetch_expect says
 * otherwise; others are read when they are asked for. */
int prefetch_new(const struct samples *from, int ninputs, const struct prefetch_options *o,
    struct prefetch **out, struct err *err);
void prefetch_free(struct prefetch *p); /* NULL is legal */
/* The same samples, each with its own status and words; several threads may ask. */
struct samples prefetch_samples(struct prefetch *p);
/* The n samples at index will be asked for next, about in this order. Copied. */
int prefetch_expect(struct prefetch *p, const int64_t *index, int64_t n, struct err *err);

#endif
