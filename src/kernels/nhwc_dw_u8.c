/* Quantized depthwise convolution with channels last: output lines; taps outside of the image read
 * a pixel of zero points. */
#include <string.h>

#include "kernels/nhwc_ways_u8.h"

#define MAX_TAPS 256      /* of a window, in fours */
#define LEAST_CHANNELS 32 /* of a piece */

bool nhwc_depthwise_u8_fits(const struct conv_shape *s)
{
	return s->cin == 1 && s->cout == 1 && s->groups > 1 &&
	       (int64_t)s->kernel[0] * s->kernel[1] * s->kernel[2] <= MAX_TAPS;
}

/* Taps of a sum: all, or those of a column of the window. */
static size_t taps_of(const struct nhwc_conv_u8 *c)
{
	return nhwc_volume(c->s.kernel) / (size_t)c->columns;
}

static size_t taps4(const struct nhwc_conv_u8 *c)
{
	return (taps_of(c) + 3) / 4 * 4;
}

static size_t vec_of(const struct nhwc_conv_u8 *c)
{
	return (size_t)dw_nhwc_u8_rows[c->row].vec;
}

static size_t channels_of(const struct nhwc_conv_u8 *c)
{
	return ((size_t)c->s.groups + vec_of(c) - 1) / vec_of(c) * vec_of(c);
}

/* What the sums start with, then the weights. */
static size_t start_bytes(const struct nhwc_conv_u8 *c)
{
	return nhwc_round64((size_t)c->columns * channels_of(c) * sizeof(int32_t));
}

static size_t packed_bytes(const struct nhwc_conv_u8 *c)
{
	return start_bytes(c) + (size_t)c->columns * channels_of(c) * taps4(c);
}

/* The channel of lane i in a block, see dw_nhwc_u8_body.h. */
static size_t channel_of(size_t i, size_t vec)
{
	return vec == 32 ? i / 4 % 2 * 16 + i / 8 * 4 + i % 4 : i;
}

static void pack_start(const struct nhwc_conv_u8 *c, const int8_t *w, int32_t *start)
{
	size_t columns = (size_t)c->columns, all = nhwc_volume(c->s.kernel);
	for (size_t g = 0; g < (size_t)c->s.groups; g++)
		for (size_t t = 0; t < all; t++)
			start[t % columns * channels_of(c) + g] -= w[g * all + t] * c->zero;
}

static void pack(const struct nhwc_conv_u8 *c, const int8_t *w, void *packed)
{
	size_t vec = vec_of(c), taps = taps_of(c), n = (size_t)c->s.groups;
	size_t columns = (size_t)c->columns;
	int8_t *to = (int8_t *)packed + start_bytes(c);
	memset(packed, 0, packed_bytes(c));
	pack_start(c, w, packed);
	for (size_t g = 0; g < n; g += vec)
		for (size_t at = 0; at < columns * taps4(c); at += 4)
			for (size_t i = 0; i < vec; i++)
				for (size_t k = at; k < at + 4; k++, to++) {
					size_t channel = g + channel_of(i, vec);
					size_t x = k / taps4(c), t = k % taps4(c);
					if (channel < n && t < taps)
						*to = w[(channel * taps + t) * columns + x];
				}
}

static int lines_of(const struct conv_shape *s)
{
	return s->batch * s->out[0] * s->out[1];
}

static void plan(struct nhwc_conv_u8 *c)
{
	int lines = lines_of(&c->s);
	int64_t work = (int64_t)lines * c->s.out[2] * c->s.groups * (int)nhwc_volume(c->s.kernel);
	c->row = dw_nhwc_u8_pick();
	c->feed = 0;
	c->block_rows = 1;
	c->row_blocks = c->col_blocks = 1;
	if (c->threads > 1 && work >= NHWC_SMALL) {
		int blocks = nhwc_pieces(c->s.groups, LEAST_CHANNELS);
		c->row_blocks = lines < 2 * c->threads ? lines : 2 * c->threads;
		c->col_blocks = nhwc_pieces(2 * c->threads, c->row_blocks);
		c->col_blocks = c->col_blocks < blocks ? c->col_blocks : blocks;
	}
	c->shared = nhwc_round64((size_t)c->s.groups);
	c->worker = 0;
}

struct dw_run {
	const struct nhwc_conv_u8 *c;
	const struct nhwc_conv_u8_args *a;
	struct u8_epilogue e;
};

/* The first pixel under tap t of output pixel x of a line, NULL outside of the image. */
static const uint8_t *under(const struct dw_run *r, int number, int x, int t)
{
	const struct conv_shape *s = &r->c->s;
	int out[3] = {number / s->out[1] % s->out[0], number % s->out[1], x};
	int k[3] = {
	    t / s->kernel[2] / s->kernel[1], t / s->kernel[2] % s->kernel[1], t % s->kernel[2]};
	int64_t at = number / s->out[1] / s->out[0];
	for (int d = 0; d < 3; d++) {
		int64_t i = (int64_t)out[d] * s->stride[d] - s->pad[d] +
			    (int64_t)k[d] * s->dilation[d];
		if (i < 0 || i >= s->in[d])
			return NULL;
		at = at * s->in[d] + i;
	}
	return r->a->in + at * r->c->ld_in;
}

/* Pixels x0..x1-1 of a line, whose taps are inside or outside alike, channels from..to-1. */
static void pixels(const struct dw_run *r, int number, int x0, int x1, int from, int to)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	const uint8_t *pixel[MAX_TAPS + 4 * DW_U8_COLUMNS];
	ptrdiff_t in[MAX_TAPS + 4 * DW_U8_COLUMNS];
	int taps = (int)taps_of(c), each = (int)taps4(c), all = c->columns * each;
	int64_t at = (int64_t)number * s->out[2] + x0;
	for (int i = 0; i < all; i++) {
		int t = i % each * c->columns + i / each;
		const uint8_t *p = i % each < taps ? under(r, number, x0, t) : NULL;
		pixel[i] = (p ? p : (const uint8_t *)r->a->scratch) + from;
		in[i] = p ? -1 : 0;
	}
	const char *packed = r->a->packed;
	struct dw_nhwc_u8_args q = {.m = x1 - x0,
	    .n = to - from,
	    .columns = c->columns,
	    .taps = each,
	    .pixel = pixel,
	    .inside = in,
	    .step = s->stride[2] * c->ld_in,
	    .start = (const int32_t *)packed + from,
	    .ld_start = channels_of(c),
	    .w = (const int8_t *)packed + start_bytes(c) + (size_t)from * (size_t)all,
	    .f = r->a->f + from,
	    .add = nhwc_at_u8(r->a->add, c->add == U8_ADD_U8, at * c->ld_add + from),
	    .out = (void *)nhwc_at_u8(r->a->out, c->out == U8_OUT_U8, at * c->ld_out + from),
	    .ld_add = (size_t)c->ld_add,
	    .ld_out = (size_t)c->ld_out,
	    .e = r->e};
	dw_nhwc_u8_rows[c->row].run(&q);
}

static void task(void *ctx, int number, int worker)
{
	const struct dw_run *r = ctx;
	const struct nhwc_conv_u8 *c = r->c;
	int i = number / c->col_blocks, j = number % c->col_blocks, n = c->s.groups;
	int blocks = nhwc_pieces(n, LEAST_CHANNELS), lines = lines_of(&c->s), x0, x1;
	int from = nhwc_part(blocks, j, c->col_blocks) * LEAST_CHANNELS;
	int to = nhwc_part(blocks, j + 1, c->col_blocks) * LEAST_CHANNELS;
	(void)worker;
	to = to < n ? to : n;
	nhwc_whole(&c->s, &x0, &x1);
	for (int y = nhwc_part(lines, i, c->row_blocks); y < nhwc_part(lines, i + 1, c->row_blocks);
	     y++) {
		for (int x = 0; x < x0; x++)
			pixels(r, y, x, x + 1, from, to);
		if (x0 < x1)
			pixels(r, y, x0, x1, from, to);
		for (int x = x1; x < c->s.out[2]; x++)
			pixels(r, y, x, x + 1, from, to);
	}
}

static void run(const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a)
{
	struct dw_run r = {c, a, nhwc_epilogue_u8(c)};
	memset(a->scratch, c->zero, c->shared);
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way_u8 nhwc_depthwise_u8 = {plan, packed_bytes, pack, run};
