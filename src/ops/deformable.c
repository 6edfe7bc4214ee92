/* DeformableConvolution: a convolution whose taps are moved by offsets and read bilinearly. */
#include <math.h>

#include "ops/elem.h"
#include "ops/rows.h"
#include "ops/window.h"

const struct attr_def attrs_deformable[] = {
    {"strides", ATTR_INTS, true, NULL, NULL},
    {"dilations", ATTR_INTS, true, NULL, NULL},
    {"pads_begin", ATTR_INTS, true, NULL, NULL},
    {"pads_end", ATTR_INTS, true, NULL, NULL},
    {"auto_pad", ATTR_STRING, false, "explicit", "explicit|valid|same_upper|same_lower"},
    {"group", ATTR_INT, false, "1", NULL},
    {"deformable_group", ATTR_INT, false, "1", NULL},
    {"bilinear_interpolation_pad", ATTR_BOOL, false, "false", NULL},
    {0},
};

static int check_groups(struct infer *s)
{
	const struct shape *x = &s->in[0].shape, *f = &s->in[2].shape;
	int64_t group = attr_i(s->node, "group"), parts = attr_i(s->node, "deformable_group");
	struct dim d;
	if (group < 1 || parts < 1)
		return infer_fail(s, "the numbers of groups must be positive");
	if (dim_static(x->dim[1]) && (x->dim[1].min % group || x->dim[1].min % parts))
		return infer_fail(
		    s, "%lld channels cannot be divided into the groups", (long long)x->dim[1].min);
	if (dim_static(f->dim[0]) && f->dim[0].min % group)
		return infer_fail(s, "%lld filters cannot be divided into %lld groups",
		    (long long)f->dim[0].min, (long long)group);
	if (!dim_merge(x->dim[1], dim_mul(f->dim[1], dim_of(group)), &d))
		return infer_fail(s, "the input has %lld channels, the filter takes %lld",
		    (long long)x->dim[1].min, (long long)(f->dim[1].min * group));
	return OK;
}

/* Offsets hold two values, masks one, per kernel element, part and output place. */
static int check_map(struct infer *s, int k, int values)
{
	const struct shape *m = &s->in[k].shape, *f = &s->in[2].shape, *y = &s->out[0].shape;
	struct dim d, want = dim_mul(dim_mul(f->dim[2], f->dim[3]),
			  dim_of(values * attr_i(s->node, "deformable_group")));
	if (!infer_has(s, k) || m->rank < 0)
		return OK;
	if (m->rank != 4)
		return infer_fail(s, "input %d has rank %d, expected 4", k, m->rank);
	if (!dim_merge(m->dim[0], y->dim[0], &d) || !dim_merge(m->dim[1], want, &d) ||
	    !dim_merge(m->dim[2], y->dim[2], &d) || !dim_merge(m->dim[3], y->dim[3], &d))
		return infer_fail(s, "input %d does not fit the output and the kernel", k);
	return OK;
}

int infer_deformable(struct infer *s)
{
	const struct shape *x = &s->in[0].shape, *f = &s->in[2].shape;
	struct shape *out = &s->out[0].shape;
	struct window w;
	int r = infer_float(s, 0);
	for (int k = 1; k < s->nin && !r; k++)
		r = infer_same_types(s, 0, k);
	s->out[0].type = s->in[0].type;
	if (r || x->rank < 0 || f->rank < 0)
		return r;
	if (x->rank != 4 || f->rank != 4)
		return infer_fail(
		    s, "input and filter have ranks %d and %d, expected 4", x->rank, f->rank);
	r = check_groups(s);
	if (!r)
		r = window_read(&w, s->node, 2, s->err);
	*out = shape_any(4);
	out->dim[0] = x->dim[0];
	out->dim[1] = f->dim[0];
	for (int i = 0; i < 2 && !r; i++) {
		w.dim[i].kernel = f->dim[2 + i];
		r = window_out(s, &w, i, x->dim[2 + i], &out->dim[2 + i]);
	}
	if (!r)
		r = check_map(s, 1, 2);
	return r ? r : check_map(s, 3, 1);
}

struct deform {
	const struct tensor *x, *offset, *filter, *mask;
	struct window w;
	int64_t group, parts, kernel[2], out[2];
	bool pad; /* read zeros around the picture instead of dropping the tap */
	double *column, *weight;
};

/* Bilinear value at (y, x) of one h by w plane; 0 outside. */
static double sample(
    const struct tensor *t, int64_t at, int64_t h, int64_t w, double y, double x, bool pad)
{
	double low = pad ? -1 : 0, v = 0;
	if (!(y >= low && x >= low && y < (double)h && x < (double)w) ||
	    (pad && (y <= -1 || x <= -1)))
		return 0;
	int64_t y0 = (int64_t)floor(y), x0 = (int64_t)floor(x);
	double dy = y - (double)y0, dx = x - (double)x0;
	for (int i = 0; i < 4; i++) {
		int64_t iy = y0 + (i >> 1), ix = x0 + (i & 1);
		double part = (i >> 1 ? dy : 1 - dy) * (i & 1 ? dx : 1 - dx);
		if (!pad) {
			iy = iy > h - 1 ? h - 1 : iy;
			ix = ix > w - 1 ? w - 1 : ix;
		}
		if (iy >= 0 && ix >= 0 && iy < h && ix < w && part != 0)
			v += part * tensor_f64(t, at + iy * w + ix);
	}
	return v;
}

/* Every tap of every input channel for output place (oy, ox) of image b. */
static void deform_column(const struct deform *d, int64_t b, int64_t oy, int64_t ox)
{
	const int64_t *dim = d->x->dim;
	int64_t taps = d->kernel[0] * d->kernel[1], plane = d->out[0] * d->out[1];
	for (int64_t c = 0; c < dim[1]; c++) {
		int64_t part = c / (dim[1] / d->parts);
		for (int64_t k = 0; k < taps; k++) {
			int64_t at = ((b * d->parts + part) * taps + k) * plane + oy * d->out[1] +
				     ox;
			int64_t oat = ((b * d->parts + part) * taps + k) * 2 * plane +
				      oy * d->out[1] + ox;
			double y = (double)(oy * d->w.dim[0].stride - d->w.dim[0].begin +
					    k / d->kernel[1] * d->w.dim[0].dilation) +
				   tensor_f64(d->offset, oat);
			double x = (double)(ox * d->w.dim[1].stride - d->w.dim[1].begin +
					    k % d->kernel[1] * d->w.dim[1].dilation) +
				   tensor_f64(d->offset, oat + plane);
			double v = sample(
			    d->x, (b * dim[1] + c) * dim[2] * dim[3], dim[2], dim[3], y, x, d->pad);
			d->column[c * taps + k] = d->mask ? v * tensor_f64(d->mask, at) : v;
		}
	}
}

static void deform_place(const struct deform *d, struct tensor *y, int64_t b, int64_t place)
{
	int64_t taps = d->kernel[0] * d->kernel[1], filters = d->filter->dim[0];
	int64_t len = d->filter->dim[1] * taps, plane = d->out[0] * d->out[1];
	for (int64_t o = 0; o < filters; o++) {
		const double *c = d->column + o / (filters / d->group) * len,
			     *w = d->weight + o * len;
		double sum = 0;
		for (int64_t i = 0; i < len; i++)
			sum += c[i] * w[i];
		span_put_f64(y, (b * filters + o) * plane + place, 1, &sum);
	}
}

int eval_deformable(struct eval *s)
{
	struct deform d = {.x = &s->in[0], .offset = &s->in[1], .filter = &s->in[2]};
	struct tensor *y = &s->out[0];
	int r = window_read(&d.w, s->node, 2, s->err);
	if (r || !tensor_count(y))
		return r;
	d.mask = eval_has(s, 3) ? &s->in[3] : NULL;
	d.group = attr_i(s->node, "group");
	d.parts = attr_i(s->node, "deformable_group");
	d.pad = attr_bool(s->node, "bilinear_interpolation_pad");
	for (int i = 0; i < 2; i++) {
		d.kernel[i] = d.filter->dim[2 + i];
		d.out[i] = y->dim[2 + i];
		d.w.dim[i].kernel = dim_of(d.kernel[i]);
		window_pad(&d.w, i, d.x->dim[2 + i], d.out[i]);
	}
	int64_t weights = tensor_count(d.filter);
	d.column = eval_scratch(s, d.x->dim[1] * d.kernel[0] * d.kernel[1], sizeof(double));
	d.weight = eval_scratch(s, weights, sizeof(double));
	if (!d.column || !d.weight)
		return E_NOMEM;
	span_f64(d.weight, d.filter, 0, weights);
	for (int64_t b = 0; b < y->dim[0]; b++)
		for (int64_t p = 0; p < d.out[0] * d.out[1]; p++) {
			deform_column(&d, b, p / d.out[1], p % d.out[1]);
			deform_place(&d, y, b, p);
		}
	return OK;
}
