/* Full bias correction: each layer gives the mean that it had, in the network whose layers before
 * it are quantized and corrected too. */
#ifndef QUANT_FULL_BIAS_H
#define QUANT_FULL_BIAS_H

#include "quant/refine.h"
#include "quant/samples.h"

struct full_bias {
	struct graph *g;      /* the original */
	struct refinement *r; /* whose shifts are changed */
	/* The quantized network with the shifts as they are. The caller frees it. */
	int (*make)(void *user, struct graph **q, struct err *err);
	void *user;
	const struct samples *samples;
	int64_t n, of;        /* so many, spread over the first of them */
	const int64_t *index; /* their numbers, when they are not the first ones */
	int64_t bytes; /* for what is kept of the samples: where it is not enough, fewer are run */
	int threads;
	struct log log;
};

int full_bias(const struct full_bias *f, struct err *err);

#endif
