/* Quantized depthwise convolution of few channels: lines of the image are copied with what pads
 * them, so that pixels lie together and a block's lanes do several of them at once. */
#include <string.h>

#include "kernels/copy.h"
#include "kernels/nhwc_dw_u8.h"

bool dw_u8_by_copies(const struct nhwc_conv_u8 *c)
{
	const struct conv_shape *s = &c->s;
	bool flat = s->kernel[0] == 1 && s->stride[0] == 1 && s->in[0] == s->out[0] && !s->pad[0];
	return dw_u8_pixels(c) > 1 && flat && s->stride[2] == 1 && s->dilation[1] == 1 &&
	       s->dilation[2] == 1 && s->out[2] >= dw_u8_pixels(c) && !c->tail.nops &&
	       (!c->add || c->ld_add == s->groups);
}

/* A line of the image with what pads it, and one of results. */
static size_t copy_bytes(const struct nhwc_conv_u8 *c)
{
	return nhwc_round64((size_t)(c->s.out[2] + c->s.kernel[2] - 1) * (size_t)c->s.groups);
}

static size_t result_bytes(const struct nhwc_conv_u8 *c)
{
	return nhwc_round64(
	    (size_t)c->s.out[2] * (size_t)c->s.groups * (c->out == U8_OUT_U8 ? 1 : sizeof(float)));
}

size_t dw_u8_copies(const struct nhwc_conv_u8 *c)
{
	return (size_t)(c->s.kernel[1] + 1) * copy_bytes(c) + result_bytes(c);
}

/* The lines of a worker's scratch: image line y is at number y modulo the window's. */
struct copies {
	uint8_t *lines, *outside;
	char *results;
	int *have; /* what lines are there */
};

/* Line y of a plane, with zero points on both sides. */
static void copy_line(const struct dw_run *r, const uint8_t *plane, int y, uint8_t *to)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	int n = s->groups, all = s->out[2] + s->kernel[2] - 1;
	int from = s->pad[2] > 0 ? s->pad[2] : 0, end = s->pad[2] + s->in[2];
	end = end < all ? end : all;
	const uint8_t *line = plane + (int64_t)y * s->in[2] * c->ld_in;
	for (int x = 0; x < all; x += x + 1 == from ? 1 + end - from : 1)
		if (x < from || x >= end)
			memcpy(to + (ptrdiff_t)x * n, r->zero, (size_t)n);
	copy_rows(to + (ptrdiff_t)from * n, n, line + (from - s->pad[2]) * c->ld_in, c->ld_in,
	    end - from, n);
}

/* The window's lines for output line number, where each tap's are. */
static void point_copies(
    const struct dw_run *r, int number, const struct copies *k, const uint8_t **pixel)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	int plane = number / s->out[1], top = number % s->out[1] * s->stride[1] - s->pad[1];
	int each = (int)dw_u8_taps4(c), all = (int)dw_u8_groups(c) * each;
	const uint8_t *in = r->a->in + (int64_t)plane * s->in[1] * s->in[2] * c->ld_in;
	for (int i = 0; i < all; i++) {
		int ky = i % each, y = top + ky, slot = y % s->kernel[1], kx = i / each;
		if (dw_u8_groups(c) == 1) {
			ky = i / s->kernel[2];
			kx = i % s->kernel[2];
			y = top + ky;
			slot = y % s->kernel[1];
		}
		pixel[i] = k->outside;
		if (ky >= s->kernel[1] || !nhwc_inside(s, 1, y))
			continue;
		uint8_t *line = k->lines + (size_t)slot * copy_bytes(c);
		if (k->have[slot] != plane * s->in[1] + y)
			copy_line(r, in, y, line);
		k->have[slot] = plane * s->in[1] + y;
		pixel[i] = line + (ptrdiff_t)kx * s->groups;
	}
}

static void line_of_copies(const struct dw_run *r, int number, const struct copies *k)
{
	const struct nhwc_conv_u8 *c = r->c;
	const uint8_t *pixel[DW_U8_TAPS];
	ptrdiff_t in[DW_U8_TAPS];
	int n = c->s.groups, wide = c->s.out[2], some = dw_u8_pixels(c);
	int all = (int)(dw_u8_groups(c) * dw_u8_taps4(c));
	int64_t size = c->out == U8_OUT_U8 ? 1 : (int64_t)sizeof(float);
	int64_t add = c->add == U8_ADD_U8 ? n : n * (int64_t)sizeof(float);
	struct dw_part whole = {0, n, NULL};
	struct dw_nhwc_u8_args q = dw_u8_args(r, number, 0, &whole);
	char *out = q.out;
	point_copies(r, number, k, pixel);
	for (int i = 0; i < all; i++)
		in[i] = -1;
	if (c->ld_out != n)
		q.out = k->results;
	q.taps = all;
	q.pixel = pixel;
	q.inside = in;
	q.m = wide / some;
	q.n = some * n;
	q.step = q.n;
	q.ld_out = q.ld_add = (size_t)q.n;
	dw_nhwc_u8_rows[c->row].run(&q);
	int done = q.m * some;
	if (done < wide) {
		for (int i = 0; i < all; i++)
			pixel[i] += done * n;
		q.out = (char *)q.out + done * n * size;
		q.add = q.add ? (const char *)q.add + done * add : NULL;
		q.m = 1;
		q.n = (wide - done) * n;
		dw_nhwc_u8_rows[c->row].run(&q);
	}
	if (c->ld_out != n)
		copy_rows(out, c->ld_out * size, k->results, n * size, wide, n * size);
}

void dw_u8_lines_of_copies(const struct dw_run *r, int from, int to, char *scratch)
{
	const struct nhwc_conv_u8 *c = r->c;
	int have[DW_U8_TAPS], n = c->s.groups;
	size_t lines = (size_t)c->s.kernel[1] * copy_bytes(c);
	struct copies k = {.lines = (uint8_t *)scratch,
	    .outside = (uint8_t *)scratch + lines,
	    .results = scratch + lines + copy_bytes(c),
	    .have = have};
	for (int i = 0; i < c->s.kernel[1]; i++)
		have[i] = -1;
	for (int x = 0; x < c->s.out[2] + c->s.kernel[2] - 1; x++)
		memcpy(k.outside + (ptrdiff_t)x * n, r->zero, (size_t)n);
	for (int y = from; y < to; y++)
		line_of_copies(r, y, &k);
}
