/* Reductions over any axes, in input order: doubles for floats, wrapping 64-bit integers else. */
#include <math.h>
#include <string.h>

#include "ops/binary.h"
#include "ops/elem.h"
#include "ops/rows.h"

const struct attr_def attrs_reduce[] = {{"keep_dims", ATTR_BOOL, false, "false", NULL}, {0}};

static int check_reduce(struct infer *s)
{
	int id = s->node->op->id, r = infer_integer(s, 1);
	if (r)
		return r;
	if (s->in[1].shape.rank > 1)
		return infer_fail(s, "axes have rank %d, expected 0 or 1", s->in[1].shape.rank);
	if (id == OP_REDUCE_LOGICAL_AND || id == OP_REDUCE_LOGICAL_OR)
		return infer_type(s, 0, DT_BOOL);
	if (s->in[0].type == DT_BOOL)
		return infer_fail(s, "input 0 is boolean, expected numbers");
	return OK;
}

/* Axes that are not known: what can be said of the shape all the same. */
static void unknown_axes(struct infer *s)
{
	const struct shape *x = &s->in[0].shape;
	int64_t n = shape_count(&s->in[1].shape);
	if (attr_bool(s->node, "keep_dims") && x->rank >= 0)
		s->out[0].shape = shape_any(x->rank);
	else if (n == 0)
		s->out[0].shape = *x;
	else if (n == 1 && x->rank > 0)
		s->out[0].shape = shape_any(x->rank - 1);
}

/* Sums, products and extremes of the whole of a short integer list stay known. */
static void reduce_elems(struct infer *s)
{
	static const enum op_id by[][2] = {{OP_REDUCE_SUM, OP_ADD}, {OP_REDUCE_PROD, OP_MULTIPLY},
	    {OP_REDUCE_MAX, OP_MAXIMUM}, {OP_REDUCE_MIN, OP_MINIMUM}};
	const size_t rows = sizeof by / sizeof *by;
	int n;
	const struct dim *e = infer_elems(s, 0, &n);
	size_t k = 0;
	while (k < rows && !node_is(s->node, by[k][0]))
		k++;
	if (k == rows)
		return;
	if (!e || n < 1 || s->in[0].shape.rank != 1)
		return;
	struct dim r = e[0];
	for (int i = 1; i < n; i++)
		r = content_apply(by[k][1], r, e[i], s->in[0].type);
	infer_set_elems(s, 0, 1, &r);
}

int infer_reduce(struct infer *s)
{
	const struct shape *x = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	int64_t axes[MAX_RANK * 4];
	int r = check_reduce(s), n = infer_ints(s, 1, axes, MAX_RANK * 4);
	s->out[0].type = s->in[0].type;
	if (r)
		return r;
	if (n < 0 || x->rank < 0) {
		if (n < 0)
			unknown_axes(s);
		else if (n == 0)
			*out = *x;
		return OK;
	}
	uint32_t mask = 0;
	for (int i = 0; i < n; i++) {
		int a = infer_axis(s, axes[i], x->rank);
		if (a < 0)
			return E_FORMAT;
		mask |= 1u << a;
	}
	*out = shape_any(0);
	for (int i = 0; i < x->rank; i++)
		if (!(mask >> i & 1))
			out->dim[out->rank++] = x->dim[i];
		else if (attr_bool(s->node, "keep_dims"))
			out->dim[out->rank++] = dim_of(1);
	if (mask == 1)
		reduce_elems(s);
	return OK;
}

/* How values join: fold a row into one, or a row into as many. */
struct reducer {
	double first;
	int64_t ifirst;
	double (*fold)(double r, const double *x, int64_t n);
	void (*join)(double *r, const double *x, int64_t n);
	int64_t (*ifold)(int64_t r, const int64_t *x, int64_t n);
	double (*last)(double r, double count);
	int64_t (*ilast)(int64_t r, int64_t count);
};

#define FLOATS(name, expr)                                                                      \
	static double name##_fold(double r, const double *p, int64_t n)                         \
	{                                                                                       \
		for (int64_t i = 0; i < n; i++) {                                               \
			double x = p[i];                                                        \
			r = (expr);                                                             \
		}                                                                               \
		return r;                                                                       \
	}                                                                                       \
	static VECTOR void name##_join(double *restrict q, const double *restrict p, int64_t n) \
	{                                                                                       \
		for (int64_t i = 0; i < n; i++) {                                               \
			double x = p[i], r = q[i];                                              \
			q[i] = (expr);                                                          \
		}                                                                               \
	}
#define WHOLES(name, expr)                                                  \
	static int64_t name##_ifold(int64_t r, const int64_t *p, int64_t n) \
	{                                                                   \
		for (int64_t i = 0; i < n; i++) {                           \
			int64_t x = p[i];                                   \
			r = (expr);                                         \
		}                                                           \
		return r;                                                   \
	}
#define REDUCER(name, expr, iexpr) FLOATS(name, expr) WHOLES(name, iexpr)
#define FUNCS(name) name##_fold, name##_join, name##_ifold

/* The walk goes over the input; its second operand is the output, with 1 for the reduced dims. */
static int walk_reduced(struct eval *s, struct walk *w, int64_t kept[MAX_RANK], int64_t *count)
{
	const struct tensor *x = &s->in[0];
	uint32_t mask;
	int r = elem_axes(s, &s->in[1], x->rank, &mask);
	if (r)
		return r;
	*count = 1;
	for (int i = 0; i < x->rank; i++) {
		kept[i] = mask >> i & 1 ? 1 : x->dim[i];
		*count *= mask >> i & 1 ? x->dim[i] : 1;
	}
	walk_start(w, x->rank, x->dim, 2, (const int[]){x->rank, x->rank},
	    (const int64_t *const[]){x->dim, kept});
	return OK;
}

static void row_f64(
    const struct reducer *f, const struct tensor *x, const struct walk *w, double *acc)
{
	double v[SPAN];
	for (int64_t i = 0; i < w->n; i += SPAN) {
		int64_t n = w->n - i < SPAN ? w->n - i : SPAN;
		span_f64(v, x, w->at[0] + i, n);
		if (w->step[1])
			f->join(acc + w->at[1] + i, v, n);
		else
			acc[w->at[1]] = f->fold(acc[w->at[1]], v, n);
	}
}

static void row_i64(
    const struct reducer *f, const struct tensor *x, const struct walk *w, int64_t *acc)
{
	int64_t v[SPAN];
	for (int64_t i = 0; i < w->n; i += SPAN) {
		int64_t n = w->n - i < SPAN ? w->n - i : SPAN;
		span_i64(v, x, w->at[0] + i, n);
		if (!w->step[1])
			acc[w->at[1]] = f->ifold(acc[w->at[1]], v, n);
		else
			for (int64_t j = 0; j < n; j++)
				acc[w->at[1] + i + j] = f->ifold(acc[w->at[1] + i + j], v + j, 1);
	}
}

static int reduce_f64(struct eval *s, const struct reducer *f)
{
	struct walk w;
	int64_t kept[MAX_RANK], count, n = tensor_count(&s->out[0]);
	double *acc = eval_scratch(s, n, sizeof *acc);
	int r = acc ? walk_reduced(s, &w, kept, &count) : E_NOMEM;
	if (r)
		return r;
	for (int64_t i = 0; i < n; i++)
		acc[i] = f->first;
	for (; !w.done; walk_next(&w))
		row_f64(f, &s->in[0], &w, acc);
	for (int64_t i = 0; f->last && i < n; i++)
		acc[i] = f->last(acc[i], (double)count);
	span_put_f64(&s->out[0], 0, n, acc);
	return OK;
}

static int reduce_i64(struct eval *s, const struct reducer *f)
{
	struct walk w;
	int64_t kept[MAX_RANK], count, n = tensor_count(&s->out[0]);
	int64_t *acc = eval_scratch(s, n, sizeof *acc);
	int r = acc ? walk_reduced(s, &w, kept, &count) : E_NOMEM;
	if (r)
		return r;
	for (int64_t i = 0; i < n; i++)
		acc[i] = f->ifirst;
	for (; !w.done; walk_next(&w))
		row_i64(f, &s->in[0], &w, acc);
	for (int64_t i = 0; f->ilast && i < n; i++)
		acc[i] = f->ilast(acc[i], count);
	span_put_i64(&s->out[0], 0, n, acc);
	return OK;
}

static int reduce(struct eval *s, const struct reducer *f)
{
	return type_whole(s->in[0].type) ? reduce_i64(s, f) : reduce_f64(s, f);
}

#define ADD(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#define MUL(a, b) ((int64_t)((uint64_t)(a) * (uint64_t)(b)))

REDUCER(max, x > r || x != x ? x : r, x > r ? x : r)
WHOLES(umax, (uint64_t)x > (uint64_t)r ? x : r)
REDUCER(min, x < r || x != x ? x : r, x < r ? x : r)
WHOLES(umin, (uint64_t)x < (uint64_t)r ? x : r)
REDUCER(sum, r + x, ADD(r, x))
REDUCER(prod, r *x, MUL(r, x))
REDUCER(l1, r + fabs(x), ADD(r, x < 0 ? MUL(x, -1) : x))
REDUCER(l2, r + x * x, ADD(r, MUL(x, x)))
WHOLES(all, r &x)
WHOLES(any, r | x)

/* The extreme value of the type, for a reduction of nothing. */
static int64_t type_limit(enum dtype t, bool highest)
{
	int bits = dtype_bits(t);
	if (t == DT_BOOL)
		return highest;
	if (dtype_is_signed(t))
		return highest ? (int64_t)(UINT64_MAX >> (65 - bits)) : INT64_MIN >> (64 - bits);
	return highest ? (int64_t)(UINT64_MAX >> (64 - bits)) : 0;
}

int eval_reduce_max(struct eval *s)
{
	int64_t low = type_limit(s->in[0].type, false);
	struct reducer f = {-INFINITY, low, FUNCS(max), NULL, NULL};
	if (s->in[0].type == DT_U64)
		f.ifold = umax_ifold;
	return reduce(s, &f);
}

int eval_reduce_min(struct eval *s)
{
	int64_t high = type_limit(s->in[0].type, true);
	struct reducer f = {INFINITY, high, FUNCS(min), NULL, NULL};
	if (s->in[0].type == DT_U64)
		f.ifold = umin_ifold;
	return reduce(s, &f);
}

static double mean_last(double r, double count)
{
	return r / count;
}

static int64_t mean_ilast(int64_t r, int64_t count)
{
	return count ? r / count : 0;
}

int eval_reduce_mean(struct eval *s)
{
	static const struct reducer f = {0, 0, FUNCS(sum), mean_last, mean_ilast};
	return reduce(s, &f);
}

int eval_reduce_sum(struct eval *s)
{
	static const struct reducer f = {0, 0, FUNCS(sum), NULL, NULL};
	return reduce(s, &f);
}

int eval_reduce_prod(struct eval *s)
{
	static const struct reducer f = {1, 1, FUNCS(prod), NULL, NULL};
	return reduce(s, &f);
}

int eval_reduce_l1(struct eval *s)
{
	static const struct reducer f = {0, 0, FUNCS(l1), NULL, NULL};
	return reduce(s, &f);
}

static double l2_last(double r, double count)
{
	(void)count;
	return sqrt(r);
}

static int64_t l2_ilast(int64_t r, int64_t count)
{
	(void)count;
	return (int64_t)sqrt((double)r);
}

int eval_reduce_l2(struct eval *s)
{
	static const struct reducer f = {0, 0, FUNCS(l2), l2_last, l2_ilast};
	return reduce(s, &f);
}

int eval_reduce_logical_and(struct eval *s)
{
	static const struct reducer f = {1, 1, NULL, NULL, all_ifold, NULL, NULL};
	return reduce(s, &f);
}

int eval_reduce_logical_or(struct eval *s)
{
	static const struct reducer f = {0, 0, NULL, NULL, any_ifold, NULL, NULL};
	return reduce(s, &f);
}
