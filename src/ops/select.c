/* Selections whose size the data decide, and sorting into buckets: NonZero, Unique, Bucketize. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "ops/content.h"
#include "ops/elem.h"
#include "ops/order.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_non_zero[] = {{"output_type", ATTR_TYPE, false, "i64", NULL}, {0}};
const struct attr_def attrs_unique[] = {{"sorted", ATTR_BOOL, false, "true", NULL},
    {"index_element_type", ATTR_TYPE, false, "i64", NULL},
    {"count_element_type", ATTR_TYPE, false, "i64", NULL}, {0}};
const struct attr_def attrs_bucketize[] = {{"output_type", ATTR_TYPE, false, "i64", NULL},
    {"with_right_bound", ATTR_BOOL, false, "true", NULL}, {0}};

/* An index type that an attribute names. */
static int index_type(struct infer *s, const char *attr, enum dtype *type)
{
	*type = attr_type(s->node, attr);
	if (*type == DT_I32 || *type == DT_I64)
		return OK;
	return infer_fail(s, "%s is %s, expected i32 or i64", attr, dtype_name(*type));
}

/* At most as many as a shape can have elements. */
static struct dim up_to_count(const struct shape *in)
{
	struct dim d = dim_of(1);
	for (int i = 0; i < in->rank; i++)
		d = dim_mul(d, in->dim[i]);
	return (struct dim){0, in->rank < 0 ? DIM_INF : d.max, 0};
}

/* ---- NonZero ---- */

int infer_non_zero(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	int status = index_type(s, "output_type", &s->out[0].type);
	s->out[0].shape = shape_any(2);
	if (in->rank >= 0)
		s->out[0].shape.dim[0] = dim_of(in->rank ? in->rank : 1);
	s->out[0].shape.dim[1] = up_to_count(in);
	return status;
}

/* Calls of span_f64 tell which of n elements are not 0; NaN is not. */
static int64_t mark_non_zero(const struct tensor *t, uint8_t *mark)
{
	double v[SPAN];
	int64_t found = 0, count = tensor_count(t);
	for (int64_t at = 0; at < count; at += SPAN) {
		int64_t n = count - at < SPAN ? count - at : SPAN;
		span_f64(v, t, at, n);
		for (int64_t i = 0; i < n; i++)
			found += mark[at + i] = v[i] != 0;
	}
	return found;
}

int eval_non_zero(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	int64_t count = tensor_count(in), at[MAX_RANK] = {0}, k = 0;
	uint8_t *mark = arena_array(s->scratch, (size_t)count + 1, 1);
	if (!mark)
		return fail_nomem(s->err);
	int64_t dims[2] = {in->rank ? in->rank : 1, mark_non_zero(in, mark)};
	if (eval_output(s, 0, attr_type(s->node, "output_type"), 2, dims))
		return s->err->status;
	for (int64_t i = 0; i < count; i++) {
		if (mark[i]) {
			for (int d = 0; d < dims[0]; d++)
				tensor_set_i64(&s->out[0], d * dims[1] + k, at[d]);
			k++;
		}
		for (int d = in->rank - 1; d >= 0 && ++at[d] == in->dim[d]; d--)
			at[d] = 0;
	}
	return OK;
}

/* ---- Unique ---- */

int infer_unique(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	enum dtype index, counts;
	int status = index_type(s, "index_element_type", &index);
	if (!status)
		status = index_type(s, "count_element_type", &counts);
	if (status)
		return status;
	struct dim all = up_to_count(in), whole = dim_of(1);
	int64_t v;
	s->out[0].type = s->in[0].type;
	s->out[0].shape = shape_any(1);
	for (int i = 0; i < in->rank; i++)
		whole = dim_mul(whole, in->dim[i]);
	all.min = in->rank >= 0 && whole.min > 0;
	if (infer_has(s, 1)) {
		s->out[0].shape = *in;
		all = whole = dim_any();
		if (infer_int(s, 1, &v) && in->rank >= 0) {
			int axis = infer_axis(s, v, in->rank);
			if (axis < 0)
				return E_FORMAT;
			whole = in->dim[axis];
			all = (struct dim){whole.min > 0, whole.max, 0};
			s->out[0].shape.dim[axis] = all;
		} else if (in->rank >= 0) {
			s->out[0].shape = shape_any(in->rank);
		}
	} else {
		s->out[0].shape.dim[0] = all;
	}
	for (int k = 1; k < 4; k++) {
		s->out[k].type = k == 3 ? counts : index;
		s->out[k].shape = shape_any(1);
		s->out[k].shape.dim[0] = k == 2 ? in->rank < 0 ? dim_any() : whole : all;
	}
	return OK;
}

/* n slices of a tensor seen as [outer][n][inner], as keys. */
struct slices {
	int64_t outer, n, inner;
	const int64_t *key;
};

static int compare_slices(const struct slices *p, int64_t a, int64_t b)
{
	for (int64_t o = 0; o < p->outer; o++)
		for (int64_t i = 0; i < p->inner; i++) {
			int64_t x = p->key[(o * p->n + a) * p->inner + i];
			int64_t y = p->key[(o * p->n + b) * p->inner + i];
			if (x != y)
				return x < y ? -1 : 1;
		}
	return 0;
}

static int by_slice(const void *a, const void *b, void *user)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	int c = compare_slices(user, x, y);
	return c ? c : x < y ? -1 : x > y;
}

static int by_first(const void *a, const void *b, void *user)
{
	const int64_t *first = user;
	int64_t x = first[*(const int64_t *)a], y = first[*(const int64_t *)b];
	return x < y ? -1 : x > y;
}

/* Groups of equal slices: first[g], count[g] in sorted order, group[i] of slice i, and rank[] as
 * the output's order. */
struct groups {
	int64_t n, *first, *count, *group, *rank;
};

static int find_groups(struct eval *s, struct slices *p, struct groups *g)
{
	size_t room = (size_t)p->n + 1;
	int64_t *order = arena_array(s->scratch, room, sizeof *order);
	g->first = arena_array(s->scratch, room, sizeof *order);
	g->count = arena_array(s->scratch, room, sizeof *order);
	g->group = arena_array(s->scratch, room, sizeof *order);
	g->rank = arena_array(s->scratch, room, sizeof *order);
	if (!order || !g->first || !g->count || !g->group || !g->rank)
		return fail_nomem(s->err);
	for (int64_t i = 0; i < p->n; i++)
		order[i] = i;
	qsort_r(order, (size_t)p->n, sizeof *order, by_slice, p);
	for (int64_t i = 0; i < p->n; i++) {
		if (!i || compare_slices(p, order[i - 1], order[i])) {
			g->rank[g->n] = g->n;
			g->first[g->n++] = order[i];
		}
		g->count[g->n - 1]++;
		g->group[order[i]] = g->n - 1;
	}
	if (!attr_bool(s->node, "sorted"))
		qsort_r(g->rank, (size_t)g->n, sizeof *g->rank, by_first, g->first);
	return OK;
}

static int put_groups(struct eval *s, const struct slices *p, const struct groups *g)
{
	enum dtype index = attr_type(s->node, "index_element_type");
	int64_t *place = arena_array(s->scratch, (size_t)g->n + 1, sizeof *place);
	if (!place)
		return fail_nomem(s->err);
	if (eval_output(s, 1, index, 1, &g->n) || eval_output(s, 2, index, 1, &p->n) ||
	    eval_output(s, 3, attr_type(s->node, "count_element_type"), 1, &g->n))
		return s->err->status;
	for (int64_t i = 0; i < g->n; i++) {
		place[g->rank[i]] = i;
		tensor_set_i64(&s->out[1], i, g->first[g->rank[i]]);
		tensor_set_i64(&s->out[3], i, g->count[g->rank[i]]);
	}
	for (int64_t i = 0; i < p->n; i++)
		tensor_set_i64(&s->out[2], i, place[g->group[i]]);
	return OK;
}

int eval_unique(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	int64_t count = tensor_count(in), v, dims[MAX_RANK] = {0};
	struct slices p = {1, count, 1, NULL};
	struct groups g = {0};
	int axis = -1;
	size_t size = eval_elem_size(s, in);
	int64_t *key = arena_array(s->scratch, (size_t)count + 1, sizeof *key);
	if (!size || !key)
		return size ? fail_nomem(s->err) : s->err->status;
	if (eval_has(s, 1)) {
		if (eval_int(s, 1, &v) || (axis = eval_axis(s, v, in->rank)) < 0)
			return s->err->status;
		p = (struct slices){dims_product(in, 0, axis), in->dim[axis],
		    dims_product(in, axis + 1, in->rank), NULL};
		memcpy(dims, in->dim, sizeof dims);
	}
	for (int64_t i = 0; i < count; i++)
		key[i] = order_key(in, i);
	p.key = key;
	if (find_groups(s, &p, &g))
		return s->err->status;
	dims[axis < 0 ? 0 : axis] = g.n;
	if (eval_output(s, 0, in->type, axis < 0 ? 1 : in->rank, dims))
		return s->err->status;
	for (int64_t o = 0; o < p.outer; o++)
		for (int64_t i = 0; i < g.n && p.inner; i++)
			memcpy((char *)s->out[0].data + (o * g.n + i) * p.inner * (int64_t)size,
			    (const char *)in->data +
				(o * p.n + g.first[g.rank[i]]) * p.inner * (int64_t)size,
			    (size_t)p.inner * size);
	return put_groups(s, &p, &g);
}

/* ---- Bucketize ---- */

int infer_bucketize(struct infer *s)
{
	int status = index_type(s, "output_type", &s->out[0].type);
	s->out[0].shape = s->in[0].shape;
	return status ? status : infer_want_rank(s, 1, 1, 1, "the list of buckets");
}

/* Number of bounds below v; those equal to v count unless the right bound belongs to a bucket. */
static int64_t bucket_of(const struct tensor *bounds, double v, bool right)
{
	int64_t lo = 0, hi = bounds->dim[0];
	while (lo < hi) {
		int64_t mid = lo + (hi - lo) / 2;
		double b = tensor_f64(bounds, mid);
		if (b < v || (!right && b == v))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int eval_bucketize(struct eval *s)
{
	bool right = attr_bool(s->node, "with_right_bound");
	int64_t count = tensor_count(&s->in[0]);
	for (int64_t i = 0; i < count; i++)
		tensor_set_i64(
		    &s->out[0], i, bucket_of(&s->in[1], tensor_f64(&s->in[0], i), right));
	return OK;
}
