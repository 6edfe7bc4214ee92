/* Repeating elements: Broadcast and Tile. */
#include <string.h>

#include "base/checked.h"
#include "ops/content.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_broadcast_1[] = {
    {"mode", ATTR_STRING, false, "numpy", "numpy|explicit"}, {0}};
const struct attr_def attrs_broadcast_3[] = {
    {"mode", ATTR_STRING, false, "numpy", "numpy|explicit|bidirectional"}, {0}};

/* One dim of the data stretched to the target: 1, or the same. */
static int stretch(struct infer *s, struct dim d, struct dim *target, int i)
{
	if (d.min <= 1 && d.max >= 1 && !(d.min == 0 && target->max == 0)) {
		if (d.symbol && d.symbol == target->symbol && d.max > target->max)
			target->max = d.max;
		return OK;
	}
	if (dim_merge(d, *target, target))
		return OK;
	return infer_fail(s, "dimension %d of the input cannot be broadcast to the target", i);
}

static int broadcast_numpy(struct infer *s, struct shape *out)
{
	const struct shape *in = &s->in[0].shape;
	if (in->rank < 0)
		return OK;
	if (in->rank > out->rank)
		return infer_fail(
		    s, "the target has rank %d, less than the input's %d", out->rank, in->rank);
	for (int i = 0; i < in->rank; i++) {
		int status = stretch(s, in->dim[i], &out->dim[out->rank - in->rank + i], i);
		if (status)
			return status;
	}
	return OK;
}

static int broadcast_explicit(struct infer *s, struct shape *out)
{
	const struct shape *in = &s->in[0].shape;
	int axes[MAX_RANK], n;
	if (!infer_has(s, 2))
		return infer_fail(s, "mode explicit needs the mapping of axes");
	int status = infer_axes(s, 2, out->rank, axes, &n);
	if (status || in->rank < 0 || n < 0)
		return status;
	if (n != in->rank && !(in->rank == 1 && n == 0))
		return infer_fail(s, "%d mapped axes for an input of rank %d", n, in->rank);
	for (int i = 0; i < n; i++) {
		if (i && axes[i] <= axes[i - 1])
			return infer_fail(s, "the mapped axes must rise");
		status = stretch(s, in->dim[i], &out->dim[axes[i]], i);
		if (status)
			return status;
	}
	return OK;
}

/* One known value everywhere, or the same list. */
static void repeat_content(struct infer *s)
{
	int n;
	const struct dim *e = infer_elems(s, 0, &n);
	int64_t count = shape_count(&s->out[0].shape);
	struct dim all[LIMIT_ELEMS];
	if (!e || n < 1 || s->out[0].shape.rank > 1 || count < 0 || count > LIMIT_ELEMS ||
	    count % n)
		return;
	for (int i = 0; i < count; i++)
		all[i] = e[i % n];
	infer_set_elems(s, 0, (int)count, all);
}

int infer_broadcast(struct infer *s)
{
	struct shape *out = &s->out[0].shape, target;
	s->out[0].type = s->in[0].type;
	int status = infer_target(s, 1, &target);
	if (status)
		return status;
	bool both = attr_is(s->node, "mode", "bidirectional");
	if (target.rank < 0)
		return OK;
	if (both) {
		if (!shape_broadcast(&s->in[0].shape, &target, out))
			return infer_fail(
			    s, "the input and the target cannot be broadcast together");
	} else if (attr_is(s->node, "mode", "explicit")) {
		status = broadcast_explicit(s, &target);
		*out = target;
	} else {
		status = broadcast_numpy(s, &target);
		*out = target;
	}
	if (!status)
		repeat_content(s);
	return status;
}

int eval_broadcast(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	struct tensor *out = &s->out[0];
	int64_t from[MAX_RANK], to[MAX_RANK], step[MAX_RANK] = {0};
	const int64_t *map = NULL;
	int n = in->rank;
	size_t size = eval_elem_size(s, in);
	if (!size)
		return s->err->status;
	if (attr_is(s->node, "mode", "explicit") && !(map = eval_ints(s, 2, &n)))
		return s->err->status;
	if ((n != in->rank && !(n == 0 && tensor_count(in) == 1)) || in->rank > out->rank)
		return eval_fail(s, E_FORMAT, "the input does not fit the target");
	tensor_strides(in, from);
	tensor_strides(out, to);
	for (int i = 0; i < n; i++) {
		int axis = map ? eval_axis(s, map[i], out->rank) : out->rank - in->rank + i;
		if (axis < 0)
			return s->err->status;
		if (in->dim[i] != 1 && in->dim[i] != out->dim[axis])
			return eval_fail(s, E_FORMAT, "dimension %d cannot be broadcast", i);
		step[axis] = in->dim[i] == 1 ? 0 : from[i];
	}
	struct view v = {0};
	for (int i = 0; i < out->rank; i++)
		view_dim(&v, out->dim[i], step[i], to[i]);
	view_copy(&v, out->data, in->data, size);
	return OK;
}

/* ---- Tile ---- */

int infer_tile(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	int n, status = infer_want_int(s, 1, "repeats");
	s->out[0].type = s->in[0].type;
	if (status || in->rank < 0)
		return status;
	if (infer_count(s, 1) > MAX_RANK)
		return infer_want_max_rank(s, MAX_RANK + 1);
	const struct dim *e = infer_content(s, 1, &n);
	if (!e)
		return OK;
	int rank = n > in->rank ? n : in->rank;
	*out = shape_any(rank);
	for (int i = 0; i < rank; i++) {
		int d = i - (rank - in->rank), r = i - (rank - n);
		struct dim size = d < 0 ? dim_of(1) : in->dim[d];
		struct dim times = r < 0 ? dim_of(1) : e[r];
		if (times.max < 0)
			return infer_fail(s, "repeat %d is %lld", r, (long long)times.max);
		out->dim[i] = dim_mul(size, elem_size(times));
	}
	repeat_content(s);
	return OK;
}

int eval_tile(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	struct tensor *out = &s->out[0];
	int64_t from[MAX_RANK], to[MAX_RANK];
	struct view v = {0};
	size_t size = eval_elem_size(s, in);
	if (!size)
		return s->err->status;
	if (!tensor_count(out))
		return OK;
	tensor_strides(in, from);
	tensor_strides(out, to);
	for (int i = 0; i < out->rank; i++) {
		int k = i - (out->rank - in->rank);
		int64_t d = k < 0 ? 1 : in->dim[k];
		if (!d || out->dim[i] % d)
			return eval_fail(s, E_FORMAT, "the repeats do not give the output's shape");
		view_dim(&v, out->dim[i] / d, 0, d * to[i]);
		view_dim(&v, d, k < 0 ? 0 : from[k], to[i]);
	}
	view_copy(&v, out->data, in->data, size);
	return OK;
}
