/* FP32 transposed convolution of images with channels last, by implicit GEMMs on the small image:
 * the results that lie a stride apart are an ordinary convolution with every stride-th tap.
 *
 * Use: set g.s, ld_in, ld_out, lo, hi; plan; pack; run as often as wanted. In s, pad is what is cut
 * off in front of the result; deconv_fits(). Results have the same bits for any number of threads.
 */
#ifndef KERNELS_NHWC_DECONV_F32_H
#define KERNELS_NHWC_DECONV_F32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "kernels/deconv_parts.h"

/* Plain data, no pointers. */
struct nhwc_deconv_f32 {
	struct deconv_shape g; /* s is set, the others by the plan */
	int64_t ld_in, ld_out; /* floats from pixel to pixel */
	float lo, hi;          /* clamp after bias; a NaN passes */
	int act;               /* enum span_op of a function behind the clamp, or SPAN_NONE */
	float act_a, act_b;    /* its parameters */
	/* Set by the plan. */
	int parts;             /* products */
	int lines, columns;    /* pieces of the lines and of the columns of each */
	size_t shared, worker; /* bytes of scratch: for all, and for each worker after it */
	size_t block;          /* of these, bytes of results */
	size_t scratch;        /* shared + threads * worker */
};

void nhwc_deconv_f32_plan(struct nhwc_deconv_f32 *c, int threads);
/* After a plan: how weights are packed depends on the weights, the strides and this. */
int nhwc_deconv_f32_way(const struct nhwc_deconv_f32 *c);
/* Bytes of the packed weights. */
size_t nhwc_deconv_f32_packed(const struct nhwc_deconv_f32 *c);
/* w is [groups][cin][cout][kernel]; turned has room for nhwc_deconv_f32_turned() floats. */
size_t nhwc_deconv_f32_turned(const struct nhwc_deconv_f32 *c);
void nhwc_deconv_f32_pack(const struct nhwc_deconv_f32 *c, struct pool *pool, const float *w,
    float *turned, float *packed);
/* packed and scratch are aligned to 64 bytes; bias has groups * cout values, or is NULL. out must
 * not overlap the rest. */
void nhwc_deconv_f32_run(const struct nhwc_deconv_f32 *c, struct pool *pool, const float *in,
    const float *packed, const float *bias, float *out, void *scratch);

#endif
