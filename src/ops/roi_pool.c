/* ROIPooling: the largest element, or a bilinear sample, of each cell of regions of a picture. */
#include <math.h>

#include "ops/content.h"
#include "ops/elem.h"
#include "ops/rows.h"
#include "ops/view.h"

/* OpenVINO writes the size three times, and reads pooled_h and pooled_w. */
const struct attr_def attrs_roi_pooling[] = {{"pooled_h", ATTR_INT, true, NULL, NULL},
    {"pooled_w", ATTR_INT, true, NULL, NULL}, {"spatial_scale", ATTR_FLOAT, true, NULL, NULL},
    {"method", ATTR_STRING, false, "max", "max|bilinear"},
    {"output_size", ATTR_INTS, false, NULL, NULL}, {"output_roi", ATTR_INTS, false, NULL, NULL},
    {0}};

int infer_roi_pooling(struct infer *s)
{
	const struct shape *in = &s->in[0].shape, *rois = &s->in[1].shape;
	struct shape *out = &s->out[0].shape;
	int64_t h = attr_i(s->node, "pooled_h"), w = attr_i(s->node, "pooled_w");
	struct dim d;
	int status = infer_want_rank(s, 0, 4, 4, "the picture");
	if (!status)
		status = infer_want_rank(s, 1, 2, 2, "the regions");
	if (status)
		return status;
	if (h < 1 || w < 1 || !(attr_f(s->node, "spatial_scale") > 0))
		return infer_fail(s, "a pooled size or the scale is out of range");
	if (rois->rank == 2 && !dim_merge(rois->dim[1], dim_of(5), &d))
		return infer_fail(s, "regions must have 5 numbers");
	s->out[0].type = s->in[0].type;
	*out = shape_any(4);
	if (rois->rank == 2)
		out->dim[0] = rois->dim[0];
	if (in->rank == 4)
		out->dim[1] = in->dim[1];
	out->dim[2] = dim_of(h);
	out->dim[3] = dim_of(w);
	return infer_same_types(s, 0, 1);
}

/* Along one axis: where the region begins and how long it is. */
struct extent {
	double from, length;
	int64_t in, cells;
};

/* The elements of a cell, clipped to the picture. */
static void cell_range(const struct extent *e, int64_t cell, int64_t *from, int64_t *to)
{
	double size = e->length / (double)e->cells, last = (double)e->in;
	double a = floor((double)cell * size) + e->from;
	double b = ceil((double)(cell + 1) * size) + e->from;
	*from = (int64_t)fmin(fmax(a, 0), last);
	*to = (int64_t)fmin(fmax(b, 0), last);
}

static double cell_max(const double *plane, const struct extent e[2], int64_t y, int64_t x)
{
	int64_t from[2], to[2];
	cell_range(&e[0], y, &from[0], &to[0]);
	cell_range(&e[1], x, &from[1], &to[1]);
	if (from[0] >= to[0] || from[1] >= to[1])
		return 0;
	double max = plane[from[0] * e[1].in + from[1]];
	for (int64_t i = from[0]; i < to[0]; i++)
		for (int64_t k = from[1]; k < to[1]; k++)
			if (!(plane[i * e[1].in + k] <= max))
				max = plane[i * e[1].in + k];
	return max;
}

/* Where a cell is sampled: its place between the ends of the region. */
static double sample_at(const struct extent *e, int64_t cell)
{
	double step = e->cells > 1 ? e->length / (double)(e->cells - 1) : 0;
	return e->cells > 1 ? e->from + (double)cell * step : e->from + 0.5 * e->length;
}

static double cell_bilinear(const double *plane, const struct extent e[2], int64_t y, int64_t x)
{
	double at[2] = {sample_at(&e[0], y), sample_at(&e[1], x)}, w[2], v[2];
	int64_t low[2], high[2];
	for (int i = 0; i < 2; i++) {
		if (!(at[i] >= 0 && at[i] <= (double)(e[i].in - 1)))
			return 0;
		low[i] = (int64_t)at[i];
		high[i] = low[i] + 1 < e[i].in ? low[i] + 1 : low[i];
		w[i] = at[i] - (double)low[i];
	}
	for (int i = 0; i < 2; i++) {
		const double *row = plane + (i ? high[0] : low[0]) * e[1].in;
		v[i] = row[low[1]] + (row[high[1]] - row[low[1]]) * w[1];
	}
	return v[0] + (v[1] - v[0]) * w[0];
}

/* Region r; the number of its picture. Max counts whole elements, both ends inside; bilinear takes
 * corners as shares of the picture. */
static int64_t read_roi(const struct eval *s, int64_t r, bool max, struct extent e[2])
{
	double v[5], scale = attr_f(s->node, "spatial_scale");
	span_f64(v, &s->in[1], r * 5, 5);
	for (int i = 0; i < 2; i++) {
		double a = v[2 - i], b = v[4 - i];
		e[i].in = s->in[0].dim[2 + i];
		e[i].cells = s->out[0].dim[2 + i];
		e[i].from = max ? round(a * scale) : a * (double)(e[i].in - 1);
		e[i].length = max ? fmax(round(b * scale) - e[i].from + 1, 1)
				  : (b - a) * (double)(e[i].in - 1);
	}
	return v[0] >= 0 && v[0] < (double)s->in[0].dim[0] ? (int64_t)v[0] : -1;
}

int eval_roi_pooling(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	struct tensor *out = &s->out[0];
	bool max = attr_is(s->node, "method", "max");
	int64_t size = in->dim[2] * in->dim[3], at = 0;
	double *plane = eval_scratch(s, size, sizeof *plane);
	if (!plane)
		return E_NOMEM;
	for (int64_t r = 0; r < out->dim[0]; r++) {
		struct extent e[2];
		int64_t n = read_roi(s, r, max, e);
		if (n < 0)
			return eval_fail(s, E_FORMAT, "region %lld lies in none of %lld pictures",
			    (long long)r, (long long)in->dim[0]);
		for (int64_t c = 0; c < out->dim[1]; c++) {
			span_f64(plane, in, (n * out->dim[1] + c) * size, size);
			for (int64_t y = 0; y < e[0].cells; y++)
				for (int64_t x = 0; x < e[1].cells; x++)
					tensor_set_f64(out, at++,
					    max ? cell_max(plane, e, y, x)
						: cell_bilinear(plane, e, y, x));
		}
	}
	return OK;
}
