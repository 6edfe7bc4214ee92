/* Pooling over windows and over everything. */
#include <string.h>

#include "formats/onnx_translate.h"

static void read_kernel(struct tr *t, const struct value *x, struct tr_window *w, int64_t *kernel)
{
	int rank = tr_rank(t, x);
	const int64_t *k;
	int n = tr_ints(t, "kernel_shape", &k);
	if (t->status == OK && (rank < 3 || n != rank - 2))
		tr_fail(t, E_FORMAT, "attribute 'kernel_shape' has %d values for data of rank %d",
		    n, rank);
	w->n = t->status == OK ? n : 0;
	for (int i = 0; i < w->n; i++) {
		kernel[i] = k[i];
		if (k[i] < 1 || k[i] > TR_WINDOW_MAX)
			tr_fail(
			    t, E_FORMAT, "attribute 'kernel_shape' holds %lld", (long long)k[i]);
	}
	tr_window_read(t, w);
}

/* Would a window, rounded up, begin beyond the data and its left pad? Those are left out by ONNX,
 * which the IR calls ceil_torch. Unknown sizes: perhaps. */
static bool overhangs(const struct value *x, const struct tr_window *w, const int64_t *kernel)
{
	for (int i = 0; i < w->n; i++) {
		int64_t in = tr_dim(x, i + 2), k = (kernel[i] - 1) * w->dilation[i] + 1;
		if (in < 0)
			return true;
		int64_t room = in + w->begin[i] + w->end[i] - k;
		int64_t steps = (room + w->stride[i] - 1) / w->stride[i];
		if (room > 0 && steps * w->stride[i] >= in + w->begin[i])
			return true;
	}
	return false;
}

/* Indices count down the columns: (h, w) is at w*H + h instead of h*W + w. */
static struct value *column_major(struct tr *t, const struct value *x, struct value *indices)
{
	int64_t h = tr_dim(x, 2), w = tr_dim(x, 3);
	if (tr_rank(t, x) != 4 || h < 0 || w < 0) {
		tr_fail(
		    t, E_UNSUPPORTED, "column-major indices of a picture whose size is not known");
		return NULL;
	}
	struct value *plane = tr_number(t, DT_I64, (double)(h * w)),
		     *width = tr_number(t, DT_I64, (double)w);
	struct value *in = tr_op(t, OP_FLOOR_MOD, indices, plane);
	struct value *base = tr_op(t, OP_SUBTRACT, indices, in);
	struct value *col = tr_op(t, OP_FLOOR_MOD, in, width);
	struct value *row = tr_op(t, OP_DIVIDE, tr_op(t, OP_SUBTRACT, in, col), width);
	col = tr_op(t, OP_MULTIPLY, col, tr_number(t, DT_I64, (double)h));
	return tr_op(t, OP_ADD, base, tr_op(t, OP_ADD, col, row));
}

void tr_max_pool(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	struct tr_window w = {0};
	int64_t kernel[MAX_RANK];
	read_kernel(t, x, &w, kernel);
	bool ceil = tr_bool(t, "ceil_mode", false),
	     torch = ceil && t->status == OK && overhangs(x, &w, kernel);
	bool columns = tr_bool(t, "storage_order", false);
	struct node *n = torch ? tr_new(t, OP_MAX_POOL_14, x) : tr_new(t, OP_MAX_POOL, x);
	tr_window_set(t, n, &w);
	tr_set_ints(t, n, "kernel", w.n, kernel);
	tr_set_s(t, n, "rounding_type", torch ? "ceil_torch" : ceil ? "ceil" : "floor");
	tr_set_type(t, n, "index_element_type", DT_I64);
	tr_set_i(t, n, "axis", 0);
	struct value *y = tr_end(t, n);
	tr_out(t, 0, y);
	if (tr_wants(t, 1))
		tr_out(t, 1, columns ? column_major(t, x, tr_port(y, 1)) : tr_port(y, 1));
}

static struct value *average(struct tr *t, struct value *x, const struct tr_window *w,
    const int64_t *kernel, bool ceil, bool include)
{
	bool dilated = false;
	for (int i = 0; i < w->n; i++)
		dilated = dilated || w->dilation[i] != 1;
	struct node *n = dilated ? tr_new(t, OP_AVG_POOL_16, x)
			 : ceil  ? tr_new(t, OP_AVG_POOL_14, x)
				 : tr_new(t, OP_AVG_POOL, x);
	struct tr_window plain = *w;
	tr_set_ints(t, n, "strides", w->n, plain.stride);
	tr_set_ints(t, n, "pads_begin", w->n, plain.begin);
	tr_set_ints(t, n, "pads_end", w->n, plain.end);
	tr_set_s(t, n, "auto_pad", w->auto_pad);
	if (dilated)
		tr_set_ints(t, n, "dilations", w->n, plain.dilation);
	tr_set_ints(t, n, "kernel", w->n, kernel);
	tr_set_s(t, n, "rounding_type", ceil ? "ceil_torch" : "floor");
	tr_set_i(t, n, "exclude-pad", !include);
	return tr_end(t, n);
}

void tr_average_pool(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	struct tr_window w = {0};
	int64_t kernel[MAX_RANK];
	read_kernel(t, x, &w, kernel);
	bool ceil = tr_bool(t, "ceil_mode", false),
	     include = tr_bool(t, "count_include_pad", false);
	tr_out(t, 0, average(t, x, &w, kernel, ceil, include));
}

/* Pads at the end until whole windows end there, which is what rounding up means to a sum. */
static void pad_to_ceil(
    struct tr *t, const struct value *x, struct tr_window *w, const int64_t *kernel)
{
	for (int i = 0; i < w->n && t->status == OK; i++) {
		int64_t in = tr_dim(x, 2 + i), extent = (kernel[i] - 1) * w->dilation[i] + 1;
		int64_t room = in + w->begin[i] + w->end[i] - extent, over = room % w->stride[i];
		if (in < 0 || strcmp(w->auto_pad, "explicit"))
			tr_fail(t, E_UNSUPPORTED, "LpPool rounded up over an axis of unknown size");
		/* a window that would begin in the pads at the end is none */
		int64_t starts = room - over + w->stride[i];
		if (room > 0 && over && starts < in + w->begin[i])
			w->end[i] += w->stride[i] - over;
	}
}

/* (sum |x|^p)^(1/p) = (mean |x|^p * window)^(1/p), the pads counting as zeros. */
void tr_lp_pool(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	struct tr_window w = {0};
	int64_t kernel[MAX_RANK];
	double count = 1;
	read_kernel(t, x, &w, kernel);
	bool ceil = tr_bool(t, "ceil_mode", false);
	double p = t->opset < 2 ? tr_float(t, "p", 2) : (double)tr_int(t, "p", 2);
	for (int i = 0; i < w.n; i++)
		count *= (double)kernel[i];
	if (ceil)
		pad_to_ceil(t, x, &w, kernel);
	x = tr_op(t, OP_POWER, tr_op(t, OP_ABS, x), tr_number_of(t, x, p));
	x = average(t, x, &w, kernel, false, true);
	x = tr_op(t, OP_MULTIPLY, x, tr_number_of(t, x, count));
	tr_out(t, 0, tr_op(t, OP_POWER, x, tr_number_of(t, x, 1 / p)));
}

static void reduce_space(struct tr *t, enum op_id id)
{
	struct value *x = tr_in(t, 0);
	int rank = tr_rank(t, x);
	tr_out(t, 0, tr_reduce(t, id, x, tr_range(t, 2, rank), true));
}

void tr_global_average_pool(struct tr *t)
{
	reduce_space(t, OP_REDUCE_MEAN);
}

void tr_global_max_pool(struct tr *t)
{
	reduce_space(t, OP_REDUCE_MAX);
}

void tr_global_lp_pool(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	double p = t->opset < 2 ? tr_float(t, "p", 2) : (double)tr_int(t, "p", 2);
	int rank = tr_rank(t, x);
	if (p == 1 || p == 2) {
		reduce_space(t, p == 1 ? OP_REDUCE_L1 : OP_REDUCE_L2);
		return;
	}
	x = tr_op(t, OP_POWER, tr_op(t, OP_ABS, x), tr_number_of(t, x, p));
	x = tr_reduce(t, OP_REDUCE_SUM, x, tr_range(t, 2, rank), true);
	tr_out(t, 0, tr_op(t, OP_POWER, x, tr_number_of(t, x, 1 / p)));
}

/* The dims that the pool had before: stride * (size - 1) + kernel - pads. */
static struct value *unpooled_dims(
    struct tr *t, const struct value *x, const struct tr_window *w, const int64_t *kernel)
{
	int64_t dims[MAX_RANK];
	for (int i = 0; i < w->n + 2 && t->status == OK; i++) {
		dims[i] = tr_dim(x, i);
		if (dims[i] < 0)
			tr_fail(t, E_UNSUPPORTED, "unpooling to a size that is not known");
		if (i >= 2)
			dims[i] = w->stride[i - 2] * (dims[i] - 1) + kernel[i - 2] -
				  w->begin[i - 2] - w->end[i - 2];
	}
	return t->status == OK ? tr_i64(t, w->n + 2, dims) : NULL;
}

/* Scatters the flat values into flat zeros. */
static struct value *scatter_flat(
    struct tr *t, struct value *x, struct value *indices, struct value *dims)
{
	struct value *flat = tr_i64_1(t, -1), *zeros = tr_broadcast(t, tr_number_of(t, x, 0), dims);
	struct node *n = tr_new(t, OP_SCATTER_ELEMENTS, tr_reshape_to(t, zeros, flat),
	    tr_reshape_to(t, indices, flat), tr_reshape_to(t, x, flat), tr_scalar_i64(t, 0));
	return tr_reshape_to(t, tr_end(t, n), dims);
}

/* Indices count in the natural unpooled shape; a given output shape is that, padded at the ends. */
void tr_max_unpool(struct tr *t)
{
	struct value *x = tr_in(t, 0), *indices = tr_in(t, 1);
	struct tr_window w = {0};
	int64_t kernel[MAX_RANK];
	read_kernel(t, x, &w, kernel);
	struct value *dims = t->status == OK ? unpooled_dims(t, x, &w, kernel) : NULL;
	struct value *y = scatter_flat(t, x, indices, dims);
	if (tr_given(t, 2)) {
		struct value *more = tr_op(t, OP_SUBTRACT, t->in[2], dims);
		struct value *none = tr_broadcast(t, tr_scalar_i64(t, 0), tr_i64_1(t, w.n + 2));
		struct node *n = tr_new(t, OP_PAD, y, none, more, tr_number_of(t, x, 0));
		tr_set_s(t, n, "pad_mode", "constant");
		y = tr_end(t, n);
	}
	tr_out(t, 0, y);
}
