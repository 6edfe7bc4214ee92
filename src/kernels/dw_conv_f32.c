/* FP32 depthwise convolution: rows of the input, padded and split by the stride, then row by row.
 */
#include <string.h>

#include "kernels/conv_f32.h"

/* A padded row of width w is kept as `stride` pieces, piece f holding columns f, f + stride, ...:
 * what one kernel column reads for successive outputs is then contiguous. */
static int piece(const struct dw_conv_f32 *c)
{
	return (int)(c->line / (size_t)c->s.stride[2]);
}

bool dw_conv_f32_plan(struct dw_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	if (s->cin != 1 || s->in[0] != 1 || s->kernel[0] != 1 || s->out[0] != 1 || s->pad[0] ||
	    s->kernel[1] > DW_MAX_KERNEL || s->kernel[2] > DW_MAX_KERNEL)
		return false;
	int reach = (s->kernel[2] - 1) * s->dilation[2] / s->stride[2] + 1;
	c->line = (size_t)(s->out[2] + reach) * (size_t)s->stride[2];
	c->scratch = c->line * (size_t)s->in[1];
	return true;
}

static void split_row(const struct dw_conv_f32 *c, const float *row, float *dst)
{
	const struct conv_shape *s = &c->s;
	int n = piece(c), stride = s->stride[2];
	for (int f = 0; f < stride; f++) {
		for (int i = 0; i < n; i++) {
			int x = i * stride + f - s->pad[2];
			dst[f * n + i] = x >= 0 && x < s->in[2] ? row[x] : 0;
		}
	}
}

/* One plane of the output from the split rows of its input. */
static void filter(
    const struct dw_conv_f32 *c, const float *lines, const float *w, float bias, float *out)
{
	const struct conv_shape *s = &c->s;
	const float *rows[DW_MAX_KERNEL];
	int tap[DW_MAX_KERNEL];
	for (int t = 0; t < s->kernel[2]; t++) {
		int x = t * s->dilation[2];
		tap[t] = x % s->stride[2] * piece(c) + x / s->stride[2];
	}
	for (int y = 0; y < s->out[1]; y++) {
		int nrows = 0, skipped = 0;
		for (int r = 0; r < s->kernel[1]; r++) {
			int from = y * s->stride[1] - s->pad[1] + r * s->dilation[1];
			if (from >= 0 && from < s->in[1])
				rows[nrows++] = lines + (size_t)from * c->line;
			else
				skipped += !nrows;
		}
		c->row->run(s->out[2], rows, nrows, tap, s->kernel[2], w + skipped * s->kernel[2],
		    bias, c->lo, c->hi, out + (size_t)y * (size_t)s->out[2]);
	}
}

struct dw_run {
	const struct dw_conv_f32 *c;
	const float *in;
	float *out, *scratch;
};

/* One channel of one image with all the outputs made of it. */
static void dw_task(void *ctx, int task, int worker)
{
	const struct dw_run *r = ctx;
	const struct conv_shape *s = &r->c->s;
	float *lines = r->scratch + (size_t)worker * r->c->scratch;
	const float *in = r->in + (size_t)task * (size_t)s->in[1] * (size_t)s->in[2];
	size_t plane = (size_t)s->out[1] * (size_t)s->out[2];
	for (int y = 0; y < s->in[1]; y++)
		split_row(r->c, in + (size_t)y * (size_t)s->in[2], lines + (size_t)y * r->c->line);
	for (int k = 0; k < s->cout; k++) {
		size_t o = (size_t)(task % s->groups) * (size_t)s->cout + (size_t)k;
		const float *w = r->c->w + o * (size_t)s->kernel[1] * (size_t)s->kernel[2];
		filter(r->c, lines, w, r->c->bias ? r->c->bias[o] : 0,
		    r->out + ((size_t)task * (size_t)s->cout + (size_t)k) * plane);
	}
}

void dw_conv_f32_run(
    const struct dw_conv_f32 *c, struct pool *pool, const float *in, float *out, float *scratch)
{
	struct dw_run r = {c, in, out, scratch};
	pool_run(pool, c->s.batch * c->s.groups, dw_task, &r);
}
