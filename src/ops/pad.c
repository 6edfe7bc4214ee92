/* Pad in all its modes; a negative pad cuts. */
#include "ops/pad.h"

#include <string.h>

#include "ops/content.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_pad[] = {
    {"pad_mode", ATTR_STRING, true, NULL, "constant|edge|reflect|symmetric"}, {0}};

/* Does the mode allow these pads on n elements? */
static const char *pad_wrong(const struct node *node, int64_t n, int64_t begin, int64_t end)
{
	int64_t most = begin > end ? begin : end;
	if ((begin < 0 || end < 0) && node_is(node, OP_PAD_1))
		return "is negative";
	if (begin > LIMIT_TENSOR_BYTES || end > LIMIT_TENSOR_BYTES)
		return "is too large";
	if (begin < -LIMIT_TENSOR_BYTES || end < -LIMIT_TENSOR_BYTES || n + begin + end < 0)
		return "cuts more than there is";
	if (most <= 0 || attr_is(node, "pad_mode", "constant"))
		return NULL;
	if (n == 0)
		return "needs elements to repeat";
	if (attr_is(node, "pad_mode", "reflect") && most >= n)
		return "is too large to reflect";
	if (attr_is(node, "pad_mode", "symmetric") && most > n)
		return "is too large to mirror";
	return NULL;
}

static int pad_dim(struct infer *s, int i, const struct dim *b, const struct dim *e, struct dim *d)
{
	if (!b || !e || !dim_static(b[i]) || !dim_static(e[i])) {
		*d = dim_any();
		return OK;
	}
	const char *wrong = pad_wrong(
	    s->node, dim_static(*d) ? d->min : LIMIT_TENSOR_BYTES * 3, b[i].min, e[i].min);
	if (wrong)
		return infer_fail(s, "the pad of %lld and %lld on dimension %d %s",
		    (long long)b[i].min, (long long)e[i].min, i, wrong);
	int64_t sum = b[i].min + e[i].min;
	if (sum)
		*d = (struct dim){d->min + sum < 0 ? 0 : d->min + sum,
		    d->max == DIM_INF ? DIM_INF : d->max + sum, 0};
	return OK;
}

int infer_pad(struct infer *s)
{
	static const char *const what[] = {"", "pads_begin", "pads_end"};
	const struct shape *in = &s->in[0].shape;
	const struct dim *pads[3] = {0};
	s->out[0].type = s->in[0].type;
	for (int k = 1; k < 3; k++) {
		int status = infer_want_int(s, k, what[k]);
		int64_t n = infer_count(s, k);
		if (!status && n >= 0 && in->rank >= 0 && n != in->rank)
			status = infer_fail(s, "%s has %lld values, the input rank %d", what[k],
			    (long long)n, in->rank);
		if (status)
			return status;
		int count;
		pads[k] = infer_content(s, k, &count);
	}
	if (infer_has(s, 3)) {
		int status = infer_want_same(s, 0, 3);
		if (status)
			return status;
	}
	s->out[0].shape = *in;
	for (int i = 0; i < in->rank; i++) {
		int status = pad_dim(s, i, pads[1], pads[2], &s->out[0].shape.dim[i]);
		if (status)
			return status;
	}
	return OK;
}

/* Copies the part of the input that the output shows. */
static void pad_copy(const struct tensor *in, struct tensor *out, const int64_t *begin, size_t size)
{
	int64_t from[MAX_RANK], to[MAX_RANK], src = 0, dst = 0;
	struct view v = {0};
	tensor_strides(in, from);
	tensor_strides(out, to);
	for (int i = 0; i < in->rank; i++) {
		int64_t first = begin[i] < 0 ? -begin[i] : 0, at = begin[i] < 0 ? 0 : begin[i];
		int64_t n = in->dim[i] - first;
		if (n > out->dim[i] - at)
			n = out->dim[i] - at;
		if (n <= 0)
			return;
		src += first * from[i];
		dst += at * to[i];
		view_dim(&v, n, from[i], to[i]);
	}
	view_copy(&v, (char *)out->data + dst * (int64_t)size,
	    (const char *)in->data + src * (int64_t)size, size);
}

int64_t pad_source(const struct node *node, int64_t i, int64_t n)
{
	if ((i >= 0 && i < n) || attr_is(node, "pad_mode", "constant"))
		return i;
	if (attr_is(node, "pad_mode", "edge"))
		return i < 0 ? 0 : n - 1;
	int64_t skip = attr_is(node, "pad_mode", "reflect") ? 0 : 1;
	return i < 0 ? -i - skip : 2 * n - 2 - i + skip;
}

/* Fills the output from the source index of every place on every axis. */
static int pad_repeat(struct eval *s, const int64_t *begin, size_t size)
{
	const struct tensor *in = &s->in[0];
	struct tensor *out = &s->out[0];
	int64_t stride[MAX_RANK], *map[MAX_RANK];
	tensor_strides(in, stride);
	for (int k = 0; k < in->rank; k++) {
		map[k] = arena_array(s->scratch, (size_t)out->dim[k], sizeof **map);
		if (!map[k])
			return fail_nomem(s->err);
		for (int64_t i = 0; i < out->dim[k]; i++)
			map[k][i] = pad_source(s->node, i - begin[k], in->dim[k]) * stride[k];
	}
	map_copy(out, in->data, map, size);
	return OK;
}

int eval_pad(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	struct tensor *out = &s->out[0];
	size_t size = eval_elem_size(s, in);
	int nb, ne;
	const int64_t *begin = eval_ints(s, 1, &nb), *end = begin ? eval_ints(s, 2, &ne) : NULL;
	int64_t dims[MAX_RANK];
	if (!size || !end)
		return s->err->status;
	if (nb != in->rank || ne != in->rank)
		return eval_fail(s, E_FORMAT, "the pads do not fit rank %d", in->rank);
	for (int i = 0; i < in->rank; i++) {
		const char *wrong = pad_wrong(s->node, in->dim[i], begin[i], end[i]);
		if (wrong)
			return eval_fail(s, E_FORMAT, "the pad of dimension %d %s", i, wrong);
		dims[i] = in->dim[i] + begin[i] + end[i];
	}
	if (eval_expect(s, 0, in->rank, dims))
		return s->err->status;
	if (!tensor_count(out))
		return OK;
	if (!attr_is(s->node, "pad_mode", "constant") && in->rank)
		return pad_repeat(s, begin, size);
	static const uint64_t zero;
	struct view fill = {0};
	view_dim(&fill, tensor_count(out), 0, 1);
	view_copy(&fill, out->data, eval_has(s, 3) ? s->in[3].data : (const void *)&zero, size);
	pad_copy(in, out, begin, size);
	return OK;
}
