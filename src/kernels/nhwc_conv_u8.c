/* Quantized convolution with channels last: the choice among the ways, and the calls to the chosen
 * one. */
#include <math.h>

#include "kernels/nhwc_ways_u8.h"

static const struct nhwc_way_u8 *way_of(const struct nhwc_conv_u8 *c)
{
	return c->way == CONV_DEPTHWISE ? &nhwc_depthwise_u8 : &nhwc_igemm_u8;
}

int nhwc_conv_u8_choose(const struct conv_shape *s)
{
	if ((int64_t)nhwc_volume(s->kernel) * s->cin > CONV_U8_DEPTH)
		return -1;
	return nhwc_depthwise_u8_fits(s) ? CONV_DEPTHWISE : CONV_IGEMM;
}

void nhwc_conv_u8_plan(struct nhwc_conv_u8 *c, int threads)
{
	c->threads = threads;
	way_of(c)->plan(c);
	c->scratch = c->shared + (size_t)threads * c->worker;
}

size_t nhwc_conv_u8_packed(const struct nhwc_conv_u8 *c)
{
	return way_of(c)->packed(c);
}

void nhwc_conv_u8_pack(const struct nhwc_conv_u8 *c, const int8_t *w, void *packed)
{
	way_of(c)->pack(c, w, packed);
}

void nhwc_conv_u8_run(
    const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a)
{
	way_of(c)->run(c, pool, a);
}

/* Scaling never decreases, so bytes are clamped once, after it. */
struct u8_epilogue nhwc_epilogue_u8(const struct nhwc_conv_u8 *c)
{
	struct u8_epilogue e = {.out = c->out,
	    .add = c->add,
	    .lo = c->lo,
	    .hi = c->hi,
	    .inv = 1 / c->out_scale,
	    .zero = (float)c->out_zero,
	    .add_scale = c->add_scale,
	    .add_zero = (float)c->add_zero};
	if (c->out == U8_OUT_U8) {
		e.lo = fmaxf(fmaf(c->lo, e.inv, e.zero), 0);
		e.hi = fminf(fmaf(c->hi, e.inv, e.zero), 255);
		e.hi = fmaxf(e.hi, 0);
		e.lo = fminf(e.lo, 255);
	}
	return e;
}
