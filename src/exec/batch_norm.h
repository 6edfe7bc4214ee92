/* Batch normalization with constants, as a change of each channel. */
#ifndef EXEC_BATCH_NORM_H
#define EXEC_BATCH_NORM_H

#include <math.h>

#include "exec/lower.h"
#include "exec/quant.h"

struct batch_norm {
	const struct value *of; /* one of its constants */
	struct per_channel gamma, beta, mean, variance;
	double epsilon;
};

/* Is n one of x, whose constants can be read? */
bool batch_norm_read(
    const struct lower *l, const struct node *n, const struct value *x, struct batch_norm *b);

/* x * gain + bias, in the floats that OpenVINO has of them. */
static inline float batch_norm_gain(const struct batch_norm *b, int64_t c)
{
	return channel_at(&b->gamma, c) / sqrtf(channel_at(&b->variance, c) + (float)b->epsilon);
}

static inline float batch_norm_bias(const struct batch_norm *b, int64_t c, float gain)
{
	return -channel_at(&b->mean, c) * gain + channel_at(&b->beta, c);
}

#endif
