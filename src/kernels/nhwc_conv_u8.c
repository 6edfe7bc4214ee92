/* Quantized convolution with channels last: the choice among the ways, and the calls to the chosen
 * one. */
#include <math.h>
#include <string.h>

#include "kernels/nhwc_ways_u8.h"

static const struct nhwc_way_u8 *way_of(const struct nhwc_conv_u8 *c)
{
	if (c->way == CONV_DEPTHWISE)
		return c->floats ? &nhwc_depthwise_u8f : &nhwc_depthwise_u8;
	return c->way == CONV_WINOGRAD     ? &nhwc_winograd_u8
	       : c->way == CONV_TRANSPOSED ? &nhwc_transposed_u8
					   : &nhwc_igemm_u8;
}

int nhwc_conv_u8_choose(const struct conv_shape *s, bool floats)
{
	if (nhwc_conv_u8_fits(s, floats, CONV_DEPTHWISE))
		return CONV_DEPTHWISE;
	if (!nhwc_conv_u8_fits(s, floats, CONV_IGEMM))
		return -1;
	return nhwc_winograd_u8_pays(s) ? CONV_WINOGRAD : CONV_IGEMM;
}

bool nhwc_conv_u8_fits(const struct conv_shape *s, bool floats, int way)
{
	if (floats)
		return way == CONV_DEPTHWISE && nhwc_depthwise_fits(s);
	if ((int64_t)conv_volume(s->kernel) * s->cin > CONV_U8_DEPTH)
		return false;
	if (way == CONV_DEPTHWISE)
		return nhwc_depthwise_u8_fits(s);
	return way == CONV_IGEMM || (way == CONV_WINOGRAD && nhwc_winograd_u8_fits(s)) ||
	       (way == CONV_TRANSPOSED && nhwc_transposed_u8_fits(s));
}

size_t nhwc_conv_u8_turned(const struct nhwc_conv_u8 *c)
{
	return c->way == CONV_TRANSPOSED ? nhwc_transposed_u8_turned(c) : 0;
}

void nhwc_conv_u8_turn(const struct nhwc_conv_u8 *c, const int8_t *w, int8_t *turned)
{
	nhwc_transposed_u8_turn(c, w, turned);
}

bool nhwc_conv_u8_holds(const struct nhwc_conv_u8 *c, const int8_t *w)
{
	return c->way != CONV_WINOGRAD || nhwc_winograd_u8_holds(&c->s, w);
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

void nhwc_conv_u8_pack(const struct nhwc_conv_u8 *c, struct pool *pool, const int8_t *w,
    const uint8_t *zeros, void *packed)
{
	way_of(c)->pack(c, pool, w, zeros, packed);
}

void nhwc_conv_u8_run(
    const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a)
{
	way_of(c)->run(c, pool, a);
}

size_t nhwc_conv_u8_factors(const struct nhwc_conv_u8 *c)
{
	size_t rows = nhwc_conv_u8_rows(c) + (size_t)c->tail.rows;
	return rows * (size_t)c->s.groups * (size_t)c->s.cout + CONV_U8_MORE;
}

struct u8_epilogue nhwc_epilogue_u8(const struct nhwc_conv_u8 *c)
{
	struct u8_epilogue e = {.out = c->tail.nops ? U8_OUT_F32 : c->out,
	    .add = c->add,
	    .levels = c->levels,
	    .rounded = (unsigned)c->rounded,
	    .sums = c->sums,
	    .scale = c->scale,
	    .shift = c->shift,
	    .sum_scale = c->sum_scale,
	    .add_zero = c->add_zero,
	    .sum_shift = c->sum_shift,
	    .stride = (size_t)c->s.groups * (size_t)c->s.cout};
	memcpy(e.lo, c->lo, sizeof e.lo);
	memcpy(e.hi, c->hi, sizeof e.hi);
	if (e.out == U8_OUT_U8) {
		e.lo[e.levels] = fminf(fmaxf(c->lo[e.levels], 0), 255);
		e.hi[e.levels] = fmaxf(fminf(c->hi[e.levels], 255), 0);
	}
	return e;
}

void nhwc_tail_u8(const struct nhwc_conv_u8 *c, const struct nhwc_conv_u8_args *a, float *x,
    int64_t pixel, int m, int64_t col, int n)
{
	size_t stride = (size_t)c->s.groups * (size_t)c->s.cout;
	void *out = (void *)nhwc_at_u8(a->out, c->out == U8_OUT_U8, pixel * c->ld_out + col);
	tail_u8_run(&c->tail, a->f + nhwc_conv_u8_rows(c) * stride + col, stride, x, m, n, out,
	    (size_t)c->ld_out);
}
