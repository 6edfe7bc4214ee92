/* What a convolution and a transposed one share: sizes of data and filter, and which windows meet a
 * line. */
#ifndef OPS_CONV_H
#define OPS_CONV_H

#include "ops/window.h"

/* Spatial dims are aligned to the right of three. */
struct conv_sizes {
	int64_t batch, groups, in_ch, out_ch; /* channels of one group */
	int64_t in[3], out[3], kernel[3], stride[3], dilation[3], begin[3];
};

static inline int64_t conv_volume(const int64_t d[3])
{
	return d[0] * d[1] * d[2];
}

/* The data's channels against what the filter takes of each group. */
int conv_channels(struct infer *s, struct dim data, struct dim each, struct dim groups);
/* Sizes of data x, filter f with lead dims before its kernel (3 when the first is the groups) and
 * result y; strides, dilations and pads from w. The channels are the caller's. */
void conv_sizes(struct conv_sizes *c, const struct tensor *x, const struct tensor *f, int lead,
    const struct tensor *y, const struct window *w);
/* *from..*to-1: those of n places i for which i * stride + offset lies in 0..size-1. */
void conv_meet(int64_t n, int64_t stride, int64_t offset, int64_t size, int64_t *from, int64_t *to);

#endif
