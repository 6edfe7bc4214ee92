/* What the files of the quantized implicit GEMM share: how a convolution is seen as a product, and
 * where the rows of its left side are. */
#ifndef KERNELS_NHWC_IGEMM_U8_H
#define KERNELS_NHWC_IGEMM_U8_H

#include "kernels/nhwc_ways_u8.h"

#define IGEMM_U8_OVER 3 /* bytes that are read beyond a row */

/* How many groups are worked on as one. */
static inline int igemm_u8_merged(const struct nhwc_conv_u8 *c)
{
	return nhwc_merged(&c->s, igemm_u8_rows[c->row].nr);
}

/* Channels of a group of groups. */
static inline int igemm_u8_cin(const struct nhwc_conv_u8 *c)
{
	return c->s.cin * igemm_u8_merged(c);
}

static inline int igemm_u8_rows_of(const struct conv_shape *s)
{
	return s->batch * (int)conv_volume(s->out);
}

/* Pointers that a row takes, and the bytes behind each, which are rounded up to fours. */
int igemm_u8_taps(const struct nhwc_conv_u8 *c);
int igemm_u8_depth(const struct nhwc_conv_u8 *c);
/* Bytes of a row of weights. Depends on the weights' dimensions alone, though taps may not. */
static inline size_t igemm_u8_depth4(const struct nhwc_conv_u8 *c)
{
	return (size_t)igemm_u8_taps(c) * (size_t)((igemm_u8_depth(c) + 3) / 4 * 4);
}

struct igemm_u8_run {
	const struct nhwc_conv_u8 *c;
	const struct nhwc_conv_u8_args *a;
	struct u8_epilogue e;
	int taps, depth; /* of a row */
	size_t depth4;
	const uint8_t *zero; /* what lies outside of the image */
	const uint8_t *end;  /* of the input */
	const uint8_t *last; /* the end of a copy of its end, with OVER bytes behind; or NULL */
};

/* Sets feed. */
void igemm_u8_feed(struct nhwc_conv_u8 *c);
/* Bytes of a row that is copied: 0 when most are not. */
size_t igemm_u8_row_copy(const struct nhwc_conv_u8 *c);
/* Scratch that all workers share, and that of each for blocks of block_rows. */
size_t igemm_u8_shared(const struct nhwc_conv_u8 *c);
size_t igemm_u8_worker(const struct nhwc_conv_u8 *c);
/* Sets what follows the epilogue; zero and last are in scratch. */
void igemm_u8_begin(struct igemm_u8_run *r);
/* Fills the pointers of rows first..last-1, for each tile [taps][rows of it], at the begin of
 * a worker's scratch. */
void igemm_u8_point(const struct igemm_u8_run *r, int first, int last, char *scratch);

/* Parts of a convolution for nhwc_deconv_u8.c, for one worker: output rows (pixels) first..last-1,
 * after a plan for at most so many. a->scratch takes c->shared + c->worker bytes. */
void nhwc_igemm_u8_plan_rows(struct nhwc_conv_u8 *c, int rows);
void nhwc_igemm_u8_rows(
    const struct nhwc_conv_u8 *c, const struct nhwc_conv_u8_args *a, int first, int last);

#endif
