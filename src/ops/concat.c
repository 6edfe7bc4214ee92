/* Joining and cutting along one axis: Concat, Split, VariadicSplit. */
#include <string.h>

#include "ops/content.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_concat[] = {{"axis", ATTR_INT, true, NULL, NULL}, {0}};
const struct attr_def attrs_split[] = {{"num_splits", ATTR_INT, true, NULL, NULL}, {0}};

/* Joins the lists of a rank-1 concatenation. */
static void concat_content(struct infer *s)
{
	struct dim all[LIMIT_ELEMS];
	int n = 0;
	bool some = false;
	for (int k = 0; k < s->nin; k++) {
		int m;
		const struct dim *e = infer_content(s, k, &m);
		if (!e || n + m > LIMIT_ELEMS)
			return;
		if (m)
			memcpy(all + n, e, (size_t)m * sizeof *e);
		n += m;
		some |= infer_has_content(s, k);
	}
	if (some)
		infer_set_elems(s, 0, n, all);
}

/* Merges input k into *out; the axis adds up, the other dims must agree. */
static int concat_join(struct infer *s, int k, int axis, struct shape *out)
{
	const struct shape *in = &s->in[k].shape;
	if (in->rank != out->rank)
		return infer_fail(
		    s, "input %d has rank %d, input 0 rank %d", k, in->rank, out->rank);
	for (int i = 0; i < in->rank; i++) {
		if (i == axis)
			out->dim[i] = dim_add(out->dim[i], in->dim[i]);
		else if (!dim_merge(out->dim[i], in->dim[i], &out->dim[i]))
			return infer_fail(
			    s, "dimension %d of input %d differs from the others", i, k);
	}
	return OK;
}

int infer_concat(struct infer *s)
{
	struct shape out = shape_unknown();
	bool unknown = false;
	int axis = 0;
	s->out[0].type = s->in[0].type;
	for (int k = 0; k < s->nin; k++) {
		int status = infer_want_same(s, 0, k);
		if (status)
			return status;
		const struct shape *in = &s->in[k].shape;
		if (in->rank < 0) {
			unknown = true;
			continue;
		}
		if (out.rank < 0) {
			out = *in;
			axis = infer_axis(s, attr_i(s->node, "axis"), in->rank);
			status = axis < 0 ? E_FORMAT : OK;
		} else {
			status = concat_join(s, k, axis, &out);
		}
		if (status)
			return status;
	}
	if (out.rank >= 0 && unknown)
		out.dim[axis] = (struct dim){out.dim[axis].min, DIM_INF, 0};
	s->out[0].shape = out;
	if (out.rank == 1)
		concat_content(s);
	return OK;
}

int eval_concat(struct eval *s)
{
	struct tensor *out = &s->out[0];
	size_t size = eval_elem_size(s, out);
	int axis = eval_axis(s, attr_i(s->node, "axis"), out->rank);
	if (!size || axis < 0)
		return s->err->status;
	int64_t outer = dims_product(out, 0, axis);
	size_t inner = (size_t)dims_product(out, axis + 1, out->rank) * size;
	size_t row = inner * (size_t)out->dim[axis], at = 0;
	for (int k = 0; k < s->nin; k++) {
		size_t part = (size_t)s->in[k].dim[axis] * inner;
		if (part > row - at)
			return eval_fail(s, E_FORMAT, "input %d does not fit the output", k);
		for (int64_t i = 0; part && i < outer; i++)
			memcpy((char *)out->data + (size_t)i * row + at,
			    (const char *)s->in[k].data + (size_t)i * part, part);
		at += part;
	}
	return OK;
}

/* Hands out the content of a list that is cut into parts. */
static void split_content(struct infer *s)
{
	int n, at = 0;
	const struct dim *e = infer_elems(s, 0, &n);
	for (int k = 0; e && s->in[0].shape.rank == 1 && k < s->nout; k++) {
		int64_t part = shape_count(&s->out[k].shape);
		if (part < 0 || part > n - at)
			return;
		infer_set_elems(s, k, (int)part, e + at);
		at += (int)part;
	}
}

/* Outputs of the input's type and rank, and the axis: -1 when it is not known. */
static int split_start(struct infer *s, int *axis)
{
	const struct shape *in = &s->in[0].shape;
	int64_t v;
	int status = infer_want_int(s, 1, "the axis");
	if (status)
		return status;
	for (int k = 0; k < s->nout; k++) {
		s->out[k].type = s->in[0].type;
		s->out[k].shape = in->rank < 0 ? shape_unknown() : shape_any(in->rank);
	}
	*axis = -1;
	if (in->rank < 0 || !infer_int(s, 1, &v))
		return OK;
	*axis = infer_axis(s, v, in->rank);
	if (*axis < 0)
		return E_FORMAT;
	for (int k = 0; k < s->nout; k++)
		s->out[k].shape = *in;
	return OK;
}

int infer_split(struct infer *s)
{
	int64_t parts = attr_i(s->node, "num_splits");
	if (parts < 1 || parts != s->nout)
		return infer_fail(
		    s, "num_splits is %lld, but there are %d outputs", (long long)parts, s->nout);
	int axis, status = split_start(s, &axis);
	if (status || axis < 0)
		return status;
	struct dim d = s->in[0].shape.dim[axis];
	if (dim_static(d) && d.min % parts)
		return infer_fail(s,
		    "%lld elements along axis %d cannot be split into %lld equal parts",
		    (long long)d.min, axis, (long long)parts);
	struct dim part = {(d.min + parts - 1) / parts, d.max == DIM_INF ? DIM_INF : d.max / parts,
	    parts == 1 ? d.symbol : 0};
	for (int k = 0; k < s->nout; k++)
		s->out[k].shape.dim[axis] = part;
	split_content(s);
	return OK;
}

/* The size of the one part that asks for the rest with -1. */
static int split_rest(struct infer *s, struct dim whole, int64_t sum, bool rest, struct dim *d)
{
	if (!dim_static(whole)) {
		if (whole.max < sum)
			return infer_fail(s, "the parts are longer than the axis");
		*d = (struct dim){whole.min > sum ? whole.min - sum : 0,
		    whole.max == DIM_INF ? DIM_INF : whole.max - sum, sum ? 0 : whole.symbol};
		return OK;
	}
	*d = dim_of(whole.min - sum);
	if (rest ? whole.min >= sum : whole.min == sum)
		return OK;
	return infer_fail(s, "the parts have %lld elements together, the axis has %lld",
	    (long long)sum, (long long)whole.min);
}

int infer_variadic_split(struct infer *s)
{
	int axis, rest = -1, n, status = infer_want_int(s, 2, "the lengths of the parts");
	if (!status)
		status = split_start(s, &axis);
	if (status || axis < 0)
		return status;
	int64_t sum = 0, count = infer_count(s, 2);
	if (count >= 0 && count != s->nout)
		return infer_fail(s, "%lld lengths for %d outputs", (long long)count, s->nout);
	int64_t *len = arena_array(s->arena, (size_t)s->nout, sizeof *len);
	if (!len)
		return fail_nomem(s->err);
	n = infer_ints(s, 2, len, s->nout);
	for (int k = 0; k < n; k++) {
		if (len[k] < -1 || (len[k] == -1 && rest >= 0) || len[k] > LIMIT_TENSOR_BYTES)
			return infer_fail(s, "part %d has length %lld", k, (long long)len[k]);
		if (len[k] == -1)
			rest = k;
		else
			sum += len[k];
	}
	struct dim left = dim_any();
	if (n == s->nout)
		status = split_rest(s, s->in[0].shape.dim[axis], sum, rest >= 0, &left);
	for (int k = 0; k < s->nout; k++)
		s->out[k].shape.dim[axis] = n != s->nout ? dim_any()
					    : k == rest  ? left
							 : dim_of(len[k]);
	if (!status)
		split_content(s);
	return status;
}

int eval_split(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	size_t size = eval_elem_size(s, in), at = 0;
	int64_t v;
	if (!size || eval_int(s, 1, &v))
		return s->err->status;
	int axis = eval_axis(s, v, in->rank);
	if (axis < 0)
		return s->err->status;
	int64_t outer = dims_product(in, 0, axis);
	size_t inner = (size_t)dims_product(in, axis + 1, in->rank) * size;
	size_t row = inner * (size_t)in->dim[axis];
	for (int k = 0; k < s->nout; k++) {
		size_t part = (size_t)s->out[k].dim[axis] * inner;
		if (part > row - at)
			return eval_fail(s, E_FORMAT, "the parts are longer than axis %d", axis);
		for (int64_t i = 0; part && i < outer; i++)
			memcpy((char *)s->out[k].data + (size_t)i * part,
			    (const char *)in->data + (size_t)i * row + at, part);
		at += part;
	}
	return OK;
}
