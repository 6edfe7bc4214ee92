/* Reductions, and the searches for extremes. */
#include "formats/onnx_translate.h"

/* First opset in which the axes are an input. */
static int axes_input_since(enum op_id id)
{
	return id == OP_REDUCE_SUM ? 13 : 18;
}

static struct value *all_axes(struct tr *t, struct value *x)
{
	if (x && x->info.shape.rank >= 0)
		return tr_range(t, 0, x->info.shape.rank);
	struct value *rank = tr_scalar(t, tr_shape_of(t, tr_shape_of(t, x)));
	struct node *n = tr_new(t, OP_RANGE, tr_scalar_i64(t, 0), rank, tr_scalar_i64(t, 1));
	tr_set_type(t, n, "output_type", DT_I64);
	return tr_end(t, n);
}

/* What an operator reduces over. */
struct over {
	struct value *axes;
	bool keep, nothing; /* nothing: empty axes that mean no reduction at all */
};

static struct over read_axes(struct tr *t, enum op_id since)
{
	struct value *x = tr_in(t, 0);
	struct over o = {.keep = tr_bool(t, "keepdims", true)};
	const int64_t *axes;
	int64_t first;
	if (t->opset < axes_input_since(since)) {
		int n = tr_ints(t, "axes", &axes);
		o.axes = n > 0 ? tr_i64(t, n, axes) : all_axes(t, x);
		return o;
	}
	bool noop = tr_bool(t, "noop_with_empty_axes", false);
	bool empty = !tr_given(t, 1) || tr_known(t->in[1], &first, 1) == 0;
	o.nothing = empty && noop;
	o.axes = empty ? all_axes(t, x) : t->in[1];
	return o;
}

static void reduce_as(struct tr *t, enum op_id id)
{
	struct over o = read_axes(t, id);
	struct value *x = tr_in(t, 0);
	enum dtype type = tr_dtype(x);
	if (o.nothing) {
		tr_out(t, 0, x);
		return;
	}
	if (type == DT_BOOL) /* opset 20: true is above false */
		x = tr_convert(t, x, DT_U8);
	tr_out(t, 0, tr_convert(t, tr_reduce(t, id, x, o.axes, o.keep), type));
}

void tr_reduce_max(struct tr *t)
{
	reduce_as(t, OP_REDUCE_MAX);
}

void tr_reduce_min(struct tr *t)
{
	reduce_as(t, OP_REDUCE_MIN);
}

void tr_reduce_mean(struct tr *t)
{
	reduce_as(t, OP_REDUCE_MEAN);
}

void tr_reduce_prod(struct tr *t)
{
	reduce_as(t, OP_REDUCE_PROD);
}

void tr_reduce_sum(struct tr *t)
{
	reduce_as(t, OP_REDUCE_SUM);
}

/* Over no axes at all these still take the size of each element. */
static void reduce_size(struct tr *t, enum op_id id)
{
	struct over o = read_axes(t, id);
	struct value *x = tr_in(t, 0);
	tr_out(t, 0, o.nothing ? tr_op(t, OP_ABS, x) : tr_reduce(t, id, x, o.axes, o.keep));
}

void tr_reduce_l1(struct tr *t)
{
	reduce_size(t, OP_REDUCE_L1);
}

void tr_reduce_l2(struct tr *t)
{
	reduce_size(t, OP_REDUCE_L2);
}

/* Logarithms of integers are computed in floats. */
static struct value *as_float(struct tr *t, struct value *x)
{
	return tr_convert(t, x, dtype_is_float(tr_dtype(x)) ? tr_dtype(x) : DT_F32);
}

void tr_reduce_log_sum(struct tr *t)
{
	struct over o = read_axes(t, OP_REDUCE_MAX);
	struct value *x = as_float(t, tr_in(t, 0));
	x = tr_op(t, OP_LOG, o.nothing ? x : tr_reduce(t, OP_REDUCE_SUM, x, o.axes, o.keep));
	tr_out(t, 0, tr_convert(t, x, tr_dtype(tr_in(t, 0))));
}

void tr_reduce_sum_square(struct tr *t)
{
	struct over o = read_axes(t, OP_REDUCE_MAX);
	struct value *x = tr_in(t, 0), *square = tr_op(t, OP_MULTIPLY, x, x);
	tr_out(t, 0, o.nothing ? square : tr_reduce(t, OP_REDUCE_SUM, square, o.axes, o.keep));
}

/* log sum exp x = m + log sum exp (x - m) with m the largest, so that nothing overflows. */
void tr_reduce_log_sum_exp(struct tr *t)
{
	struct over o = read_axes(t, OP_REDUCE_MAX);
	struct value *x = as_float(t, tr_in(t, 0));
	if (o.nothing) {
		tr_out(t, 0, tr_in(t, 0));
		return;
	}
	struct value *m = tr_reduce(t, OP_REDUCE_MAX, x, o.axes, true);
	struct value *e = tr_op(t, OP_EXP, tr_op(t, OP_SUBTRACT, x, m));
	e = tr_op(t, OP_LOG, tr_reduce(t, OP_REDUCE_SUM, e, o.axes, true));
	e = tr_op(t, OP_ADD, e, m);
	e = o.keep ? e : tr_op(t, OP_SQUEEZE, e, o.axes);
	tr_out(t, 0, tr_convert(t, e, tr_dtype(tr_in(t, 0))));
}

static struct value *top_index(struct tr *t, struct value *x, int64_t axis, const char *mode)
{
	struct node *n = tr_new(t, OP_TOP_K, x, tr_scalar_i64(t, 1));
	tr_set_i(t, n, "axis", axis);
	tr_set_s(t, n, "mode", mode);
	tr_set_s(t, n, "sort", "value");
	tr_set_type(t, n, "index_element_type", DT_I64);
	tr_set_i(t, n, "stable", true);
	return tr_port(tr_end(t, n), 1);
}

/* The last of equals is the first of the reversed. */
static struct value *last_index(struct tr *t, struct value *x, int64_t axis, const char *mode)
{
	struct node *r = tr_new(t, OP_REVERSE, x, tr_i64_1(t, axis));
	tr_set_s(t, r, "mode", "index");
	struct value *i = top_index(t, tr_end(t, r), axis, mode);
	struct value *n = tr_gather(t, tr_shape_of(t, x), tr_scalar_i64(t, axis), 0);
	return tr_op(t, OP_SUBTRACT, tr_op(t, OP_SUBTRACT, n, tr_scalar_i64(t, 1)), i);
}

static void arg(struct tr *t, const char *mode)
{
	struct value *x = tr_in(t, 0);
	int rank = tr_rank(t, x), axis = tr_axis(t, tr_int(t, "axis", 0), rank);
	bool keep = tr_bool(t, "keepdims", true), last = tr_bool(t, "select_last_index", false);
	struct value *i = last ? last_index(t, x, axis, mode) : top_index(t, x, axis, mode);
	tr_out(t, 0, keep ? i : tr_squeeze(t, i, 1, (int64_t[]){axis}));
}

void tr_arg_max(struct tr *t)
{
	arg(t, "max");
}

void tr_arg_min(struct tr *t)
{
	arg(t, "min");
}

void tr_top_k(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	if (t->opset < 10)
		tr_require(t, "k");
	struct value *k = t->opset < 10 ? tr_scalar_i64(t, tr_int(t, "k", 0))
					: tr_scalar(t, tr_in(t, 1));
	struct node *n = tr_new(t, OP_TOP_K, x, k);
	tr_set_i(t, n, "axis", tr_int(t, "axis", -1));
	tr_set_s(t, n, "mode", tr_bool(t, "largest", true) ? "max" : "min");
	tr_set_s(t, n, "sort", tr_bool(t, "sorted", true) ? "value" : "none");
	tr_set_type(t, n, "index_element_type", DT_I64);
	tr_set_i(t, n, "stable", tr_bool(t, "sorted", true));
	struct value *y = tr_end(t, n);
	tr_out(t, 0, y);
	tr_out(t, 1, tr_port(y, 1));
}

void tr_cum_sum(struct tr *t)
{
	struct node *n = tr_new(t, OP_CUM_SUM, tr_in(t, 0), tr_scalar(t, tr_in(t, 1)));
	tr_set_i(t, n, "exclusive", tr_bool(t, "exclusive", false));
	tr_set_i(t, n, "reverse", tr_bool(t, "reverse", false));
	tr_out(t, 0, tr_end(t, n));
}
