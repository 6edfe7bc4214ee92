/* Interpolate: resizing along axes, one axis after the other, with the weights of resample.h. */
#include <math.h>
#include <string.h>

#include "ops/content.h"
#include "ops/elem.h"
#include "ops/interpolate.h"
#include "ops/rows.h"
#include "ops/view.h"

#define LIMIT_PAD (1 << 20) /* zeros beside an axis; filters may span them all */
#define COORDINATES "half_pixel|pytorch_half_pixel|asymmetric|tf_half_pixel_for_nn|align_corners"
#define NEAREST "round_prefer_floor|round_prefer_ceil|floor|ceil|simple"
#define MODES "nearest|linear|linear_onnx|cubic|bilinear_pillow|bicubic_pillow"

const struct attr_def attrs_interpolate[] = {{"mode", ATTR_STRING, true, NULL, MODES},
    {"shape_calculation_mode", ATTR_STRING, true, NULL, "sizes|scales"},
    {"coordinate_transformation_mode", ATTR_STRING, false, "half_pixel", COORDINATES},
    {"nearest_mode", ATTR_STRING, false, "round_prefer_floor", NEAREST},
    {"antialias", ATTR_BOOL, false, "false", NULL}, {"pads_begin", ATTR_INTS, false, "0", NULL},
    {"pads_end", ATTR_INTS, false, "0", NULL}, {"cube_coeff", ATTR_FLOAT, false, "-0.75", NULL},
    {0}};

/* Place of an attribute's text in a list of the allowed ones. */
static int word_index(const struct node *n, const char *attr, const char *words)
{
	const char *text = attr_s(n, attr);
	size_t len = strlen(text);
	for (int i = 0; words; i++, words += *words == '|') {
		size_t k = strcspn(words, "|");
		if (k == len && !memcmp(words, text, k))
			return i;
		words += k;
		if (!*words)
			break;
	}
	return 0;
}

/* The inputs by version: Interpolate-4 has sizes and scales, Interpolate-11 one of them. */
struct roles {
	bool scales;
	int sizes, axes; /* sizes: the input that decides */
};

static struct roles roles_of(const struct node *n)
{
	bool scales = attr_is(n, "shape_calculation_mode", "scales");
	if (node_is(n, OP_INTERPOLATE))
		return (struct roles){scales, 1, 2};
	return (struct roles){scales, scales ? 2 : 1, 3};
}

static int64_t pad_at(const struct node *n, const char *attr, int i)
{
	const int64_t *v;
	return i < attr_ints(n, attr, &v) ? v[i] : 0;
}

/* d * scale rounded down, forgiving a scale that is a little short. */
static int64_t scaled(int64_t d, double scale)
{
	double v = floor((double)d * (scale + 1e-6));
	return v < (double)LIMIT_TENSOR_BYTES ? (int64_t)v : LIMIT_TENSOR_BYTES;
}

/* ---- inference ---- */

static int check_pads(struct infer *s)
{
	static const char *const name[] = {"pads_begin", "pads_end"};
	for (int k = 0; k < 2; k++) {
		const int64_t *v;
		int n = attr_ints(s->node, name[k], &v);
		for (int i = 0; i < n; i++)
			if (v[i] < 0 || v[i] > LIMIT_PAD)
				return infer_fail(s, "%s has %lld", name[k], (long long)v[i]);
	}
	return OK;
}

/* The axis's new size from input k, value i. */
static int new_size(struct infer *s, const struct roles *r, int i, struct dim *d)
{
	int n;
	if (!r->scales) {
		const struct dim *e = infer_elems(s, r->sizes, &n);
		*d = e && i < n ? elem_size(e[i]) : dim_any();
		return e && i < n && e[i].max < 0 ? infer_fail(s, "size %d is negative", i) : OK;
	}
	const struct tensor *t = s->in[r->sizes].tensor;
	if (!t || i >= tensor_count(t)) {
		*d = dim_any();
		return OK;
	}
	double scale = tensor_f64(t, i);
	if (!(scale > 0) || isinf(scale))
		return infer_fail(s, "scale %d is %g", i, scale);
	*d = (struct dim){
	    scaled(d->min, scale), d->max == DIM_INF ? DIM_INF : scaled(d->max, scale), 0};
	return OK;
}

static int interpolate(struct infer *s)
{
	struct roles r = roles_of(s->node);
	const struct shape *in = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	int axes[MAX_RANK], n = in->rank, status = check_pads(s);
	if (!status && !infer_has(s, r.sizes))
		status = infer_fail(s, "the input with the new sizes is absent");
	if (!status && !r.scales)
		status = infer_want_int(s, r.sizes, "the new sizes");
	s->out[0].type = s->in[0].type;
	if (status || in->rank < 0)
		return status;
	for (int i = 0; i < in->rank; i++)
		axes[i] = i;
	if (infer_has(s, r.axes))
		status = infer_axes(s, r.axes, in->rank, axes, &n);
	*out = n < 0 ? shape_any(in->rank) : *in;
	int64_t given = infer_count(s, r.sizes);
	if (!status && n >= 0 && given >= 0 && given != n)
		status = infer_fail(s, "%lld sizes for %d axes", (long long)given, n);
	for (int i = 0; i < in->rank && n >= 0; i++) {
		int64_t pad = pad_at(s->node, "pads_begin", i) + pad_at(s->node, "pads_end", i);
		out->dim[i] = dim_add(out->dim[i], dim_of(pad));
	}
	for (int i = 0; i < n && !status; i++)
		status = new_size(s, &r, i, &out->dim[axes[i]]);
	return status;
}

int infer_interpolate_4(struct infer *s)
{
	if (strstr(attr_s(s->node, "mode"), "pillow"))
		return infer_fail(s, "mode '%s' came with Interpolate-11", attr_s(s->node, "mode"));
	return interpolate(s);
}

int infer_interpolate(struct infer *s)
{
	return interpolate(s);
}

/* ---- evaluation ---- */

static void plan_common(struct eval *s, struct interpolate *p)
{
	const struct node *n = s->node;
	for (int i = 0; i < s->in[0].rank; i++) {
		int64_t begin = pad_at(n, "pads_begin", i);
		int64_t in = s->in[0].dim[i] + begin + pad_at(n, "pads_end", i);
		p->pad[i] = begin;
		p->axis[i] = (struct resample){
		    .mode = (enum resample_mode)word_index(n, "mode", MODES),
		    .coordinates = (enum resample_coordinates)word_index(
			n, "coordinate_transformation_mode", COORDINATES),
		    .nearest = (enum resample_nearest)word_index(n, "nearest_mode", NEAREST),
		    .antialias = attr_bool(n, "antialias"),
		    .cube = attr_f(n, "cube_coeff"),
		    .in = in,
		    .out = s->out[0].dim[i],
		    .scale = in ? (double)s->out[0].dim[i] / (double)in : 1};
	}
}

/* Which axes are resized, and by which scale where one is given. */
static int plan_axes(struct eval *s, struct interpolate *p)
{
	struct roles r = roles_of(s->node);
	int n = s->in[0].rank;
	const int64_t *axes = NULL;
	if (eval_has(s, r.axes) && !(axes = eval_ints(s, r.axes, &n)))
		return s->err->status;
	if (tensor_count(&s->in[r.sizes]) != n)
		return eval_fail(s, E_FORMAT, "the new sizes do not fit %d axes", n);
	for (int i = 0; i < n; i++) {
		int axis = axes ? eval_axis(s, axes[i], s->in[0].rank) : i;
		if (axis < 0)
			return s->err->status;
		p->active |= 1u << axis;
		if (r.scales)
			p->axis[axis].scale = tensor_f64(&s->in[r.sizes], i);
	}
	for (int i = 0; i < s->in[0].rank; i++)
		if (!(p->active & 1u << i) && p->axis[i].in != p->axis[i].out)
			return eval_fail(
			    s, E_FORMAT, "axis %d is not resized, but its size changes", i);
	return OK;
}

int interpolate_read(struct eval *s, struct interpolate *p)
{
	*p = (struct interpolate){0};
	plan_common(s, p);
	return plan_axes(s, p);
}

/* The places that element i of axis k looks at, in terms of the input without pads. */
static int64_t source(const struct interpolate *p, const struct tensor *in, int k, int64_t at)
{
	at -= p->pad[k];
	return at >= 0 && at < in->dim[k] ? at : -1;
}

static int nearest(struct eval *s, const struct interpolate *p, size_t size)
{
	const struct tensor *in = &s->in[0];
	int64_t stride[MAX_RANK], *map[MAX_RANK];
	tensor_strides(in, stride);
	for (int k = 0; k < in->rank; k++) {
		map[k] = arena_array(s->scratch, (size_t)s->out[0].dim[k] + 1, sizeof **map);
		if (!map[k])
			return fail_nomem(s->err);
		for (int64_t i = 0; i < s->out[0].dim[k]; i++) {
			int64_t at = p->active & 1u << k ? resample_index(&p->axis[k], i) : i;
			at = source(p, in, k, at);
			map[k][i] = at < 0 ? MAP_ZERO : at * stride[k];
		}
	}
	map_copy(&s->out[0], in->data, map, size);
	return OK;
}

/* The shape on the way: dims before axis k are still the input's. */
struct pass {
	int64_t outer, in, out, inner;
	int axis;
};

static int resize_axis(struct eval *s, const struct interpolate *p, const struct pass *a,
    const double *src, double *dst)
{
	const struct resample *r = &p->axis[a->axis];
	int64_t width = p->active & 1u << a->axis ? resample_width(r) : 1;
	int64_t *index = arena_array(s->scratch, (size_t)width, sizeof *index);
	double *weight = arena_array(s->scratch, (size_t)width, sizeof *weight);
	if (!index || !weight)
		return fail_nomem(s->err);
	for (int64_t i = 0; i < a->out; i++) {
		int64_t n = 1;
		index[0] = i;
		weight[0] = 1;
		if (p->active & 1u << a->axis)
			n = resample_taps(r, i, index, weight);
		for (int64_t o = 0; o < a->outer; o++) {
			double *to = dst + (o * a->out + i) * a->inner;
			memset(to, 0, (size_t)a->inner * sizeof *to);
			for (int64_t k = 0; k < n; k++) {
				int64_t at = source(p, &s->in[0], a->axis, index[k]);
				const double *from = src + (o * a->in + at) * a->inner;
				for (int64_t j = 0; at >= 0 && j < a->inner; j++)
					to[j] += weight[k] * from[j];
			}
		}
	}
	return OK;
}

/* Whole numbers stay whole on the way where Pillow keeps them so. */
static void round_pass(const struct tensor *t, enum resample_mode mode, double *v, int64_t n)
{
	bool u8 = t->type == DT_U8;
	if (mode < RESAMPLE_BILINEAR_PILLOW || dtype_is_float(t->type))
		return;
	for (int64_t i = 0; i < n; i++) {
		v[i] = round(v[i]);
		v[i] = u8 && v[i] < 0 ? 0 : u8 && v[i] > 255 ? 255 : v[i];
	}
}

static int resize(struct eval *s, const struct interpolate *p)
{
	const struct tensor *in = &s->in[0];
	struct tensor *out = &s->out[0];
	int64_t count = tensor_count(in), inner = 1;
	double *src = arena_array(s->scratch, (size_t)count, sizeof *src);
	if (!src)
		return fail_nomem(s->err);
	span_f64(src, in, 0, count);
	for (int k = in->rank - 1; k >= 0; k--) {
		struct pass a = {dims_product(in, 0, k), in->dim[k], out->dim[k], inner, k};
		inner *= out->dim[k];
		if (!(p->active & 1u << k) && a.in == a.out)
			continue;
		double *dst = arena_array(s->scratch, (size_t)(a.outer * inner), sizeof *dst);
		if (!dst)
			return fail_nomem(s->err);
		if (resize_axis(s, p, &a, src, dst))
			return s->err->status;
		round_pass(in, p->axis[k].mode, dst, a.outer * inner);
		src = dst;
	}
	span_put_f64(out, 0, tensor_count(out), src);
	return OK;
}

int eval_interpolate(struct eval *s)
{
	struct interpolate p = {0};
	size_t size = eval_elem_size(s, &s->in[0]);
	if (!size || interpolate_read(s, &p))
		return s->err->status;
	if (!tensor_count(&s->out[0]))
		return OK;
	if (!tensor_count(&s->in[0]))
		return eval_fail(s, E_FORMAT, "nothing can be resized to something");
	return p.axis[0].mode == RESAMPLE_NEAREST ? nearest(s, &p, size) : resize(s, &p);
}

int eval_interpolate_4(struct eval *s)
{
	return eval_interpolate(s);
}
