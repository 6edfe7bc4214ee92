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

/* Pixels x0..x1-1 of a line, which see nothing outside of the image, or which do. */
struct dw_piece {
	int x0, x1;
	bool whole;
};
/* The next piece of a line, after one that is all 0; false behind the last one. */
bool nhwc_dw_next(const struct conv_shape *s, struct dw_piece *p);
/* From pixel 0 of a line to what the first tap reads for the first pixel of the piece. */
static inline int64_t nhwc_dw_offset(const struct conv_shape *s, const struct dw_piece *p)
{
	return (int64_t)p->x0 * s->stride[2] - s->pad[2];
}

/* What the piece sees of an image whose pixels are ld elements apart. */
static inline struct dw_window nhwc_dw_window(
    const struct conv_shape *s, const struct dw_lines *l, const struct dw_piece *p, int64_t ld)
{
	int64_t first = nhwc_dw_offset(s, p);
	return (struct dw_window){.rows = l->rows,
	    .taps = s->kernel[2],
	    .tap = (size_t)(s->dilation[2] * ld),
	    .step = (size_t)(s->stride[2] * ld),
	    .from = p->whole ? 0 : -first * ld,
	    .to = p->whole ? PTRDIFF_MAX : (s->in[2] - first) * ld};
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
