/* Normalisations by statistics of the data itself: MVN, L2, groups, RMS, LRN. */
#include <math.h>
#include <string.h>

#include "ops/elem.h"
#include "ops/rows.h"

const struct attr_def attrs_lrn[] = {{"alpha", ATTR_FLOAT, true, NULL, NULL},
    {"beta", ATTR_FLOAT, true, NULL, NULL}, {"bias", ATTR_FLOAT, true, NULL, NULL},
    {"size", ATTR_INT, true, NULL, NULL}, {0}};
const struct attr_def attrs_mvn[] = {{"normalize_variance", ATTR_BOOL, true, NULL, NULL},
    {"eps", ATTR_FLOAT, true, NULL, NULL},
    {"eps_mode", ATTR_STRING, true, NULL, "INSIDE_SQRT|OUTSIDE_SQRT|inside_sqrt|outside_sqrt"},
    {0}};
const struct attr_def attrs_normalize_l2[] = {
    {"eps", ATTR_FLOAT, true, NULL, NULL}, {"eps_mode", ATTR_STRING, true, NULL, "add|max"}, {0}};
const struct attr_def attrs_group_norm[] = {
    {"num_groups", ATTR_INT, true, NULL, NULL}, {"epsilon", ATTR_FLOAT, true, NULL, NULL}, {0}};

/* Output as input 0; input 1 holds axes. */
static int infer_with_axes(struct infer *s)
{
	int64_t axes[MAX_RANK * 4];
	int r = infer_float(s, 0), n = infer_ints(s, 1, axes, MAX_RANK * 4);
	infer_same(s);
	if (!r)
		r = infer_integer(s, 1);
	for (int i = 0; i < n && !r && s->in[0].shape.rank >= 0; i++)
		if (infer_axis(s, axes[i], s->in[0].shape.rank) < 0)
			r = E_FORMAT;
	return r;
}

int infer_mvn(struct infer *s)
{
	return infer_with_axes(s);
}

int infer_normalize_l2(struct infer *s)
{
	return infer_with_axes(s);
}

int infer_lrn(struct infer *s)
{
	if (attr_i(s->node, "size") < 1)
		return infer_fail(s, "attribute 'size' is %lld, expected 1 or more",
		    (long long)attr_i(s->node, "size"));
	return infer_with_axes(s);
}

int infer_group_norm(struct infer *s)
{
	int64_t groups = attr_i(s->node, "num_groups");
	const struct shape *x = &s->in[0].shape;
	int r = infer_float(s, 0);
	infer_same(s);
	for (int k = 1; k < s->nin && !r; k++)
		r = infer_same_types(s, 0, k);
	if (r)
		return r;
	if (x->rank == 0 || x->rank == 1)
		return infer_fail(s, "the input has rank %d, expected 2 or more", x->rank);
	if (groups < 1)
		return infer_fail(s, "attribute 'num_groups' is %lld", (long long)groups);
	if (x->rank > 1 && dim_static(x->dim[1]) && x->dim[1].min % groups)
		return infer_fail(s, "%lld channels cannot be divided into %lld groups",
		    (long long)x->dim[1].min, (long long)groups);
	for (int k = 1; k < 3 && x->rank > 1; k++) {
		struct dim d;
		const struct shape *p = &s->in[k].shape;
		if (p->rank >= 0 && (p->rank != 1 || !dim_merge(p->dim[0], x->dim[1], &d)))
			return infer_fail(s, "input %d does not hold one value per channel", k);
	}
	return OK;
}

/* Sums over the axes: one value for each place of the other dims. */
struct sums {
	struct walk w;
	int64_t kept[MAX_RANK];
	int64_t n, count; /* sums, elements in each */
	double *v;
};

static int sums_setup(struct eval *s, struct sums *m)
{
	const struct tensor *x = &s->in[0];
	uint32_t mask;
	int r = elem_axes(s, &s->in[1], x->rank, &mask);
	if (r)
		return r;
	m->n = m->count = 1;
	for (int i = 0; i < x->rank; i++) {
		bool gone = mask >> i & 1;
		m->kept[i] = gone ? 1 : x->dim[i];
		*(gone ? &m->count : &m->n) *= x->dim[i];
	}
	m->v = eval_scratch(s, m->n, sizeof *m->v);
	return m->v ? OK : E_NOMEM;
}

static void sums_walk(const struct eval *s, struct sums *m)
{
	const struct tensor *x = &s->in[0];
	walk_start(&m->w, x->rank, x->dim, 2, (const int[]){x->rank, x->rank},
	    (const int64_t *const[]){x->dim, m->kept});
}

/* x = x - shift, of one sum or of neighbouring ones. */
static VECTOR void subtract_from(
    double *restrict x, const double *restrict shift, int step, int64_t n)
{
	double first = *shift;
	if (step)
		for (int64_t j = 0; j < n; j++)
			x[j] -= shift[j];
	else
		for (int64_t j = 0; j < n; j++)
			x[j] -= first;
}

static VECTOR void divide_by(double *restrict x, const double *restrict scale, int step, int64_t n)
{
	double first = *scale;
	if (step)
		for (int64_t j = 0; j < n; j++)
			x[j] /= scale[j];
	else
		for (int64_t j = 0; j < n; j++)
			x[j] /= first;
}

static VECTOR void squares(double *x, int64_t n)
{
	for (int64_t j = 0; j < n; j++)
		x[j] *= x[j];
}

static VECTOR void add_to(double *restrict sum, const double *restrict x, int step, int64_t n)
{
	double all = *sum;
	if (step) {
		for (int64_t j = 0; j < n; j++)
			sum[j] += x[j];
		return;
	}
	for (int64_t j = 0; j < n; j++)
		all += x[j];
	*sum = all;
}

/* Adds x - shift, or its square, of every element to its sum. */
static void sums_add(const struct eval *s, struct sums *m, const double *shift, bool square)
{
	double x[SPAN];
	for (sums_walk(s, m); !m->w.done; walk_next(&m->w))
		for (int64_t i = 0; i < m->w.n; i += SPAN) {
			int step = m->w.step[1];
			int64_t n = m->w.n - i < SPAN ? m->w.n - i : SPAN,
				k = m->w.at[1] + i * step;
			span_f64(x, &s->in[0], m->w.at[0] + i, n);
			if (shift)
				subtract_from(x, shift + k, step, n);
			if (square)
				squares(x, n);
			add_to(m->v + k, x, step, n);
		}
}

/* y = (x - shift) / scale, both per sum. */
static void sums_apply(struct eval *s, struct sums *m, const double *shift, const double *scale)
{
	double x[SPAN];
	for (sums_walk(s, m); !m->w.done; walk_next(&m->w))
		for (int64_t i = 0; i < m->w.n; i += SPAN) {
			int step = m->w.step[1];
			int64_t n = m->w.n - i < SPAN ? m->w.n - i : SPAN,
				k = m->w.at[1] + i * step;
			span_f64(x, &s->in[0], m->w.at[0] + i, n);
			if (shift)
				subtract_from(x, shift + k, step, n);
			if (scale)
				divide_by(x, scale + k, step, n);
			span_put_f64(&s->out[0], m->w.out + i, n, x);
		}
}

int eval_mvn(struct eval *s)
{
	struct sums m;
	int r = sums_setup(s, &m);
	double *mean = r ? NULL : eval_scratch(s, m.n, sizeof *mean);
	if (!mean)
		return r ? r : E_NOMEM;
	double eps = attr_f(s->node, "eps");
	bool inside = attr_is(s->node, "eps_mode", "INSIDE_SQRT") ||
		      attr_is(s->node, "eps_mode", "inside_sqrt");
	sums_add(s, &m, NULL, false);
	for (int64_t i = 0; i < m.n; i++) {
		mean[i] = m.v[i] / (double)m.count;
		m.v[i] = 0;
	}
	if (!attr_bool(s->node, "normalize_variance")) {
		sums_apply(s, &m, mean, NULL);
		return OK;
	}
	sums_add(s, &m, mean, true);
	for (int64_t i = 0; i < m.n; i++) {
		double var = m.v[i] / (double)m.count;
		m.v[i] = inside ? sqrt(var + eps) : sqrt(var) + eps;
	}
	sums_apply(s, &m, mean, m.v);
	return OK;
}

/* Without axes an element is divided by itself, whatever eps is. */
static int divided_by_itself(struct eval *s)
{
	int64_t n = tensor_count(&s->in[0]);
	for (int64_t i = 0; i < n; i++)
		tensor_set_f64(&s->out[0], i, tensor_f64(&s->in[0], i) != 0);
	return OK;
}

int eval_normalize_l2(struct eval *s)
{
	struct sums m;
	if (!tensor_count(&s->in[1]))
		return divided_by_itself(s);
	int r = sums_setup(s, &m);
	if (r)
		return r;
	double eps = attr_f(s->node, "eps");
	bool add = attr_is(s->node, "eps_mode", "add");
	sums_add(s, &m, NULL, true);
	for (int64_t i = 0; i < m.n; i++)
		m.v[i] = sqrt(add ? m.v[i] + eps : m.v[i] > eps ? m.v[i] : eps);
	sums_apply(s, &m, NULL, m.v);
	return OK;
}

/* Mean and variance of n elements from at on. */
static void moments(const struct tensor *x, int64_t at, int64_t n, double *mean, double *var)
{
	double v[SPAN], sum = 0, square = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (int64_t i = 0; i < n; i += SPAN) {
			int64_t m = n - i < SPAN ? n - i : SPAN;
			span_f64(v, x, at + i, m);
			for (int64_t j = 0; j < m; j++)
				if (pass)
					square += (v[j] - *mean) * (v[j] - *mean);
				else
					sum += v[j];
		}
		*mean = sum / (double)n;
	}
	*var = square / (double)n;
}

static void affine(struct eval *s, int64_t at, int64_t n, double mean, double scale, double shift)
{
	double v[SPAN];
	for (int64_t i = 0; i < n; i += SPAN) {
		int64_t m = n - i < SPAN ? n - i : SPAN;
		span_f64(v, &s->in[0], at + i, m);
		for (int64_t j = 0; j < m; j++)
			v[j] = (v[j] - mean) * scale + shift;
		span_put_f64(&s->out[0], at + i, m, v);
	}
}

int eval_group_norm(struct eval *s)
{
	const struct tensor *x = &s->in[0];
	int64_t groups = attr_i(s->node, "num_groups"), inner = dims_count(x->dim, 2, x->rank);
	int64_t channels = x->dim[1] / groups, size = channels * inner;
	double eps = attr_f(s->node, "epsilon");
	if (!tensor_count(x))
		return OK;
	for (int64_t i = 0; i < x->dim[0] * groups; i++) {
		double mean = 0, var;
		moments(x, i * size, size, &mean, &var);
		for (int64_t c = 0; c < channels; c++) {
			int64_t ch = i % groups * channels + c;
			affine(s, i * size + c * inner, inner, mean,
			    tensor_f64(&s->in[1], ch) / sqrt(var + eps), tensor_f64(&s->in[2], ch));
		}
	}
	return OK;
}
