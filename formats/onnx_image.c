/* Operators on pictures: resize, sample, regions, columns. */
#include <string.h>

#include "formats/onnx_resize.h"
#include "formats/onnx_volume.h"

static struct value *interpolate(struct tr *t, struct value *x, const struct resize *r)
{
	struct node *n = r->axes ? tr_new(t, OP_INTERPOLATE, x, r->to, r->axes)
				 : tr_new(t, OP_INTERPOLATE, x, r->to);
	int64_t zeros[MAX_RANK] = {0};
	int rank = tr_rank(t, x);
	tr_set_s(t, n, "mode", r->mode);
	tr_set_s(t, n, "shape_calculation_mode", r->by_sizes ? "sizes" : "scales");
	tr_set_s(t, n, "coordinate_transformation_mode", r->coordinates);
	tr_set_s(t, n, "nearest_mode", r->nearest);
	tr_set_i(t, n, "antialias", r->antialias);
	tr_set_ints(t, n, "pads_begin", rank, zeros);
	tr_set_ints(t, n, "pads_end", rank, zeros);
	tr_set_f(t, n, "cube_coeff", r->cube);
	return tr_end(t, n);
}

static const char *resize_mode(struct tr *t)
{
	const char *s = tr_str(t, "mode", "nearest");
	if (!strcmp(s, "nearest") || !strcmp(s, "cubic"))
		return s;
	if (strcmp(s, "linear") && strcmp(s, "bilinear"))
		tr_fail(t, E_FORMAT, "attribute 'mode' is '%s'", s);
	return "linear_onnx";
}

/* Constant scales that leave batch and channels alone are said of the other axes only. */
static void trim_axes(struct tr *t, struct value *x, struct resize *r)
{
	int rank = tr_rank(t, x);
	bool small = r->to && shape_count(&r->to->info.shape) == rank;
	struct tensor c = small ? value_tensor(r->to) : (struct tensor){0};
	if (r->axes || t->status != OK)
		return;
	bool trim = c.type != DT_NONE && rank > 3 && tensor_count(&c) == rank;
	for (int i = 0; i < 2 && trim; i++)
		trim = r->by_sizes ? tensor_i64(&c, i) == tr_dim(x, i) : tensor_f64(&c, i) == 1;
	r->axes = tr_range(t, trim ? 2 : 0, rank);
	if (trim)
		r->to = tr_part(t, r->to, 2, rank);
}

void tr_upsample(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	struct resize r = {.mode = resize_mode(t),
	    .coordinates = "asymmetric",
	    .nearest = "simple",
	    .cube = -0.75};
	struct onnx_const c = {.type = DT_F32, .rank = 1};
	const float *scales;
	float plane[4] = {1, 1};
	int n = 4;
	if (t->opset >= 9) {
		r.to = tr_in(t, 1);
	} else {
		if (t->opset >= 7) {
			n = tr_floats(t, "scales", &scales);
		} else {
			plane[2] = (float)tr_float(t, "height_scale", 1);
			plane[3] = (float)tr_float(t, "width_scale", 1);
			scales = plane;
		}
		if (n < 1)
			tr_fail(t, E_FORMAT, "attribute 'scales' is missing");
		c.dim[0] = n;
		c.data = t->status == OK ? blob_copy(scales, (size_t)n * sizeof *scales) : NULL;
		r.to = t->status == OK ? tr_constant(t, NULL, &c) : NULL;
	}
	trim_axes(t, x, &r);
	tr_out(t, 0, interpolate(t, x, &r));
}

/* The same scale for all axes: the smallest (largest) that keeps within (covers) the sizes asked
 * for. */
static struct value *keep_aspect(struct tr *t, struct value *x, struct resize *r, bool larger)
{
	struct value *in = tr_shape_of(t, x);
	in = tr_convert(t, r->axes ? tr_gather(t, in, r->axes, 0) : in, DT_F32);
	struct value *scale = tr_op(t, OP_DIVIDE, tr_convert(t, r->to, DT_F32), in);
	enum op_id pick = larger ? OP_REDUCE_MAX : OP_REDUCE_MIN;
	scale = tr_reduce(t, pick, scale, tr_i64_1(t, 0), false);
	r->scale = scale;
	struct value *size = tr_op(
	    t, OP_ADD, tr_op(t, OP_MULTIPLY, in, scale), tr_number(t, DT_F32, 0.5));
	return tr_convert(t, tr_op(t, OP_FLOOR, size), DT_I64);
}

static void resize_target(struct tr *t, struct value *x, struct resize *r)
{
	const char *policy = tr_str(t, "keep_aspect_ratio_policy", "stretch");
	const int64_t *axes;
	int64_t at[MAX_RANK];
	int n = tr_ints(t, "axes", &axes), rank = tr_rank(t, x);
	for (int i = 0; i < n && i < MAX_RANK; i++)
		at[i] = tr_axis(t, axes[i], rank);
	if (n > MAX_RANK)
		tr_fail(t, E_FORMAT, "attribute 'axes' has %d values", n);
	r->axes = n >= 0 && t->status == OK ? tr_i64(t, n, at) : NULL;
	/* an empty vector of scales stands for none */
	r->by_sizes = tr_given(t, 3) && tr_dim(t->in[3], 0) != 0;
	r->to = r->by_sizes ? tr_in(t, 3) : tr_in(t, 2);
	if (r->by_sizes && strcmp(policy, "stretch"))
		r->to = keep_aspect(t, x, r, !strcmp(policy, "not_smaller"));
}

/* What the IR's layer cannot say is done axis by axis with weights that are computed. */
static bool beyond_the_layer(const struct resize *r)
{
	return r->antialias || r->exclude_outside || r->scale ||
	       !strcmp(r->coordinates, "half_pixel_symmetric") ||
	       !strcmp(r->coordinates, "tf_crop_and_resize");
}

void tr_resize(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	struct resize r = {.mode = resize_mode(t),
	    .coordinates = "asymmetric",
	    .nearest = "simple",
	    .cube = -0.75};
	if (t->opset < 11) {
		r.to = tr_in(t, 1);
	} else {
		r.coordinates = tr_str(t, "coordinate_transformation_mode", "half_pixel");
		r.nearest = tr_str(t, "nearest_mode", "round_prefer_floor");
		r.cube = tr_float(t, "cubic_coeff_a", -0.75);
		r.antialias = tr_bool(t, "antialias", false) && strcmp(r.mode, "nearest");
		r.exclude_outside = tr_bool(t, "exclude_outside", false) &&
				    !strcmp(r.mode, "cubic");
		r.extrapolation = tr_float(t, "extrapolation_value", 0);
		r.roi = tr_given(t, 1) && !strcmp(r.coordinates, "tf_crop_and_resize") ? t->in[1]
										       : NULL;
		resize_target(t, x, &r);
	}
	if (t->status == OK && beyond_the_layer(&r)) {
		tr_out(t, 0, resize_by_weights(t, x, &r));
		return;
	}
	trim_axes(t, x, &r);
	tr_out(t, 0, interpolate(t, x, &r));
}

void tr_grid_sample(struct tr *t)
{
	struct value *x = tr_in(t, 0), *grid = tr_in(t, 1);
	if (t->opset >= 20 && tr_rank(t, x) == 5) {
		tr_out(t, 0, volume_sample(t, x, grid));
		return;
	}
	const char *mode = tr_str(t, "mode", t->opset < 20 ? "bilinear" : "linear");
	if (!strcmp(mode, "linear"))
		mode = "bilinear";
	if (!strcmp(mode, "cubic"))
		mode = "bicubic";
	if (tr_rank(t, x) != 4)
		tr_fail(t, E_UNSUPPORTED, "sampling data of rank %d", x ? x->info.shape.rank : 0);
	struct node *n = tr_new(t, OP_GRID_SAMPLE, x, grid);
	tr_set_s(t, n, "mode", mode);
	tr_set_s(t, n, "padding_mode", tr_str(t, "padding_mode", "zeros"));
	tr_set_i(t, n, "align_corners", tr_bool(t, "align_corners", false));
	tr_out(t, 0, tr_end(t, n));
}

void tr_roi_align(struct tr *t)
{
	struct node *n = tr_new(t, OP_ROI_ALIGN, tr_in(t, 0), tr_in(t, 1), tr_in(t, 2));
	const char *how = tr_str(t, "coordinate_transformation_mode",
	    t->opset < 16 ? "output_half_pixel" : "half_pixel");
	tr_set_i(t, n, "pooled_h", tr_int(t, "output_height", 1));
	tr_set_i(t, n, "pooled_w", tr_int(t, "output_width", 1));
	tr_set_i(t, n, "sampling_ratio", tr_int(t, "sampling_ratio", 0));
	tr_set_f(t, n, "spatial_scale", tr_float(t, "spatial_scale", 1));
	tr_set_s(t, n, "mode", tr_str(t, "mode", "avg"));
	tr_set_s(
	    t, n, "aligned_mode", strcmp(how, "half_pixel") ? "asymmetric" : "half_pixel_for_nn");
	tr_out(t, 0, tr_end(t, n));
}

void tr_max_roi_pool(struct tr *t)
{
	struct node *n = tr_new(t, OP_ROI_POOLING, tr_in(t, 0), tr_in(t, 1));
	const int64_t *pooled;
	int count = tr_ints(t, "pooled_shape", &pooled);
	if (count != 2) {
		tr_fail(t, E_FORMAT, "attribute 'pooled_shape' has %d values, expected 2",
		    count < 0 ? 0 : count);
		return;
	}
	tr_set_i(t, n, "pooled_h", pooled[0]);
	tr_set_i(t, n, "pooled_w", pooled[1]);
	tr_set_f(t, n, "spatial_scale", tr_float(t, "spatial_scale", 1));
	tr_set_s(t, n, "method", "max");
	tr_out(t, 0, tr_end(t, n));
}

void tr_col2im(struct tr *t)
{
	struct tr_window w = {.n = 2};
	int64_t spatial[MAX_RANK - 2];
	if (tr_dim(tr_in(t, 1), 0) != 2) {
		int n = tr_known(tr_in(t, 1), spatial, MAX_RANK - 2);
		if (n < 1)
			tr_fail(t, E_UNSUPPORTED,
			    "an image whose shape is not constant, of other than two axes");
		tr_out(t, 0, n < 1 ? NULL : volume_col2im(t, tr_in(t, 0), spatial, n));
		return;
	}
	if (t->status != OK)
		return;
	tr_window_read(t, &w);
	struct node *n = tr_new(t, OP_COL2IM, tr_in(t, 0), tr_in(t, 1), tr_in(t, 2));
	tr_set_ints(t, n, "strides", 2, w.stride);
	tr_set_ints(t, n, "dilations", 2, w.dilation);
	tr_set_ints(t, n, "pads_begin", 2, w.begin);
	tr_set_ints(t, n, "pads_end", 2, w.end);
	tr_out(t, 0, tr_end(t, n));
}
