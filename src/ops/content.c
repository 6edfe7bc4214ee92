/* Helpers for inference: checks of inputs, and integer content that is known only in part. */
#include "ops/content.h"

int infer_want_int(struct infer *s, int k, const char *what)
{
	if (dtype_is_int(s->in[k].type))
		return OK;
	return infer_fail(
	    s, "%s has type %s, expected an integer type", what, dtype_name(s->in[k].type));
}

int infer_want_rank(struct infer *s, int k, int lo, int hi, const char *what)
{
	int rank = s->in[k].shape.rank;
	if (rank < 0 || (rank >= lo && rank <= hi))
		return OK;
	if (lo == hi)
		return infer_fail(s, "%s has rank %d, expected %d", what, rank, lo);
	return infer_fail(s, "%s has rank %d, expected %d to %d", what, rank, lo, hi);
}

int infer_want_same(struct infer *s, int a, int b)
{
	if (s->in[a].type == s->in[b].type)
		return OK;
	return infer_fail(s, "inputs %d and %d have different types, %s and %s", a, b,
	    dtype_name(s->in[a].type), dtype_name(s->in[b].type));
}

int infer_want_max_rank(struct infer *s, int rank)
{
	if (rank <= MAX_RANK)
		return OK;
	return infer_fail(
	    s, "the output would have rank %d, at most %d is possible", rank, MAX_RANK);
}

int64_t infer_count(const struct infer *s, int k)
{
	return s->in[k].shape.rank < 0 ? -1 : shape_count(&s->in[k].shape);
}

int infer_axes(struct infer *s, int k, int rank, int *axes, int *n)
{
	int64_t v[MAX_RANK];
	uint32_t seen = 0;
	int status = infer_want_int(s, k, "axes");
	if (status)
		return status;
	if (infer_count(s, k) > MAX_RANK)
		return infer_fail(s, "more axes than a tensor can have");
	*n = infer_ints(s, k, v, MAX_RANK);
	for (int i = 0; i < *n; i++) {
		axes[i] = infer_axis(s, v[i], rank);
		if (axes[i] < 0)
			return E_FORMAT;
		if (seen & 1u << axes[i])
			return infer_fail(s, "axis %d is given twice", axes[i]);
		seen |= 1u << axes[i];
	}
	return OK;
}

const struct dim *infer_content(struct infer *s, int k, int *n)
{
	const struct dim *known = infer_elems(s, k, n);
	if (known)
		return known;
	int64_t count = infer_count(s, k);
	if (s->in[k].shape.rank > 1 || count < 0 || count > LIMIT_ELEMS ||
	    !dtype_is_int(s->in[k].type))
		return NULL;
	struct dim *e = arena_array(s->arena, (size_t)count + 1, sizeof *e);
	if (!e)
		return NULL;
	for (int i = 0; i < count; i++)
		e[i] = elem_any();
	*n = (int)count;
	return e;
}

bool infer_has_content(struct infer *s, int k)
{
	int n;
	return infer_elems(s, k, &n) != NULL;
}

int infer_target(struct infer *s, int k, struct shape *out)
{
	int n, status = infer_want_int(s, k, "the target shape");
	*out = shape_unknown();
	if (!status)
		status = infer_want_rank(s, k, 0, 1, "the target shape");
	if (status)
		return status;
	int64_t count = infer_count(s, k);
	if (count > MAX_RANK)
		return infer_want_max_rank(s, MAX_RANK + 1);
	const struct dim *e = infer_content(s, k, &n);
	if (!e)
		return OK;
	*out = shape_any(n);
	for (int i = 0; i < n; i++) {
		if (e[i].max < 0)
			return infer_fail(s, "target dimension %d is %lld", i, (long long)e[i].max);
		out->dim[i] = elem_size(e[i]);
	}
	return OK;
}
