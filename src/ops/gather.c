/* Picking elements by index: Gather, GatherElements, GatherND. */
#include <string.h>

#include "ops/content.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_gather[] = {{"batch_dims", ATTR_INT, false, "0", NULL}, {0}};
const struct attr_def attrs_gather_elements[] = {{"axis", ATTR_INT, true, NULL, NULL}, {0}};

/* Up to version 7 an index must lie inside; from 8 on a wrong one gives zeros. */
static bool gather_strict(const struct node *n)
{
	return !node_is(n, OP_GATHER);
}

/* Dim i of the data and of the indices, in the batch, must agree. */
static int batch_dims(struct infer *s, int batch, struct shape *out)
{
	for (int i = 0; i < batch; i++)
		if (!dim_merge(s->in[0].shape.dim[i], s->in[1].shape.dim[i], &out->dim[i]))
			return infer_fail(s, "batch dimension %d of data and indices differ", i);
	return OK;
}

/* An element of a known list, or a list of such elements. */
static void gather_content(struct infer *s)
{
	int n, m;
	const struct dim *list = infer_elems(s, 0, &n), *at = infer_elems(s, 1, &m);
	struct dim out[LIMIT_ELEMS];
	if (!list || !at || s->in[0].shape.rank != 1 || s->out[0].shape.rank > 1 || m > LIMIT_ELEMS)
		return;
	for (int i = 0; i < m; i++) {
		int64_t k = at[i].min < 0 ? at[i].min + n : at[i].min;
		bool known = dim_static(at[i]) && k >= 0 && k < n;
		out[i] = known ? list[k] : elem_any();
	}
	infer_set_elems(s, 0, m, out);
}

int infer_gather(struct infer *s)
{
	const struct shape *data = &s->in[0].shape, *index = &s->in[1].shape;
	struct shape *out = &s->out[0].shape;
	int64_t batch = node_is(s->node, OP_GATHER_1) ? 0 : attr_i(s->node, "batch_dims"), v;
	int status = infer_want_int(s, 1, "the indices");
	if (!status)
		status = infer_want_int(s, 2, "the axis");
	s->out[0].type = s->in[0].type;
	if (status || data->rank < 0 || index->rank < 0)
		return status;
	if (batch < 0)
		batch += index->rank;
	if (batch < 0 || batch > index->rank || batch > data->rank)
		return infer_fail(s, "batch_dims %lld is out of range", (long long)batch);
	int rank = data->rank - 1 + index->rank - (int)batch;
	if (data->rank < 1)
		return infer_fail(s, "a scalar has nothing to gather from");
	status = infer_want_max_rank(s, rank);
	if (status)
		return status;
	*out = shape_any(rank);
	if (!infer_int(s, 2, &v))
		return batch_dims(s, (int)batch, out);
	int axis = infer_axis(s, v, data->rank);
	if (axis < 0)
		return E_FORMAT;
	if (axis < batch)
		return infer_fail(s, "axis %d lies before batch_dims %lld", axis, (long long)batch);
	memcpy(out->dim, data->dim, (size_t)axis * sizeof *out->dim);
	int n = axis;
	for (int i = (int)batch; i < index->rank; i++)
		out->dim[n++] = index->dim[i];
	for (int i = axis + 1; i < data->rank; i++)
		out->dim[n++] = data->dim[i];
	gather_content(s);
	return batch_dims(s, (int)batch, out);
}

/* Sizes of one gather: data [outer][n][inner] within each batch. */
struct picks {
	int64_t batches, outer, n, inner, per_batch;
};

static int gather_run(struct eval *s, const struct picks *p, size_t size)
{
	const struct tensor *index = &s->in[1];
	const char *src = s->in[0].data;
	char *dst = s->out[0].data;
	size_t row = (size_t)p->inner * size;
	bool strict = gather_strict(s->node);
	for (int64_t b = 0; b < p->batches; b++)
		for (int64_t o = 0; o < p->outer; o++, src += (size_t)p->n * row)
			for (int64_t i = 0; i < p->per_batch; i++, dst += row) {
				int64_t k = index_at(index, b * p->per_batch + i);
				if (k < 0)
					k += p->n;
				if (k >= 0 && k < p->n)
					memcpy(dst, src + (size_t)k * row, row);
				else if (strict)
					return eval_fail(s, E_FORMAT,
					    "index %lld is out of range for %lld elements",
					    (long long)index_at(index, b * p->per_batch + i),
					    (long long)p->n);
				else
					memset(dst, 0, row);
			}
	return OK;
}

int eval_gather(struct eval *s)
{
	const struct tensor *data = &s->in[0], *index = &s->in[1];
	int64_t batch = node_is(s->node, OP_GATHER_1) ? 0 : attr_i(s->node, "batch_dims"), v;
	size_t size = eval_elem_size(s, data);
	if (!size || eval_int(s, 2, &v))
		return s->err->status;
	int axis = eval_axis(s, v, data->rank);
	if (batch < 0)
		batch += index->rank;
	if (axis < 0)
		return s->err->status;
	if (batch < 0 || batch > axis || batch > index->rank)
		return eval_fail(s, E_FORMAT, "batch_dims does not fit");
	struct picks p = {dims_product(data, 0, (int)batch), dims_product(data, (int)batch, axis),
	    data->dim[axis], dims_product(data, axis + 1, data->rank),
	    dims_product(index, (int)batch, index->rank)};
	if (p.batches != dims_product(index, 0, (int)batch) ||
	    p.batches * p.outer * p.per_batch * p.inner != tensor_count(&s->out[0]))
		return eval_fail(s, E_FORMAT, "the output does not fit data and indices");
	return tensor_count(&s->out[0]) ? gather_run(s, &p, size) : OK;
}

/* ---- GatherElements ---- */

int infer_gather_elements(struct infer *s)
{
	const struct shape *data = &s->in[0].shape, *index = &s->in[1].shape;
	int status = infer_want_int(s, 1, "the indices");
	s->out[0].type = s->in[0].type;
	s->out[0].shape = *index;
	if (status || data->rank < 0 || index->rank < 0)
		return status;
	if (data->rank != index->rank)
		return infer_fail(
		    s, "data has rank %d, the indices have %d", data->rank, index->rank);
	int axis = infer_axis(s, attr_i(s->node, "axis"), data->rank);
	if (axis < 0)
		return E_FORMAT;
	for (int i = 0; i < data->rank; i++)
		if (i != axis && index->dim[i].min > data->dim[i].max)
			return infer_fail(
			    s, "the indices are longer than the data along axis %d", i);
	return OK;
}

int eval_gather_elements(struct eval *s)
{
	const struct tensor *data = &s->in[0], *index = &s->in[1];
	size_t size = eval_elem_size(s, data);
	int axis = eval_axis(s, attr_i(s->node, "axis"), data->rank);
	int64_t stride[MAX_RANK], at[MAX_RANK] = {0}, count = tensor_count(index);
	if (!size || axis < 0)
		return s->err->status;
	for (int i = 0; i < data->rank; i++)
		if (i != axis && index->dim[i] > data->dim[i])
			return eval_fail(
			    s, E_FORMAT, "the indices are longer than the data along axis %d", i);
	tensor_strides(data, stride);
	char *dst = s->out[0].data;
	for (int64_t i = 0; i < count; i++, dst += size) {
		int64_t k = index_at(index, i), off = 0;
		if (k < 0)
			k += data->dim[axis];
		if (k < 0 || k >= data->dim[axis])
			return eval_fail(s, E_FORMAT, "index %lld is out of range",
			    (long long)index_at(index, i));
		for (int d = 0; d < data->rank; d++)
			off += stride[d] * (d == axis ? k : at[d]);
		memcpy(dst, (const char *)data->data + off * (int64_t)size, size);
		for (int d = data->rank - 1; d >= 0 && ++at[d] == index->dim[d]; d--)
			at[d] = 0;
	}
	return OK;
}

/* ---- GatherND ---- */

/* GatherND-5 joins the batch dims of its result into one, GatherND-8 keeps them. */
static int nd_batch_out(const struct node *n, int batch)
{
	return node_is(n, OP_GATHER_ND_5) && batch ? 1 : batch;
}

int infer_gather_nd(struct infer *s)
{
	const struct shape *data = &s->in[0].shape, *index = &s->in[1].shape;
	struct shape *out = &s->out[0].shape, lead;
	int64_t batch = attr_i(s->node, "batch_dims");
	int status = infer_want_int(s, 1, "the indices");
	s->out[0].type = s->in[0].type;
	if (status || data->rank < 0 || index->rank < 0)
		return status;
	if (batch < 0 || batch >= index->rank || batch >= data->rank)
		return infer_fail(s, "batch_dims %lld is out of range", (long long)batch);
	struct dim depth = index->dim[index->rank - 1];
	if (!dim_static(depth))
		return OK;
	if (depth.min + batch > data->rank)
		return infer_fail(s, "indices of %lld parts for data of rank %d",
		    (long long)depth.min, data->rank);
	lead = *index;
	status = batch_dims(s, (int)batch, &lead);
	int skip = (int)(batch + depth.min), kept = nd_batch_out(s->node, (int)batch);
	int n = kept + index->rank - 1 - (int)batch + data->rank - skip;
	if (!status)
		status = infer_want_max_rank(s, n);
	if (status)
		return status;
	*out = shape_any(n);
	for (int i = 0; i < batch; i++)
		out->dim[i < kept ? i : kept - 1] = i < kept
							? lead.dim[i]
							: dim_mul(out->dim[kept - 1], lead.dim[i]);
	n = kept;
	for (int i = (int)batch; i < index->rank - 1; i++)
		out->dim[n++] = index->dim[i];
	for (int i = skip; i < data->rank; i++)
		out->dim[n++] = data->dim[i];
	return OK;
}

int eval_gather_nd(struct eval *s)
{
	const struct tensor *data = &s->in[0], *index = &s->in[1];
	size_t size = eval_elem_size(s, data);
	int batch = (int)attr_i(s->node, "batch_dims");
	int64_t stride[MAX_RANK];
	if (!size)
		return s->err->status;
	int depth = (int)index->dim[index->rank - 1];
	int64_t batches = dims_product(index, 0, batch);
	int64_t per_batch = dims_product(index, batch, index->rank - 1);
	int64_t slice = dims_product(data, batch + depth, data->rank);
	if (batches * per_batch * slice != tensor_count(&s->out[0]))
		return eval_fail(s, E_FORMAT, "the output does not fit data and indices");
	tensor_strides(data, stride);
	int64_t whole = dims_product(data, batch, data->rank);
	char *dst = s->out[0].data;
	for (int64_t i = 0; slice && i < batches * per_batch; i++, dst += (size_t)slice * size) {
		int64_t off = i / per_batch * whole;
		for (int d = 0; d < depth; d++) {
			int64_t k = index_at(index, i * depth + d), n = data->dim[batch + d];
			if (k < -n || k >= n)
				return eval_fail(s, E_FORMAT,
				    "index %lld is out of range for %lld elements", (long long)k,
				    (long long)n);
			off += (k < 0 ? k + n : k) * stride[batch + d];
		}
		memcpy(dst, (const char *)data->data + off * (int64_t)size, (size_t)slice * size);
	}
	return OK;
}
