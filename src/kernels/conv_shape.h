/* The shape of a convolution or pooling, one to three spatial dimensions: plain data. */
#ifndef KERNELS_CONV_SHAPE_H
#define KERNELS_CONV_SHAPE_H

#include <stddef.h>

/* Three spatial dimensions, depth, height, width; those that are missing in front have size 1. */
struct conv_shape {
	int batch, groups;
	int cin, cout; /* channels of one group */
	int in[3], kernel[3], out[3];
	int stride[3], dilation[3],
	    pad[3]; /* pad: before; what is needed behind follows from out */
};

/* Pixels of an image, or of a window. */
static inline size_t conv_volume(const int d[3])
{
	return (size_t)d[0] * (size_t)d[1] * (size_t)d[2];
}

#endif
