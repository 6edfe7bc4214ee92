/* ConvolutionBackpropData and its grouped form: sums in double scattered over output planes. */
#include <string.h>

#include "base/checked.h"
#include "ops/conv.h"
#include "ops/elem.h"
#include "ops/rows.h"

const struct attr_def attrs_deconv[] = {
    {"strides", ATTR_INTS, true, NULL, NULL},
    {"dilations", ATTR_INTS, true, NULL, NULL},
    {"pads_begin", ATTR_INTS, true, NULL, NULL},
    {"pads_end", ATTR_INTS, true, NULL, NULL},
    {"auto_pad", ATTR_STRING, false, "explicit", "explicit|valid|same_upper|same_lower"},
    {"output_padding", ATTR_INTS, false, NULL, NULL},
    {0},
};

static int output_padding(
    const struct node *n, int spatial, int64_t pad[MAX_SPATIAL], struct err *err)
{
	const int64_t *v;
	int count = attr_ints(n, "output_padding", &v);
	if (count && count != spatial)
		return fail(err, E_FORMAT, "attribute 'output_padding' has %d values, expected %d",
		    count, spatial);
	for (int i = 0; i < spatial; i++) {
		pad[i] = count ? v[i] : 0;
		if (pad[i] < 0 || pad[i] > INT32_MAX)
			return fail(err, E_FORMAT, "attribute 'output_padding' holds %lld",
			    (long long)pad[i]);
	}
	return OK;
}

/* One bound of (in - 1) * stride + extent - pads + output padding; DIM_INF stays. */
static int64_t bound(int64_t in, int64_t kernel, const struct window *w, int i, int64_t pad)
{
	int64_t size, extent = window_extent(kernel, w->dim[i].dilation);
	if (in == DIM_INF || kernel == DIM_INF || extent < 0 ||
	    mul_i64(in - 1, w->dim[i].stride, &size) || add_i64(size, extent, &size) ||
	    add_i64(size, pad - w->dim[i].begin - w->dim[i].end, &size))
		return DIM_INF;
	return size;
}

static int grown_dim(
    struct infer *s, const struct window *w, int i, struct dim in, int64_t pad, struct dim *out)
{
	int64_t least = w->dim[i].kernel.min < 1 ? 1 : w->dim[i].kernel.min;
	out->min = bound(in.min, least, w, i, pad);
	out->max = bound(in.max, w->dim[i].kernel.max, w, i, pad);
	out->symbol = 0;
	if (out->max < 1)
		return infer_fail(s, "spatial dim %d of the output has no elements", i);
	if (out->min < 0)
		out->min = 0;
	if (w->dim[i].stride == 1 && out->min == in.min && out->max == in.max &&
	    dim_static(w->dim[i].kernel))
		out->symbol = in.symbol;
	return OK;
}

/* Spatial dims from input 2, which asks for them. */
static int asked_dims(struct infer *s, int spatial, struct dim *out)
{
	int n;
	const struct dim *e = infer_elems(s, 2, &n);
	const struct shape *sh = &s->in[2].shape;
	if (sh->rank >= 0 &&
	    (sh->rank != 1 || (dim_static(sh->dim[0]) && sh->dim[0].min != spatial)))
		return infer_fail(s, "the output shape does not hold %d values", spatial);
	for (int i = 0; i < spatial; i++) {
		out[i] = dim_any();
		if (e && i < n && e[i].min >= 0)
			out[i] = e[i];
		if (e && i < n && e[i].max < 1)
			return infer_fail(
			    s, "the output shape asks for %lld elements", (long long)e[i].max);
	}
	return OK;
}

static int spatial_dims(struct infer *s, struct window *w, int lead)
{
	const struct shape *x = &s->in[0].shape, *f = &s->in[1].shape;
	struct shape *out = &s->out[0].shape;
	int64_t pad[MAX_SPATIAL];
	int r = output_padding(s->node, w->n, pad, s->err);
	if (r)
		return r;
	if (infer_has(s, 2))
		return asked_dims(s, w->n, out->dim + 2);
	for (int i = 0; i < w->n && !r; i++) {
		w->dim[i].kernel = f->dim[lead + i];
		r = grown_dim(s, w, i, x->dim[2 + i], pad[i], &out->dim[2 + i]);
	}
	return r;
}

static int infer_spread(struct infer *s, int lead)
{
	const struct shape *x = &s->in[0].shape, *f = &s->in[1].shape;
	struct shape *out = &s->out[0].shape;
	struct window w;
	int r = infer_same_types(s, 0, 1);
	s->out[0].type = s->in[0].type;
	if (!r && infer_has(s, 2))
		r = infer_integer(s, 2);
	if (r || x->rank < 0 || f->rank < 0)
		return r;
	if (f->rank - lead != x->rank - 2)
		return infer_fail(s, "the input has rank %d, the filter %d", x->rank, f->rank);
	r = window_read(&w, s->node, x->rank - 2, s->err);
	if (r)
		return r;
	struct dim groups = lead == 3 ? f->dim[0] : dim_of(1);
	r = conv_channels(s, x->dim[1], f->dim[lead - 2], groups);
	if (r)
		return r;
	*out = shape_any(x->rank);
	out->dim[0] = x->dim[0];
	out->dim[1] = dim_mul(f->dim[lead - 1], groups);
	return spatial_dims(s, &w, lead);
}

int infer_deconv(struct infer *s)
{
	return infer_spread(s, 2);
}

int infer_group_deconv(struct infer *s)
{
	return infer_spread(s, 3);
}

struct deconv {
	struct conv_sizes z;
	double *image, *filter, *acc; /* a group's input, a filter's plane, an output plane */
};

/* Pads that an asked output size leaves when they are automatic, none without one: the larger half
 * of an odd number lies in front for same_upper, as OpenVINO has it. */
static void asked_pad(struct window *w, int i, int64_t in, int64_t out, int64_t extra)
{
	if (!w->same_upper && !w->same_lower)
		return;
	int64_t extent = window_extent(w->dim[i].kernel.min, w->dim[i].dilation);
	int64_t total = (in - 1) * w->dim[i].stride + extent - out + extra;
	if (total < 0)
		total = 0;
	w->dim[i].begin = w->same_upper ? total - total / 2 : total / 2;
}

static int deconv_setup(struct eval *s, struct deconv *c, int lead)
{
	struct window w;
	const struct tensor *x = &s->in[0], *f = &s->in[1];
	int64_t pad[MAX_SPATIAL];
	int spatial = x->rank - 2, r = window_read(&w, s->node, spatial, s->err);
	if (!r)
		r = output_padding(s->node, spatial, pad, s->err);
	if (r)
		return r;
	for (int i = 0; i < spatial; i++) {
		w.dim[i].kernel = dim_of(f->dim[lead + i]);
		if (eval_has(s, 2))
			asked_pad(&w, i, x->dim[2 + i], s->out[0].dim[2 + i], pad[i]);
	}
	conv_sizes(&c->z, x, f, lead, &s->out[0], &w);
	c->z.in_ch = f->dim[lead - 2];
	c->z.out_ch = f->dim[lead - 1];
	c->image = eval_scratch(s, c->z.in_ch * conv_volume(c->z.in), sizeof(double));
	c->filter = eval_scratch(s, conv_volume(c->z.kernel), sizeof(double));
	c->acc = eval_scratch(s, conv_volume(c->z.out), sizeof(double));
	return c->image && c->filter && c->acc ? OK : E_NOMEM;
}

static VECTOR void scatter_row(
    double *restrict y, const double *restrict x, int64_t stride, int64_t n, double w)
{
	if (stride == 1)
		for (int64_t i = 0; i < n; i++)
			y[i] += w * x[i];
	else
		for (int64_t i = 0; i < n; i++)
			y[i * stride] += w * x[i];
}

static void scatter_tap(const struct deconv *c, const double *plane, const int64_t k[3], double w)
{
	const struct conv_sizes *q = &c->z;
	int64_t from[3], to[3], off[3];
	for (int d = 0; d < 3; d++) {
		off[d] = k[d] * q->dilation[d] - q->begin[d];
		conv_meet(q->in[d], q->stride[d], off[d], q->out[d], &from[d], &to[d]);
	}
	if (to[2] <= from[2])
		return;
	for (int64_t z = from[0]; z < to[0]; z++)
		for (int64_t y = from[1]; y < to[1]; y++) {
			int64_t oz = z * q->stride[0] + off[0], oy = y * q->stride[1] + off[1];
			double *o = c->acc + (oz * q->out[1] + oy) * q->out[2] +
				    from[2] * q->stride[2] + off[2];
			scatter_row(o, plane + (z * q->in[1] + y) * q->in[2] + from[2],
			    q->stride[2], to[2] - from[2], w);
		}
}

static void deconv_plane(struct eval *s, struct deconv *c, int64_t b, int64_t g, int64_t o)
{
	const struct conv_sizes *z = &c->z;
	int64_t taps = conv_volume(z->kernel), size = conv_volume(z->out);
	int64_t plane = conv_volume(z->in), k[3];
	memset(c->acc, 0, (size_t)size * sizeof *c->acc);
	for (int64_t i = 0; i < z->in_ch; i++) {
		const double *w = c->filter;
		span_f64(c->filter, &s->in[1], ((g * z->in_ch + i) * z->out_ch + o) * taps, taps);
		for (k[0] = 0; k[0] < z->kernel[0]; k[0]++)
			for (k[1] = 0; k[1] < z->kernel[1]; k[1]++)
				for (k[2] = 0; k[2] < z->kernel[2]; k[2]++)
					scatter_tap(c, c->image + i * plane, k, *w++);
	}
	span_put_f64(&s->out[0], ((b * z->groups + g) * z->out_ch + o) * size, size, c->acc);
}

static int deconv_run(struct eval *s, int lead)
{
	struct deconv c;
	const struct conv_sizes *z = &c.z;
	int r = deconv_setup(s, &c, lead);
	if (r || !tensor_count(&s->out[0]))
		return r;
	int64_t some = z->in_ch * conv_volume(z->in);
	for (int64_t b = 0; b < z->batch; b++)
		for (int64_t g = 0; g < z->groups; g++) {
			span_f64(c.image, &s->in[0], (b * z->groups + g) * some, some);
			for (int64_t o = 0; o < z->out_ch; o++)
				deconv_plane(s, &c, b, g, o);
		}
	return OK;
}

int eval_deconv(struct eval *s)
{
	return deconv_run(s, 2);
}

int eval_group_deconv(struct eval *s)
{
	return deconv_run(s, 3);
}
