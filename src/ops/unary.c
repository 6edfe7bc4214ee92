/* Elementwise operators on one input that are computed in double and rounded once. */
#include <math.h>
#include <string.h>

#include "ops/binary.h"
#include "ops/elem.h"
#include "ops/rows.h"
#include "ops/unary.h"
#include "ops/vmath.h"

const struct attr_def attrs_elu[] = {{"alpha", ATTR_FLOAT, true, NULL, NULL}, {0}};
const struct attr_def attrs_gelu[] = {
    {"approximation_mode", ATTR_STRING, false, "ERF", "ERF|TANH|erf|tanh"}, {0}};

int infer_unary(struct infer *s)
{
	infer_same(s);
	for (int k = 1; k < s->nin; k++) {
		int r = infer_same_types(s, 0, k);
		if (r)
			return r;
	}
	unary_elems(s);
	return OK;
}

int unary_f64(struct eval *s, void (*f)(double *, int64_t, double, double), double a, double b)
{
	double v[SPAN];
	int64_t count = tensor_count(&s->out[0]);
	for (int64_t i = 0; i < count; i += SPAN) {
		int64_t n = count - i < SPAN ? count - i : SPAN;
		span_f64(v, &s->in[0], i, n);
		f(v, n, a, b);
		span_put_f64(&s->out[0], i, n, v);
	}
	return OK;
}

int unary_i64(struct eval *s, void (*f)(int64_t *, int64_t, int64_t, int64_t), int64_t a, int64_t b)
{
	int64_t v[SPAN];
	int64_t count = tensor_count(&s->out[0]);
	for (int64_t i = 0; i < count; i += SPAN) {
		int64_t n = count - i < SPAN ? count - i : SPAN;
		span_i64(v, &s->in[0], i, n);
		f(v, n, a, b);
		span_put_i64(&s->out[0], i, n, v);
	}
	return OK;
}

/* The eval of a row without parameters, and its loop. */
#define UNARY(name, expr)                              \
	MAP_F64(name, expr)                            \
	int eval_##name(struct eval *s)                \
	{                                              \
		return unary_f64(s, name##_f64, 0, 0); \
	}

/* log(1 + e^x) without overflow. */
static double soft_plus(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double sigmoid(double x)
{
	if (x >= 0)
		return 1 / (1 + exp(-x));
	double e = exp(x);
	return e / (1 + e);
}

static double gelu_erf(double x)
{
	return 0.5 * x * (1 + erf(x * M_SQRT1_2));
}

static double gelu_tanh(double x)
{
	return 0.5 * x * (1 + tanh(M_2_SQRTPI * M_SQRT1_2 * (x + 0.044715 * x * x * x)));
}

UNARY(acos, acos(x))
UNARY(acosh, acosh(x))
UNARY(asin, asin(x))
UNARY(asinh, asinh(x))
UNARY(atan, atan(x))
UNARY(atanh, atanh(x))
UNARY(cos, cos(x))
UNARY(cosh, cosh(x))
UNARY(log, log(x))
UNARY(sin, sin(x))
UNARY(sinh, sinh(x))
UNARY(sqrt, sqrt(x))
UNARY(tan, tan(x))
UNARY(mish, x *tanh(soft_plus(x)))
UNARY(soft_plus, soft_plus(x))
UNARY(soft_sign, x / (1 + fabs(x)))

/* min(max(x + 3, 0), 6), a NaN kept. */
static inline double relu6(double x)
{
	return x < 0 ? 0 : x > 6 ? 6 : x;
}
UNARY(hswish, x *relu6(x + 3) / 6)
UNARY(hsigmoid, relu6(x + 3) / 6)

/* The rows on exponentials: libm for f64, spans of our own for the narrower types. */
#define NARROW(name, libm, body)                                                 \
	MAP_F64(name##_libm, libm)                                               \
	static void name##_span(double *v, int64_t n, double a, double b)        \
	{                                                                        \
		(void)a, (void)b;                                                \
		body;                                                            \
	}                                                                        \
	static int name##_with(struct eval *s, double a, double b)               \
	{                                                                        \
		bool wide = s->out[0].type == DT_F64;                            \
		return unary_f64(s, wide ? name##_libm_f64 : name##_span, a, b); \
	}

NARROW(exp, exp(x), vexp(v, n))
NARROW(tanh, tanh(x), vtanh(v, n))
NARROW(sigmoid, sigmoid(x), vsigmoid(v, n))
NARROW(erf, erf(x), verf(v, n))

int eval_exp(struct eval *s)
{
	return exp_with(s, 0, 0);
}

int eval_tanh(struct eval *s)
{
	return tanh_with(s, 0, 0);
}

int eval_sigmoid(struct eval *s)
{
	return sigmoid_with(s, 0, 0);
}

int eval_erf(struct eval *s)
{
	return erf_with(s, 0, 0);
}

/* v = x f(v), where v was made from x by the caller. */
static VECTOR void times(double *restrict v, const double *restrict x, int64_t n, double scale)
{
	for (int64_t i = 0; i < n; i++)
		v[i] = scale * x[i] * v[i];
}

static VECTOR void gelu_erf_body(double *v, int64_t n)
{
	double x[SPAN];
	memcpy(x, v, (size_t)n * sizeof *x);
	for (int64_t i = 0; i < n; i++)
		v[i] *= M_SQRT1_2;
	verf(v, n);
	for (int64_t i = 0; i < n; i++)
		v[i] += 1;
	times(v, x, n, 0.5);
}
NARROW(gelu_erf, gelu_erf(x), gelu_erf_body(v, n))

int eval_gelu_erf(struct eval *s)
{
	return gelu_erf_with(s, 0, 0);
}

static VECTOR void gelu_tanh_body(double *v, int64_t n)
{
	double x[SPAN];
	memcpy(x, v, (size_t)n * sizeof *x);
	for (int64_t i = 0; i < n; i++)
		v[i] = M_2_SQRTPI * M_SQRT1_2 * (v[i] + 0.044715 * v[i] * v[i] * v[i]);
	vtanh(v, n);
	for (int64_t i = 0; i < n; i++)
		v[i] += 1;
	times(v, x, n, 0.5);
}
NARROW(gelu_tanh, gelu_tanh(x), gelu_tanh_body(v, n))

int eval_gelu(struct eval *s)
{
	bool approx = attr_is(s->node, "approximation_mode", "TANH") ||
		      attr_is(s->node, "approximation_mode", "tanh");
	return approx ? gelu_tanh_with(s, 0, 0) : gelu_erf_with(s, 0, 0);
}

static VECTOR void swish_body(double *v, int64_t n, double beta)
{
	double x[SPAN];
	memcpy(x, v, (size_t)n * sizeof *x);
	for (int64_t i = 0; i < n; i++)
		v[i] *= beta;
	vsigmoid(v, n);
	times(v, x, n, 1);
}
NARROW(swish, x *sigmoid(a *x), swish_body(v, n, a))

MAP_F64(elu, x < 0 ? a * expm1(x) : x)
int eval_elu(struct eval *s)
{
	return unary_f64(s, elu_f64, attr_f(s->node, "alpha"), 0);
}

/* The scalar parameter at input k, or other when it is absent. */
static double param(const struct eval *s, int k, double other)
{
	return eval_has(s, k) && tensor_count(&s->in[k]) > 0 ? tensor_f64(&s->in[k], 0) : other;
}

MAP_F64(selu, b *(x > 0 ? x : a * expm1(x)))
int eval_selu(struct eval *s)
{
	return unary_f64(s, selu_f64, param(s, 1, 0), param(s, 2, 0));
}

static inline double unit(double x)
{
	return x < 0 ? 0 : x > 1 ? 1 : x;
}
MAP_F64(hard_sigmoid, unit(a *x + b))
int eval_hard_sigmoid(struct eval *s)
{
	return unary_f64(s, hard_sigmoid_f64, param(s, 1, 0), param(s, 2, 0));
}

int eval_swish(struct eval *s)
{
	return swish_with(s, param(s, 1, 1), 0);
}
