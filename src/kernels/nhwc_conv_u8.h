/* Quantized convolution of images with channels last, laid out as in nhwc_conv_f32.h, from unsigned
 * bytes with a zero point and signed weights to floats or bytes.
 *
 * Sums are exact, or those of floats in a fixed order: every instruction set gives the same bits,
 * for any number of threads. */
#ifndef KERNELS_NHWC_CONV_U8_H
#define KERNELS_NHWC_CONV_U8_H

#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "kernels/conv_shape.h"
#include "kernels/nhwc_conv_f32.h"
#include "kernels/tail_u8.h"

enum u8_out { U8_OUT_F32, U8_OUT_U8 };
enum u8_add { U8_ADD_NONE, U8_ADD_F32, U8_ADD_U8 };
/* What becomes of a sum first, see struct u8_epilogue. */
enum u8_sum { U8_SUM_FUSED, U8_SUM_APART, U8_SUM_SCALED };

/* Products that a sum of 32 bits can hold. */
#define CONV_U8_DEPTH (INT32_MAX / (255 * 128))
/* Times that a result is clamped, and maybe rounded to levels, before the last. */
#define CONV_U8_LEVELS 2
/* Floats behind the factors of the epilogue that may be read. */
#define CONV_U8_MORE 32

/* Plain data, no pointers. Use: set what stands before way, and way; plan; pack; run. */
struct nhwc_conv_u8 {
	struct conv_shape s;
	int64_t ld_in, ld_out, ld_add; /* elements from pixel to pixel */
	int zero;                      /* zero point of the input, 0..255; padding has this value */
	/* What becomes of the sums, see struct u8_epilogue. A NaN becomes the least value. */
	int out, add; /* enum u8_out, enum u8_add */
	/* CONV_DEPTHWISE: bytes become the floats that they mean, and are summed as such, as
	 * nhwc_conv_u8_pack_floats says; apart: with a rounding for the product and one for low. */
	bool floats, apart;
	int levels;  /* at most CONV_U8_LEVELS */
	int rounded; /* a bit for each */
	int sums;    /* enum u8_sum */
	float scale, shift, add_zero, sum_scale, sum_shift;
	float lo[CONV_U8_LEVELS + 1], hi[CONV_U8_LEVELS + 1]; /* bytes are saturated besides */
	struct tail_u8 tail; /* behind the epilogue, whose result is floats then */
	int way, row;        /* one of nhwc_conv_u8_fits(), row of its table */
	/* Set by the plan, as in struct nhwc_conv_f32. */
	int threads, feed, row_blocks, col_blocks, block_rows;
	size_t shared, worker, scratch;
};

/* The way for a shape; -1: nothing here can do it, which has more than CONV_U8_DEPTH products in a
 * sum, or is summed in floats and not depthwise. */
int nhwc_conv_u8_choose(const struct conv_shape *s, bool floats);
/* Shapes that a way can do: CONV_IGEMM, CONV_WINOGRAD, CONV_DEPTHWISE; or CONV_TRANSPOSED, of which
 * s is the transposed one and nothing is added. */
bool nhwc_conv_u8_fits(const struct conv_shape *s, bool floats, int way);
/* Weights that a way wants by parts. */
size_t nhwc_conv_u8_turned(const struct nhwc_conv_u8 *c);
void nhwc_conv_u8_turn(const struct nhwc_conv_u8 *c, const int8_t *w, int8_t *turned);
/* Is the way exact with these weights? CONV_IGEMM always is. */
bool nhwc_conv_u8_holds(const struct nhwc_conv_u8 *c, const int8_t *w);
/* Sets row to the best that the processor has, then the cut of the work and scratch. */
void nhwc_conv_u8_plan(struct nhwc_conv_u8 *c, int threads);
/* Bytes of the packed weights. They depend on way, floats, row and the weights' dimensions only. */
size_t nhwc_conv_u8_packed(const struct nhwc_conv_u8 *c);
/* Rows of factors of the epilogue. */
static inline size_t nhwc_conv_u8_rows(const struct nhwc_conv_u8 *c)
{
	return 2 + 2 * (size_t)c->levels;
}
/* Floats of the factors, with what may be read behind. */
size_t nhwc_conv_u8_factors(const struct nhwc_conv_u8 *c);
/* w is [groups][cout][cin][kernel]; where nhwc_conv_u8_turned() is not 0, turned into as many bytes
 * before. What is packed holds for c->zero only, or, CONV_DEPTHWISE with
 * zeros that are not NULL, for these zero points of the channels; pool, which may be NULL, changes
 * nothing of it. */
void nhwc_conv_u8_pack(const struct nhwc_conv_u8 *c, struct pool *pool, const int8_t *w,
    const uint8_t *zeros, void *packed);
/* The same with c->floats: q * scale + low is what a byte q of a channel means, and w is [groups]
 * [kernel]. What lies outside of the image is 0. The sums are chains of multiply-adds that start
 * with 0 and take the taps in order. */
void nhwc_conv_u8_pack_floats(const struct nhwc_conv_u8 *c, const float *w, const float *scale,
    const float *low, void *packed);

/* packed and scratch are aligned to 64 bytes. out may be add when both have the same type and
 * distance of pixels, but must not overlap the rest. */
struct nhwc_conv_u8_args {
	const uint8_t *in;
	const void *packed;
	const float *f;  /* nhwc_conv_u8_rows rows of groups * cout, the tail's, and CONV_U8_MORE */
	const void *add; /* of the type that c->add says, or NULL with U8_ADD_NONE */
	void *out;
	void *scratch;    /* c->scratch bytes */
	const void *next; /* packed weights that are read after this: fetched ahead; or NULL */
	size_t next_bytes;
};
void nhwc_conv_u8_run(
    const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a);

#endif
