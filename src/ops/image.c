/* Sampling of pictures at places that another input gives: GridSample, ROIAlign. */
#include <math.h>
#include <string.h>

#include "ops/content.h"
#include "ops/elem.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_grid_sample[] = {{"align_corners", ATTR_BOOL, false, "false", NULL},
    {"mode", ATTR_STRING, false, "bilinear", "bilinear|bicubic|nearest"},
    {"padding_mode", ATTR_STRING, false, "zeros", "zeros|border|reflection"}, {0}};
const struct attr_def attrs_roi_align[] = {{"pooled_h", ATTR_INT, true, NULL, NULL},
    {"pooled_w", ATTR_INT, true, NULL, NULL}, {"sampling_ratio", ATTR_INT, true, NULL, NULL},
    {"spatial_scale", ATTR_FLOAT, true, NULL, NULL}, {"mode", ATTR_STRING, true, NULL, "avg|max"},
    {"aligned_mode", ATTR_STRING, false, "asymmetric", "asymmetric|half_pixel_for_nn|half_pixel"},
    {0}};

/* One picture of a batch as doubles, [channels][height][width], in buf of that size. */
static void read_picture(const struct tensor *t, int64_t n, double *buf)
{
	int64_t size = dims_product(t, 1, 4);
	span_f64(buf, t, n * size, size);
}

/* ---- GridSample ---- */

int infer_grid_sample(struct infer *s)
{
	const struct shape *in = &s->in[0].shape, *grid = &s->in[1].shape;
	struct shape *out = &s->out[0].shape;
	struct dim d;
	int status = infer_want_rank(s, 0, 4, 4, "the picture");
	if (!status)
		status = infer_want_rank(s, 1, 4, 4, "the grid");
	s->out[0].type = s->in[0].type;
	*out = shape_any(4);
	if (status)
		return status;
	if (grid->rank == 4 && !dim_merge(grid->dim[3], dim_of(2), &d))
		return infer_fail(
		    s, "the grid has %lld coordinates, expected 2", (long long)grid->dim[3].min);
	if (in->rank == 4 && grid->rank == 4 && !dim_merge(in->dim[0], grid->dim[0], &out->dim[0]))
		return infer_fail(s, "picture and grid have different batches");
	if (in->rank == 4)
		out->dim[1] = in->dim[1];
	if (in->rank == 4 && grid->rank < 0)
		out->dim[0] = in->dim[0];
	if (grid->rank == 4) {
		out->dim[2] = grid->dim[1];
		out->dim[3] = grid->dim[2];
		if (in->rank < 0)
			out->dim[0] = grid->dim[0];
	}
	return OK;
}

struct grid {
	bool align;
	enum { PAD_ZEROS, PAD_BORDER, PAD_REFLECTION } pad;
	enum { GRID_BILINEAR, GRID_BICUBIC, GRID_NEAREST } mode;
	int64_t height, width;
};

/* From [-1, 1] to pixels, in single precision as everywhere: ties decide the nearest pixel. */
static float grid_pixel(const struct grid *g, float v, int64_t n)
{
	if (g->align)
		return (v + 1) / 2 * (float)(n - 1);
	return ((v + 1) * (float)n - 1) / 2;
}

/* The pixel that stands at index i outside or inside of n; -1 for none. */
static int64_t grid_pad(const struct grid *g, double i, int64_t n)
{
	if (i >= 0 && i < (double)n)
		return (int64_t)i;
	if (g->pad == PAD_ZEROS || isnan(i))
		return -1;
	if (g->pad == PAD_BORDER || isinf(i))
		return i < 0 ? 0 : n - 1;
	double period = (double)(g->align ? 2 * (n - 1) : 2 * n);
	if (period == 0)
		return 0;
	i -= floor(i / period) * period;
	if (i >= (double)n)
		i = period - i - (g->align ? 0 : 1);
	return i < 0 ? 0 : i >= (double)n ? n - 1 : (int64_t)i;
}

/* First index and weights of the neighbours of x: 1, 2 or 4 of them. */
static int grid_taps(const struct grid *g, float x, double *first, double weight[4])
{
	double base = floor(x), t = x - base;
	const double a = -0.75;
	if (g->mode == GRID_NEAREST) {
		*first = rint(x);
		weight[0] = 1;
		return 1;
	}
	if (g->mode == GRID_BILINEAR) {
		*first = base;
		weight[0] = 1 - t;
		weight[1] = t;
		return 2;
	}
	*first = base - 1;
	weight[0] = (((t + 1) * a - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
	weight[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
	weight[2] = ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1;
	weight[3] = 1 - weight[0] - weight[1] - weight[2];
	return 4;
}

/* The sample at one grid point, of all channels: to[c * step]. */
static void grid_point(const struct grid *g, const double *picture, int64_t channels,
    const double at[2], double *to, int64_t step)
{
	double wx[4], wy[4], x0, y0;
	int nx = grid_taps(g, grid_pixel(g, (float)at[0], g->width), &x0, wx);
	int ny = grid_taps(g, grid_pixel(g, (float)at[1], g->height), &y0, wy);
	int64_t px[4], py[4];
	for (int i = 0; i < nx; i++)
		px[i] = grid_pad(g, x0 + i, g->width);
	for (int i = 0; i < ny; i++)
		py[i] = grid_pad(g, y0 + i, g->height);
	for (int64_t c = 0; c < channels; c++, picture += g->height * g->width) {
		double sum = 0;
		for (int i = 0; i < ny; i++)
			for (int k = 0; k < nx; k++)
				if (py[i] >= 0 && px[k] >= 0)
					sum += wy[i] * wx[k] * picture[py[i] * g->width + px[k]];
		to[c * step] = sum;
	}
}

int eval_grid_sample(struct eval *s)
{
	const struct tensor *in = &s->in[0], *grid = &s->in[1];
	int64_t channels = in->dim[1], points = grid->dim[1] * grid->dim[2];
	struct grid g = {attr_bool(s->node, "align_corners"),
	    attr_is(s->node, "padding_mode", "zeros")    ? PAD_ZEROS
	    : attr_is(s->node, "padding_mode", "border") ? PAD_BORDER
							 : PAD_REFLECTION,
	    attr_is(s->node, "mode", "bilinear")  ? GRID_BILINEAR
	    : attr_is(s->node, "mode", "nearest") ? GRID_NEAREST
						  : GRID_BICUBIC,
	    in->dim[2], in->dim[3]};
	if (!tensor_count(&s->out[0]))
		return OK;
	if (!g.height || !g.width)
		return eval_fail(s, E_FORMAT, "an empty picture cannot be sampled");
	double *picture = arena_array(s->scratch, (size_t)dims_product(in, 1, 4), sizeof *picture);
	double *out = arena_array(s->scratch, (size_t)(channels * points), sizeof *out);
	if (!picture || !out)
		return fail_nomem(s->err);
	for (int64_t n = 0; n < in->dim[0]; n++) {
		read_picture(in, n, picture);
		for (int64_t p = 0; p < points; p++) {
			double at[2];
			span_f64(at, grid, (n * points + p) * 2, 2);
			grid_point(&g, picture, channels, at, out + p, points);
		}
		span_put_f64(&s->out[0], n * channels * points, channels * points, out);
	}
	return OK;
}

/* ---- ROIAlign ---- */

int infer_roi_align(struct infer *s)
{
	static const char *const what[] = {"the picture", "the regions", "the batch indices"};
	static const int rank[] = {4, 2, 1};
	const struct shape *in = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	int64_t h = attr_i(s->node, "pooled_h"), w = attr_i(s->node, "pooled_w");
	struct dim d;
	for (int k = 0; k < 3; k++) {
		int status = infer_want_rank(s, k, rank[k], rank[k], what[k]);
		if (status)
			return status;
	}
	if (h < 1 || w < 1 || attr_i(s->node, "sampling_ratio") < 0)
		return infer_fail(s, "a pooled size or the sampling ratio is out of range");
	if (s->in[1].shape.rank == 2 && !dim_merge(s->in[1].shape.dim[1], dim_of(4), &d))
		return infer_fail(s, "regions must have 4 numbers");
	s->out[0].type = s->in[0].type;
	*out = shape_any(4);
	d = s->in[1].shape.rank == 2 ? s->in[1].shape.dim[0] : dim_any();
	if (!dim_merge(
		d, s->in[2].shape.rank == 1 ? s->in[2].shape.dim[0] : dim_any(), &out->dim[0]))
		return infer_fail(s, "regions and batch indices differ in number");
	if (in->rank == 4)
		out->dim[1] = in->dim[1];
	out->dim[2] = dim_of(h);
	out->dim[3] = dim_of(w);
	return infer_want_int(s, 2, what[2]);
}

struct region {
	double x, y, bin_w, bin_h; /* corner and size of one output cell, in pixels */
	int64_t nx, ny;            /* samples in a cell */
	bool max;
};

/* Region r of the input in pixels of the picture. */
static struct region read_region(const struct eval *s, int64_t r)
{
	double v[4], ph = (double)s->out[0].dim[2], pw = (double)s->out[0].dim[3];
	bool aligned = !attr_is(s->node, "aligned_mode", "asymmetric");
	double shift = attr_is(s->node, "aligned_mode", "half_pixel") ? 0.5 : 0;
	double scale = attr_f(s->node, "spatial_scale");
	int64_t ratio = attr_i(s->node, "sampling_ratio");
	span_f64(v, &s->in[1], r * 4, 4);
	for (int i = 0; i < 4; i++)
		v[i] = (v[i] + shift) * scale - (aligned ? 0.5 : 0);
	double w = v[2] - v[0], h = v[3] - v[1];
	if (!aligned) {
		w = fmax(w, 1);
		h = fmax(h, 1);
	}
	struct region g = {
	    v[0], v[1], w / pw, h / ph, ratio, ratio, attr_is(s->node, "mode", "max")};
	if (!ratio) {
		g.nx = fabs(g.bin_w) < 1e6 ? (int64_t)ceil(g.bin_w) : 0;
		g.ny = fabs(g.bin_h) < 1e6 ? (int64_t)ceil(g.bin_h) : 0;
	}
	return g;
}

/* Neighbours of a coordinate on an axis of n, their weights; false outside. */
static bool neighbours(double x, int64_t n, int64_t at[2], double weight[2])
{
	if (!(x >= -1 && x <= (double)n))
		return false;
	x = x < 0 ? 0 : x;
	at[0] = (int64_t)x;
	if (at[0] >= n - 1) {
		at[0] = at[1] = n - 1;
		x = (double)at[0];
	} else {
		at[1] = at[0] + 1;
	}
	weight[1] = x - (double)at[0];
	weight[0] = 1 - weight[1];
	return true;
}

/* One cell: the mean of bilinear samples, or the largest of their four terms. */
static double pool_cell(const struct region *g, const double *plane, int64_t height, int64_t width,
    int64_t cy, int64_t cx)
{
	double sum = 0, max = 0;
	bool any = false;
	for (int64_t i = 0; i < g->ny; i++)
		for (int64_t k = 0; k < g->nx; k++) {
			double wx[2], wy[2], top = 0;
			int64_t px[2], py[2];
			double y = g->y + (double)cy * g->bin_h +
				   ((double)i + 0.5) * g->bin_h / (double)g->ny;
			double x = g->x + (double)cx * g->bin_w +
				   ((double)k + 0.5) * g->bin_w / (double)g->nx;
			bool inside = neighbours(y, height, py, wy) && neighbours(x, width, px, wx);
			for (int j = 0; inside && j < 4; j++) {
				double term = wy[j / 2] * wx[j % 2] *
					      plane[py[j / 2] * width + px[j % 2]];
				sum += term;
				top = j ? fmax(top, term) : term;
			}
			max = any ? fmax(max, top) : top;
			any = true;
		}
	return g->max ? max : any ? sum / (double)(g->nx * g->ny) : 0;
}

int eval_roi_align(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	struct tensor *out = &s->out[0];
	int64_t channels = in->dim[1], height = in->dim[2], width = in->dim[3], at = 0, have = -1;
	double *picture = arena_array(
	    s->scratch, (size_t)dims_product(in, 1, 4) + 1, sizeof *picture);
	if (!picture)
		return fail_nomem(s->err);
	if (!tensor_count(out))
		return OK;
	if (!height || !width)
		return eval_fail(s, E_FORMAT, "an empty picture cannot be sampled");
	for (int64_t r = 0; r < out->dim[0]; r++) {
		struct region g = read_region(s, r);
		int64_t n = index_at(&s->in[2], r);
		if (n < 0 || n >= in->dim[0])
			return eval_fail(s, E_FORMAT, "region %lld lies in picture %lld of %lld",
			    (long long)r, (long long)n, (long long)in->dim[0]);
		if (n != have)
			read_picture(in, have = n, picture);
		for (int64_t c = 0; c < channels; c++)
			for (int64_t y = 0; y < out->dim[2]; y++)
				for (int64_t x = 0; x < out->dim[3]; x++)
					tensor_set_f64(out, at++,
					    pool_cell(&g, picture + c * height * width, height,
						width, y, x));
	}
	return OK;
}
