/* Samples as calibration wants them: one at a time, by number. */
#ifndef QUANT_SAMPLES_H
#define QUANT_SAMPLES_H

#include "base/status.h"
#include "graph/tensor.h"

struct samples {
	int64_t count;
	bool labelled;
	/* Sets in[k], one for each input of the network, to heap tensors that the caller frees by
	 * tensor_free; *label is -1 when there is none. The same sample may be asked for again, and
	 * by several threads at once. E_IO, E_FORMAT, E_LIMIT and E_UNSUPPORTED mean that this one
	 * cannot be read, the others may. */
	int (*get)(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err);
	void *user;
	/* The n samples at index will be asked for next, about in this order, so that they can be
	 * read ahead; without it, they are expected in the order of their numbers. May be NULL. */
	int (*expect)(void *user, const int64_t *index, int64_t n, struct err *err);
};

#endif
