/* Writing elements by index: ScatterUpdate, ScatterElementsUpdate, ScatterNDUpdate. */
#include <math.h>
#include <string.h>

#include "ops/content.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_scatter_elements[] = {
    {"reduction", ATTR_STRING, false, "none", "none|sum|prod|min|max|mean"},
    {"use_init_val", ATTR_BOOL, false, "true", NULL}, {0}};
const struct attr_def attrs_scatter_nd[] = {
    {"reduction", ATTR_STRING, false, "none", "none|sum|sub|prod|min|max"}, {0}};

enum reduction { NONE, SUM, SUB, PROD, MIN, MAX, MEAN };

/* The node's reduction; rows without that attribute replace. */
static enum reduction reduction_of(const struct node *n)
{
	static const char *const name[] = {"none", "sum", "sub", "prod", "min", "max", "mean"};
	if (node_is(n, OP_SCATTER_ELEMENTS) || node_is(n, OP_SCATTER_ND))
		for (int i = NONE; i <= MEAN; i++)
			if (attr_is(n, "reduction", name[i]))
				return (enum reduction)i;
	return NONE;
}

static double reduce_f64(enum reduction how, double a, double b)
{
	switch (how) {
	case SUM:
	case MEAN:
		return a + b;
	case SUB:
		return a - b;
	case PROD:
		return a * b;
	case MIN:
		return a < b || isnan(a) ? a : b;
	case MAX:
		return a > b || isnan(a) ? a : b;
	default:
		return b;
	}
}

static int64_t reduce_i64(enum reduction how, enum dtype type, int64_t a, int64_t b)
{
	bool below = type == DT_U64 ? (uint64_t)a < (uint64_t)b : a < b;
	switch (how) {
	case SUM:
	case MEAN:
		return type == DT_BOOL ? a | b : (int64_t)((uint64_t)a + (uint64_t)b);
	case SUB:
		return type == DT_BOOL ? a & !b : (int64_t)((uint64_t)a - (uint64_t)b);
	case PROD:
		return (int64_t)((uint64_t)a * (uint64_t)b);
	case MIN:
		return below ? a : b;
	case MAX:
		return below ? b : a;
	default:
		return b;
	}
}

/* out[at] = reduction(out[at], update[i]). */
static void reduce_into(
    enum reduction how, struct tensor *out, int64_t at, const struct tensor *update, int64_t i)
{
	if (dtype_is_float(out->type))
		tensor_set_f64(
		    out, at, reduce_f64(how, tensor_f64(out, at), tensor_f64(update, i)));
	else
		tensor_set_i64(out, at,
		    reduce_i64(how, out->type, tensor_i64(out, at), tensor_i64(update, i)));
}

/* What leaves the other operand of a reduction as it is. */
static void set_neutral(enum reduction how, struct tensor *t, int64_t at)
{
	bool low = how == MAX;
	if (how != MIN && how != MAX) {
		tensor_set_i64(t, at, how == PROD);
	} else if (dtype_is_float(t->type)) {
		tensor_set_f64(t, at, low ? -INFINITY : INFINITY);
	} else if (t->type == DT_BOOL) {
		tensor_set_i64(t, at, !low);
	} else {
		int bits = dtype_bits(t->type);
		int64_t top = bits == 64 ? INT64_MAX : ((int64_t)1 << (bits - 1)) - 1;
		if (dtype_is_signed(t->type))
			tensor_set_i64(t, at, low ? -top - 1 : top);
		else
			tensor_set_i64(t, at, low ? 0 : -1);
	}
}

/* Copies input 0 to the output, which the updates then change. */
static size_t start_from_data(struct eval *s)
{
	size_t size = eval_elem_size(s, &s->in[0]), bytes = tensor_bytes(&s->in[0]);
	if (size && bytes)
		memcpy(s->out[0].data, s->in[0].data, bytes);
	return size;
}

/* Content of a list after updates at known places. */
static void scatter_content(struct infer *s)
{
	int n, m, k;
	const struct dim *data = infer_elems(s, 0, &n), *update = infer_elems(s, 2, &k);
	int64_t at[LIMIT_ELEMS];
	struct dim out[LIMIT_ELEMS];
	if (!data || !update || s->in[0].shape.rank != 1 || reduction_of(s->node) != NONE)
		return;
	m = infer_ints(s, 1, at, LIMIT_ELEMS);
	if (m < 0 || m != k)
		return;
	memcpy(out, data, (size_t)n * sizeof *out);
	for (int i = 0; i < m; i++) {
		int64_t j = at[i] < 0 ? at[i] + n : at[i];
		if (j < 0 || j >= n)
			return;
		out[j] = update[i];
	}
	infer_set_elems(s, 0, n, out);
}

static int infer_scatter_types(struct infer *s)
{
	int status = infer_want_int(s, 1, "the indices");
	if (!status)
		status = infer_want_same(s, 0, 2);
	if (!status && s->nin > 3)
		status = infer_want_int(s, 3, "the axis");
	s->out[0].type = s->in[0].type;
	s->out[0].shape = s->in[0].shape;
	return status;
}

/* ---- ScatterElementsUpdate ---- */

int infer_scatter_elements(struct infer *s)
{
	const struct shape *data = &s->in[0].shape, *index = &s->in[1].shape;
	struct shape both;
	int64_t v;
	int status = infer_scatter_types(s);
	if (status)
		return status;
	if (data->rank >= 0 && index->rank >= 0 && data->rank != index->rank)
		return infer_fail(
		    s, "the indices have rank %d, the data %d", index->rank, data->rank);
	if (!shape_merge(index, &s->in[2].shape, &both))
		return infer_fail(s, "indices and updates have different shapes");
	if (data->rank >= 0 && infer_int(s, 3, &v) && infer_axis(s, v, data->rank) < 0)
		return E_FORMAT;
	scatter_content(s);
	return OK;
}

/* Offsets in the data of every update; NULL with the error set. */
static int64_t *element_places(struct eval *s, int axis)
{
	const struct tensor *data = &s->in[0], *index = &s->in[1];
	int64_t count = tensor_count(index), stride[MAX_RANK], at[MAX_RANK] = {0};
	int64_t *place = arena_array(s->scratch, (size_t)count + 1, sizeof *place);
	if (!place) {
		fail_nomem(s->err);
		return NULL;
	}
	tensor_strides(data, stride);
	for (int64_t i = 0; i < count; i++) {
		int64_t k = index_at(index, i);
		for (int d = 0; d < data->rank; d++) {
			int64_t j = d != axis ? at[d] : k < 0 ? k + data->dim[d] : k;
			if (j < 0 || j >= data->dim[d]) {
				eval_fail(s, E_FORMAT, "index %lld of axis %d is out of range",
				    (long long)(d == axis ? k : j), d);
				return NULL;
			}
			place[i] += j * stride[d];
		}
		for (int d = data->rank - 1; d >= 0 && ++at[d] == index->dim[d]; d--)
			at[d] = 0;
	}
	return place;
}

/* Divides what was summed up by the number of summands, downward for integers. */
static int finish_mean(struct eval *s, const int64_t *place, int64_t count, bool init)
{
	struct tensor *out = &s->out[0];
	int64_t n = tensor_count(out);
	int64_t *summands = arena_array(s->scratch, (size_t)n + 1, sizeof *summands);
	if (!summands)
		return fail_nomem(s->err);
	for (int64_t i = 0; i < count; i++)
		summands[place[i]]++;
	for (int64_t i = 0; i < n; i++) {
		int64_t by = summands[i] + init;
		if (!summands[i])
			continue;
		if (dtype_is_float(out->type)) {
			tensor_set_f64(out, i, tensor_f64(out, i) / (double)by);
		} else {
			int64_t sum = tensor_i64(out, i), q = sum / by;
			tensor_set_i64(out, i, q - (sum % by < 0));
		}
	}
	return OK;
}

int eval_scatter_elements(struct eval *s)
{
	const struct tensor *update = &s->in[2];
	enum reduction how = reduction_of(s->node);
	bool init = how == NONE || attr_bool(s->node, "use_init_val");
	int64_t v, count = tensor_count(update);
	size_t size = start_from_data(s);
	if (!size || eval_int(s, 3, &v))
		return s->err->status;
	int axis = eval_axis(s, v, s->in[0].rank);
	const int64_t *place = axis < 0 ? NULL : element_places(s, axis);
	if (!place)
		return s->err->status;
	for (int64_t i = 0; i < count && !init; i++)
		set_neutral(how, &s->out[0], place[i]);
	for (int64_t i = 0; i < count; i++) {
		if (how == NONE)
			memcpy((char *)s->out[0].data + place[i] * (int64_t)size,
			    (const char *)update->data + i * (int64_t)size, size);
		else
			reduce_into(how, &s->out[0], place[i], update, i);
	}
	return how == MEAN ? finish_mean(s, place, count, init) : OK;
}

/* ---- ScatterNDUpdate ---- */

int infer_scatter_nd(struct infer *s)
{
	const struct shape *data = &s->in[0].shape, *index = &s->in[1].shape;
	const struct shape *update = &s->in[2].shape;
	int status = infer_scatter_types(s);
	if (status || data->rank < 0 || index->rank < 0)
		return status;
	if (index->rank < 1)
		return infer_fail(s, "the indices are a scalar");
	struct dim depth = index->dim[index->rank - 1], d;
	if (!dim_static(depth))
		return OK;
	if (depth.min > data->rank)
		return infer_fail(s, "indices of %lld parts for data of rank %d",
		    (long long)depth.min, data->rank);
	int lead = index->rank - 1, rank = lead + data->rank - (int)depth.min;
	if (update->rank >= 0 && update->rank != rank)
		return infer_fail(s, "updates have rank %d, expected %d", update->rank, rank);
	for (int i = 0; i < update->rank; i++) {
		struct dim want = i < lead ? index->dim[i] : data->dim[i - lead + (int)depth.min];
		if (!dim_merge(update->dim[i], want, &d))
			return infer_fail(s, "dimension %d of the updates does not fit", i);
	}
	if (depth.min == 1)
		scatter_content(s);
	return OK;
}

int eval_scatter_nd(struct eval *s)
{
	const struct tensor *data = &s->in[0], *index = &s->in[1], *update = &s->in[2];
	enum reduction how = reduction_of(s->node);
	int64_t stride[MAX_RANK];
	size_t size = start_from_data(s);
	if (!size)
		return s->err->status;
	int depth = (int)index->dim[index->rank - 1];
	int64_t slices = dims_product(index, 0, index->rank - 1);
	int64_t slice = dims_product(data, depth, data->rank);
	if (slices * slice != tensor_count(update))
		return eval_fail(s, E_FORMAT, "the updates do not fit data and indices");
	tensor_strides(data, stride);
	for (int64_t i = 0; slice && i < slices; i++) {
		int64_t at = 0;
		for (int d = 0; d < depth; d++) {
			int64_t k = index_at(index, i * depth + d), n = data->dim[d];
			if (k < -n || k >= n)
				return eval_fail(
				    s, E_FORMAT, "index %lld is out of range", (long long)k);
			at += (k < 0 ? k + n : k) * stride[d];
		}
		for (int64_t j = 0; how != NONE && j < slice; j++)
			reduce_into(how, &s->out[0], at + j, update, i * slice + j);
		if (how == NONE)
			memcpy((char *)s->out[0].data + at * (int64_t)size,
			    (const char *)update->data + i * slice * (int64_t)size,
			    (size_t)slice * size);
	}
	return OK;
}

/* ---- ScatterUpdate ---- */

int infer_scatter(struct infer *s)
{
	const struct shape *data = &s->in[0].shape, *index = &s->in[1].shape;
	const struct shape *update = &s->in[2].shape;
	int64_t v;
	int status = infer_scatter_types(s);
	if (status || data->rank < 0 || !infer_int(s, 3, &v))
		return status;
	int axis = infer_axis(s, v, data->rank);
	if (axis < 0)
		return E_FORMAT;
	if (index->rank < 0 || update->rank < 0)
		return OK;
	if (update->rank != data->rank + index->rank - 1)
		return infer_fail(s, "updates have rank %d, expected %d", update->rank,
		    data->rank + index->rank - 1);
	for (int i = 0; i < update->rank; i++) {
		struct dim d, want = i < axis                 ? data->dim[i]
				     : i < axis + index->rank ? index->dim[i - axis]
							      : data->dim[i - index->rank + 1];
		if (!dim_merge(update->dim[i], want, &d))
			return infer_fail(s, "dimension %d of the updates does not fit", i);
	}
	scatter_content(s);
	return OK;
}

int eval_scatter(struct eval *s)
{
	const struct tensor *data = &s->in[0], *index = &s->in[1];
	int64_t v, count = tensor_count(index);
	size_t size = start_from_data(s);
	if (!size || eval_int(s, 3, &v))
		return s->err->status;
	int axis = eval_axis(s, v, data->rank);
	if (axis < 0)
		return s->err->status;
	if (!tensor_count(data))
		return OK;
	int64_t outer = dims_product(data, 0, axis), n = data->dim[axis];
	size_t row = (size_t)dims_product(data, axis + 1, data->rank) * size;
	if ((size_t)(outer * count) * row != tensor_bytes(&s->in[2]))
		return eval_fail(s, E_FORMAT, "the updates do not fit data and indices");
	const char *src = s->in[2].data;
	for (int64_t o = 0; o < outer; o++)
		for (int64_t i = 0; i < count; i++, src += row) {
			int64_t k = index_at(index, i);
			if (k < -n || k >= n)
				return eval_fail(
				    s, E_FORMAT, "index %lld is out of range", (long long)k);
			k = k < 0 ? k + n : k;
			if (row)
				memcpy(
				    (char *)s->out[0].data + (size_t)(o * n + k) * row, src, row);
		}
	return OK;
}
