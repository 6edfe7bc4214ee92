/* Tensors made from numbers: Range, Eye, OneHot. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "ops/content.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_range[] = {{"output_type", ATTR_TYPE, true, NULL, NULL}, {0}};
const struct attr_def attrs_eye[] = {{"output_type", ATTR_TYPE, true, NULL, NULL}, {0}};
const struct attr_def attrs_one_hot[] = {{"axis", ATTR_INT, true, NULL, NULL}, {0}};
const struct attr_def attrs_one_hot_16[] = {{"axis", ATTR_INT, true, NULL, NULL},
    {"negative_indices_mode", ATTR_STRING, false, "ignore_negative", "ignore_negative|normalize"},
    {0}};

/* ---- Range ---- */

/* Values of Range's inputs as the output type sees them: integers are cut to whole numbers. */
struct ramp {
	bool whole;
	int64_t start, stop, step;
	double fstart, fstop, fstep;
};

static void ramp_read(struct ramp *r, enum dtype out, const struct tensor *a,
    const struct tensor *b, const struct tensor *c)
{
	r->whole = !dtype_is_float(out);
	if (r->whole) {
		r->start = tensor_i64(a, 0);
		r->stop = tensor_i64(b, 0);
		r->step = tensor_i64(c, 0);
	} else {
		r->fstart = tensor_f64(a, 0);
		r->fstop = tensor_f64(b, 0);
		r->fstep = tensor_f64(c, 0);
	}
}

/* Number of values; -1 when the step is 0 or the range has no end. */
static int64_t ramp_count(const struct ramp *r)
{
	if (r->whole) {
		int64_t span;
		if (!r->step || r->step == INT64_MIN || sub_i64(r->stop, r->start, &span))
			return -1;
		if (r->step > 0 ? span <= 0 : span >= 0)
			return 0;
		int64_t steps = r->step > 0 ? (span - 1) / r->step : -(span + 1) / -r->step;
		return steps < LIMIT_TENSOR_BYTES ? steps + 1 : -1;
	}
	double n = ceil((r->fstop - r->fstart) / r->fstep);
	if (!(n < (double)LIMIT_TENSOR_BYTES))
		return -1;
	return n > 0 ? (int64_t)n : 0;
}

static void range_content(struct infer *s, const struct ramp *r, int64_t n)
{
	struct dim e[LIMIT_ELEMS];
	bool narrow = s->out[0].type == DT_I32;
	if ((!narrow && s->out[0].type != DT_I64) || n > LIMIT_ELEMS)
		return;
	for (int64_t i = 0; i < n; i++) {
		int64_t v;
		if (mul_i64(i, r->step, &v) || add_i64(v, r->start, &v) ||
		    (narrow && v != (int32_t)v))
			return;
		e[i] = dim_of(v);
	}
	infer_set_elems(s, 0, (int)n, e);
}

#define EXACT (1 << 24) /* whole numbers up to here are exact in f32 */

/* One of Range's inputs as a whole number or a range of them. */
static bool ramp_end(struct infer *s, int k, struct dim *d)
{
	int n;
	const struct dim *e = infer_elems(s, k, &n);
	const struct tensor *t = s->in[k].tensor;
	if (e && n == 1) {
		*d = *e;
		return true;
	}
	if (!t || !dtype_is_float(t->type))
		return false;
	double v = tensor_f64(t, 0);
	if (v != floor(v) || fabs(v) > EXACT)
		return false;
	*d = dim_of((int64_t)v);
	return true;
}

/* Values from start up to stop. */
static int64_t steps_to(int64_t start, int64_t stop, int64_t step)
{
	struct ramp r = {.whole = true, .start = start, .stop = stop, .step = step};
	return stop == DIM_INF ? DIM_INF : stop <= start ? 0 : ramp_count(&r);
}

/* The count as far as partly known numbers tell: start and a positive step known, stop a range. r
 * gets start and step when that is so. */
static struct dim range_dim(struct infer *s, struct ramp *r)
{
	struct dim start, stop, step;
	if (!ramp_end(s, 0, &start) || !ramp_end(s, 1, &stop) || !ramp_end(s, 2, &step) ||
	    !dim_static(start) || !dim_static(step) || step.min < 1)
		return dim_any();
	r->start = start.min;
	r->step = step.min;
	if (start.min == 0 && step.min == 1)
		return stop.max < 0 ? dim_of(0) : elem_size(stop);
	struct dim d = {
	    steps_to(start.min, stop.min, step.min), steps_to(start.min, stop.max, step.min), 0};
	return d.min < 0 || d.max < d.min ? dim_any() : d;
}

int infer_range(struct infer *s)
{
	struct ramp r = {0};
	s->out[0].type = attr_type(s->node, "output_type");
	s->out[0].shape = shape_any(1);
	if (dtype_bits(s->out[0].type) < 8 || s->out[0].type == DT_BOOL)
		return infer_fail(s, "output_type is %s", dtype_name(s->out[0].type));
	for (int k = 0; k < 3; k++) {
		int status = infer_want_rank(s, k, 0, 1, "an input");
		if (status)
			return status;
		int64_t n = infer_count(s, k);
		if (n >= 0 && n != 1)
			return infer_fail(
			    s, "input %d has %lld values, expected one", k, (long long)n);
	}
	if (s->in[0].tensor && s->in[1].tensor && s->in[2].tensor) {
		ramp_read(&r, s->out[0].type, s->in[0].tensor, s->in[1].tensor, s->in[2].tensor);
		int64_t count = ramp_count(&r);
		if (count < 0 || count > LIMIT_TENSOR_BYTES)
			return infer_fail(s, "the range has no end, or too many values");
		s->out[0].shape.dim[0] = dim_of(count);
		range_content(s, &r, count);
		return OK;
	}
	struct dim d = range_dim(s, &r);
	s->out[0].shape.dim[0] = d;
	if (dim_static(d))
		range_content(s, &r, d.min);
	return OK;
}

int eval_range(struct eval *s)
{
	struct tensor *out = &s->out[0];
	struct ramp r = {0};
	ramp_read(&r, out->type, &s->in[0], &s->in[1], &s->in[2]);
	int64_t n = ramp_count(&r);
	if (eval_expect(s, 0, 1, &n))
		return s->err->status;
	for (int64_t i = 0; i < n; i++) {
		if (r.whole)
			tensor_set_i64(out, i, r.start + i * r.step);
		else
			tensor_set_f64(out, i, r.fstart + (double)i * r.fstep);
	}
	return OK;
}

/* ---- Eye ---- */

int infer_eye(struct infer *s)
{
	struct shape *out = &s->out[0].shape;
	int n = 0;
	const struct dim *batch = NULL;
	s->out[0].type = attr_type(s->node, "output_type");
	if (dtype_bits(s->out[0].type) < 8)
		return infer_fail(s, "output_type is %s", dtype_name(s->out[0].type));
	for (int k = 0; k < s->nin; k++) {
		int status = infer_want_int(s, k, "an input");
		if (status)
			return status;
	}
	if (infer_has(s, 3)) {
		if (infer_count(s, 3) > MAX_RANK - 2)
			return infer_want_max_rank(s, MAX_RANK + 1);
		if (!(batch = infer_content(s, 3, &n)))
			return OK;
	}
	*out = shape_any(n + 2);
	for (int i = 0; i < n; i++)
		out->dim[i] = elem_size(batch[i]);
	for (int k = 0; k < 2; k++) {
		int one;
		const struct dim *e = infer_elems(s, k, &one);
		if (e && one == 1 && e->max < 0)
			return infer_fail(
			    s, "the matrix would have a size of %lld", (long long)e->max);
		out->dim[n + k] = e && one == 1 ? elem_size(*e) : dim_any();
	}
	return OK;
}

int eval_eye(struct eval *s)
{
	struct tensor *out = &s->out[0];
	int64_t diagonal;
	size_t bytes = tensor_bytes(out);
	if (eval_int(s, 2, &diagonal))
		return s->err->status;
	if (!bytes)
		return OK;
	memset(out->data, 0, bytes);
	int64_t rows = out->dim[out->rank - 2], cols = out->dim[out->rank - 1];
	int64_t matrices = dims_product(out, 0, out->rank - 2);
	for (int64_t m = 0; m < matrices; m++)
		for (int64_t r = 0; r < rows; r++) {
			int64_t c;
			if (!add_i64(r, diagonal, &c) && c >= 0 && c < cols)
				tensor_set_i64(out, (m * rows + r) * cols + c, 1);
		}
	return OK;
}

/* ---- OneHot ---- */

int infer_one_hot(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	int n, status = infer_want_int(s, 0, "the indices");
	if (!status)
		status = infer_want_int(s, 1, "the depth");
	if (!status)
		status = infer_want_same(s, 2, 3);
	for (int k = 1; k < 4 && !status; k++)
		if (infer_count(s, k) >= 0 && infer_count(s, k) != 1)
			status = infer_fail(s, "input %d is not one value", k);
	s->out[0].type = s->in[2].type;
	if (status || in->rank < 0)
		return status;
	status = infer_want_max_rank(s, in->rank + 1);
	if (status)
		return status;
	int axis = infer_axis(s, attr_i(s->node, "axis"), in->rank + 1);
	if (axis < 0)
		return E_FORMAT;
	const struct dim *depth = infer_elems(s, 1, &n);
	if (depth && n == 1 && depth->max < 0)
		return infer_fail(s, "the depth is %lld", (long long)depth->max);
	*out = shape_any(in->rank + 1);
	for (int i = 0, k = 0; i <= in->rank; i++)
		out->dim[i] = i != axis         ? in->dim[k++]
			      : depth && n == 1 ? elem_size(*depth)
						: dim_any();
	return OK;
}

int eval_one_hot(struct eval *s)
{
	struct tensor *out = &s->out[0];
	const struct tensor *in = &s->in[0];
	size_t size = eval_elem_size(s, out);
	int axis = eval_axis(s, attr_i(s->node, "axis"), out->rank);
	if (!size || axis < 0)
		return s->err->status;
	bool wrap = node_is(s->node, OP_ONE_HOT) &&
		    attr_is(s->node, "negative_indices_mode", "normalize");
	int64_t depth = out->dim[axis], inner = dims_product(out, axis + 1, out->rank);
	struct view fill = {0};
	view_dim(&fill, tensor_count(out), 0, 1);
	view_copy(&fill, out->data, s->in[3].data, size);
	int64_t count = tensor_count(in);
	for (int64_t i = 0; i < count; i++) {
		int64_t k = index_at(in, i);
		if (k < 0 && wrap)
			k += depth;
		if (k >= 0 && k < depth)
			memcpy((char *)out->data +
				   ((i / inner * depth + k) * inner + i % inner) * (int64_t)size,
			    s->in[2].data, size);
	}
	return OK;
}
