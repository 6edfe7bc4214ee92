/* Resize as matrices of weights, one per axis, for the forms that Interpolate does not have. */
#include "formats/onnx_resize.h"

#include <string.h>

/* One axis: sizes and scale are scalars of f32. */
struct axis {
	struct value *in, *out, *scale, *start, *end;
	struct value *x; /* where each output element lies in the input, [out] */
};

static struct value *f32(struct tr *t, double v)
{
	return tr_number(t, DT_F32, v);
}

static struct value *plus(struct tr *t, struct value *a, struct value *b)
{
	return tr_op(t, OP_ADD, a, b);
}

static struct value *minus(struct tr *t, struct value *a, struct value *b)
{
	return tr_op(t, OP_SUBTRACT, a, b);
}

static struct value *times(struct tr *t, struct value *a, struct value *b)
{
	return tr_op(t, OP_MULTIPLY, a, b);
}

static struct value *over(struct tr *t, struct value *a, struct value *b)
{
	return tr_op(t, OP_DIVIDE, a, b);
}

/* from, from + 1, ... below to */
static struct value *count(struct tr *t, struct value *from, struct value *to)
{
	struct node *n = tr_new(t, OP_RANGE, from, to, f32(t, 1));
	tr_set_type(t, n, "output_type", DT_F32);
	return tr_end(t, n);
}

/* v, or instead of it for an output of one element. */
static struct value *unless_one(
    struct tr *t, const struct axis *a, struct value *v, struct value *one)
{
	return tr_op(t, OP_SELECT, tr_op(t, OP_GREATER, a->out, f32(t, 1)), v, one);
}

static struct value *half_pixel(struct tr *t, const struct axis *a, struct value *i)
{
	return minus(t, over(t, plus(t, i, f32(t, 0.5)), a->scale), f32(t, 0.5));
}

/* Keeps the centre where the rounded size would move it. */
static struct value *symmetric(struct tr *t, const struct axis *a, struct value *i)
{
	struct value *adjust = over(t, a->out, times(t, a->scale, a->in));
	struct value *offset = times(t, over(t, a->in, f32(t, 2)), minus(t, f32(t, 1), adjust));
	return plus(t, offset, half_pixel(t, a, i));
}

static struct value *cropped(struct tr *t, const struct axis *a, struct value *i)
{
	struct value *last = minus(t, a->in, f32(t, 1)), *span = minus(t, a->end, a->start);
	struct value *step = over(t, times(t, span, last), minus(t, a->out, f32(t, 1)));
	struct value *many = plus(t, times(t, a->start, last), times(t, i, step));
	struct value *middle = times(t, times(t, plus(t, a->start, a->end), f32(t, 0.5)), last);
	return unless_one(t, a, many, middle);
}

static struct value *coordinates(struct tr *t, const struct axis *a, const char *how)
{
	struct value *i = count(t, f32(t, 0), a->out), *one = f32(t, 1);
	if (!strcmp(how, "half_pixel"))
		return half_pixel(t, a, i);
	if (!strcmp(how, "half_pixel_symmetric"))
		return symmetric(t, a, i);
	if (!strcmp(how, "pytorch_half_pixel"))
		return unless_one(t, a, half_pixel(t, a, i), f32(t, 0));
	if (!strcmp(how, "asymmetric"))
		return over(t, i, a->scale);
	if (!strcmp(how, "align_corners"))
		return unless_one(t, a,
		    over(t, times(t, i, minus(t, a->in, one)), minus(t, a->out, one)), f32(t, 0));
	if (!strcmp(how, "tf_crop_and_resize") && a->start)
		return cropped(t, a, i);
	tr_fail(t, E_UNSUPPORTED, "coordinates by '%s'", how);
	return NULL;
}

/* 1 - d below 1, then 0. */
static struct value *linear_kernel(struct tr *t, struct value *d)
{
	return tr_op(t, OP_MAXIMUM, minus(t, f32(t, 1), d), f32(t, 0));
}

/* The cubic convolution of Keys, two arcs with the coefficient c. */
static struct value *cubic_kernel(struct tr *t, struct value *d, double c)
{
	struct value *near = plus(t, times(t, d, f32(t, c + 2)), f32(t, -(c + 3)));
	near = plus(t, times(t, near, times(t, d, d)), f32(t, 1));
	struct value *far = plus(t, times(t, d, f32(t, c)), f32(t, -5 * c));
	far = plus(t, times(t, far, d), f32(t, 8 * c));
	far = plus(t, times(t, far, d), f32(t, -4 * c));
	far = tr_op(t, OP_SELECT, tr_op(t, OP_LESS, d, f32(t, 2)), far, f32(t, 0));
	return tr_op(t, OP_SELECT, tr_op(t, OP_LESS_EQUAL, d, f32(t, 1)), near, far);
}

/* Elements beyond an end count for the one at the end: [extended, in]. */
static struct value *folding(struct tr *t, const struct axis *a, struct value *j)
{
	struct value *last = minus(t, a->in, f32(t, 1));
	struct value *inside = tr_op(t, OP_MINIMUM, tr_op(t, OP_MAXIMUM, j, f32(t, 0)), last);
	struct value *column = tr_unsqueeze(t, inside, 1, (int64_t[]){1});
	return tr_convert(t, tr_op(t, OP_EQUAL, column, count(t, f32(t, 0), a->in)), DT_F32);
}

/* The weights [out, in] of an axis. */
static struct value *weights(struct tr *t, const struct axis *a, const struct resize *r)
{
	bool cubic = !strcmp(r->mode, "cubic");
	/* smaller pictures are smoothed by a wider kernel */
	struct value *narrow = r->antialias ? tr_op(t, OP_MINIMUM, a->scale, f32(t, 1)) : f32(t, 1);
	struct value *reach = tr_op(t, OP_CEILING, over(t, f32(t, cubic ? 2 : 1), narrow));
	struct value *zero = f32(t, 0);
	struct value *from = r->exclude_outside ? zero : minus(t, zero, reach);
	struct value *j = count(t, from, r->exclude_outside ? a->in : plus(t, a->in, reach));
	struct value *x = a->x;
	if (r->roi) /* far outside: such elements are replaced later */
		x = tr_op(t, OP_MINIMUM, tr_op(t, OP_MAXIMUM, x, zero), minus(t, a->in, f32(t, 1)));
	struct value *d = minus(t, tr_unsqueeze(t, x, 1, (int64_t[]){1}), j);
	d = times(t, tr_op(t, OP_ABS, d), narrow);
	struct value *w = cubic ? cubic_kernel(t, d, r->cube) : linear_kernel(t, d);
	if (r->antialias || r->exclude_outside)
		w = over(t, w, tr_reduce(t, OP_REDUCE_SUM, w, tr_i64_1(t, 1), true));
	return r->exclude_outside ? w : tr_op(t, OP_MATMUL, w, folding(t, a, j));
}

/* Which element is nearest, a vector of i64. */
static struct value *nearest(struct tr *t, const struct axis *a, const char *how)
{
	struct value *x = a->x, *half = f32(t, 0.5), *i = NULL;
	if (!strcmp(how, "floor"))
		i = tr_op(t, OP_FLOOR, x);
	else if (!strcmp(how, "ceil"))
		i = tr_op(t, OP_CEILING, x);
	else if (!strcmp(how, "round_prefer_floor"))
		i = tr_op(t, OP_CEILING, minus(t, x, half));
	else if (!strcmp(how, "round_prefer_ceil"))
		i = tr_op(t, OP_FLOOR, plus(t, x, half));
	else
		tr_fail(t, E_UNSUPPORTED, "the nearest by '%s'", how);
	i = tr_op(t, OP_MINIMUM, tr_op(t, OP_MAXIMUM, i, f32(t, 0)), minus(t, a->in, f32(t, 1)));
	return tr_convert(t, i, DT_I64);
}

/* Along the axis the product with the weights; the axis goes last and comes back. */
static struct value *apply_weights(struct tr *t, struct value *v, struct value *w, int axis)
{
	int64_t order[MAX_RANK];
	int rank = tr_rank(t, v);
	for (int i = 0; i < rank; i++)
		order[i] = i == axis ? rank - 1 : i == rank - 1 ? axis : i;
	if (axis != rank - 1)
		v = tr_transpose(t, v, rank, order);
	struct node *n = tr_new(t, OP_MATMUL, v, w);
	tr_set_i(t, n, "transpose_b", true);
	v = tr_end(t, n);
	return axis != rank - 1 ? tr_transpose(t, v, rank, order) : v;
}

/* Elements that lie outside the picture get the value asked for. */
static struct value *extrapolated(
    struct tr *t, struct value *v, const struct axis *a, const struct resize *r, int axis)
{
	struct value *last = minus(t, a->in, f32(t, 1));
	struct value *out = tr_op(
	    t, OP_LOGICAL_OR, tr_op(t, OP_LESS, a->x, f32(t, 0)), tr_op(t, OP_GREATER, a->x, last));
	out = tr_along(t, out, tr_rank(t, v), axis);
	return tr_op(t, OP_SELECT, out, f32(t, r->extrapolation), v);
}

static struct value *element(struct tr *t, struct value *v, int i)
{
	return tr_convert(t, tr_gather(t, v, tr_scalar_i64(t, i), 0), DT_F32);
}

static struct value *resize_axis(
    struct tr *t, struct value *v, const struct resize *r, int k, int naxes, int axis)
{
	struct axis a = {.in = element(t, tr_shape_of(t, v), axis)};
	struct value *to = element(t, r->to, k);
	a.out = r->by_sizes ? to : tr_op(t, OP_FLOOR, times(t, a.in, to));
	a.scale = r->scale ? r->scale : r->by_sizes ? over(t, a.out, a.in) : to;
	if (r->roi) {
		a.start = element(t, r->roi, k);
		a.end = element(t, r->roi, naxes + k);
	}
	a.x = coordinates(t, &a, r->coordinates);
	v = !strcmp(r->mode, "nearest") ? tr_gather(t, v, nearest(t, &a, r->nearest), axis)
					: apply_weights(t, v, weights(t, &a, r), axis);
	return r->roi ? extrapolated(t, v, &a, r, axis) : v;
}

/* Is the axis left as it is, for all that is known? */
static bool untouched(const struct value *x, const struct resize *r, int k, int naxes, int axis)
{
	bool small = shape_count(&r->to->info.shape) == naxes;
	struct tensor c = small ? value_tensor(r->to) : (struct tensor){0};
	if (c.type == DT_NONE || r->roi)
		return false;
	return r->by_sizes ? tensor_i64(&c, k) == tr_dim(x, axis) : tensor_f64(&c, k) == 1;
}

static struct value *rounded(struct tr *t, struct value *x)
{
	struct node *n = tr_new(t, OP_ROUND, x);
	tr_set_s(t, n, "mode", "half_to_even");
	return tr_end(t, n);
}

/* The last axis first, and integers rounded after each, as image libraries do. */
struct value *resize_by_weights(struct tr *t, struct value *x, const struct resize *r)
{
	int64_t axes[MAX_RANK];
	int n = tr_rank(t, x);
	enum dtype type = tr_dtype(x);
	for (int i = 0; i < n; i++)
		axes[i] = i;
	if (r->axes)
		n = tr_known(r->axes, axes, MAX_RANK);
	x = tr_convert(t, x, DT_F32);
	for (int i = n; i-- > 0 && t->status == OK;) {
		if (untouched(x, r, i, n, (int)axes[i]))
			continue;
		x = resize_axis(t, x, r, i, n, (int)axes[i]);
		if (dtype_is_int(type) && r->antialias)
			x = rounded(t, x);
	}
	return tr_convert(t, x, type);
}
