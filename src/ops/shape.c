/* Operators that change or tell the shape and leave the elements: Reshape, Squeeze, Unsqueeze,
 * ShapeOf. */
#include <string.h>

#include "base/checked.h"
#include "ops/content.h"
#include "ops/rows.h"

const struct attr_def attrs_reshape[] = {{"special_zero", ATTR_BOOL, true, NULL, NULL}, {0}};
const struct attr_def attrs_squeeze_15[] = {
    {"allow_axis_skip", ATTR_BOOL, false, "false", NULL}, {0}};
const struct attr_def attrs_shape_of[] = {{"output_type", ATTR_TYPE, false, "i64", NULL}, {0}};

/* Content survives when nothing moves, as long as the result is a list. */
static void keep_content(struct infer *s)
{
	int n;
	const struct dim *e = infer_elems(s, 0, &n);
	if (e && s->out[0].shape.rank >= 0 && s->out[0].shape.rank <= 1)
		infer_set_elems(s, 0, n, e);
}

/* ---- Reshape ---- */

/* Both sides of count(in) = count(out), with equal factors taken away. */
struct balance {
	int64_t in, out; /* products of what is static */
	struct dim var[MAX_RANK];
	int nvar;          /* dims of the input that are not static */
	int left;          /* dims of the output that are not static, the one asked for apart */
	bool bad;          /* overflow */
	bool may_be_empty; /* a factor taken away may be 0: then the rest need not agree */
};

static bool cancel(struct balance *b, struct dim d)
{
	for (int i = 0; d.symbol && i < b->nvar; i++)
		if (b->var[i].symbol == d.symbol) {
			b->may_be_empty |= d.min <= 0;
			b->var[i] = b->var[--b->nvar];
			return true;
		}
	return false;
}

/* copied: bit i says that output dim i is input dim i; skip: the output dim to solve for. */
static struct balance balance(
    const struct shape *in, const struct shape *out, uint32_t copied, int skip)
{
	struct balance b = {.in = 1, .out = 1};
	for (int i = 0; i < in->rank; i++) {
		if (i < out->rank && i != skip && copied & 1u << i) {
			b.may_be_empty |= in->dim[i].min <= 0;
			continue;
		}
		if (dim_static(in->dim[i]))
			b.bad |= mul_i64(b.in, in->dim[i].min, &b.in);
		else
			b.var[b.nvar++] = in->dim[i];
	}
	for (int i = 0; i < out->rank; i++) {
		if (i == skip || copied & 1u << i)
			continue;
		if (dim_static(out->dim[i]))
			b.bad |= mul_i64(b.out, out->dim[i].min, &b.out);
		else if (!cancel(&b, out->dim[i]))
			b.left++;
	}
	return b;
}

/* The dim d with in * var = out * d, when one follows. */
static int solve(struct infer *s, const struct balance *b, struct dim *d)
{
	*d = dim_any();
	if (b->bad || b->left)
		return OK;
	if (b->out == 0) {
		if (b->nvar == 0 && b->in != 0 && !b->may_be_empty)
			return infer_fail(s,
			    "%lld elements cannot fill a shape with a dimension of 0",
			    (long long)b->in);
		if (b->nvar == 0 && b->in == 0)
			*d = dim_of(0);
		return OK;
	}
	if (b->nvar == 0) {
		if (b->in % b->out && b->may_be_empty)
			return OK;
		if (b->in % b->out)
			return infer_fail(s, "%lld elements cannot be divided into rows of %lld",
			    (long long)b->in, (long long)b->out);
		*d = dim_of(b->in / b->out);
		return OK;
	}
	struct dim var = b->var[0];
	for (int i = 1; i < b->nvar; i++)
		var = dim_mul(var, b->var[i]);
	if (b->in == b->out) {
		*d = var;
		return OK;
	}
	struct dim all = dim_mul(var, dim_of(b->in));
	*d = (struct dim){
	    (all.min + b->out - 1) / b->out, all.max == DIM_INF ? DIM_INF : all.max / b->out, 0};
	if (all.min > INT64_MAX - b->out || d->min > d->max)
		*d = dim_any();
	return OK;
}

/* One dim of the target; *copied and *asked gather what the caller must know of it. */
static int reshape_dim(
    struct infer *s, int i, struct dim t, struct dim *d, uint32_t *copied, int *asked)
{
	const struct shape *in = &s->in[0].shape;
	if (t.min == 0 && t.max == 0 && attr_bool(s->node, "special_zero")) {
		if (in->rank >= 0 && i >= in->rank)
			return infer_fail(
			    s, "target dimension %d copies one that the input lacks", i);
		*d = in->rank < 0 ? dim_any() : in->dim[i];
		*copied |= in->rank < 0 ? 0 : 1u << i;
		return OK;
	}
	if (dim_static(t) && t.min == -1) {
		if (*asked >= 0)
			return infer_fail(s, "the target shape has -1 twice");
		*asked = i;
		*d = dim_any();
		return OK;
	}
	if (t.max < 0)
		return infer_fail(s, "target dimension %d is %lld", i, (long long)t.max);
	*d = t.min < 0 ? dim_any() : t;
	return OK;
}

/* Finds the dim asked for by -1, or the only one that is not static. */
static int reshape_solve(struct infer *s, struct shape *out, uint32_t copied, int asked)
{
	const struct shape *in = &s->in[0].shape;
	int unknown = 0, at = -1;
	for (int i = 0; i < out->rank; i++)
		if (!dim_static(out->dim[i]) && !(copied & 1u << i)) {
			unknown++;
			at = i;
		}
	if (asked < 0 && unknown == 1)
		asked = at;
	struct balance b = balance(in, out, copied, asked);
	if (asked < 0) {
		if (!b.bad && !b.left && !b.nvar && b.in != b.out && !b.may_be_empty)
			return infer_fail(s, "%lld elements cannot take a shape of %lld",
			    (long long)b.in, (long long)b.out);
		return OK;
	}
	struct dim d;
	int status = solve(s, &b, &d);
	if (status)
		return status;
	if (!dim_merge(out->dim[asked], d, &out->dim[asked]))
		return infer_fail(s, "target dimension %d does not agree with the input", asked);
	if (!dim_static(out->dim[asked]) && d.symbol)
		out->dim[asked].symbol = d.symbol;
	return OK;
}

int infer_reshape(struct infer *s)
{
	struct shape *out = &s->out[0].shape;
	uint32_t copied = 0;
	int asked = -1, n, status = infer_want_int(s, 1, "the target shape");
	if (!status)
		status = infer_want_rank(s, 1, 0, 1, "the target shape");
	if (status)
		return status;
	s->out[0].type = s->in[0].type;
	int64_t count = infer_count(s, 1);
	if (count > MAX_RANK)
		return infer_want_max_rank(s, (int)(count > 1000 ? 1000 : count));
	const struct dim *t = infer_content(s, 1, &n);
	if (!t)
		return OK;
	*out = shape_any(n);
	for (int i = 0; i < n; i++) {
		status = reshape_dim(s, i, t[i], &out->dim[i], &copied, &asked);
		if (status)
			return status;
	}
	if (s->in[0].shape.rank >= 0)
		status = reshape_solve(s, out, copied, asked);
	keep_content(s);
	return status;
}

/* ---- Squeeze and Unsqueeze ---- */

static struct shape without(const struct shape *in, uint32_t drop)
{
	struct shape out = {0};
	for (int i = 0; i < in->rank; i++)
		if (!(drop & 1u << i))
			out.dim[out.rank++] = in->dim[i];
	return out;
}

/* Every dim of 1 goes; false when that is not decided. */
static bool squeeze_all(const struct shape *in, uint32_t *drop)
{
	for (int i = 0; i < in->rank; i++) {
		struct dim d = in->dim[i];
		if (!dim_static(d) && d.min <= 1 && d.max >= 1)
			return false;
		if (d.min == 1 && d.max == 1)
			*drop |= 1u << i;
	}
	return true;
}

/* A listed axis goes when it is 1, or may be: false when that is not decided. */
static int squeeze_axis(struct infer *s, int axis, bool skip, uint32_t *drop, bool *decided)
{
	struct dim d = s->in[0].shape.dim[axis];
	if (d.min <= 1 && d.max >= 1) {
		*drop |= 1u << axis;
		*decided &= !skip || dim_static(d);
		return OK;
	}
	return skip ? OK
		    : infer_fail(s, "axis %d has size %lld, only 1 can be squeezed", axis,
			  (long long)(d.min > 1 ? d.min : d.max));
}

int infer_squeeze(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	bool skip = node_is(s->node, OP_SQUEEZE_15) && attr_bool(s->node, "allow_axis_skip");
	bool decided = true;
	uint32_t drop = 0;
	s->out[0].type = s->in[0].type;
	if (in->rank < 0)
		return OK;
	int axes[MAX_RANK], n = 0;
	if (infer_has(s, 1)) {
		int status = infer_axes(s, 1, in->rank, axes, &n);
		if (status)
			return status;
	}
	if (n < 0)
		return OK;
	if (n == 0)
		decided = squeeze_all(in, &drop);
	for (int i = 0; i < n; i++) {
		int status = squeeze_axis(s, axes[i], skip, &drop, &decided);
		if (status)
			return status;
	}
	if (!decided)
		return OK;
	s->out[0].shape = without(in, drop);
	keep_content(s);
	return OK;
}

int infer_unsqueeze(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	int axes[MAX_RANK], n;
	int64_t count = infer_count(s, 1);
	s->out[0].type = s->in[0].type;
	int status = infer_want_int(s, 1, "axes");
	if (status || in->rank < 0 || count < 0)
		return status;
	if (count > MAX_RANK - in->rank)
		return infer_want_max_rank(s, MAX_RANK + 1);
	int rank = in->rank + (int)count;
	s->out[0].shape = shape_any(rank);
	status = infer_axes(s, 1, rank, axes, &n);
	if (status || n < 0)
		return status;
	uint32_t fresh = 0;
	for (int i = 0; i < n; i++)
		fresh |= 1u << axes[i];
	for (int i = 0, k = 0; i < rank; i++)
		s->out[0].shape.dim[i] = fresh & 1u << i ? dim_of(1) : in->dim[k++];
	keep_content(s);
	return OK;
}

int eval_copy(struct eval *s)
{
	size_t bytes = tensor_bytes(&s->out[0]);
	if (bytes != tensor_bytes(&s->in[0]))
		return eval_fail(s, E_FORMAT, "%lld elements cannot take a shape of %lld",
		    (long long)tensor_count(&s->in[0]), (long long)tensor_count(&s->out[0]));
	if (bytes)
		memcpy(s->out[0].data, s->in[0].data, bytes);
	return OK;
}

/* ---- ShapeOf ---- */

int infer_shape_of(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	enum dtype type = node_is(s->node, OP_SHAPE_OF) ? attr_type(s->node, "output_type")
							: DT_I64;
	if (type != DT_I32 && type != DT_I64)
		return infer_fail(s, "output_type is %s, expected i32 or i64", dtype_name(type));
	s->out[0].type = type;
	s->out[0].shape = shape_any(1);
	if (in->rank < 0)
		return OK;
	s->out[0].shape.dim[0] = dim_of(in->rank);
	infer_set_elems(s, 0, in->rank, in->dim);
	return OK;
}

int eval_shape_of(struct eval *s)
{
	for (int i = 0; i < s->in[0].rank; i++)
		tensor_set_i64(&s->out[0], i, s->in[0].dim[i]);
	return OK;
}
