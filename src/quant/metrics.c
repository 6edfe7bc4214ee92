/* Top-k over labelled samples, the same on every machine. */
#include <math.h>

#include "quant/metrics.h"

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

void accuracy_add(struct accuracy *a, const double *score, int64_t n, int64_t label)
{
	int64_t rank = metrics_rank(score, n, label);
	bool odd = false;
	for (int64_t i = 0; i < n && !odd; i++)
		odd = !isfinite(score[i]);
	a->samples++;
	a->top1 += rank == 0;
	a->top5 += rank >= 0 && rank < 5;
	a->not_finite += odd;
	a->outside += label < 0 || label >= n;
}
