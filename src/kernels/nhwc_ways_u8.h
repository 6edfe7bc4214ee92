/* The ways of a quantized convolution with channels last, behind nhwc_conv_u8.h. */
#ifndef KERNELS_NHWC_WAYS_U8_H
#define KERNELS_NHWC_WAYS_U8_H

#include "kernels/nhwc_conv_u8.h"
#include "kernels/nhwc_kernel_u8.h"
#include "kernels/nhwc_ways.h"

struct nhwc_way_u8 {
	void (*plan)(struct nhwc_conv_u8 *c);
	size_t (*packed)(const struct nhwc_conv_u8 *c);
	void (*pack)(const struct nhwc_conv_u8 *c, struct pool *pool, const int8_t *w,
	    const uint8_t *zeros, void *packed);
	void (*run)(
	    const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a);
};
/* Shapes that the way can do. */
bool nhwc_depthwise_u8_fits(const struct conv_shape *s);
bool nhwc_winograd_u8_fits(const struct conv_shape *s);
bool nhwc_transposed_u8_fits(const struct conv_shape *s);
/* Is it faster than CONV_IGEMM? */
bool nhwc_winograd_u8_pays(const struct conv_shape *s);
/* Are its sums exact with these weights? */
bool nhwc_winograd_u8_holds(const struct conv_shape *s, const int8_t *w);
/* The weights of CONV_TRANSPOSED by parts; bytes of these. */
size_t nhwc_transposed_u8_turned(const struct nhwc_conv_u8 *c);
void nhwc_transposed_u8_turn(const struct nhwc_conv_u8 *c, const int8_t *w, int8_t *turned);
extern const struct nhwc_way_u8 nhwc_igemm_u8, nhwc_depthwise_u8, nhwc_winograd_u8,
    nhwc_transposed_u8;
extern const struct nhwc_way_u8 nhwc_depthwise_u8f; /* without pack */

struct u8_epilogue nhwc_epilogue_u8(const struct nhwc_conv_u8 *c);
/* The tail of m pixels from number pixel on, channels col..col+n-1, which are rows of n floats at
 * x. */
void nhwc_tail_u8(const struct nhwc_conv_u8 *c, const struct nhwc_conv_u8_args *a, float *x,
    int64_t pixel, int m, int64_t col, int n);

/* Element at of a matrix of floats or bytes, as the enum u8_out or u8_add - 1 says. */
static inline const void *nhwc_at_u8(const void *p, bool bytes, int64_t at)
{
	return p ? (const char *)p + at * (bytes ? 1 : (int64_t)sizeof(float)) : NULL;
}

/* The results from a pixel and a channel on. */
static inline struct u8_result nhwc_result_u8(const struct nhwc_conv_u8 *c,
    const struct nhwc_conv_u8_args *a, const struct u8_epilogue *e, int64_t pixel, int64_t col)
{
	return (struct u8_result){.f = a->f + col,
	    .add = nhwc_at_u8(a->add, c->add == U8_ADD_U8, pixel * c->ld_add + col),
	    .c = (void *)nhwc_at_u8(a->out, c->out == U8_OUT_U8, pixel * c->ld_out + col),
	    .ld_add = (size_t)c->ld_add,
	    .ldc = (size_t)c->ld_out,
	    .e = *e};
}

#endif
