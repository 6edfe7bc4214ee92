/* Elementwise operators on one input that are computed in double and rounded once. */
#include <math.h>

#include "ops/elem.h"
#include "ops/rows.h"
#include "ops/unary.h"

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

/* A loop over a span, and the eval of a row without parameters on it. */
#define MAP(name, expr)                                                         \
	static VECTOR void name##_f64(double *v, int64_t n, double a, double b) \
	{                                                                       \
		(void)a, (void)b;                                               \
		for (int64_t i = 0; i < n; i++) {                               \
			double x = v[i];                                        \
			v[i] = (expr);                                          \
		}                                                               \
	}
#define UNARY(name, expr)                              \
	MAP(name, expr)                                \
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
UNARY(erf, erf(x))
UNARY(exp, exp(x))
UNARY(log, log(x))
UNARY(sigmoid, sigmoid(x))
UNARY(sin, sin(x))
UNARY(sinh, sinh(x))
UNARY(sqrt, sqrt(x))
UNARY(tan, tan(x))
UNARY(tanh, tanh(x))
UNARY(mish, x *tanh(soft_plus(x)))
UNARY(soft_plus, soft_plus(x))
UNARY(soft_sign, x / (1 + fabs(x)))
UNARY(gelu_erf, gelu_erf(x))

/* min(max(x + 3, 0), 6), a NaN kept. */
static inline double relu6(double x)
{
	return x < 0 ? 0 : x > 6 ? 6 : x;
}
UNARY(hswish, x *relu6(x + 3) / 6)
UNARY(hsigmoid, relu6(x + 3) / 6)

MAP(gelu_tanh, gelu_tanh(x))
int eval_gelu(struct eval *s)
{
	bool approx = attr_is(s->node, "approximation_mode", "TANH") ||
		      attr_is(s->node, "approximation_mode", "tanh");
	return unary_f64(s, approx ? gelu_tanh_f64 : gelu_erf_f64, 0, 0);
}

MAP(elu, x < 0 ? a * expm1(x) : x)
int eval_elu(struct eval *s)
{
	return unary_f64(s, elu_f64, attr_f(s->node, "alpha"), 0);
}

/* The scalar parameter at input k, or other when it is absent. */
static double param(const struct eval *s, int k, double other)
{
	return eval_has(s, k) && tensor_count(&s->in[k]) > 0 ? tensor_f64(&s->in[k], 0) : other;
}

MAP(selu, b *(x > 0 ? x : a * expm1(x)))
int eval_selu(struct eval *s)
{
	return unary_f64(s, selu_f64, param(s, 1, 0), param(s, 2, 0));
}

static inline double unit(double x)
{
	return x < 0 ? 0 : x > 1 ? 1 : x;
}
MAP(hard_sigmoid, unit(a *x + b))
int eval_hard_sigmoid(struct eval *s)
{
	return unary_f64(s, hard_sigmoid_f64, param(s, 1, 0), param(s, 2, 0));
}

MAP(swish, x *sigmoid(a *x))
int eval_swish(struct eval *s)
{
	return unary_f64(s, swish_f64, param(s, 1, 1), 0);
}
