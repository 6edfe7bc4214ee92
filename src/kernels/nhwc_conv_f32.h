/* FP32 convolution of images with channels last: [batch][in[0]][in[1]][in[2]][ld_in], of which
 * groups * cin channels are used from the pointer on; the result likewise with groups * cout.
 *
 * The caller sees to it that batch times pixels, and taps times channels, fit an int.
 *
 * Use: set s, ld_in, ld_out, ld_add, lo, hi and way; plan; pack; run as often as wanted. A product
 * of a matrix [M x K] with packed weights [K x N] is a convolution of batch M on 1 x 1 images.
 * Results have the same bits for any number of threads. Small groups are worked on several at a
 * time and Winograd's ways mix pixels, so an infinity or NaN may spread to neighbours. */
#ifndef KERNELS_NHWC_CONV_F32_H
#define KERNELS_NHWC_CONV_F32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "kernels/conv_shape.h"
#include "kernels/seen_f32.h"
#include "kernels/span_f32.h"

/* CONV_WINOGRAD makes 4x4 results from 36 products, CONV_WINOGRAD_2 2x2 from 16, both of 3x3
 * windows; CONV_WINOGRAD_LINE 4 results of a line of seven from 10; all for windows of any depth.
 * CONV_WINOGRAD_TILES does and gives what CONV_WINOGRAD does, a vector of tiles at a time instead
 * of channels, of flat windows. CONV_IGEMM_BF16 rounds both factors to BF16, to nearest even, and
 * sums in FP32; image and result stay FP32. */
enum conv_way {
	CONV_IGEMM,
	CONV_WINOGRAD,
	CONV_WINOGRAD_2,
	CONV_DEPTHWISE,
	CONV_IGEMM_BF16,
	CONV_WINOGRAD_LINE,
	CONV_GROUPS,
	CONV_WINOGRAD_TILES,
	CONV_WAYS,
	CONV_TRANSPOSED = CONV_WAYS /* of bytes alone */
};

/* Plain data, no pointers. */
struct nhwc_conv_f32 {
	struct conv_shape s;
	int64_t ld_in, ld_out, ld_add; /* floats from pixel to pixel */
	bool planes;                   /* images lie with their channels first, ld_in is cin */
	float lo, hi;                  /* clamp after bias and add; a NaN passes */
	int act;            /* enum span_op of a function behind the clamp, or SPAN_NONE */
	float act_a, act_b; /* its parameters */
	int way, row;       /* enum conv_way, row of its table */
	/* Set by the plan. */
	int threads;                /* at most so many workers may run it */
	int feed;                   /* how an implicit GEMM reads the image */
	int row_blocks, col_blocks; /* pieces of the rows, pieces of the columns */
	int block_rows;             /* rows (pixels, lines or tiles by way) of a piece at most */
	int depth;             /* of an implicit GEMM's products; less than all of it: sums wait */
	int group;             /* panels of columns whose sums wait together */
	size_t shared, worker; /* bytes of scratch: for all, and for each worker after it */
	size_t scratch;        /* shared + threads * worker */
};

/* What a report calls it. */
const char *nhwc_conv_f32_name(int way);
/* The way for a shape; exact: one that sums the products themselves, so not Winograd's. */
int nhwc_conv_f32_choose(const struct conv_shape *s, bool exact);
/* The same where BF16 is allowed: CONV_IGEMM_BF16 if that is faster on this processor. */
int nhwc_conv_f32_choose_bf16(const struct conv_shape *s, bool exact);
/* How many times as long as by way the shape takes by another one, about: where Winograd's ways and
 * CONV_IGEMM can take each other's place; else infinity. */
double nhwc_conv_f32_against(const struct conv_shape *s, int way, int other);
/* Can the way do the shape? */
bool nhwc_conv_f32_fits(const struct conv_shape *s, int way);
/* Can it read images whose channels come first? */
bool nhwc_conv_f32_reads_planes(const struct conv_shape *s, int way);
/* Sets row to the best that the processor has, then the cut of the work and scratch. */
void nhwc_conv_f32_plan(struct nhwc_conv_f32 *c, int threads);
/* Bytes of the packed weights. They depend on way, row and the weights' dimensions only, so that
 * shapes that differ in space and batch share them. */
size_t nhwc_conv_f32_packed(const struct nhwc_conv_f32 *c);
/* w is [groups][cout][cin][kernel]. */
void nhwc_conv_f32_pack(
    const struct nhwc_conv_f32 *c, struct pool *pool, const float *w, float *packed);

/* Weights may be packed piece by piece: of multiples of so many columns, all but the last, with
 * s.cout those of the piece; packed one after another they are the bytes of the whole. 0: only at
 * once. */
int nhwc_conv_f32_panel(const struct nhwc_conv_f32 *c);

/* Does the way tell what it sees of results? */
bool nhwc_conv_f32_sees(int way);

/* packed and scratch are aligned to 64 bytes. out may be add (the same pixels, element for element)
 * but must not overlap the rest. */
struct nhwc_conv_f32_args {
	const float *in, *packed;
	const float *bias; /* groups * cout values, or NULL */
	const float *add;  /* residual in the shape of out, added before the clamp, or NULL */
	float *out;
	void *scratch;     /* c->scratch bytes */
	const float *next; /* packed weights that are read after this: fetched ahead; or NULL */
	/* Widened to the results as they are before add and the clamp, and as they are written;
	 * each or NULL. Of ways that see and runs without a pool. */
	struct seen_lanes *before, *after;
};
void nhwc_conv_f32_run(
    const struct nhwc_conv_f32 *c, struct pool *pool, const struct nhwc_conv_f32_args *a);

#endif
