/* How sure a paired difference is: confidence intervals. */
#ifndef QUANT_INTERVAL_H
#define QUANT_INTERVAL_H

#include <stdint.h>

#define INTERVAL_Z 1.959963984540054 /* two-sided 95 % */

struct interval {
	double low, high;
};
/* For (lost - gained) / n, the difference of two shares of the same n samples, of which lost are
 * right only in the first and gained only in the second: the score interval of Tango (Equivalence
 * test and confidence interval for the difference in proportions for the paired-sample design,
 * Statistics in Medicine 17, 1998), which keeps its level for few samples and for no discordant
 * ones, where Wald's has no width. NaN for n = 0. */
struct interval interval_paired(int64_t lost, int64_t gained, int64_t n, double z);

/* The percentile bootstrap over n samples (Efron, 1979): 2.5 % and 97.5 % of what value gives for
 * resamples, each sample counted weight[i] times; those that are NaN are left out. The same seed
 * gives the same interval on every machine. NaN without memory or samples. */
struct interval interval_bootstrap(
    int64_t n, double (*value)(void *user, const int32_t *weight), void *user, uint64_t seed);

#endif
