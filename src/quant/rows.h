/* What one output of a convolution or product is made of, cut out of the layer's input. */
#ifndef QUANT_ROWS_H
#define QUANT_ROWS_H

#include "exec/exec.h"

struct rows {
	int64_t groups, channels, k;      /* channels and inputs of a group */
	int64_t in[3], out[3], kernel[3]; /* spatial dims, aligned to the right */
	int64_t stride[3], dilation[3], begin[3];
	int64_t count; /* of rows in the tensor: outputs of one channel */
	const float *x;
	int64_t image, channel, pixel; /* elements from one to the next */
	int64_t lines;                 /* of a product: rows in a channel */
	bool product;
};

/* Groups and inputs of one row of a layer with constant weights of known shape. */
void rows_sizes(const struct node *n, int64_t *groups, int64_t *k);
/* n is Convolution, GroupConvolution or MatMul without transpose_a, x its input 0 in FP32, in
 * either layout. */
int rows_open(struct rows *r, const struct node *n, const struct exec_view *x, struct err *err);
/* Of a convolution: rows hold the middle of each window alone, [groups][channels]. */
void rows_centre(struct rows *r);
/* Row at, 0..count-1, as [groups][k]. */
void rows_take(const struct rows *r, int64_t at, float *row);

#endif
