/* MaxPool with indices and AvgPool, of every version. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "ops/elem.h"
#include "ops/rows.h"
#include "ops/window.h"

#define AUTO_PAD "explicit|valid|same_upper|same_lower"
#define COMMON                                                                                  \
	{"strides", ATTR_INTS, true, NULL, NULL}, {"pads_begin", ATTR_INTS, true, NULL, NULL},  \
	    {"pads_end", ATTR_INTS, true, NULL, NULL}, {"kernel", ATTR_INTS, true, NULL, NULL}, \
	{                                                                                       \
		"auto_pad", ATTR_STRING, false, "explicit", AUTO_PAD                            \
	}
#define ROUNDING(allowed)                                             \
	{                                                             \
		"rounding_type", ATTR_STRING, false, "floor", allowed \
	}
#define DILATIONS                                         \
	{                                                 \
		"dilations", ATTR_INTS, false, NULL, NULL \
	}

const struct attr_def attrs_max_pool_1[] = {COMMON, ROUNDING("floor|ceil"), {0}};
const struct attr_def attrs_max_pool[] = {COMMON, ROUNDING("floor|ceil|ceil_torch"), DILATIONS,
    {"index_element_type", ATTR_TYPE, false, "i64", NULL}, {"axis", ATTR_INT, false, "0", NULL},
    {0}};
const struct attr_def attrs_avg_pool[] = {
    COMMON, ROUNDING("floor|ceil|ceil_torch"), {"exclude-pad", ATTR_BOOL, true, NULL, NULL}, {0}};
const struct attr_def attrs_avg_pool_16[] = {COMMON, ROUNDING("floor|ceil|ceil_torch"), DILATIONS,
    {"exclude-pad", ATTR_BOOL, true, NULL, NULL}, {0}};

static int read_window(struct window *w, const struct node *n, int spatial, struct err *err)
{
	const int64_t *kernel;
	int count = attr_ints(n, "kernel", &kernel), r = window_read(w, n, spatial, err);
	if (r)
		return r;
	if (count != spatial)
		return fail(
		    err, E_FORMAT, "attribute 'kernel' has %d values, expected %d", count, spatial);
	for (int i = 0; i < spatial; i++) {
		if (kernel[i] < 1 || window_extent(kernel[i], w->dim[i].dilation) < 0)
			return fail(
			    err, E_FORMAT, "attribute 'kernel' holds %lld", (long long)kernel[i]);
		w->dim[i].kernel = dim_of(kernel[i]);
	}
	return OK;
}

/* One bound of the output size when rounding up; torch: the last window may not start in the pads
 * behind. */
static int64_t ceil_size(const struct window *w, int i, int64_t in, bool torch)
{
	int64_t stride = w->dim[i].stride;
	int64_t extent = window_extent(w->dim[i].kernel.min, w->dim[i].dilation);
	int64_t room = in + w->dim[i].begin + w->dim[i].end - extent;
	int64_t out = room < 0 ? 1 : (room + stride - 1) / stride + 1;
	if (torch && out > 1 && (out - 1) * stride >= in + w->dim[i].begin)
		out--;
	return out;
}

static int pooled_dim(
    struct infer *s, const struct window *w, int i, struct dim in, struct dim *out)
{
	int r = window_out(s, w, i, in, out);
	if (r || w->same_upper || w->same_lower || attr_is(s->node, "rounding_type", "floor"))
		return r;
	bool torch = attr_is(s->node, "rounding_type", "ceil_torch");
	if (in.min < INT64_MAX / 4)
		out->min = in.min > 0 ? ceil_size(w, i, in.min, torch) : out->min;
	if (out->max != DIM_INF)
		out->max = ceil_size(w, i, in.max, torch);
	return OK;
}

static int infer_pool(struct infer *s)
{
	const struct shape *x = &s->in[0].shape;
	struct window w;
	const int64_t *kernel;
	int spatial = attr_ints(s->node, "kernel", &kernel);
	if (x->rank >= 0 && x->rank != spatial + 2)
		return infer_fail(s, "the input has rank %d, the kernel %d dims", x->rank, spatial);
	int r = read_window(&w, s->node, spatial, s->err);
	s->out[0].type = s->in[0].type;
	s->out[0].shape = shape_any(spatial + 2);
	if (r || x->rank < 0)
		return r;
	s->out[0].shape.dim[0] = x->dim[0];
	s->out[0].shape.dim[1] = x->dim[1];
	for (int i = 0; i < spatial && !r; i++)
		r = pooled_dim(s, &w, i, x->dim[2 + i], &s->out[0].shape.dim[2 + i]);
	return r;
}

int infer_avg_pool(struct infer *s)
{
	return infer_pool(s);
}

int infer_max_pool(struct infer *s)
{
	int r = infer_pool(s);
	if (r || s->nout < 2)
		return r;
	s->out[1].type = attr_type(s->node, "index_element_type");
	s->out[1].shape = s->out[0].shape;
	if (s->out[1].type != DT_I64 && s->out[1].type != DT_I32)
		return infer_fail(
		    s, "indices of type '%s' are not supported", dtype_name(s->out[1].type));
	if (s->in[0].shape.rank >= 0 &&
	    infer_axis(s, attr_i(s->node, "axis"), s->in[0].shape.rank) < 0)
		return E_FORMAT;
	return OK;
}

/* One pooling with its sizes; spatial dims are aligned to the right of three. */
struct pool_run {
	int64_t planes;
	int64_t in[3], out[3], kernel[3], stride[3], dilation[3], begin[3], end[3];
	int64_t first[3], last[3]; /* kernel elements that meet the input at all */
	double *plane;             /* one channel of the input */
	double *best;              /* one output plane */
	int64_t *at;               /* where the largest element is, in the plane; -1: nowhere */
	bool narrow; /* float holds every value: the maxima use fplane, fbest and fat */
	float *fplane, *fbest;
	int32_t *fat;
};

/* More kernel elements than this, and than four times the input's, are no pooling but a trap. */
#define MAX_TAPS (INT64_C(1) << 22)

/* Kernels reach far into pads when a file says so: only what meets the input is worth a look. */
static int clip_kernel(struct eval *s, struct pool_run *p)
{
	int64_t taps = 1;
	for (int d = 0; d < 3; d++) {
		int64_t low = p->begin[d] - (p->out[d] - 1) * p->stride[d];
		p->first[d] = low > 0 ? low / p->dilation[d] : 0;
		p->last[d] = (p->in[d] - 1 + p->begin[d]) / p->dilation[d] + 1;
		if (p->last[d] > p->kernel[d])
			p->last[d] = p->kernel[d];
		int64_t n = p->last[d] - p->first[d];
		if (n > 0 && mul_i64(taps, n, &taps))
			taps = INT64_MAX;
	}
	if (taps > MAX_TAPS && taps / 4 > p->in[0] * p->in[1] * p->in[2])
		return eval_fail(s, E_LIMIT, "the kernel has too many elements");
	return OK;
}

static int pool_setup(struct eval *s, struct pool_run *p)
{
	struct window w;
	const struct tensor *x = &s->in[0];
	int spatial = x->rank - 2, r = read_window(&w, s->node, spatial, s->err);
	if (r)
		return r;
	*p = (struct pool_run){.planes = x->dim[0] * x->dim[1]};
	for (int i = 0; i < 3; i++)
		p->in[i] = p->out[i] = p->kernel[i] = p->stride[i] = p->dilation[i] = 1;
	for (int i = 0; i < spatial; i++) {
		int k = 3 - spatial + i;
		window_pad(&w, i, x->dim[2 + i], s->out[0].dim[2 + i]);
		p->in[k] = x->dim[2 + i];
		p->out[k] = s->out[0].dim[2 + i];
		p->kernel[k] = w.dim[i].kernel.min;
		p->stride[k] = w.dim[i].stride;
		p->dilation[k] = w.dim[i].dilation;
		p->begin[k] = w.dim[i].begin;
		p->end[k] = w.dim[i].end;
	}
	r = clip_kernel(s, p);
	if (r || !tensor_count(&s->out[0]))
		return r;
	int64_t out = p->out[0] * p->out[1] * p->out[2];
	p->plane = eval_scratch(s, p->in[0] * p->in[1] * p->in[2], sizeof *p->plane);
	p->best = eval_scratch(s, out, sizeof *p->best);
	p->at = eval_scratch(s, out, sizeof *p->at);
	return p->plane && p->best && p->at ? OK : E_NOMEM;
}

/* The outputs o for which input o * stride + off lies inside. */
static void inside(const struct pool_run *p, int d, int64_t off, int64_t *from, int64_t *to)
{
	int64_t stride = p->stride[d];
	*from = off >= 0 ? 0 : (-off + stride - 1) / stride;
	*to = off >= p->in[d] ? 0 : (p->in[d] - 1 - off) / stride + 1;
	if (*to > p->out[d])
		*to = p->out[d];
	if (*from > *to)
		*from = *to;
}

/* A NaN wins and stays. */
static void max_row(
    double *best, int64_t *at, const double *x, int64_t pos, int64_t stride, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		double v = x[i * stride];
		if (at[i] < 0 || v > best[i] || (v != v && best[i] == best[i])) {
			best[i] = v;
			at[i] = pos + i * stride;
		}
	}
}

static VECTOR void sum_row(
    double *restrict sum, const double *restrict x, int64_t stride, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		sum[i] += x[i * stride];
}

/* Of several NaN the last one stays. */
#define MAX_LOOP(stride)                                              \
	for (int64_t i = 0; i < n; i++) {                             \
		float v = x[i * (stride)], b = best[i];               \
		int32_t p = pos + (int32_t)(i * (stride)), o = at[i]; \
		bool take = (v > b) | (v != v);                       \
		best[i] = take ? v : b;                               \
		at[i] = take ? p : o;                                 \
	}
static VECTOR void max_row_f32(float *restrict best, int32_t *restrict at, const float *restrict x,
    int32_t pos, int64_t stride, int64_t n)
{
	if (stride == 1)
		MAX_LOOP(1)
	else if (stride == 2)
		MAX_LOOP(2)
	else
		MAX_LOOP(stride)
}

static void row_tap(struct pool_run *p, int64_t o, int64_t x, int64_t n, bool max)
{
	if (!max)
		sum_row(p->best + o, p->plane + x, p->stride[2], n);
	else if (p->narrow)
		max_row_f32(p->fbest + o, p->fat + o, p->fplane + x, (int32_t)x, p->stride[2], n);
	else
		max_row(p->best + o, p->at + o, p->plane + x, x, p->stride[2], n);
}

/* Outputs whose window has a kernel element inside, along one axis, and where it lies for output 0.
 */
struct tap {
	int64_t from, to, off;
};

/* False when no window has element k of axis d inside. */
static bool tap_at(const struct pool_run *p, int d, int64_t k, struct tap *t)
{
	t->off = k * p->dilation[d] - p->begin[d];
	inside(p, d, t->off, &t->from, &t->to);
	return t->to > t->from;
}

/* Adds a kernel element to every window that has it inside. */
static void pool_tap(struct pool_run *p, const struct tap t[3], bool max)
{
	for (int64_t z = t[0].from; z < t[0].to; z++)
		for (int64_t y = t[1].from; y < t[1].to; y++) {
			int64_t iz = z * p->stride[0] + t[0].off, iy = y * p->stride[1] + t[1].off;
			int64_t x = (iz * p->in[1] + iy) * p->in[2] + t[2].from * p->stride[2] +
				    t[2].off;
			int64_t o = (z * p->out[1] + y) * p->out[2] + t[2].from;
			row_tap(p, o, x, t[2].to - t[2].from, max);
		}
}

static void load_plane(struct pool_run *p, const struct tensor *x, int64_t plane)
{
	int64_t in = p->in[0] * p->in[1] * p->in[2];
	if (p->narrow && x->type == DT_F32)
		p->fplane = (float *)x->data + plane * in;
	else
		span_f64(p->plane, x, plane * in, in);
	for (int64_t i = 0; p->narrow && x->type != DT_F32 && i < in; i++)
		p->fplane[i] = (float)p->plane[i];
}

/* The first element of output o's window, -1 when it has none. */
static int64_t window_first(const struct pool_run *p, int64_t o)
{
	int64_t pos[3] = {o / p->out[2] / p->out[1], o / p->out[2] % p->out[1], o % p->out[2]},
		at = 0;
	for (int d = 0; d < 3; d++) {
		int64_t i = pos[d] * p->stride[d] - p->begin[d];
		int64_t skip = i < 0 ? (-i + p->dilation[d] - 1) / p->dilation[d] : 0;
		i += skip * p->dilation[d];
		if (skip >= p->kernel[d] || i >= p->in[d])
			return -1;
		at = at * p->in[d] + i;
	}
	return at;
}

static void start_plane(struct pool_run *p, int64_t out)
{
	for (int64_t i = 0; i < out; i++) {
		p->best[i] = 0;
		p->at[i] = -1;
	}
	for (int64_t i = 0; p->narrow && i < out; i++) {
		p->fbest[i] = -INFINITY;
		p->fat[i] = -1;
	}
}

static void pool_plane(struct pool_run *p, const struct tensor *x, int64_t plane, bool max)
{
	int64_t out = p->out[0] * p->out[1] * p->out[2];
	struct tap t[3];
	load_plane(p, x, plane);
	start_plane(p, out);
	for (int64_t z = p->first[0]; z < p->last[0]; z++)
		for (int64_t y = p->first[1]; tap_at(p, 0, z, &t[0]) && y < p->last[1]; y++)
			for (int64_t i = p->first[2]; tap_at(p, 1, y, &t[1]) && i < p->last[2]; i++)
				if (tap_at(p, 2, i, &t[2]))
					pool_tap(p, t, max);
	/* A window of nothing but -inf has taken none of them. */
	for (int64_t i = 0; p->narrow && i < out; i++)
		p->at[i] = p->fat[i] < 0 ? window_first(p, i) : p->fat[i];
}

static int narrow_setup(struct eval *s, struct pool_run *p)
{
	enum dtype t = s->in[0].type;
	int64_t in = p->in[0] * p->in[1] * p->in[2], out = p->out[0] * p->out[1] * p->out[2];
	p->narrow = in < INT32_MAX && (dtype_is_float(t) ? t != DT_F64 : dtype_bits(t) <= 16);
	if (!p->narrow)
		return OK;
	p->fplane = t == DT_F32 ? s->in[0].data : eval_scratch(s, in, sizeof *p->fplane);
	p->fbest = eval_scratch(s, out, sizeof *p->fbest);
	p->fat = eval_scratch(s, out, sizeof *p->fat);
	return p->fplane && p->fbest && p->fat ? OK : E_NOMEM;
}

/* What a window wholly in the pads gives: the lowest finite value of the type. */
static void put_lowest(struct tensor *t, int64_t i)
{
	double v = t->type == DT_F32    ? -FLT_MAX
		   : t->type == DT_F16  ? -65504
		   : t->type == DT_BF16 ? -0x1.fep127
					: -DBL_MAX;
	if (dtype_is_float(t->type))
		tensor_set_f64(t, i, v);
	else
		tensor_set_i64(
		    t, i, dtype_is_signed(t->type) ? INT64_MIN >> (64 - dtype_bits(t->type)) : 0);
}

/* Elements are copied as they are, so that large integers stay exact. */
static void put_element(struct tensor *y, int64_t to, const struct tensor *x, int64_t from)
{
	size_t size = (size_t)dtype_bits(y->type) / 8;
	memcpy(
	    (char *)y->data + (size_t)to * size, (const char *)x->data + (size_t)from * size, size);
}

static void max_results(struct eval *s, const struct pool_run *p, int64_t plane, int64_t modulus)
{
	int64_t in = p->in[0] * p->in[1] * p->in[2], out = p->out[0] * p->out[1] * p->out[2];
	for (int64_t i = 0; i < out; i++) {
		int64_t to = plane * out + i, at = p->at[i];
		if (at < 0)
			put_lowest(&s->out[0], to);
		else
			put_element(&s->out[0], to, &s->in[0], plane * in + at);
		if (s->nout > 1 && s->out[1].data)
			tensor_set_i64(&s->out[1], to, (plane * in + (at < 0 ? 0 : at)) % modulus);
	}
}

int eval_max_pool(struct eval *s)
{
	struct pool_run p;
	int r = pool_setup(s, &p);
	if (r || !tensor_count(&s->out[0]))
		return r;
	if (dtype_bits(s->in[0].type) < 8)
		return eval_fail(
		    s, E_UNSUPPORTED, "type '%s' is not supported", dtype_name(s->in[0].type));
	int axis = 0;
	r = narrow_setup(s, &p);
	if (!r && s->nout > 1)
		r = elem_axis(s, attr_i(s->node, "axis"), s->in[0].rank, &axis);
	if (r)
		return r;
	int64_t modulus = dims_count(s->in[0].dim, axis, s->in[0].rank);
	for (int64_t i = 0; i < p.planes; i++) {
		pool_plane(&p, &s->in[0], i, true);
		max_results(s, &p, i, modulus > 0 ? modulus : 1);
	}
	return OK;
}

/* The smallest k >= 0 with base + k * step >= low. */
static int64_t first_at(int64_t base, int64_t step, int64_t low)
{
	return base >= low ? 0 : (low - base + step - 1) / step;
}

/* Kernel elements of window o along dim d inside the input, or inside the input and its pads. */
static int64_t window_count(const struct pool_run *p, int d, int64_t o, bool pads)
{
	int64_t base = o * p->stride[d] - p->begin[d], low = pads ? -p->begin[d] : 0;
	int64_t high = p->in[d] + (pads ? p->end[d] : 0);
	int64_t from = first_at(base, p->dilation[d], low);
	int64_t to = first_at(base, p->dilation[d], high);
	to = to < p->kernel[d] ? to : p->kernel[d];
	return to > from ? to - from : 0;
}

static void divide_plane(struct pool_run *p, bool pads)
{
	int64_t o = 0;
	for (int64_t z = 0; z < p->out[0]; z++)
		for (int64_t y = 0; y < p->out[1]; y++) {
			int64_t rows = window_count(p, 0, z, pads) * window_count(p, 1, y, pads);
			for (int64_t x = 0; x < p->out[2]; x++, o++) {
				int64_t n = rows * p->at[x];
				p->best[o] = n ? p->best[o] / (double)n : 0;
			}
		}
}

int eval_avg_pool(struct eval *s)
{
	struct pool_run p;
	int r = pool_setup(s, &p);
	if (r || !tensor_count(&s->out[0]))
		return r;
	bool pads = !attr_bool(s->node, "exclude-pad");
	int64_t out = p.out[0] * p.out[1] * p.out[2];
	for (int64_t i = 0; i < p.planes; i++) {
		pool_plane(&p, &s->in[0], i, false);
		for (int64_t x = 0; x < p.out[2]; x++)
			p.at[x] = window_count(&p, 2, x, pads);
		divide_plane(&p, pads);
		span_put_f64(&s->out[0], i * out, out, p.best);
	}
	return OK;
}
