/* What depthwise convolutions with channels last share: the lines of the image under a window, and
 * the pieces that a line of output is cut into. */
#ifndef KERNELS_NHWC_DW_LINES_H
#define KERNELS_NHWC_DW_LINES_H

#include "kernels/nhwc_ways.h"

#define DW_LINES 64 /* of a window: depth times height */

/* The lines under a window: start[r] is the number of pixel 0 in the image, at[r] that of the
 * line's first weight in the window. */
struct dw_lines {
	int64_t start[DW_LINES];
	int at[DW_LINES], rows;
};
/* Of output line number, counted through the batch. */
void nhwc_dw_lines(const struct conv_shape *s, int number, struct dw_lines *l);

/* Pixels x0..x1-1 of a line, which see the taps t0..t1-1, but for left and right elements outside
 * of the image. */
struct dw_piece {
	int x0, x1, t0, t1, left, right;
};
/* The next piece of a line, after one that is all 0; false behind the last one. */
bool nhwc_dw_next(const struct conv_shape *s, struct dw_piece *p);
/* From pixel 0 of a line to what the first tap of the piece reads for its first pixel. */
static inline int64_t nhwc_dw_offset(const struct conv_shape *s, const struct dw_piece *p)
{
	return p->t1 > p->t0
		   ? (int64_t)p->x0 * s->stride[2] - s->pad[2] + (int64_t)p->t0 * s->dilation[2]
		   : 0;
}

/* What the piece sees of an image whose pixels are ld elements apart. */
static inline struct dw_window nhwc_dw_window(
    const struct conv_shape *s, const struct dw_lines *l, const struct dw_piece *p, int64_t ld)
{
	return (struct dw_window){.rows = p->t1 > p->t0 ? l->rows : 0,
	    .taps = p->t1 - p->t0,
	    .tap = (size_t)(s->dilation[2] * ld),
	    .step = (size_t)(s->stride[2] * ld),
	    .from = p->left * ld,
	    .to = p->right ? (s->in[2] + p->left) * ld : PTRDIFF_MAX};
}

/* Channels of one pass over lines so that those under a window, of elements of that size, stay in
 * the L1 cache: a multiple of least, or all. */
int nhwc_dw_pass(const struct conv_shape *s, size_t element, int least);

/* The work on lines of output is cut into rows * cols parts, of cols pieces of the channels that
 * are multiples of least: for one thread, or when there are fewer multiply-adds than worth, 1. */
void nhwc_dw_cut(
    const struct conv_shape *s, int threads, int64_t worth, int least, int *rows, int *cols);
/* Channels from..to-1 of lines first..last-1. */
struct dw_share {
	int from, to, first, last;
};
struct dw_share nhwc_dw_share(
    const struct conv_shape *s, int least, int rows, int cols, int number);

#endif
