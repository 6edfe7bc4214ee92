/* Elementwise operators on one input that compare, round or negate: exact in every type. */
#include <float.h>
#include <math.h>

#include "ops/binary.h"
#include "ops/elem.h"
#include "ops/rows.h"
#include "ops/unary.h"

const struct attr_def attrs_clamp[] = {
    {"min", ATTR_FLOAT, true, NULL, NULL}, {"max", ATTR_FLOAT, true, NULL, NULL}, {0}};
const struct attr_def attrs_round[] = {
    {"mode", ATTR_STRING, false, "half_to_even", "half_to_even|half_away_from_zero"}, {0}};
const struct attr_def attrs_is_inf[] = {{"detect_negative", ATTR_BOOL, false, "true", NULL},
    {"detect_positive", ATTR_BOOL, false, "true", NULL}, {0}};

int infer_bool_unary(struct infer *s)
{
	infer_same(s);
	s->out[0].type = DT_BOOL;
	if (node_is(s->node, OP_LOGICAL_NOT)) {
		unary_elems(s);
		return infer_type(s, 0, DT_BOOL);
	}
	return infer_float(s, 0);
}

#define MAP_I64(name, expr)                                                        \
	static VECTOR void name##_i64(int64_t *v, int64_t n, int64_t a, int64_t b) \
	{                                                                          \
		(void)a, (void)b;                                                  \
		for (int64_t i = 0; i < n; i++) {                                  \
			int64_t x = v[i];                                          \
			v[i] = (expr);                                             \
		}                                                                  \
	}
#define MAP_F32(name, expr)                                            \
	static VECTOR int name##_f32(struct eval *s, float a, float b) \
	{                                                              \
		const float *restrict src = s->in[0].data;             \
		float *restrict dst = s->out[0].data;                  \
		int64_t n = tensor_count(&s->out[0]);                  \
		(void)a, (void)b;                                      \
		for (int64_t i = 0; i < n; i++) {                      \
			float x = src[i];                              \
			dst[i] = (expr);                               \
		}                                                      \
		return OK;                                             \
	}
#define MAP_ALL(name, expr) MAP_F32(name, expr) MAP_F64(name, expr) MAP_I64(name, expr)

/* Integers of 64 unsigned bits have no sign to look at. */
static bool is_u64(const struct eval *s)
{
	return s->in[0].type == DT_U64;
}

MAP_ALL(relu, x < 0 ? 0 : x)
int eval_relu(struct eval *s)
{
	if (is_u64(s))
		return eval_identity(s);
	if (s->in[0].type == DT_F32)
		return relu_f32(s, 0, 0);
	return type_whole(s->in[0].type) ? unary_i64(s, relu_i64, 0, 0)
					 : unary_f64(s, relu_f64, 0, 0);
}

MAP_F64(abs, fabs(x))
MAP_I64(abs, x < 0 ? (int64_t)(0 - (uint64_t)x) : x)
int eval_abs(struct eval *s)
{
	if (is_u64(s))
		return eval_identity(s);
	return type_whole(s->in[0].type) ? unary_i64(s, abs_i64, 0, 0)
					 : unary_f64(s, abs_f64, 0, 0);
}

MAP_F64(negative, -x)
MAP_I64(negative, (int64_t)(0 - (uint64_t)x))
int eval_negative(struct eval *s)
{
	return type_whole(s->in[0].type) ? unary_i64(s, negative_i64, 0, 0)
					 : unary_f64(s, negative_f64, 0, 0);
}

MAP_F64(sign, x > 0 ? 1 : x < 0 ? -1 : x != x ? x : 0)
MAP_I64(sign, (x > 0) - (x < 0))
MAP_I64(sign_u64, x != 0)
int eval_sign(struct eval *s)
{
	if (is_u64(s))
		return unary_i64(s, sign_u64_i64, 0, 0);
	return type_whole(s->in[0].type) ? unary_i64(s, sign_i64, 0, 0)
					 : unary_f64(s, sign_f64, 0, 0);
}

/* Rounding to whole numbers leaves whole numbers as they are. */
static int rounded(struct eval *s, void (*f)(double *, int64_t, double, double))
{
	return type_whole(s->in[0].type) ? eval_identity(s) : unary_f64(s, f, 0, 0);
}

MAP_F64(floor, floor(x))
int eval_floor(struct eval *s)
{
	return rounded(s, floor_f64);
}

MAP_F64(ceiling, ceil(x))
int eval_ceiling(struct eval *s)
{
	return rounded(s, ceiling_f64);
}

/* Half to even whatever the rounding mode: adding 2^52 leaves no bits for a fraction. */
static inline double half_even(double x)
{
	double r = floor(x), d = x - r;
	if (!(fabs(x) < 0x1p52))
		return x;
	if (d > 0.5 || (d == 0.5 && fmod(r, 2) != 0))
		r += 1;
	return copysign(r, x);
}
MAP_F64(round_even, half_even(x))
MAP_F64(round_away, round(x))
int eval_round(struct eval *s)
{
	return rounded(
	    s, attr_is(s->node, "mode", "half_to_even") ? round_even_f64 : round_away_f64);
}

MAP_F32(clamp, x<a ? a : x> b ? b : x)
MAP_F64(clamp, x<a ? a : x> b ? b : x)
MAP_I64(clamp, x<a ? a : x> b ? b : x)
MAP_I64(clamp_u64, (uint64_t)x<(uint64_t)a ? a : (uint64_t)x>(uint64_t) b ? b : x)

/* A bound on unsigned or signed 64-bit integers, rounded towards the inside. */
static int64_t whole_bound(double v, bool u64)
{
	if (u64)
		return v <= 0 ? 0 : v >= 0x1p64 ? -1 : (int64_t)(uint64_t)v;
	return v <= -0x1p63 ? INT64_MIN : v >= 0x1p63 ? INT64_MAX : (int64_t)v;
}

int eval_clamp(struct eval *s)
{
	double lo = attr_f(s->node, "min"), hi = attr_f(s->node, "max");
	if (isnan(lo) || isnan(hi))
		return eval_fail(s, E_FORMAT, "a bound is not a number");
	if (type_whole(s->in[0].type))
		return unary_i64(s, is_u64(s) ? clamp_u64_i64 : clamp_i64,
		    whole_bound(ceil(lo), is_u64(s)), whole_bound(floor(hi), is_u64(s)));
	if (s->in[0].type == DT_F32)
		return clamp_f32(s, (float)lo, (float)hi);
	return unary_f64(s, clamp_f64, lo, hi);
}

MAP_I64(logical_not, !x)
int eval_logical_not(struct eval *s)
{
	return unary_i64(s, logical_not_i64, 0, 0);
}

MAP_I64(bitwise_not, ~x)
int eval_bitwise_not(struct eval *s)
{
	return unary_i64(s, s->in[0].type == DT_BOOL ? logical_not_i64 : bitwise_not_i64, 0, 0);
}

MAP_F64(is_nan, x != x)
int eval_is_nan(struct eval *s)
{
	return unary_f64(s, is_nan_f64, 0, 0);
}

MAP_F64(is_finite, fabs(x) <= DBL_MAX)
int eval_is_finite(struct eval *s)
{
	return unary_f64(s, is_finite_f64, 0, 0);
}

MAP_F64(is_inf, (x > DBL_MAX && a != 0) || (x < -DBL_MAX && b != 0))
int eval_is_inf(struct eval *s)
{
	return unary_f64(s, is_inf_f64, attr_bool(s->node, "detect_positive"),
	    attr_bool(s->node, "detect_negative"));
}
