/* Cutting out boxes: Slice and StridedSlice. */
#include <string.h>

#include "base/checked.h"
#include "ops/content.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_strided_slice[] = {{"begin_mask", ATTR_INTS, true, NULL, NULL},
    {"end_mask", ATTR_INTS, true, NULL, NULL}, {"new_axis_mask", ATTR_INTS, false, NULL, NULL},
    {"shrink_axis_mask", ATTR_INTS, false, NULL, NULL},
    {"ellipsis_mask", ATTR_INTS, false, NULL, NULL}, {0}};

/* What is cut from one dimension: from start by step, count elements. */
struct cut {
	int64_t start, step, count;
};

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* Python's rule for [start:stop:step] on n elements. */
static struct cut cut_of(int64_t n, int64_t start, int64_t stop, int64_t step)
{
	struct cut c = {0, step, 0};
	int64_t top = step < 0 ? n - 1 : n, low = step < 0 ? -1 : 0;
	if (start < 0)
		start = start < -n ? low : start + n;
	if (stop < 0)
		stop = stop < -n ? low : stop + n;
	c.start = clamp(start, low, top);
	stop = clamp(stop, low, top);
	if (step > 0 && stop > c.start)
		c.count = (stop - c.start - 1) / step + 1;
	if (step < 0 && stop < c.start)
		c.count = (c.start - stop - 1) / (step == INT64_MIN ? INT64_MAX : -step) + 1;
	return c;
}

#define TRY_SIZES 1024 /* as many sizes of a dim are simply tried */

/* The range of what is left when d is one of a few sizes. */
static struct dim try_sizes(struct dim d, int64_t start, int64_t stop, int64_t step)
{
	int64_t n = cut_of(d.min, start, stop, step).count;
	struct dim r = {n, n, 0};
	for (int64_t i = d.min + 1; i <= d.max; i++) {
		n = cut_of(i, start, stop, step).count;
		r.min = n < r.min ? n : r.min;
		r.max = n > r.max ? n : r.max;
	}
	return r;
}

/* What is left of a dim of any size, between known ends. */
static struct dim cut_open(struct dim d, int64_t start, int64_t stop, int64_t step)
{
	struct dim r = {0, d.max, 0};
	bool same_end = (start < 0) == (stop < 0);
	if (same_end || (step > 0 && start >= 0))
		r.min = cut_of(d.min, start, stop, step).count; /* it grows with d */
	if (same_end && step > 0 && stop < INT32_MAX)
		r.max = cut_of(d.max, start, stop, step).count;
	else if (step > 0 && start < 0 && start > -r.max)
		r.max = -start;
	return r;
}

/* The size that is left of d, for a known step and perhaps known ends. */
static struct dim cut_dim(struct dim d, struct dim start, struct dim stop, int64_t step)
{
	if (dim_static(start) && dim_static(stop)) {
		bool all = step == 1 && start.min == 0 &&
			   (stop.min >= d.max || stop.min >= INT32_MAX);
		if (all || (step == -1 && start.min == -1 && stop.min <= -INT32_MAX))
			return d;
		if (d.max - d.min <= TRY_SIZES)
			return try_sizes(d, start.min, stop.min, step);
		return cut_open(d, start.min, stop.min, step);
	}
	if (step == 1 && dim_static(start) && start.min == 0 && stop.min >= 0) {
		if (stop.symbol && (stop.symbol == d.symbol || stop.max <= d.min))
			return stop;
		return (struct dim){
		    stop.min < d.min ? stop.min : d.min, stop.max < d.max ? stop.max : d.max, 0};
	}
	return (struct dim){0, d.max, 0};
}

/* Elements [start::step] of a known list. */
static void cut_content(struct infer *s, int64_t start, int64_t stop, int64_t step)
{
	int n;
	const struct dim *e = infer_elems(s, 0, &n);
	struct dim out[LIMIT_ELEMS];
	if (!e)
		return;
	struct cut c = cut_of(n, start, stop, step);
	if (c.count > LIMIT_ELEMS)
		return;
	for (int64_t i = 0; i < c.count; i++)
		out[i] = e[c.start + i * c.step];
	infer_set_elems(s, 0, (int)c.count, out);
}

/* ---- Slice ---- */

/* The axes that Slice's lists speak of; *n -1 when unknown. */
static int slice_axes(struct infer *s, int rank, int *axes, int *n)
{
	if (infer_has(s, 4))
		return infer_axes(s, 4, rank, axes, n);
	int64_t count = infer_count(s, 1);
	if (count > rank)
		return infer_fail(s, "%lld starts for an input of rank %d", (long long)count, rank);
	*n = (int)count;
	for (int i = 0; i < *n; i++)
		axes[i] = i;
	return OK;
}

int infer_slice(struct infer *s)
{
	static const char *const what[] = {"", "start", "stop", "step", "axes"};
	const struct shape *in = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	int axes[MAX_RANK], n, count[4];
	const struct dim *e[4] = {0};
	s->out[0].type = s->in[0].type;
	for (int k = 1; k < s->nin; k++) {
		int status = infer_has(s, k) ? infer_want_int(s, k, what[k]) : OK;
		if (!status && infer_has(s, k))
			status = infer_want_rank(s, k, 1, 1, what[k]);
		if (status)
			return status;
	}
	if (in->rank < 0)
		return OK;
	int status = slice_axes(s, in->rank, axes, &n);
	*out = n < 0 ? shape_any(in->rank) : *in;
	if (status || n < 0)
		return status;
	for (int k = 1; k < 4; k++) {
		e[k] = infer_content(s, k, &count[k]);
		if (e[k] && count[k] != n)
			return infer_fail(s, "%s has %d values for %d axes", what[k], count[k], n);
	}
	for (int i = 0; i < n; i++) {
		struct dim *d = &out->dim[axes[i]];
		struct dim step = e[3] ? e[3][i] : elem_any();
		if (step.min == 0 && step.max == 0)
			return infer_fail(s, "step %d is 0", i);
		if (e[1] && e[2] && dim_static(step))
			*d = cut_dim(*d, e[1][i], e[2][i], step.min);
		else
			*d = (struct dim){0, d->max, 0};
	}
	if (in->rank == 1 && n == 1 && e[1] && e[2] && e[3] && dim_static(e[1][0]) &&
	    dim_static(e[2][0]) && dim_static(e[3][0]))
		cut_content(s, e[1][0].min, e[2][0].min, e[3][0].min);
	return OK;
}

/* Copies the box that cuts say from input 0 to output 0. */
static int copy_box(struct eval *s, const struct cut *cuts, size_t size)
{
	const struct tensor *in = &s->in[0];
	int64_t from[MAX_RANK], to = 1, start = 0;
	struct view v = {0};
	tensor_strides(in, from);
	for (int i = 0; i < in->rank; i++) {
		if (!cuts[i].count)
			return OK;
		start += cuts[i].start * from[i];
		view_dim(&v, cuts[i].count, cuts[i].count == 1 ? 0 : from[i] * cuts[i].step, 0);
	}
	for (int i = in->rank - 1; i >= 0; i--) {
		v.to[i] = to;
		to *= cuts[i].count;
	}
	view_copy(&v, s->out[0].data, (const char *)in->data + start * (int64_t)size, size);
	return OK;
}

int eval_slice(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	struct cut cuts[MAX_RANK];
	int64_t dims[MAX_RANK];
	const int64_t *v[5] = {0};
	int n[5];
	size_t size = eval_elem_size(s, in);
	if (!size)
		return s->err->status;
	for (int k = 1; k < 5; k++) {
		if (eval_has(s, k) && !(v[k] = eval_ints(s, k, &n[k])))
			return s->err->status;
		if (v[k] && n[k] != n[1])
			return eval_fail(s, E_FORMAT, "the lists have different lengths");
	}
	if (n[1] > in->rank)
		return eval_fail(s, E_FORMAT, "%d starts for an input of rank %d", n[1], in->rank);
	for (int i = 0; i < in->rank; i++)
		cuts[i] = (struct cut){0, 1, in->dim[i]};
	for (int i = 0; i < n[1]; i++) {
		int axis = v[4] ? eval_axis(s, v[4][i], in->rank) : i;
		if (axis < 0)
			return s->err->status;
		if (!v[3][i])
			return eval_fail(s, E_FORMAT, "step %d is 0", i);
		cuts[axis] = cut_of(in->dim[axis], v[1][i], v[2][i], v[3][i]);
	}
	for (int i = 0; i < in->rank; i++)
		dims[i] = cuts[i].count;
	return eval_expect(s, 0, in->rank, dims) ? s->err->status : copy_box(s, cuts, size);
}

/* ---- StridedSlice ---- */

static bool mask_bit(const struct node *n, const char *name, int i)
{
	const int64_t *v;
	return i < attr_ints(n, name, &v) && v[i];
}

/* What each entry of begin, end and strides does, in order. */
struct entry {
	enum { TAKE_AXIS, NEW_AXIS, SHRINK_AXIS } what;
	int at;  /* index into begin, end, strides; -1: the whole dimension, from an ellipsis */
	int dim; /* of the input; not for NEW_AXIS */
};

/* Lays n entries over an input of this rank: number of entries, or -1 when there are too many. */
static int entries(const struct node *node, int n, int rank, struct entry *e)
{
	int taken = 0, count = 0, dim = 0;
	bool ellipsis = false;
	for (int i = 0; i < n; i++)
		taken += !mask_bit(node, "ellipsis_mask", i) && !mask_bit(node, "new_axis_mask", i);
	if (taken > rank || n - taken + rank > 2 * MAX_RANK)
		return -1;
	for (int i = 0; i < n; i++) {
		if (mask_bit(node, "ellipsis_mask", i)) {
			if (ellipsis)
				return -1;
			ellipsis = true;
			for (int k = rank - taken; k > 0; k--)
				e[count++] = (struct entry){TAKE_AXIS, -1, dim++};
		} else if (mask_bit(node, "new_axis_mask", i)) {
			e[count++] = (struct entry){NEW_AXIS, i, 0};
		} else {
			bool shrink = mask_bit(node, "shrink_axis_mask", i);
			e[count++] = (struct entry){shrink ? SHRINK_AXIS : TAKE_AXIS, i, dim++};
		}
	}
	while (dim < rank)
		e[count++] = (struct entry){TAKE_AXIS, -1, dim++};
	return count;
}

/* Begin and end of entry i, where a mask opens that side. */
static void open_ends(const struct node *n, int i, int64_t step, struct dim *begin, struct dim *end)
{
	if (mask_bit(n, "begin_mask", i))
		*begin = dim_of(step < 0 ? INT64_MAX : 0);
	if (mask_bit(n, "end_mask", i))
		*end = dim_of(step < 0 ? INT64_MIN : INT64_MAX);
}

/* Content of the lists: NULL when nothing is known of one that is given. */
static int strided_lists(struct infer *s, const struct dim *e[4], int *n)
{
	static const char *const what[] = {"", "begin", "end", "strides"};
	*n = -1;
	for (int k = 1; k < s->nin; k++) {
		int m, status = infer_has(s, k) ? infer_want_int(s, k, what[k]) : OK;
		if (status)
			return status;
		if (!infer_has(s, k) || !(e[k] = infer_content(s, k, &m)))
			continue;
		if (*n >= 0 && m != *n)
			return infer_fail(s, "begin, end and strides have different lengths");
		*n = m;
	}
	if (*n > 2 * MAX_RANK)
		return infer_want_max_rank(s, *n);
	return OK;
}

static int strided_dim(
    struct infer *s, const struct entry *e, const struct dim *v[4], struct shape *out)
{
	struct dim d = s->in[0].shape.dim[e->dim];
	if (e->what != NEW_AXIS && e->at >= 0 && e->what != SHRINK_AXIS) {
		struct dim begin = v[1] ? v[1][e->at] : elem_any();
		struct dim end = v[2] ? v[2][e->at] : elem_any();
		struct dim step = !infer_has(s, 3) ? dim_of(1) : v[3] ? v[3][e->at] : elem_any();
		if (step.min == 0 && step.max == 0)
			return infer_fail(s, "stride %d is 0", e->at);
		if (dim_static(step)) {
			open_ends(s->node, e->at, step.min, &begin, &end);
			d = cut_dim(d, begin, end, step.min);
		} else {
			d = (struct dim){0, d.max, 0};
		}
	}
	if (e->what == SHRINK_AXIS)
		return OK;
	if (out->rank == MAX_RANK)
		return infer_want_max_rank(s, MAX_RANK + 1);
	out->dim[out->rank++] = e->what == NEW_AXIS ? dim_of(1) : d;
	return OK;
}

/* A list cut by one entry, or one element of it. */
static void strided_content(struct infer *s, const struct dim *v[4], const struct entry *e)
{
	struct dim step = v[3] ? v[3][0] : dim_of(1);
	if (e->at != 0 || !v[1] || !v[2] || !dim_static(step) || step.min == 0)
		return;
	struct dim begin = v[1][0], end = v[2][0];
	int n;
	if (e->what == SHRINK_AXIS) {
		const struct dim *list = infer_elems(s, 0, &n);
		int64_t i = begin.min < 0 ? begin.min + n : begin.min;
		if (mask_bit(s->node, "begin_mask", 0))
			i = 0;
		if (list && dim_static(begin) && i >= 0 && i < n)
			infer_set_elems(s, 0, 1, list + i);
		return;
	}
	open_ends(s->node, 0, step.min, &begin, &end);
	if (dim_static(begin) && dim_static(end))
		cut_content(s, begin.min, end.min, step.min);
}

int infer_strided_slice(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	const struct dim *v[4] = {0};
	struct entry e[4 * MAX_RANK];
	struct shape out = {0};
	int n, status = strided_lists(s, v, &n);
	s->out[0].type = s->in[0].type;
	if (status || in->rank < 0 || n < 0)
		return status;
	int count = entries(s->node, n, in->rank, e);
	if (count < 0)
		return infer_fail(s, "%d entries do not fit an input of rank %d", n, in->rank);
	for (int i = 0; i < count; i++) {
		status = strided_dim(s, &e[i], v, &out);
		if (status)
			return status;
	}
	s->out[0].shape = out;
	if (in->rank == 1 && count == 1)
		strided_content(s, v, &e[0]);
	return OK;
}

/* The cut of one entry on n elements. */
static int strided_cut(
    struct eval *s, const struct entry *e, const int64_t *v[4], int64_t n, struct cut *cut)
{
	if (e->at < 0) {
		*cut = (struct cut){0, 1, n};
		return OK;
	}
	int64_t step = v[3] ? v[3][e->at] : 1, begin = v[1][e->at];
	if (e->what == SHRINK_AXIS) {
		begin = mask_bit(s->node, "begin_mask", e->at) ? 0 : begin < 0 ? begin + n : begin;
		if (begin < 0 || begin >= n)
			return eval_fail(s, E_FORMAT, "begin %d is out of range", e->at);
		*cut = (struct cut){begin, 1, 1};
		return OK;
	}
	struct dim b = dim_of(begin), end = dim_of(v[2][e->at]);
	if (!step)
		return eval_fail(s, E_FORMAT, "stride %d is 0", e->at);
	open_ends(s->node, e->at, step, &b, &end);
	*cut = cut_of(n, b.min, end.min, step);
	return OK;
}

int eval_strided_slice(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	const int64_t *v[4] = {0};
	int64_t dims[4 * MAX_RANK];
	struct entry e[4 * MAX_RANK];
	struct cut cuts[MAX_RANK];
	int n[4], rank = 0;
	size_t size = eval_elem_size(s, in);
	for (int k = 1; k < 4; k++)
		if (eval_has(s, k) && !(v[k] = eval_ints(s, k, &n[k])))
			return s->err->status;
	if (!size)
		return s->err->status;
	if (n[1] != n[2] || (v[3] && n[3] != n[1]) || n[1] > 2 * MAX_RANK)
		return eval_fail(s, E_FORMAT, "begin, end and strides have different lengths");
	int count = entries(s->node, n[1], in->rank, e);
	if (count < 0)
		return eval_fail(
		    s, E_FORMAT, "%d entries do not fit an input of rank %d", n[1], in->rank);
	for (int i = 0; i < count; i++) {
		if (e[i].what == NEW_AXIS) {
			dims[rank++] = 1;
			continue;
		}
		struct cut *c = &cuts[e[i].dim];
		if (strided_cut(s, &e[i], v, in->dim[e[i].dim], c))
			return s->err->status;
		if (e[i].what == TAKE_AXIS)
			dims[rank++] = c->count;
	}
	return eval_expect(s, 0, rank, dims) ? s->err->status : copy_box(s, cuts, size);
}
