/* Quantization to 8 bits after training: statistics once, then networks from them.
 *
 *	calibration_new(graph, options, &c)      places quantizers: nothing is run
 *	calibration_collect(c, samples)          runs the samples, keeps statistics
 *	calibration_quantize(c, kept, n, &q)     as often as wanted: a quantized clone
 */
#ifndef QUANT_CALIBRATE_H
#define QUANT_CALIBRATE_H

#include "base/status.h"
#include "passes/quantize.h"
#include "quant/refine.h"
#include "quant/samples.h"
#include "quant/smooth.h"
#include "formats/stats.h"

enum preset { PRESET_MIXED, PRESET_PERFORMANCE };
/* How the range of an activation follows from what was seen. */
enum range_method {
	RANGE_AUTO,     /* mean; minmax where only products of sequences read: a transformer's rare
			 * large values matter */
	RANGE_MEAN,     /* the mean over samples of each one's extremes */
	RANGE_MINMAX,   /* the extremes of all */
	RANGE_QUANTILE, /* leaves out 1 - quantile of the values at each end */
	RANGE_ENTROPY,  /* the least Kullback-Leibler divergence of the distribution */
	RANGE_MSE,      /* the least mean square error */
};

struct calibrate_options {
	enum overflow_fix overflow;
	bool all;             /* also layers that are better left alone */
	bool products;        /* also products of two results */
	double smooth;        /* SmoothQuant's alpha, SMOOTH_AUTO or SMOOTH_OFF */
	enum preset preset;   /* performance: ranges of activations are symmetric around 0 */
	int64_t samples;      /* how many to run, the first ones; at most all there are */
	const int64_t *index; /* their numbers, when they are not the first ones; borrowed */
	int threads;          /* 0: all that there are */
	enum range_method range;
	double quantile;
	bool histograms; /* are kept: all methods but mean and minmax need them */
	/* What samples make better, unless both are off; threads is not read. Memory is that for
	 * moments of layers' inputs: those that don't fit are rounded to nearest. */
	struct refine_options refine;
	size_t refine_bytes;
	int64_t full_bias_bytes; /* memory for activations; 0: any */
	bool full_bias; /* biases are corrected in the quantized network, not each layer for itself
			 */
	/* Layers in original precision, by name. */
	const char *const *ignored;
	int nignored;
	struct log log;
	/* After each sample; may be NULL. */
	void (*progress)(void *user, int64_t done, int64_t of);
	void *user;
};

struct calibration;

/* Borrows the graph and what options point at. The graph has had its passes and must not change;
 * E_USAGE when there is nothing to quantize, or it is quantized already. */
int calibration_new(
    struct graph *g, const struct calibrate_options *o, struct calibration **out, struct err *err);
void calibration_free(struct calibration *c); /* NULL is legal */
/* Samples that cannot be read are said to the log and left out. */
int calibration_collect(struct calibration *c, const struct samples *samples, struct err *err);
/* The same with statistics that were collected before, by this network's names; taken over. */
int calibration_use(struct calibration *c, struct stats *s, struct err *err);
/* What collect does besides: corrects biases and rounding with the samples, as the options say. */
int calibration_refine(struct calibration *c, const struct samples *samples, struct err *err);

/* The layers that can be put back to original precision, each for itself, in the graph's order. */
int calibration_ngroups(const struct calibration *c);
const struct quant_group *calibration_group(const struct calibration *c, int k);
/* Quantizers and their ranges, chosen by collect or use: whoever knows better may change them. */
const struct placement *calibration_placement(const struct calibration *c);
struct quant_range *calibration_ranges(struct calibration *c);
const struct stats *calibration_stats(const struct calibration *c);
/* Seconds that collect, use and refine took for ranges, rounding and biases, samples being done
 * with (but for those that full bias correction runs). */
double calibration_weights_seconds(const struct calibration *c);
/* The activations that may have been smoothed. */
const struct smooth *calibration_smooth(const struct calibration *c);

/* A quantized clone of the graph, in which the layers named in kept (besides the ignored ones) are
 * as they were. Runs no data. The caller frees it. */
int calibration_quantize(const struct calibration *c, const char *const *kept, int nkept,
    struct graph **out, struct err *err);

#endif
