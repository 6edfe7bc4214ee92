/* Constants, shapes and what only changes them. */
#include <stdlib.h>
#include <string.h>

#include "formats/onnx_random.h"

static struct value *constant_tensor(struct tr *t, const Onnx__TensorProto *p)
{
	struct onnx_const c;
	if (!p || t->status != OK) {
		tr_fail(t, E_FORMAT, "a tensor is missing");
		return NULL;
	}
	t->status = onnx_tensor_load(&t->scope->im->source, p, &c, t->err);
	return t->status == OK ? tr_constant(t, t->name, &c) : NULL;
}

static struct value *constant_floats(struct tr *t, int n, const float *v)
{
	struct onnx_const c = {.type = DT_F32, .rank = n < 0 ? 0 : 1, .dim = {n}};
	c.data = blob_copy(v, (size_t)(n < 0 ? 1 : n) * sizeof *v);
	return tr_constant(t, t->name, &c);
}

void tr_constant_node(struct tr *t)
{
	const int64_t *ints;
	const float *floats;
	int n;
	if (tr_has(t, "value"))
		tr_out(t, 0, constant_tensor(t, tr_tensor(t, "value")));
	else if (tr_has(t, "value_int"))
		tr_out(t, 0, tr_scalar_i64(t, tr_int(t, "value_int", 0)));
	else if (tr_has(t, "value_float"))
		tr_out(
		    t, 0, constant_floats(t, -1, (float[]){(float)tr_float(t, "value_float", 0)}));
	else if ((n = tr_ints(t, "value_ints", &ints)) >= 0)
		tr_out(t, 0, tr_i64(t, n, ints));
	else if ((n = tr_floats(t, "value_floats", &floats)) >= 0)
		tr_out(t, 0, constant_floats(t, n, floats));
	else if (tr_has(t, "value_string") || tr_has(t, "value_strings"))
		tr_fail(t, E_UNSUPPORTED, "strings");
	else if (tr_has(t, "sparse_value"))
		tr_fail(t, E_UNSUPPORTED, "sparse constants");
	else
		tr_fail(t, E_FORMAT, "has no value");
}

void tr_constant_of_shape(struct tr *t)
{
	struct value *dims = tr_in(t, 0), *v;
	if (tr_has(t, "value"))
		v = tr_scalar(t, constant_tensor(t, tr_tensor(t, "value")));
	else
		v = tr_number(t, DT_F32, 0);
	tr_out(t, 0, tr_broadcast(t, v, dims));
}

void tr_shape(struct tr *t)
{
	struct value *x = tr_in(t, 0), *s = tr_shape_of(t, x);
	if (tr_has(t, "start") || tr_has(t, "end")) {
		int64_t start = tr_int(t, "start", 0), end = tr_int(t, "end", INT64_MAX);
		s = tr_part(t, s, start, end);
	}
	tr_out(t, 0, s);
}

void tr_size(struct tr *t)
{
	tr_out(t, 0, tr_count(t, tr_in(t, 0)));
}

void tr_reshape_node(struct tr *t)
{
	struct value *x = tr_in(t, 0), *dims;
	const int64_t *shape;
	if (t->opset < 5) {
		int n = tr_ints(t, "shape", &shape);
		dims = tr_i64(t, n < 0 ? 0 : n, shape ? shape : (int64_t[]){0});
	} else {
		dims = tr_in(t, 1);
	}
	struct node *n = tr_new(t, OP_RESHAPE, x, dims);
	tr_set_i(t, n, "special_zero", !tr_bool(t, "allowzero", false));
	tr_out(t, 0, tr_end(t, n));
}

void tr_flatten(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	int64_t axis = tr_int(t, "axis", 1);
	if (axis == 1) {
		tr_out(t, 0, tr_flat_keep_first(t, x));
		return;
	}
	int rank = tr_rank(t, x);
	if (axis != rank)
		axis = tr_axis(t, axis, rank);
	tr_out(t, 0, tr_matrix_at(t, x, (int)axis));
}

/* Axes as an attribute before opset 13, then as an input; NULL when not given. */
static struct value *axes_of(struct tr *t)
{
	const int64_t *axes;
	if (t->opset >= 13)
		return tr_given(t, 1) ? t->in[1] : NULL;
	int n = tr_ints(t, "axes", &axes);
	return n < 0 ? NULL : tr_i64(t, n, axes);
}

void tr_squeeze_node(struct tr *t)
{
	struct value *x = tr_in(t, 0), *axes = axes_of(t);
	tr_out(t, 0, axes ? tr_op(t, OP_SQUEEZE, x, axes) : tr_op(t, OP_SQUEEZE, x));
}

/* Axes that are computed: the rank follows from how many there are, and keeps the IR's ranks known.
 * Of the new dims those at the axes are 1, the others are x's in order. */
static struct value *unsqueeze_computed(struct tr *t, struct value *x, struct value *axes, int rank)
{
	struct value *size = tr_i64_1(t, rank), *one = tr_scalar_i64(t, 1),
		     *zero = tr_scalar_i64(t, 0);
	struct value *at = tr_op(
	    t, OP_FLOOR_MOD, tr_convert(t, axes, DT_I64), tr_scalar_i64(t, rank));
	struct value *ones = tr_broadcast(t, one, tr_shape_of(t, at));
	struct node *n = tr_new(
	    t, OP_SCATTER_ELEMENTS, tr_broadcast(t, zero, size), at, ones, zero);
	struct value *fresh = tr_end(t, n), *kept = tr_op(t, OP_SUBTRACT, one, fresh);
	struct value *place = tr_op(t, OP_SUBTRACT, tr_op(t, OP_CUM_SUM, kept, zero), one);
	struct value *dims = tr_op(t, OP_MAXIMUM, place, zero);
	dims = x && x->info.shape.rank ? tr_gather(t, tr_shape_of(t, x), dims, 0) : ones;
	dims = tr_op(t, OP_SELECT, tr_convert(t, fresh, DT_BOOL), one, dims);
	return tr_reshape_to(t, x, dims);
}

void tr_unsqueeze_node(struct tr *t)
{
	struct value *x = tr_in(t, 0), *axes = axes_of(t);
	int64_t v[MAX_RANK], dims[MAX_RANK];
	int n = tr_known(axes, v, MAX_RANK), rank = x ? x->info.shape.rank + n : 0, k = 0;
	int64_t count = tr_dim(axes, 0);
	if (x && axes && n < 0 && x->info.shape.rank >= 0 && count >= 1 &&
	    x->info.shape.rank + count <= MAX_RANK) {
		tr_out(t, 0, unsqueeze_computed(t, x, axes, x->info.shape.rank + (int)count));
		return;
	}
	if (!x || !value_const(x) || n < 1 || rank > MAX_RANK) {
		tr_out(t, 0, tr_op(t, OP_UNSQUEEZE, x, axes));
		return;
	}
	/* a constant gets its dims in place */
	for (int i = 0; i < rank; i++)
		dims[i] = 0;
	for (int i = 0; i < n; i++)
		dims[tr_axis(t, v[i], rank)] = 1;
	for (int i = 0; i < rank && t->status == OK; i++)
		if (!dims[i])
			dims[i] = k < x->info.shape.rank ? tr_dim(x, k++) : -1;
	tr_out(t, 0,
	    k == x->info.shape.rank ? tr_reshape(t, x, rank, dims)
				    : tr_op(t, OP_UNSQUEEZE, x, axes));
}

void tr_expand(struct tr *t)
{
	struct node *n = tr_new(t, OP_BROADCAST, tr_in(t, 0), tr_in(t, 1));
	tr_set_s(t, n, "mode", "bidirectional");
	tr_out(t, 0, tr_end(t, n));
}

void tr_range_node(struct tr *t)
{
	struct value *start = tr_scalar(t, tr_in(t, 0));
	struct node *n = tr_new(
	    t, OP_RANGE, start, tr_scalar(t, tr_in(t, 1)), tr_scalar(t, tr_in(t, 2)));
	tr_set_type(t, n, "output_type", tr_dtype(start));
	tr_out(t, 0, tr_end(t, n));
}

void tr_eye_like(struct tr *t)
{
	struct value *x = tr_in(t, 0), *s = tr_shape_of(t, x);
	struct value *rows = tr_gather(t, s, tr_scalar_i64(t, 0), 0),
		     *cols = tr_gather(t, s, tr_scalar_i64(t, 1), 0);
	struct node *n = tr_new(t, OP_EYE, rows, cols, tr_scalar_i64(t, tr_int(t, "k", 0)));
	tr_set_type(t, n, "output_type", tr_type(t, "dtype", tr_dtype(x)));
	tr_out(t, 0, tr_end(t, n));
}

/* Elements are kept where a random number reaches the ratio, all of them unless in training. */
static void drop(
    struct tr *t, struct value *x, struct value *ratio, struct value *training, double seed)
{
	enum dtype type = tr_dtype(x);
	struct value *keep = random_uniform(t, tr_shape_of(t, x), seed),
		     *one = tr_number(t, DT_F32, 1);
	ratio = tr_convert(t, tr_scalar(t, ratio), DT_F32);
	training = tr_scalar(t, training);
	keep = tr_op(t, OP_GREATER_EQUAL, keep, ratio);
	keep = tr_op(t, OP_LOGICAL_OR, keep, tr_op(t, OP_LOGICAL_NOT, training));
	struct value *scale = tr_op(t, OP_DIVIDE, one, tr_op(t, OP_SUBTRACT, one, ratio));
	scale = tr_convert(t, tr_op(t, OP_SELECT, training, scale, one), type);
	x = tr_op(t, OP_MULTIPLY, x, scale);
	tr_out(t, 0, tr_op(t, OP_SELECT, keep, x, tr_number(t, type, 0)));
	tr_out(t, 1, keep);
}

/* In inference the data pass, and the mask holds everything. */
void tr_dropout(struct tr *t)
{
	struct value *x = tr_in(t, 0), *ratio = tr_given(t, 1) ? t->in[1] : NULL;
	double training = 0, known = 0.5;
	if (t->opset < 12)
		tr_ignore(t, "ratio");
	if (t->opset < 7)
		tr_ignore(t, "is_test");
	double seed = (double)tr_int(t, "seed", 0);
	if (tr_given(t, 2) && !tr_known_number(t->in[2], &training))
		training = 1;
	if (ratio && !tr_known_number(ratio, &known))
		known = 0.5;
	if (training != 0 && known != 0) {
		drop(t, x, ratio ? ratio : tr_number(t, DT_F32, 0.5), t->in[2], seed);
		return;
	}
	tr_out(t, 0, x);
	if (tr_wants(t, 1)) {
		struct value *one = tr_number(t, t->opset < 10 ? tr_dtype(x) : DT_BOOL, 1);
		tr_out(t, 1, tr_broadcast(t, one, tr_shape_of(t, x)));
	}
}
