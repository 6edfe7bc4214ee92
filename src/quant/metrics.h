/* How good answers are: each sample's answer in a few numbers, and the metrics over them. */
#ifndef QUANT_METRICS_H
#define QUANT_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "graph/tensor.h"

/* The k best of n scores, best first; equal scores in index order, NaN below everything. Returns
 * how many were written: the smaller of n and k. */
int metrics_best(const double *score, int64_t n, int k, int64_t *index);
/* How many scores stand before the label's in that order: 0 is top-1. -1 for a label outside 0..n-1
 * or a NaN score. */
int64_t metrics_rank(const double *score, int64_t n, int64_t label);

/* With s = the samples and y, z = what the original and the network at hand gave for one of them
 * (mean over the outputs, where a network has several of floats):
 *   top1, top5  share of s whose label is the best, among the best 5 scores
 *   f1          mean over the classes that occur as a label or an answer of 2tp / (2tp + fp + fn)
 *   mse         mean over s of mean (z - y)^2                                  smaller is better
 *   cosine      mean over s of y.z / (|y| |z|)
 *   sqnr        -10 log10 of the mean over s of |z - y|^2 / |y|^2, in dB
 *   command     the number that an outside program prints
 * The first three need labels, the next three the original's outputs. */
enum metric {
	METRIC_TOP1,
	METRIC_TOP5,
	METRIC_F1,
	METRIC_MSE,
	METRIC_COSINE,
	METRIC_SQNR,
	METRIC_COMMAND,
};
/* E_USAGE lists the words. "command" is no word: it comes with the program to call. */
int metric_parse(const char *word, enum metric *out, struct err *err);
const char *metric_name(enum metric m);
bool metric_needs_labels(enum metric m);
bool metric_needs_original(enum metric m);

/* What is kept of one sample's run. */
struct answer {
	bool seen;    /* false: the sample could not be read; counts nowhere */
	bool finite;  /* no infinity or NaN in any output */
	bool classed; /* the scores are one row of at least two */
	int64_t best; /* class of the best score; -1: all are NaN, or not classed */
	int64_t rank; /* of the label, as metrics_rank gives it; -1 without one */
	/* To the original's outputs; 1, 0 and 0 when these are not given. Where an output is not
	 * finite: -1 and infinities. */
	double cosine, mse, nsr; /* nsr: |z - y|^2 / |y|^2 */
};

/* One sample among the outputs of a run: part `slot` of `batch` equal ones of every tensor. */
struct sample_view {
	const struct tensor *out;
	int nout;
	int64_t slot, batch;
};
/* want: the original's outputs for the same sample, or NULL. E_USAGE when an output does not divide
 * by the batch, or its size is not the original's; E_DATA when the label is beyond the scores. */
int answer_take(const struct sample_view *got, const struct sample_view *want, int64_t label,
    struct answer *out, struct err *err);
/* The output that holds the scores: the first of several floats for a sample, else the first;
 * beside the scores, networks give an ArgMax. */
int answer_output(const struct tensor *out, int nout, int64_t batch);

/* Over the answers that are seen, of n; label NULL or one for each. weight: how often each counts,
 * NULL for once. NaN for none, and for METRIC_COMMAND. */
double metric_value(
    enum metric m, const struct answer *a, const int64_t *label, int64_t n, const int32_t *weight);
/* What the original itself has in a metric to the original: 0, 1, infinity. */
double metric_perfect(enum metric m);
/* How much worse than the original: its value less the result's; the other way round for mse. For
 * sqnr 10^(-value / 20), the error over the size of the original's outputs: 0.01 is 40 dB. */
double metric_drop(enum metric m, double original, double result);

#endif
