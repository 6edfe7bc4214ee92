/* SoftMax, LogSoftmax and CumSum: along one axis, in double. */
#include <math.h>

#include "ops/elem.h"
#include "ops/matmul.h"
#include "ops/rows.h"
#include "ops/vmath.h"

const struct attr_def attrs_softmax_1[] = {{"axis", ATTR_INT, false, "1", NULL}, {0}};
const struct attr_def attrs_softmax[] = {{"axis", ATTR_INT, false, "1", NULL}, {0}};
const struct attr_def attrs_log_softmax[] = {{"axis", ATTR_INT, false, "1", NULL}, {0}};
const struct attr_def attrs_cum_sum[] = {{"exclusive", ATTR_BOOL, false, "false", NULL},
    {"reverse", ATTR_BOOL, false, "false", NULL}, {0}};

int infer_softmax(struct infer *s)
{
	infer_same(s);
	int r = infer_float(s, 0);
	if (!r && s->in[0].shape.rank >= 0 &&
	    infer_axis(s, attr_i(s->node, "axis"), s->in[0].shape.rank) < 0)
		return E_FORMAT;
	return r;
}

int infer_cum_sum(struct infer *s)
{
	int64_t axis;
	infer_same(s);
	int r = infer_integer(s, 1);
	if (!r)
		r = infer_one(s, 1);
	if (!r && s->in[0].shape.rank >= 0 && infer_int(s, 1, &axis) &&
	    infer_axis(s, axis, s->in[0].shape.rank) < 0)
		return E_FORMAT;
	return r;
}

#define LANES 64 /* neighbouring lines along the axis that are held at once */

/* All lines along an axis, LANES of them at a time, each contiguous in the block. */
struct lines {
	int64_t outer, len, inner;
	double *block;
};

static int lines_setup(struct eval *s, struct lines *l, int64_t axis)
{
	const struct tensor *x = &s->in[0];
	int a = 0, r = elem_axis(s, axis, x->rank, &a);
	if (r)
		return r;
	l->outer = dims_count(x->dim, 0, a);
	l->len = x->dim[a];
	l->inner = dims_count(x->dim, a + 1, x->rank);
	l->block = eval_scratch(s, l->len * (l->inner < LANES ? l->inner : LANES), sizeof(double));
	return l->block ? OK : E_NOMEM;
}

static void lines_load(const struct lines *l, const struct tensor *t, int64_t at, int64_t n)
{
	double row[LANES];
	if (l->inner == 1) {
		span_f64(l->block, t, at, l->len);
		return;
	}
	for (int64_t i = 0; i < l->len; i++) {
		span_f64(row, t, at + i * l->inner, n);
		for (int64_t j = 0; j < n; j++)
			l->block[j * l->len + i] = row[j];
	}
}

static void lines_store(const struct lines *l, struct tensor *t, int64_t at, int64_t n)
{
	double row[LANES];
	if (l->inner == 1) {
		span_put_f64(t, at, l->len, l->block);
		return;
	}
	for (int64_t i = 0; i < l->len; i++) {
		for (int64_t j = 0; j < n; j++)
			row[j] = l->block[j * l->len + i];
		span_put_f64(t, at + i * l->inner, n, row);
	}
}

/* f works in place on lines of n values; wide: they are of type f64. */
static int each_line(struct eval *s, int64_t axis, void (*f)(double *x, int64_t n, bool wide))
{
	struct lines l;
	int r = lines_setup(s, &l, axis);
	if (r)
		return r;
	for (int64_t o = 0; o < l.outer; o++)
		for (int64_t i = 0; i < l.inner; i += LANES) {
			int64_t n = l.inner - i < LANES ? l.inner - i : LANES;
			int64_t at = o * l.len * l.inner + i;
			lines_load(&l, &s->in[0], at, n);
			for (int64_t j = 0; j < n; j++)
				f(l.block + j * l.len, l.len, s->in[0].type == DT_F64);
			lines_store(&l, &s->out[0], at, n);
		}
	return OK;
}

static double largest(const double *x, int64_t n)
{
	double m = -INFINITY;
	for (int64_t i = 0; i < n; i++)
		m = x[i] > m ? x[i] : m;
	return m;
}

double softmax_line(double *x, int64_t n, bool wide)
{
	double max = largest(x, n), sum = 0;
	if (!wide && max > -INFINITY && max < INFINITY)
		return vexp_sum(x, n, max);
	for (int64_t i = 0; i < n; i++)
		sum += x[i] = exp(x[i] - max);
	return sum;
}

static VECTOR void softmax_whole(double *x, int64_t n, bool wide)
{
	double sum = softmax_line(x, n, wide);
	for (int64_t i = 0; i < n; i++)
		x[i] /= sum;
}

static void log_softmax_line(double *x, int64_t n, bool wide)
{
	double max = largest(x, n), sum = 0;
	(void)wide;
	for (int64_t i = 0; i < n; i++)
		sum += exp(x[i] - max);
	sum = log(sum);
	for (int64_t i = 0; i < n; i++)
		x[i] -= max + sum;
}

int eval_softmax(struct eval *s)
{
	return each_line(s, attr_i(s->node, "axis"), softmax_whole);
}

int eval_log_softmax(struct eval *s)
{
	return each_line(s, attr_i(s->node, "axis"), log_softmax_line);
}

/* Running sums of one line, in double or wrapping integers. */
static void cum_sum_line(
    struct eval *s, int64_t at, int64_t step, int64_t n, bool exclusive, bool reverse)
{
	double sum = 0;
	uint64_t isum = 0;
	bool whole = type_whole(s->in[0].type);
	for (int64_t i = 0; i < n; i++) {
		int64_t p = at + (reverse ? n - 1 - i : i) * step, k = 0;
		double v = 0;
		if (whole)
			span_i64(&k, &s->in[0], p, 1);
		else
			span_f64(&v, &s->in[0], p, 1);
		double before = sum;
		int64_t ibefore = (int64_t)isum;
		sum += v;
		isum += (uint64_t)k;
		v = exclusive ? before : sum;
		k = exclusive ? ibefore : (int64_t)isum;
		if (whole)
			span_put_i64(&s->out[0], p, 1, &k);
		else
			span_put_f64(&s->out[0], p, 1, &v);
	}
}

int eval_cum_sum(struct eval *s)
{
	const struct tensor *x = &s->in[0];
	int a = 0, r = elem_axis(s, tensor_i64(&s->in[1], 0), x->rank, &a);
	if (r)
		return r;
	int64_t outer = dims_count(x->dim, 0, a), inner = dims_count(x->dim, a + 1, x->rank);
	bool exclusive = attr_bool(s->node, "exclusive"), reverse = attr_bool(s->node, "reverse");
	for (int64_t o = 0; o < outer; o++)
		for (int64_t i = 0; i < inner; i++)
			cum_sum_line(
			    s, o * x->dim[a] * inner + i, inner, x->dim[a], exclusive, reverse);
	return OK;
}
