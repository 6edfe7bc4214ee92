/* TopK: the largest or smallest elements along an axis, with their places. */
#include <stdlib.h>
#include <string.h>

#include "ops/content.h"
#include "ops/order.h"
#include "ops/rows.h"
#include "ops/view.h"

#define TOP_K_ATTRS                                                                         \
	{"axis", ATTR_INT, true, NULL, NULL}, {"mode", ATTR_STRING, true, NULL, "min|max"}, \
	    {"sort", ATTR_STRING, true, NULL, "none|index|value"},                          \
	{                                                                                   \
		"index_element_type", ATTR_TYPE, false, "i32", NULL                         \
	}

const struct attr_def attrs_top_k_1[] = {TOP_K_ATTRS, {0}};
const struct attr_def attrs_top_k[] = {
    TOP_K_ATTRS, {"stable", ATTR_BOOL, false, "false", NULL}, {0}};

int infer_top_k(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	enum dtype index = attr_type(s->node, "index_element_type");
	int n, status = infer_want_int(s, 1, "k");
	if (!status)
		status = infer_want_rank(s, 1, 0, 1, "k");
	if (!status && index != DT_I32 && index != DT_I64)
		status = infer_fail(
		    s, "index_element_type is %s, expected i32 or i64", dtype_name(index));
	s->out[0].type = s->in[0].type;
	s->out[1].type = index;
	if (status || in->rank < 0)
		return status;
	int axis = infer_axis(s, attr_i(s->node, "axis"), in->rank);
	if (axis < 0)
		return E_FORMAT;
	s->out[0].shape = *in;
	struct dim *d = &s->out[0].shape.dim[axis];
	const struct dim *e = infer_elems(s, 1, &n);
	struct dim k = e && n == 1 ? elem_size(*e) : dim_any();
	if (e && n == 1 && (e->max < 0 || (dim_static(k) && k.min > d->max)))
		return infer_fail(
		    s, "k is %lld for an axis of %lld", (long long)e->max, (long long)d->max);
	*d = dim_static(k) ? k : (struct dim){0, k.max < d->max ? k.max : d->max, 0};
	s->out[1].shape = s->out[0].shape;
	return OK;
}

/* One candidate: its value as a key that is compared as an integer, and its place. */
struct item {
	int64_t key;
	int64_t at;
};

static int by_key_down(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int by_place(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void sift(struct item *heap, int64_t n, int64_t i)
{
	for (int64_t c; (c = 2 * i + 1) < n; i = c) {
		if (c + 1 < n && by_key_down(&heap[c + 1], &heap[c]) > 0)
			c++;
		if (by_key_down(&heap[i], &heap[c]) >= 0)
			return;
		struct item t = heap[i];
		heap[i] = heap[c];
		heap[c] = t;
	}
}

/* Leaves the k first in order of n items in items[0..k), unsorted: a heap with the last on top. */
static void select_first(struct item *items, int64_t n, int64_t k)
{
	for (int64_t i = k / 2 - 1; i >= 0; i--)
		sift(items, k, i);
	for (int64_t i = k; i < n && k; i++)
		if (by_key_down(&items[i], &items[0]) < 0) {
			items[0] = items[i];
			sift(items, k, 0);
		}
}

/* Reads one line along the axis as keys, turned round when the smallest are wanted. */
static void read_items(
    struct item *items, const struct tensor *t, int64_t at, int64_t step, int64_t n, bool min)
{
	for (int64_t i = 0; i < n; i++) {
		int64_t key = order_key(t, at + i * step);
		items[i] = (struct item){min ? ~key : key, i};
	}
}

int eval_top_k(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	struct tensor *out = &s->out[0], *place = &s->out[1];
	size_t size = eval_elem_size(s, in);
	int axis = eval_axis(s, attr_i(s->node, "axis"), in->rank);
	if (!size || axis < 0)
		return s->err->status;
	bool min = attr_is(s->node, "mode", "min"), index = attr_is(s->node, "sort", "index");
	int64_t n = in->dim[axis], k = out->dim[axis];
	int64_t outer = dims_product(in, 0, axis), inner = dims_product(in, axis + 1, in->rank);
	struct item *items = arena_array(s->scratch, (size_t)n + 1, sizeof *items);
	if (!items)
		return fail_nomem(s->err);
	if (!tensor_count(out))
		return OK;
	if (k > n)
		return eval_fail(
		    s, E_FORMAT, "k is %lld for an axis of %lld", (long long)k, (long long)n);
	for (int64_t line = 0; line < outer * inner; line++) {
		int64_t from = line / inner * n * inner + line % inner;
		int64_t to = line / inner * k * inner + line % inner;
		read_items(items, in, from, inner, n, min);
		select_first(items, n, k);
		qsort(items, (size_t)k, sizeof *items, index ? by_place : by_key_down);
		for (int64_t i = 0; i < k; i++) {
			memcpy((char *)out->data + (to + i * inner) * (int64_t)size,
			    (const char *)in->data + (from + items[i].at * inner) * (int64_t)size,
			    size);
			tensor_set_i64(place, to + i * inner, items[i].at);
		}
	}
	return OK;
}
