/* What the files of the quantized depthwise convolution share. */
#ifndef KERNELS_NHWC_DW_U8_H
#define KERNELS_NHWC_DW_U8_H

#include "kernels/nhwc_ways_u8.h"

#define DW_U8_TAPS 256 /* of a window, in fours */

struct dw_run {
	const struct nhwc_conv_u8 *c;
	const struct nhwc_conv_u8_args *a;
	struct u8_epilogue e;
	const uint8_t *zero; /* a pixel outside of the image */
	float *f;            /* factors in the kernel's order */
};

/* Channels from..to-1 of lines; with a tail at most a piece, whose floats are at tile. */
struct dw_part {
	int from, to;
	float *tile;
};

/* Groups of taps that are rounded up to fours, columns of the window or all, and their taps. */
size_t dw_u8_groups(const struct nhwc_conv_u8 *c);
size_t dw_u8_taps4(const struct nhwc_conv_u8 *c);
/* Pixels next to each other that a block of few channels has room for. Its lanes are packed for all
 * of them, though the first alone may be used. */
int dw_u8_pixels(const struct nhwc_conv_u8 *c);
/* What does not depend on where the pixels are: x of a line. */
struct dw_nhwc_u8_args dw_u8_args(
    const struct dw_run *r, int number, int x, const struct dw_part *p);

/* Are lines copied, so that several pixels can be done at once? Needs what stands before the way.
 */
bool dw_u8_by_copies(const struct nhwc_conv_u8 *c);
/* Bytes that a worker needs then. */
size_t dw_u8_copies(const struct nhwc_conv_u8 *c);
/* Lines from..to-1 of the result. */
void dw_u8_lines_of_copies(const struct dw_run *r, int from, int to, char *scratch);

#endif
