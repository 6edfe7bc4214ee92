/* Quantized depthwise convolution with channels last: output lines; taps outside of the image read
 * a pixel of zero points. */
#include "kernels/nhwc_dw_u8.h"

#include <string.h>

#include "kernels/nhwc_dw_lines.h"

#define LEAST_CHANNELS 64 /* of a piece */
#define LINE_TAPS 8       /* of a column */

bool nhwc_depthwise_u8_fits(const struct conv_shape *s)
{
	return s->cin == 1 && s->cout == 1 && s->groups > 1 &&
	       (int64_t)s->kernel[0] * s->kernel[1] * s->kernel[2] <= DW_U8_TAPS;
}

static size_t vec_of(const struct nhwc_conv_u8 *c)
{
	return (size_t)dw_nhwc_u8_rows[c->row].vec;
}

int dw_u8_pixels(const struct nhwc_conv_u8 *c)
{
	int n = (int)vec_of(c) / c->s.groups;
	return n > 1 ? n : 1;
}

/* Three columns of at most four taps, or a few of at most eight: the kernels then read each column
 * of the image once, or once for several results. */
static bool by_lines(const struct nhwc_conv_u8 *c)
{
	const struct conv_shape *s = &c->s;
	int columns = s->kernel[2], taps = s->kernel[0] * s->kernel[1];
	if (s->dilation[2] != 1)
		return false;
	return columns == 3 ? taps <= 4
			    : (columns == 5 || columns == 7) && taps <= LINE_TAPS &&
				  s->stride[2] <= 2 && dw_u8_pixels(c) == 1;
}

size_t dw_u8_groups(const struct nhwc_conv_u8 *c)
{
	return by_lines(c) ? (size_t)c->s.kernel[2] : 1;
}

static size_t taps_of(const struct nhwc_conv_u8 *c)
{
	return conv_volume(c->s.kernel) / dw_u8_groups(c);
}

size_t dw_u8_taps4(const struct nhwc_conv_u8 *c)
{
	return (taps_of(c) + 3) / 4 * 4;
}

static size_t channels_of(const struct nhwc_conv_u8 *c)
{
	return ((size_t)c->s.groups + vec_of(c) - 1) / vec_of(c) * vec_of(c);
}

/* What the sums start with, then the zero points, then the weights. */
static size_t start_bytes(const struct nhwc_conv_u8 *c)
{
	return nhwc_round64(channels_of(c) * sizeof(int32_t));
}

static size_t head_bytes(const struct nhwc_conv_u8 *c)
{
	return start_bytes(c) + nhwc_round64((size_t)c->s.groups);
}

static const void *weights_of(const struct nhwc_conv_u8 *c, const void *packed)
{
	return (const char *)packed + head_bytes(c);
}

static size_t packed_bytes(const struct nhwc_conv_u8 *c)
{
	return head_bytes(c) + dw_u8_groups(c) * channels_of(c) * dw_u8_taps4(c);
}

/* The channel of lane i in a block, see dw_nhwc_u8_body.h. */
static size_t channel_of(size_t i, size_t vec)
{
	size_t lanes = vec / 16;
	return lanes ? i / 4 % lanes * 16 + i / (4 * lanes) * 4 + i % 4 : i;
}

/* What the sum of a channel starts with; w: its taps. */
static int32_t start_of(const struct nhwc_conv_u8 *c, const int8_t *w, int zero)
{
	int32_t sum = 0;
	for (size_t t = 0; t < conv_volume(c->s.kernel); t++)
		sum -= w[t] * zero;
	return sum;
}

/* The taps of a channel, those of a column after the other; to: its lane. */
static void pack_taps(const struct nhwc_conv_u8 *c, const int8_t *w, int8_t *to)
{
	size_t taps = taps_of(c), columns = dw_u8_groups(c), fours = dw_u8_taps4(c) / 4;
	for (size_t x = 0; x < columns; x++)
		for (size_t t = 0; t < taps; t++)
			to[(x * fours + t / 4) * vec_of(c) * 4 + t % 4] = w[t * columns + x];
}

/* start[channel / vec][vec], zero points, weights [channel / vec][fours of taps][vec][4]. */
static void pack(const struct nhwc_conv_u8 *c, struct pool *pool, const int8_t *w,
    const uint8_t *zeros, void *packed)
{
	(void)pool;
	size_t vec = vec_of(c), n = (size_t)c->s.groups, taps = conv_volume(c->s.kernel);
	int32_t *start = packed;
	uint8_t *zero = (uint8_t *)packed + start_bytes(c);
	int8_t *to = (int8_t *)packed + head_bytes(c);
	memset(packed, 0, packed_bytes(c));
	memset(zero, c->zero, n);
	if (zeros)
		memcpy(zero, zeros, n);
	for (size_t g = 0; g < n; g += vec)
		for (size_t i = 0; i < vec; i++) {
			size_t k = g + channel_of(i, vec);
			if (k >= n * (size_t)dw_u8_pixels(c))
				continue;
			k %= n;
			start[g + i] = start_of(c, w + k * taps, zero[k]);
			pack_taps(
			    c, w + k * taps, to + g * dw_u8_groups(c) * dw_u8_taps4(c) + 4 * i);
		}
}

/* The same for a block of several pixels. */
static void repeat_factors(const struct nhwc_conv_u8 *c, const float *f, float *to)
{
	size_t vec = vec_of(c), n = (size_t)c->s.groups;
	for (size_t row = 0; row < nhwc_conv_u8_rows(c); row++)
		for (size_t i = 0; i < vec; i++) {
			size_t channel = channel_of(i, vec);
			*to++ = channel < n * (size_t)dw_u8_pixels(c) ? f[row * n + channel % n]
								      : 0;
		}
}

/* to[channel / vec][rows][vec]; fours of neighbours stay neighbours, or vec is 1. */
static void order_factors(const struct nhwc_conv_u8 *c, const float *f, float *to)
{
	size_t vec = vec_of(c), n = (size_t)c->s.groups, run = vec < 4 ? 1 : 4;
	for (size_t g = 0; g < n; g += vec)
		for (size_t row = 0; row < nhwc_conv_u8_rows(c); row++)
			for (size_t i = 0; i < vec; i += run, to += run) {
				size_t channel = g + channel_of(i, vec);
				size_t there = channel < n ? n - channel : 0;
				there = there < run ? there : run;
				memset(to, 0, run * sizeof *to); /* denormals would be slow */
				memcpy(to, f + row * n + channel, there * sizeof *to);
			}
}

static void plan(struct nhwc_conv_u8 *c)
{
	c->row = dw_nhwc_u8_pick();
	c->feed = 0;
	c->block_rows = 1;
	nhwc_dw_cut(&c->s, c->threads, NHWC_SMALL, LEAST_CHANNELS, &c->row_blocks, &c->col_blocks);
	c->shared = nhwc_round64(nhwc_conv_u8_rows(c) * channels_of(c) * sizeof(float));
	c->worker = c->tail.nops ? nhwc_round64((size_t)c->s.out[2] * LEAST_CHANNELS * 4) : 0;
	if (dw_u8_by_copies(c))
		c->worker = dw_u8_copies(c);
}

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

/* The first pixel of the image's line under row t of the window, NULL outside of the image. */
static const uint8_t *row_under(const struct dw_run *r, int number, int t)
{
	const struct conv_shape *s = &r->c->s;
	int out[2] = {number / s->out[1] % s->out[0], number % s->out[1]};
	int k[2] = {t / s->kernel[1], t % s->kernel[1]};
	int64_t at = number / s->out[1] / s->out[0];
	for (int d = 0; d < 2; d++) {
		int64_t i = (int64_t)out[d] * s->stride[d] - s->pad[d] +
			    (int64_t)k[d] * s->dilation[d];
		if (i < 0 || i >= s->in[d])
			return NULL;
		at = at * s->in[d] + i;
	}
	return r->a->in + at * s->in[2] * r->c->ld_in;
}

struct dw_nhwc_u8_args dw_u8_args(
    const struct dw_run *r, int number, int x, const struct dw_part *p)
{
	const struct nhwc_conv_u8 *c = r->c;
	const char *packed = r->a->packed;
	int64_t at = (int64_t)number * c->s.out[2] + x;
	int from = p->from;
	struct dw_nhwc_u8_args q = {.n = p->to - from,
	    .taps = (int)dw_u8_taps4(c),
	    .start = (const int32_t *)packed + from,
	    .w = (const int8_t *)weights_of(c, packed) +
		 (size_t)from * dw_u8_groups(c) * dw_u8_taps4(c),
	    .f = r->f + (size_t)from * nhwc_conv_u8_rows(c),
	    .add = nhwc_at_u8(r->a->add, c->add == U8_ADD_U8, at * c->ld_add + from),
	    .out = (void *)nhwc_at_u8(r->a->out, c->out == U8_OUT_U8, at * c->ld_out + from),
	    .ld_add = (size_t)c->ld_add,
	    .ld_out = (size_t)c->ld_out,
	    .e = r->e};
	if (c->tail.nops) {
		q.out = p->tile + (ptrdiff_t)x * q.n;
		q.ld_out = (size_t)q.n;
	}
	return q;
}

/* A whole line. */
static void line(const struct dw_run *r, int number, const struct dw_part *part)
{
	const struct conv_shape *s = &r->c->s;
	struct dw_nhwc_u8_args q = dw_u8_args(r, number, 0, part);
	const uint8_t *pixel[LINE_TAPS];
	ptrdiff_t in[LINE_TAPS];
	q.zero = r->zero + part->from;
	for (int t = 0; t < q.taps; t++) {
		const uint8_t *p = NULL;
		if (t < (int)taps_of(r->c))
			p = row_under(r, number, t);
		pixel[t] = p ? p + part->from : q.zero;
		in[t] = p ? -1 : 0;
	}
	q.m = s->out[2];
	q.pixel = pixel;
	q.inside = in;
	q.step = r->c->ld_in;
	q.columns = s->kernel[2];
	q.first = -s->pad[2];
	q.stride = s->stride[2];
	q.width = s->in[2];
	dw_nhwc_u8_rows[r->c->row].run(&q);
}

/* Pixels x0..x1-1 of a line, whose taps are inside or outside alike. */
static void pixels(const struct dw_run *r, int number, int x0, int x1, const struct dw_part *part)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	const uint8_t *pixel[DW_U8_TAPS];
	ptrdiff_t in[DW_U8_TAPS];
	int taps = (int)taps_of(c);
	for (int i = 0; i < (int)dw_u8_taps4(c); i++) {
		const uint8_t *p = i < taps ? under(r, number, x0, i) : NULL;
		pixel[i] = (p ? p : r->zero) + part->from;
		in[i] = p ? -1 : 0;
	}
	struct dw_nhwc_u8_args q = dw_u8_args(r, number, x0, part);
	q.m = x1 - x0;
	q.pixel = pixel;
	q.inside = in;
	q.step = s->stride[2] * c->ld_in;
	dw_nhwc_u8_rows[c->row].run(&q);
}

static void edges_and_middle(const struct dw_run *r, int number, const struct dw_part *p)
{
	const struct conv_shape *s = &r->c->s;
	int x0, x1;
	nhwc_whole(s, &x0, &x1);
	for (int x = 0; x < x0; x++)
		pixels(r, number, x, x + 1, p);
	if (x0 < x1)
		pixels(r, number, x0, x1, p);
	for (int x = x1; x < s->out[2]; x++)
		pixels(r, number, x, x + 1, p);
}

static void any_line(const struct dw_run *r, int number, const struct dw_part *p)
{
	const struct nhwc_conv_u8 *c = r->c;
	int wide = c->s.out[2];
	if (by_lines(c))
		line(r, number, p);
	else
		edges_and_middle(r, number, p);
	if (c->tail.nops)
		nhwc_tail_u8(
		    c, r->a, p->tile, (int64_t)number * wide, wide, p->from, p->to - p->from);
}

static void task(void *ctx, int number, int worker)
{
	const struct dw_run *r = ctx;
	const struct nhwc_conv_u8 *c = r->c;
	struct dw_share all = nhwc_dw_share(
	    &c->s, LEAST_CHANNELS, c->row_blocks, c->col_blocks, number);
	int each = c->tail.nops ? LEAST_CHANNELS : all.to - all.from;
	char *tile = (char *)r->a->scratch + c->shared + (size_t)worker * c->worker;
	if (dw_u8_by_copies(c)) {
		dw_u8_lines_of_copies(r, all.first, all.last, tile);
		return;
	}
	for (int y = all.first; y < all.last; y++)
		for (int k = all.from; k < all.to; k += each) {
			int to = all.to - k < each ? all.to : k + each;
			struct dw_part p = {k, to, (float *)(void *)tile};
			any_line(r, y, &p);
		}
}

static void run(const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a)
{
	const uint8_t *zero = (const uint8_t *)a->packed + start_bytes(c);
	struct dw_run r = {c, a, nhwc_epilogue_u8(c), zero, a->scratch};
	(dw_u8_by_copies(c) ? repeat_factors : order_factors)(c, a->f, r.f);
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way_u8 nhwc_depthwise_u8 = {plan, packed_bytes, pack, run};
