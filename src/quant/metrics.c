/* Top-k and the metrics over samples, the same on every machine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/metrics.h"

#define MOST_CLASSES (1 << 20) /* labels beyond count as one class that no answer hits */

/* Does score a at i stand before score b at j? */
static bool before(double a, int64_t i, double b, int64_t j)
{
	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b) ? i < j : isnan(b);
	return a > b || (a == b && i < j);
}

int metrics_best(const double *score, int64_t n, int k, int64_t *index)
{
	int have = 0;
	for (int64_t i = 0; i < n; i++) {
		int at = have;
		while (at > 0 && before(score[i], i, score[index[at - 1]], index[at - 1]))
			at--;
		if (at >= k)
			continue;
		have += have < k;
		for (int j = have - 1; j > at; j--)
			index[j] = index[j - 1];
		index[at] = i;
	}
	return have;
}

int64_t metrics_rank(const double *score, int64_t n, int64_t label)
{
	int64_t rank = 0;
	if (label < 0 || label >= n || isnan(score[label]))
		return -1;
	for (int64_t i = 0; i < n; i++)
		rank += i != label && before(score[i], i, score[label], label);
	return rank;
}

/* ---- which metric ---- */

static const char *const names[] = {
    [METRIC_TOP1] = "top1",
    [METRIC_TOP5] = "top5",
    [METRIC_F1] = "f1",
    [METRIC_MSE] = "mse",
    [METRIC_COSINE] = "cosine",
    [METRIC_SQNR] = "sqnr",
    [METRIC_COMMAND] = "command",
};

int metric_parse(const char *word, enum metric *out, struct err *err)
{
	for (enum metric m = METRIC_TOP1; m < METRIC_COMMAND; m++) {
		if (!strcmp(word, names[m])) {
			*out = m;
			return OK;
		}
	}
	return fail(err, E_USAGE, "metric '%s' is none of top1, top5, f1, mse, cosine, sqnr", word);
}

const char *metric_name(enum metric m)
{
	return names[m];
}

bool metric_needs_labels(enum metric m)
{
	return m <= METRIC_F1;
}

bool metric_needs_original(enum metric m)
{
	return m == METRIC_MSE || m == METRIC_COSINE || m == METRIC_SQNR;
}

double metric_perfect(enum metric m)
{
	return m == METRIC_MSE ? 0 : m == METRIC_SQNR ? INFINITY : 1;
}

double metric_drop(enum metric m, double original, double result)
{
	if (m == METRIC_MSE)
		return result - original;
	if (m == METRIC_SQNR)
		return pow(10, -result / 20) - pow(10, -original / 20);
	return original - result;
}

/* ---- over samples ---- */

/* tp, fp and fn of each class that occurs. */
struct counts {
	int64_t tp, answers, labels;
};

static double f1_mean(const struct counts *c, int64_t n)
{
	double sum = 0;
	int64_t classes = 0;
	for (int64_t k = 0; k < n; k++) {
		if (!c[k].answers && !c[k].labels)
			continue;
		sum += 2. * c[k].tp / (c[k].answers + c[k].labels);
		classes++;
	}
	return classes ? sum / classes : NAN;
}

/* The class of a label or an answer; what is no class of any network shares the last place. */
static int64_t class_of(int64_t v, int64_t classes)
{
	return v >= 0 && v < classes ? v : classes;
}

static int64_t classes_of(const struct answer *a, const int64_t *label, int64_t n)
{
	int64_t classes = 0;
	for (int64_t i = 0; i < n; i++) {
		if (!a[i].seen)
			continue;
		int64_t most = a[i].best > label[i] ? a[i].best : label[i];
		if (most >= classes && most < MOST_CLASSES)
			classes = most + 1;
	}
	return classes;
}

static double f1(const struct answer *a, const int64_t *label, int64_t n, const int32_t *weight)
{
	int64_t classes = classes_of(a, label, n);
	struct counts *c = calloc(classes + 1, sizeof *c);
	if (!c)
		return NAN;
	for (int64_t i = 0; i < n; i++) {
		if (!a[i].seen)
			continue;
		int64_t w = weight ? weight[i] : 1, l = class_of(label[i], classes);
		c[l].labels += w;
		if (a[i].best >= 0)
			c[class_of(a[i].best, classes)].answers += w;
		if (a[i].best >= 0 && a[i].best == label[i])
			c[l].tp += w;
	}
	double value = f1_mean(c, classes + 1);
	free(c);
	return value;
}

static double one(enum metric m, const struct answer *a)
{
	switch (m) {
	case METRIC_TOP1:
		return a->rank == 0;
	case METRIC_TOP5:
		return a->rank >= 0 && a->rank < 5;
	case METRIC_MSE:
		return a->mse;
	case METRIC_COSINE:
		return a->cosine;
	case METRIC_SQNR:
		return a->nsr;
	default:
		return NAN;
	}
}

double metric_value(
    enum metric m, const struct answer *a, const int64_t *label, int64_t n, const int32_t *weight)
{
	double sum = 0;
	int64_t count = 0;
	if (m == METRIC_F1)
		return label ? f1(a, label, n, weight) : NAN;
	for (int64_t i = 0; i < n; i++) {
		int32_t w = weight ? weight[i] : 1;
		if (!a[i].seen || !w)
			continue;
		sum += w * one(m, &a[i]);
		count += w;
	}
	if (!count)
		return NAN;
	return m == METRIC_SQNR ? -10 * log10(sum / count) : sum / count;
}
