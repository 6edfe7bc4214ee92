/* What the files of the implicit GEMM of floats share: how a convolution is seen as a product, and
 * where the rows of its left side are. */
#ifndef KERNELS_NHWC_IGEMM_F32_H
#define KERNELS_NHWC_IGEMM_F32_H

#include "kernels/nhwc_ways.h"

/* How many groups are worked on as one. */
static inline int igemm_f32_merged(const struct nhwc_conv_f32 *c)
{
	return nhwc_merged(&c->s, igemm_f32_rows[c->row].nr);
}

/* Channels of the input of such a group of groups. */
static inline int igemm_f32_cin(const struct nhwc_conv_f32 *c)
{
	return c->s.cin * igemm_f32_merged(c);
}

/* Elements of a window. */
static inline int igemm_f32_window(const struct nhwc_conv_f32 *c)
{
	return (int)conv_volume(c->s.kernel);
}

/* Taps of a row, and the floats of each; pointers that it takes: one for each tap, or for all. */
int igemm_f32_taps(const struct nhwc_conv_f32 *c);
int igemm_f32_pointers(const struct nhwc_conv_f32 *c);
int igemm_f32_depth(const struct nhwc_conv_f32 *c);
/* Bytes of what is copied for a block of so many rows: 0 when nothing is. */
size_t igemm_f32_copy(const struct nhwc_conv_f32 *c, int rows);

struct igemm_f32_run {
	const struct nhwc_conv_f32 *c;
	const struct nhwc_conv_f32_args *a;
	const float *zero; /* a row outside of the image */
};

/* Where a block's rows are, as a tile takes them: tile by tile. */
struct igemm_f32_rows {
	const float *const *rows;
	const ptrdiff_t *shift;
};

/* Bytes of a worker's scratch that these take. */
size_t igemm_f32_scratch(const struct nhwc_conv_f32 *c);

/* Sets feed. */
void igemm_f32_feed(struct nhwc_conv_f32 *c);
/* Rows first..last-1, cut into tiles, by a worker's scratch, which may hold a copy behind them. */
struct igemm_f32_rows igemm_f32_point(
    const struct igemm_f32_run *r, int first, int last, int tiles, char *scratch);

#endif
