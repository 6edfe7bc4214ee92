/* Convolution and GroupConvolution: inference, and direct sums in double over output rows. */
#include <string.h>

#include "ops/conv.h"
#include "ops/elem.h"
#include "ops/rows.h"

#define AUTO_PAD "explicit|valid|same_upper|same_lower"
const struct attr_def attrs_conv[] = {
    {"strides", ATTR_INTS, true, NULL, NULL},
    {"dilations", ATTR_INTS, true, NULL, NULL},
    {"pads_begin", ATTR_INTS, true, NULL, NULL},
    {"pads_end", ATTR_INTS, true, NULL, NULL},
    {"auto_pad", ATTR_STRING, false, "explicit", AUTO_PAD},
    {0},
};

int conv_channels(struct infer *s, struct dim data, struct dim each, struct dim groups)
{
	struct dim out, want = dim_mul(each, groups);
	if (!dim_merge(data, want, &out))
		return infer_fail(s, "the input has %lld channels, the filter takes %lld",
		    (long long)data.min, (long long)want.min);
	return OK;
}

/* Filter dims: [groups,] output channels, input channels, kernel. lead is 2 or 3. */
static int infer_filtered(struct infer *s, int lead)
{
	const struct shape *x = &s->in[0].shape, *f = &s->in[1].shape;
	struct shape *out = &s->out[0].shape;
	struct window w;
	int r = infer_same_types(s, 0, 1);
	if (r)
		return r;
	s->out[0].type = s->in[0].type;
	int spatial = x->rank >= 0 ? x->rank - 2 : f->rank >= 0 ? f->rank - lead : -1;
	if (x->rank < 0 && f->rank < 0)
		return OK;
	if (f->rank >= 0 && f->rank - lead != spatial)
		return infer_fail(s, "the input has rank %d, the filter %d", x->rank, f->rank);
	r = window_read(&w, s->node, spatial, s->err);
	if (r)
		return r;
	*out = shape_any(spatial + 2);
	if (x->rank >= 0)
		out->dim[0] = x->dim[0];
	if (f->rank < 0)
		return OK;
	struct dim groups = lead == 3 ? f->dim[0] : dim_of(1);
	out->dim[1] = dim_mul(f->dim[lead - 2], groups);
	if (x->rank < 0)
		return OK;
	r = conv_channels(s, x->dim[1], f->dim[lead - 1], groups);
	for (int i = 0; i < spatial && !r; i++) {
		w.dim[i].kernel = f->dim[lead + i];
		r = window_out(s, &w, i, x->dim[2 + i], &out->dim[2 + i]);
	}
	return r;
}

int infer_conv(struct infer *s)
{
	return infer_filtered(s, 2);
}

int infer_group_conv(struct infer *s)
{
	return infer_filtered(s, 3);
}

void conv_sizes(struct conv_sizes *c, const struct tensor *x, const struct tensor *f, int lead,
    const struct tensor *y, const struct window *w)
{
	c->batch = x->dim[0];
	c->groups = lead == 3 ? f->dim[0] : 1;
	for (int k = 0; k < 3; k++) {
		int i = k - 3 + w->n;
		c->in[k] = c->out[k] = c->kernel[k] = c->stride[k] = c->dilation[k] = 1;
		c->begin[k] = 0;
		if (i < 0)
			continue;
		c->in[k] = x->dim[2 + i];
		c->out[k] = y->dim[2 + i];
		c->kernel[k] = f->dim[lead + i];
		c->stride[k] = w->dim[i].stride;
		c->dilation[k] = w->dim[i].dilation;
		c->begin[k] = w->dim[i].begin;
	}
}

void conv_meet(int64_t n, int64_t stride, int64_t offset, int64_t size, int64_t *from, int64_t *to)
{
	*from = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
	*to = offset >= size ? 0 : (size - 1 - offset) / stride + 1;
	if (*to > n)
		*to = n;
	if (*from > *to)
		*from = *to;
}

#define BLOCK 4 /* output channels summed together */

struct conv {
	struct conv_sizes z;
	const struct tensor *x, *f;
	struct tensor *y;
	double *image;  /* one group's input, as doubles */
	double *filter; /* one output block's weights */
	double *acc;    /* BLOCK output planes */
};

static int conv_setup(struct eval *s, struct conv *c, int lead)
{
	struct window w;
	const struct tensor *x = &s->in[0], *f = &s->in[1], *y = &s->out[0];
	int spatial = x->rank - 2, r = window_read(&w, s->node, spatial, s->err);
	if (r)
		return r;
	*c = (struct conv){.x = x, .f = f, .y = &s->out[0]};
	for (int i = 0; i < spatial; i++) {
		w.dim[i].kernel = dim_of(f->dim[lead + i]);
		window_pad(&w, i, x->dim[2 + i], y->dim[2 + i]);
	}
	conv_sizes(&c->z, x, f, lead, y, &w);
	c->z.out_ch = f->dim[lead - 2];
	c->z.in_ch = f->dim[lead - 1];
	c->image = eval_scratch(s, c->z.in_ch * conv_volume(c->z.in), sizeof(double));
	c->filter = eval_scratch(s, BLOCK * c->z.in_ch * conv_volume(c->z.kernel), sizeof(double));
	c->acc = eval_scratch(s, BLOCK * conv_volume(c->z.out), sizeof(double));
	return c->image && c->filter && c->acc ? OK : E_NOMEM;
}

/* acc[k][i] += w[k] * x[i * stride] for the block's four channels. */
static VECTOR void add_row(double *restrict a0, double *restrict a1, double *restrict a2,
    double *restrict a3, const double *restrict x, int64_t stride, int64_t n, const double w[BLOCK])
{
	double w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
	if (stride == 1)
		for (int64_t i = 0; i < n; i++) {
			double v = x[i];
			a0[i] += w0 * v;
			a1[i] += w1 * v;
			a2[i] += w2 * v;
			a3[i] += w3 * v;
		}
	else
		for (int64_t i = 0; i < n; i++) {
			double v = x[i * stride];
			a0[i] += w0 * v;
			a1[i] += w1 * v;
			a2[i] += w2 * v;
			a3[i] += w3 * v;
		}
}

static VECTOR void add_row_one(
    double *restrict a, const double *restrict x, int64_t stride, int64_t n, double w)
{
	if (stride == 1)
		for (int64_t i = 0; i < n; i++)
			a[i] += w * x[i];
	else
		for (int64_t i = 0; i < n; i++)
			a[i] += w * x[i * stride];
}

/* Adds one kernel element's products to n planes. */
static void add_tap(
    const struct conv *c, const double *plane, const int64_t k[3], const double *w, int n)
{
	const struct conv_sizes *q = &c->z;
	int64_t from[3], to[3], off[3], size = conv_volume(q->out);
	for (int d = 0; d < 3; d++) {
		off[d] = k[d] * q->dilation[d] - q->begin[d];
		conv_meet(q->out[d], q->stride[d], off[d], q->in[d], &from[d], &to[d]);
	}
	if (to[2] <= from[2])
		return;
	for (int64_t z = from[0]; z < to[0]; z++)
		for (int64_t y = from[1]; y < to[1]; y++) {
			int64_t iz = z * q->stride[0] + off[0], iy = y * q->stride[1] + off[1];
			const double *x = plane + (iz * q->in[1] + iy) * q->in[2] +
					  from[2] * q->stride[2] + off[2];
			double *a = c->acc + (z * q->out[1] + y) * q->out[2] + from[2];
			if (n == BLOCK)
				add_row(a, a + size, a + 2 * size, a + 3 * size, x, q->stride[2],
				    to[2] - from[2], w);
			else
				for (int j = 0; j < n; j++)
					add_row_one(
					    a + j * size, x, q->stride[2], to[2] - from[2], w[j]);
		}
}

/* A 1x1 convolution with stride 1 and no pads sees the plane as one row. */
static void flatten(struct conv_sizes *c)
{
	for (int d = 0; d < 3; d++)
		if (c->kernel[d] != 1 || c->stride[d] != 1 || c->begin[d] || c->in[d] != c->out[d])
			return;
	c->in[2] = c->out[2] = conv_volume(c->in);
	c->in[0] = c->in[1] = c->out[0] = c->out[1] = 1;
}

/* n output channels of a group from output channel first on. */
static void conv_block(struct conv *c, int64_t image, int64_t group, int64_t first, int n)
{
	const struct conv_sizes *z = &c->z;
	int64_t taps = conv_volume(z->kernel), size = conv_volume(z->out);
	int64_t plane = conv_volume(z->in), weights = z->in_ch * taps;
	for (int j = 0; j < n; j++)
		for (int64_t i = 0; i < weights; i += SPAN) {
			double w[SPAN];
			int64_t m = weights - i < SPAN ? weights - i : SPAN;
			span_f64(w, c->f, (group * z->out_ch + first + j) * weights + i, m);
			for (int64_t q = 0; q < m; q++)
				c->filter[(i + q) * BLOCK + j] = w[q];
		}
	memset(c->acc, 0, (size_t)(n * size) * sizeof *c->acc);
	for (int64_t ch = 0; ch < z->in_ch; ch++) {
		const double *w = c->filter + ch * taps * BLOCK;
		int64_t k[3];
		for (k[0] = 0; k[0] < z->kernel[0]; k[0]++)
			for (k[1] = 0; k[1] < z->kernel[1]; k[1]++)
				for (k[2] = 0; k[2] < z->kernel[2]; k[2]++, w += BLOCK)
					add_tap(c, c->image + ch * plane, k, w, n);
	}
	int64_t at = ((image * z->groups + group) * z->out_ch + first) * size;
	span_put_f64(c->y, at, n * size, c->acc);
}

static int conv_run(struct eval *s, int lead)
{
	struct conv c;
	const struct conv_sizes *z = &c.z;
	int r = conv_setup(s, &c, lead);
	if (r || !tensor_count(c.y))
		return r;
	flatten(&c.z);
	int64_t some = z->in_ch * conv_volume(z->in);
	for (int64_t b = 0; b < z->batch; b++)
		for (int64_t g = 0; g < z->groups; g++) {
			span_f64(c.image, c.x, (b * z->groups + g) * some, some);
			for (int64_t o = 0; o < z->out_ch; o += BLOCK)
				conv_block(&c, b, g, o,
				    z->out_ch - o < BLOCK ? (int)(z->out_ch - o) : BLOCK);
		}
	return OK;
}

int eval_conv(struct eval *s)
{
	return conv_run(s, 2);
}

int eval_group_conv(struct eval *s)
{
	return conv_run(s, 3);
}
