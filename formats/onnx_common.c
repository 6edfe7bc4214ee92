/* Layers that many translators need alike: reshapes, slices, conversions, broadcasts. */
#include <string.h>

#include "formats/onnx_translate.h"

struct value *tr_convert(struct tr *t, struct value *v, enum dtype type)
{
	if (!v || v->info.type == type)
		return v;
	struct node *n = tr_new(t, OP_CONVERT, v);
	tr_set_type(t, n, "destination_type", type);
	return tr_end(t, n);
}

struct value *tr_reshape_to(struct tr *t, struct value *v, struct value *dims)
{
	struct node *n = tr_new(t, OP_RESHAPE, v, dims);
	tr_set_i(t, n, "special_zero", false);
	return tr_end(t, n);
}

/* A constant with the same bytes under other dims. */
static struct value *constant_as(struct tr *t, const struct node *k, int rank, const int64_t *dims)
{
	struct onnx_const c = {.type = k->out[0].info.type, .rank = rank};
	memcpy(c.dim, dims, (size_t)rank * sizeof *dims);
	c.data = blob_ref(k->data);
	return tr_constant(t, NULL, &c);
}

struct value *tr_reshape(struct tr *t, struct value *v, int rank, const int64_t *dims)
{
	int64_t count = 1;
	struct node *k = v ? value_const(v) : NULL;
	if (!v || t->status != OK)
		return NULL;
	for (int i = 0; i < rank; i++)
		count = dims[i] < 0 || __builtin_mul_overflow(count, dims[i], &count) ? -1 : count;
	if (k && count >= 0 && count == shape_count(&v->info.shape))
		return constant_as(t, k, rank, dims);
	return tr_reshape_to(t, v, tr_i64(t, rank, dims));
}

struct value *tr_transpose(struct tr *t, struct value *v, int n, const int64_t *order)
{
	return tr_op(t, OP_TRANSPOSE, v, tr_i64(t, n, order));
}

struct value *tr_unsqueeze(struct tr *t, struct value *v, int n, const int64_t *axes)
{
	return tr_op(t, OP_UNSQUEEZE, v, tr_i64(t, n, axes));
}

struct value *tr_squeeze(struct tr *t, struct value *v, int n, const int64_t *axes)
{
	return tr_op(t, OP_SQUEEZE, v, tr_i64(t, n, axes));
}

struct value *tr_shape_of(struct tr *t, struct value *v)
{
	struct node *n = tr_new(t, OP_SHAPE_OF, v);
	tr_set_type(t, n, "output_type", DT_I64);
	return tr_end(t, n);
}

struct value *tr_gather(struct tr *t, struct value *v, struct value *indices, int64_t axis)
{
	return tr_op(t, OP_GATHER, v, indices, tr_scalar_i64(t, axis));
}

struct value *tr_slice(struct tr *t, struct value *v, int64_t axis, int64_t from, int64_t to)
{
	return tr_op(
	    t, OP_SLICE, v, tr_i64_1(t, from), tr_i64_1(t, to), tr_i64_1(t, 1), tr_i64_1(t, axis));
}

struct value *tr_part(struct tr *t, struct value *v, int64_t from, int64_t to)
{
	return tr_slice(t, v, 0, from, to);
}

struct value *tr_concat(struct tr *t, int64_t axis, struct value *const *v, int n)
{
	struct node *k = tr_new_n(t, OP_CONCAT, 1, v, n);
	tr_set_i(t, k, "axis", axis);
	return tr_end(t, k);
}

struct value *tr_reduce(struct tr *t, enum op_id id, struct value *v, struct value *axes, bool keep)
{
	struct node *n = tr_new(t, id, v, axes);
	tr_set_i(t, n, "keep_dims", keep);
	return tr_end(t, n);
}

struct value *tr_broadcast(struct tr *t, struct value *v, struct value *dims)
{
	return tr_op(t, OP_BROADCAST, v, dims);
}

struct value *tr_scalar(struct tr *t, struct value *v)
{
	if (v && v->info.shape.rank == 0)
		return v;
	return tr_reshape(t, v, 0, (int64_t[]){0});
}

struct value *tr_along(struct tr *t, struct value *v, int rank, int axis)
{
	int64_t dims[MAX_RANK];
	if (!v || rank > MAX_RANK || rank < 1)
		return v;
	for (int i = 0; i < rank; i++)
		dims[i] = 1;
	int64_t n = shape_count(&v->info.shape);
	dims[axis] = n >= 0 ? n : -1;
	return tr_reshape(t, v, rank, dims);
}

struct value *tr_legacy_broadcast(struct tr *t)
{
	struct value *a = tr_in(t, 0), *b = tr_in(t, 1);
	bool broadcast = tr_bool(t, "broadcast", false), has_axis = tr_has(t, "axis");
	int64_t axis = tr_int(t, "axis", 0);
	if (!broadcast || !has_axis || !a || !b)
		return b;
	int ra = tr_rank(t, a), rb = tr_rank(t, b), n = 0;
	axis = tr_axis(t, axis, ra ? ra : 1);
	int64_t tail[MAX_RANK];
	for (int i = (int)axis + rb; i < ra && t->status == OK; i++)
		tail[n++] = i - (int)axis;
	return n ? tr_unsqueeze(t, b, n, tail) : b;
}

struct value *tr_count(struct tr *t, struct value *v)
{
	return tr_reduce(t, OP_REDUCE_PROD, tr_shape_of(t, v), tr_scalar_i64(t, 0), false);
}
