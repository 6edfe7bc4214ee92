/* Storing constants as FP16 as a compression for the accuracy-aware search, and computing in FP16
 * as a device would. */
#ifndef QUANT_AWARE_FP16_H
#define QUANT_AWARE_FP16_H

#include "passes/pass.h"
#include "quant/aware.h"

/* A layer whose output goes beyond FP16 on some sample. */
struct aware_overflow {
	const char *layer;
	double largest; /* of the absolute values */
};

struct aware_fp16 {
	struct compression c;
	struct graph *original; /* borrowed */
	struct arena *arena;
	struct pass_options options;
	struct aware_group *group; /* layers with constants, or all that compute, by the graph's
				    * order; they save bytes */
	bool activations;
	struct aware_overflow *overflow;
	int noverflows;
	bool *forced;      /* by group: beside an overflow, not to be compressed */
	const char **keep; /* scratch of make */
};
/* ignored: layers, types or /regex/ that stay FP32. With activations each layer's output is rounded
 * to FP16 unless it and its readers are kept; those that overflow on the samples are found first.
 */
int aware_fp16_new(struct aware_fp16 *a, struct graph *original, const char *const *ignored,
    int nignored, bool activations, const struct deal *deal, struct err *err);
void aware_fp16_free(struct aware_fp16 *a);
/* The network to write: without the rounding, but with marks on what must be computed in FP32. The
 * notes are those of the pass: which constants stay, and why. */
int aware_fp16_finish(struct aware_fp16 *a, const int *way, struct graph **out,
    struct pass_report *notes, struct err *err);

#endif
