/* FP32 depthwise convolution, a channel at a time: split rows of its plane, then row by row. */
#include "kernels/conv_f32.h"

bool dw_conv_f32_plan(struct dw_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	if (s->cin != 1 || s->in[0] != 1 || s->kernel[0] != 1 || s->out[0] != 1 || s->pad[0])
		return false;
	for (int d = 0; d < 2; d++) {
		c->rows.in[d] = s->in[d + 1];
		c->rows.out[d] = s->out[d + 1];
		c->rows.kernel[d] = s->kernel[d + 1];
		c->rows.stride[d] = s->stride[d + 1];
		c->rows.dilation[d] = s->dilation[d + 1];
		c->rows.pad[d] = s->pad[d + 1];
	}
	if (!rows_f32_plan(&c->rows))
		return false;
	c->scratch = rows_f32_size(&c->rows);
	return true;
}

/* One plane of the output from the split rows of its input. */
static void filter(
    const struct dw_conv_f32 *c, const float *lines, const float *w, float bias, float *out)
{
	const struct rows_f32 *r = &c->rows;
	const float *rows[ROWS_MAX_KERNEL];
	int tap[ROWS_MAX_KERNEL], above;
	rows_f32_taps(r, tap);
	for (int y = 0; y < r->out[0]; y++, out += r->out[1]) {
		int n = rows_f32_window(r, lines, y, rows, &above);
		c->row->run(r->out[1], rows, n, tap, r->kernel[1], w + above * r->kernel[1], bias,
		    c->lo, c->hi, out);
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
	size_t plane = (size_t)s->out[1] * (size_t)s->out[2];
	rows_f32_split(
	    &r->c->rows, r->in + (size_t)task * (size_t)s->in[1] * (size_t)s->in[2], 0, lines);
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
