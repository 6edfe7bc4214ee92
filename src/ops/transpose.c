/* Permuting and turning round: Transpose, Reverse, ReverseSequence, Roll, ShuffleChannels. */
#include <string.h>

#include "ops/content.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_reverse[] = {{"mode", ATTR_STRING, true, NULL, "index|mask"}, {0}};
const struct attr_def attrs_reverse_sequence[] = {
    {"batch_axis", ATTR_INT, false, "0", NULL}, {"seq_axis", ATTR_INT, false, "1", NULL}, {0}};
const struct attr_def attrs_shuffle_channels[] = {
    {"axis", ATTR_INT, false, "1", NULL}, {"group", ATTR_INT, false, "1", NULL}, {0}};

int infer_transpose(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	int order[MAX_RANK], n, status = infer_want_rank(s, 1, 1, 1, "the order");
	if (status)
		return status;
	s->out[0].type = s->in[0].type;
	int64_t count = infer_count(s, 1);
	if (count > MAX_RANK)
		return infer_want_max_rank(s, MAX_RANK + 1);
	int rank = in->rank >= 0 ? in->rank : count > 0 ? (int)count : -1;
	if (rank < 0)
		return infer_want_int(s, 1, "the order");
	status = infer_axes(s, 1, rank, order, &n);
	if (status)
		return status;
	s->out[0].shape = shape_any(rank);
	if (count > 0 && count != rank)
		return infer_fail(
		    s, "the order has %lld entries, the input rank %d", (long long)count, rank);
	if (n < 0 || in->rank < 0)
		return OK;
	for (int i = 0; i < rank; i++)
		s->out[0].shape.dim[i] = in->dim[n ? order[i] : rank - 1 - i];
	if (rank == 1 && infer_elems(s, 0, &n))
		infer_set_elems(s, 0, n, infer_elems(s, 0, &n));
	return OK;
}

int eval_transpose(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	struct tensor *out = &s->out[0];
	int64_t from[MAX_RANK], to[MAX_RANK], dims[MAX_RANK];
	struct view v = {0};
	int n;
	size_t size = eval_elem_size(s, in);
	const int64_t *order = eval_ints(s, 1, &n);
	if (!size || !order)
		return s->err->status;
	if (n && n != in->rank)
		return eval_fail(
		    s, E_FORMAT, "the order has %d entries, the input rank %d", n, in->rank);
	tensor_strides(in, from);
	tensor_strides(out, to);
	for (int i = 0; i < in->rank; i++) {
		int axis = n ? eval_axis(s, order[i], in->rank) : in->rank - 1 - i;
		if (axis < 0)
			return s->err->status;
		dims[i] = in->dim[axis];
		view_dim(&v, dims[i], from[axis], out->rank == in->rank ? to[i] : 0);
	}
	if (eval_expect(s, 0, in->rank, dims))
		return s->err->status;
	view_copy(&v, out->data, in->data, size);
	return OK;
}

/* ---- Reverse ---- */

int infer_reverse(struct infer *s)
{
	int n, status = infer_same(s);
	if (status || s->in[0].shape.rank != 1)
		return status;
	int64_t v;
	const struct dim *e = infer_elems(s, 0, &n);
	if (!e || infer_ints(s, 1, &v, 1) != 1)
		return OK;
	bool turn = !attr_is(s->node, "mode", "mask") || v;
	struct dim out[LIMIT_ELEMS];
	for (int i = 0; i < n; i++)
		out[i] = e[turn ? n - 1 - i : i];
	infer_set_elems(s, 0, n, out);
	return OK;
}

/* Bit i: axis i is turned. */
static int reverse_axes(struct eval *s, uint32_t *axes)
{
	int rank = s->in[0].rank;
	*axes = 0;
	if (attr_is(s->node, "mode", "mask")) {
		if (s->in[1].rank != 1 || s->in[1].dim[0] != rank)
			return eval_fail(s, E_FORMAT, "the mask does not fit rank %d", rank);
		for (int i = 0; i < rank; i++)
			*axes |= tensor_i64(&s->in[1], i) ? 1u << i : 0;
		return OK;
	}
	int n;
	const int64_t *v = eval_ints(s, 1, &n);
	if (!v)
		return s->err->status;
	for (int i = 0; i < n; i++) {
		int axis = eval_axis(s, v[i], rank);
		if (axis < 0)
			return s->err->status;
		*axes |= 1u << axis;
	}
	return OK;
}

int eval_reverse(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	int64_t stride[MAX_RANK], start = 0;
	struct view v = {0};
	uint32_t axes;
	size_t size = eval_elem_size(s, in);
	if (!size || reverse_axes(s, &axes))
		return s->err->status;
	if (!tensor_count(in))
		return OK;
	tensor_strides(in, stride);
	for (int i = 0; i < in->rank; i++) {
		bool turn = axes & 1u << i;
		view_dim(&v, in->dim[i], turn ? -stride[i] : stride[i], stride[i]);
		start += turn ? (in->dim[i] - 1) * stride[i] : 0;
	}
	view_copy(&v, s->out[0].data, (const char *)in->data + start * (int64_t)size, size);
	return OK;
}

int infer_reverse_sequence(struct infer *s)
{
	int status = infer_want_rank(s, 1, 1, 1, "the list of lengths");
	int rank = s->in[0].shape.rank;
	if (!status && rank >= 0 &&
	    (infer_axis(s, attr_i(s->node, "batch_axis"), rank) < 0 ||
		infer_axis(s, attr_i(s->node, "seq_axis"), rank) < 0))
		return E_FORMAT;
	return status ? status : infer_same(s);
}

int eval_reverse_sequence(struct eval *s)
{
	const struct tensor *in = &s->in[0], *len = &s->in[1];
	size_t size = eval_elem_size(s, in);
	int64_t stride[MAX_RANK];
	int batch = eval_axis(s, attr_i(s->node, "batch_axis"), in->rank);
	int seq = eval_axis(s, attr_i(s->node, "seq_axis"), in->rank);
	if (!size || batch < 0 || seq < 0)
		return s->err->status;
	if (batch == seq || tensor_count(len) != in->dim[batch])
		return eval_fail(s, E_FORMAT, "the list of lengths does not fit the batch");
	if (!tensor_count(in))
		return OK;
	tensor_strides(in, stride);
	for (int64_t b = 0; b < in->dim[batch]; b++) {
		double given = tensor_f64(len, b);
		if (!(given >= 0 && given <= (double)in->dim[seq]))
			return eval_fail(s, E_FORMAT, "length %g is outside of the axis", given);
		int64_t n = (int64_t)given;
		const char *src = (const char *)in->data + b * stride[batch] * (int64_t)size;
		char *dst = (char *)s->out[0].data + b * stride[batch] * (int64_t)size;
		struct view turned = {0}, rest = {0};
		for (int i = 0; i < in->rank; i++) {
			if (i == batch)
				continue;
			int64_t d = i == seq ? n : in->dim[i];
			view_dim(&turned, d, i == seq ? -stride[i] : stride[i], stride[i]);
			view_dim(&rest, i == seq ? in->dim[i] - n : d, stride[i], stride[i]);
		}
		if (n)
			view_copy(&turned, dst, src + (n - 1) * stride[seq] * (int64_t)size, size);
		int64_t off = n * stride[seq] * (int64_t)size;
		view_copy(&rest, dst + off, src + off, size);
	}
	return OK;
}

/* ---- Roll ---- */

int infer_roll(struct infer *s)
{
	int status = infer_want_int(s, 1, "the shift");
	if (!status)
		status = infer_want_int(s, 2, "the axes");
	return status ? status : infer_same(s);
}

/* Total shift of every axis, in [0, size). */
static int roll_shifts(struct eval *s, int64_t shift[MAX_RANK])
{
	const struct tensor *in = &s->in[0];
	int nshift, naxes;
	const int64_t *by = eval_ints(s, 1, &nshift), *axes = by ? eval_ints(s, 2, &naxes) : NULL;
	if (!axes)
		return s->err->status;
	if (nshift != naxes && nshift != 1)
		return eval_fail(s, E_FORMAT, "%d shifts for %d axes", nshift, naxes);
	for (int i = 0; i < naxes; i++) {
		int axis = eval_axis(s, axes[i], in->rank);
		if (axis < 0)
			return s->err->status;
		int64_t d = in->dim[axis], k = nshift == 1 ? by[0] : by[i];
		if (d)
			shift[axis] = (shift[axis] + (k % d + d) % d) % d;
	}
	return OK;
}

int eval_roll(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	int64_t shift[MAX_RANK] = {0}, stride[MAX_RANK];
	size_t size = eval_elem_size(s, in);
	if (!size || roll_shifts(s, shift))
		return s->err->status;
	tensor_strides(in, stride);
	/* Each axis is cut in two runs; every combination of runs is one copy. */
	for (uint32_t part = 0; part < 1u << in->rank; part++) {
		struct view v = {0};
		int64_t from = 0, to = 0;
		bool empty = false;
		for (int i = 0; i < in->rank; i++) {
			bool tail = part & 1u << i;
			int64_t n = tail ? shift[i] : in->dim[i] - shift[i];
			empty |= n == 0;
			from += tail ? (in->dim[i] - shift[i]) * stride[i] : 0;
			to += tail ? 0 : shift[i] * stride[i];
			view_dim(&v, n, stride[i], stride[i]);
		}
		if (!empty)
			view_copy(&v, (char *)s->out[0].data + to * (int64_t)size,
			    (const char *)in->data + from * (int64_t)size, size);
	}
	return OK;
}

/* ---- ShuffleChannels ---- */

int infer_shuffle_channels(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	int64_t group = attr_i(s->node, "group");
	if (group < 1)
		return infer_fail(s, "group is %lld", (long long)group);
	if (in->rank >= 0) {
		int axis = infer_axis(s, attr_i(s->node, "axis"), in->rank);
		if (axis < 0)
			return E_FORMAT;
		struct dim d = in->dim[axis];
		if (dim_static(d) && d.min % group)
			return infer_fail(s, "%lld channels cannot be divided into %lld groups",
			    (long long)d.min, (long long)group);
	}
	return infer_same(s);
}

int eval_shuffle_channels(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	size_t size = eval_elem_size(s, in);
	int axis = eval_axis(s, attr_i(s->node, "axis"), in->rank);
	int64_t group = attr_i(s->node, "group");
	if (!size || axis < 0)
		return s->err->status;
	int64_t outer = dims_product(in, 0, axis), inner = dims_product(in, axis + 1, in->rank);
	int64_t each = in->dim[axis] / group;
	struct view v = {0};
	view_dim(&v, outer, in->dim[axis] * inner, in->dim[axis] * inner);
	view_dim(&v, each, inner, group * inner);
	view_dim(&v, group, each * inner, inner);
	view_dim(&v, inner, 1, 1);
	view_copy(&v, s->out[0].data, in->data, size);
	return OK;
}
