/* The span functions for the vectors of the including file's instruction set, which says its suffix
 * as ISA. */
#include "kernels/span_f32.h"
#include "kernels/vec_gelu.h"
#include "kernels/vec_math.h"
#include "kernels/vec_swish.h"
#include "kernels/vec_u8.h"

#define NAME2(name, isa) name##isa
#define NAME1(name, isa) NAME2(name, isa)
#define NAME(name) NAME1(name, ISA)

INLINE vec load_n(const float *p, int n)
{
	return n >= VEC ? vec_load(p) : vec_load_mask(p, vec_first(n));
}

INLINE void store_n(float *p, int n, vec x)
{
	if (n >= VEC)
		vec_store(p, x);
	else
		vec_store_mask(p, vec_first(n), x);
}

#define BINARY(name, expression)                                                       \
	static void name(float *x, const float *y, int ystep, int n, float a, float b) \
	{                                                                              \
		vec va = vec_set1(a), r = vec_set1(ystep ? 0 : *y);                    \
		(void)va;                                                              \
		(void)b;                                                               \
		for (int i = 0; i < n; i += VEC) {                                     \
			vec l = load_n(x + i, n - i);                                  \
			if (ystep)                                                     \
				r = load_n(y + i, n - i);                              \
			store_n(x + i, n - i, expression);                             \
		}                                                                      \
	}
BINARY(add, vec_add(l, r))
BINARY(sub, vec_sub(l, r))
BINARY(sub_from, vec_sub(r, l))
BINARY(mul, vec_mul(l, r))
BINARY(divide, vec_div(l, r))
BINARY(div_into, vec_div(r, l))
BINARY(larger, vec_max_nan(l, r))
BINARY(smaller, vec_neg(vec_max_nan(vec_neg(l), vec_neg(r))))
BINARY(squared_difference, vec_mul(vec_sub(l, r), vec_sub(l, r)))
BINARY(prelu, vec_if_less(l, vec_zero(), vec_mul(l, r), l))
BINARY(select_of, vec_if_less(vec_zero(), r, l, va))

#define UNARY(name, expression)                                                        \
	static void name(float *x, const float *y, int ystep, int n, float a, float b) \
	{                                                                              \
		(void)y;                                                               \
		(void)ystep;                                                           \
		vec va = vec_set1(a), vb = vec_set1(b);                                \
		(void)va;                                                              \
		(void)vb;                                                              \
		for (int i = 0; i < n; i += VEC) {                                     \
			vec l = load_n(x + i, n - i);                                  \
			store_n(x + i, n - i, expression);                             \
		}                                                                      \
	}

INLINE vec hsigmoid(vec x)
{
	vec t = vec_clamp(vec_add(x, vec_set1(3)), vec_zero(), vec_set1(6));
	return vec_mul(t, vec_set1(1.0f / 6));
}

/* exp(x) - 1 for x < 0, without the cancellation near 0: tanh(x / 2) * (exp(x) + 1). */
INLINE vec expm1_neg(vec x)
{
	return vec_mul(vec_tanh(vec_mul(x, vec_set1(0.5f))), vec_add(vec_exp(x), vec_set1(1)));
}

/* To an int32 and back. */
INLINE vec truncated(vec x)
{
	vec t = vec_floor(vec_abs(x));
	t = vec_if_less(x, vec_zero(), vec_sub(vec_zero(), t), t);
	return vec_if_less(vec_abs(x), vec_set1(0x1p31f), t, vec_set1(-0x1p31f));
}

UNARY(clamp, vec_clamp(l, va, vb))
UNARY(absolute, vec_abs(l))
UNARY(negative, vec_neg(l))
UNARY(root, vec_sqrt(l))
UNARY(cube, vec_mul(vec_mul(l, l), l))
UNARY(floor_of, vec_floor(l))
UNARY(round_of, vec_round(l))
UNARY(ceil_of, vec_ceil(l))
UNARY(trunc_of, truncated(l))
UNARY(exp_of, vec_exp(l))
UNARY(log_of, vec_log(l))
UNARY(sigmoid, vec_sigmoid(l))
UNARY(tanh_of, vec_tanh(l))
UNARY(erf_of, vec_erf(l))
UNARY(gelu_by_erf, vec_gelu_erf(l))
UNARY(gelu_by_tanh, vec_gelu_tanh(l))
UNARY(swish_steep, vec_swish(l, va))
UNARY(swish_flat, vec_mul(l, vec_sigmoid(vec_mul(va, l))))
UNARY(hswish, vec_mul(l, hsigmoid(l)))
UNARY(hsigmoid_of, hsigmoid(l))
UNARY(hard_sigmoid, vec_clamp(vec_fma(va, l, vb), vec_zero(), vec_set1(1)))
UNARY(elu, vec_if_less(l, vec_zero(), vec_mul(va, expm1_neg(l)), l))
UNARY(soft_plus, vec_soft_plus(l))
UNARY(mish, vec_mul(l, vec_tanh(vec_soft_plus(l))))

static void swish(float *x, const float *y, int ystep, int n, float a, float b)
{
	(a >= 1 ? swish_steep : swish_flat)(x, y, ystep, n, a, b);
}

span_f32_fn *const NAME(span_f32_ops)[SPAN_OPS] = {
    [SPAN_ADD] = add,
    [SPAN_SUB] = sub,
    [SPAN_SUB_FROM] = sub_from,
    [SPAN_MUL] = mul,
    [SPAN_DIV] = divide,
    [SPAN_DIV_INTO] = div_into,
    [SPAN_MAX] = larger,
    [SPAN_MIN] = smaller,
    [SPAN_SQUARED_DIFFERENCE] = squared_difference,
    [SPAN_PRELU] = prelu,
    [SPAN_SELECT] = select_of,
    [SPAN_CLAMP] = clamp,
    [SPAN_ABS] = absolute,
    [SPAN_NEG] = negative,
    [SPAN_SQRT] = root,
    [SPAN_CUBE] = cube,
    [SPAN_FLOOR] = floor_of,
    [SPAN_ROUND] = round_of,
    [SPAN_CEIL] = ceil_of,
    [SPAN_TRUNC] = trunc_of,
    [SPAN_EXP] = exp_of,
    [SPAN_LOG] = log_of,
    [SPAN_SIGMOID] = sigmoid,
    [SPAN_TANH] = tanh_of,
    [SPAN_ERF] = erf_of,
    [SPAN_GELU_ERF] = gelu_by_erf,
    [SPAN_GELU_TANH] = gelu_by_tanh,
    [SPAN_SWISH] = swish,
    [SPAN_HSWISH] = hswish,
    [SPAN_HSIGMOID] = hsigmoid_of,
    [SPAN_HARD_SIGMOID] = hard_sigmoid,
    [SPAN_ELU] = elu,
    [SPAN_SOFT_PLUS] = soft_plus,
    [SPAN_MISH] = mish,
};

/* ---- rows ---- */

/* Lanes beyond n hold fill. */
INLINE vec load_fill(const float *p, int n, float fill)
{
	if (n >= VEC)
		return vec_load(p);
	return vec_blend(vec_first(n), vec_load_mask(p, vec_first(n)), vec_set1(fill));
}

float NAME(span_f32_sum)(const float *in, int n)
{
	vec s[4] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
	int i = 0;
	for (; i + 4 * VEC <= n; i += 4 * VEC)
		for (int k = 0; k < 4; k++)
			s[k] = vec_add(s[k], vec_load(in + i + k * VEC));
	for (; i < n; i += VEC)
		s[0] = vec_add(s[0], load_n(in + i, n - i));
	return vec_sum(vec_add(vec_add(s[0], s[1]), vec_add(s[2], s[3])));
}

#define LOG2_E 1.44269504f

/* x * k + y, y NULL: 0; lanes beyond n lie below all others. */
INLINE vec score_of(const float *x, const float *y, int n, vec k)
{
	vec s = y ? vec_fma(load_n(x, n), k, load_n(y, n)) : vec_mul(load_n(x, n), k);
	return n >= VEC ? s : vec_blend(vec_first(n), s, vec_set1(-INFINITY));
}

INLINE vec top_score(const float *x, const float *y, int n, vec k)
{
	vec m[2] = {vec_set1(-INFINITY), vec_set1(-INFINITY)};
	int i = 0;
	for (; i + 2 * VEC <= n; i += 2 * VEC)
		for (int j = 0; j < 2; j++) {
			int at = i + j * VEC;
			m[j] = vec_max(score_of(x + at, y ? y + at : NULL, VEC, k), m[j]);
		}
	for (; i < n; i += VEC)
		m[0] = vec_max(score_of(x + i, y ? y + i : NULL, n - i, k), m[0]);
	return vec_set1(vec_top(vec_max(m[0], m[1])));
}

/* The top is taken off before anything else is rounded: what is next to it is exact, and nothing
 * lies above it, however large scores are. */
INLINE float weigh_row(float *out, const float *x, const float *y, int n, float scale)
{
	vec by = vec_set1(y ? scale : copysignf(1, scale));
	vec unit = vec_set1(y ? LOG2_E : fabsf(scale) * LOG2_E);
	vec top = top_score(x, y, n, by), sum = vec_zero();
	for (int i = 0; i < n; i += VEC) {
		vec s = score_of(x + i, y ? y + i : NULL, n - i, by);
		vec e = vec_exp2_normal(vec_mul(vec_sub(s, top), unit));
		store_n(out + i, n - i, e);
		sum = vec_add(sum, e);
	}
	return vec_sum(sum);
}

float NAME(span_f32_weigh)(float *x, const float *y, int n, float scale)
{
	return y ? weigh_row(x, x, y, n, scale) : weigh_row(x, x, NULL, n, scale);
}

void NAME(span_f32_softmax)(float *out, const float *in, int n)
{
	float one = 1 / weigh_row(out, in, NULL, n, 1);
	mul(out, &one, 0, n, 0, 0);
}

void NAME(span_f32_softmax_columns)(float *out, const float *in, int n, int64_t ld, int cols)
{
	for (int c = 0; c < cols; c += VEC) {
		int rest = cols - c;
		vec top = load_n(in + c, rest), s = vec_zero(), unit = vec_set1(LOG2_E);
		for (int i = 1; i < n; i++)
			top = vec_max(load_n(in + c + i * ld, rest), top);
		for (int i = 0; i < n; i++) {
			vec x = load_n(in + c + i * ld, rest);
			vec e = vec_exp2_normal(vec_mul(vec_sub(x, top), unit));
			store_n(out + c + i * ld, rest, e);
			s = vec_add(s, e);
		}
		s = vec_div(vec_set1(1), s);
		for (int i = 0; i < n; i++) {
			float *at = out + c + i * ld;
			store_n(at, rest, vec_mul(load_n(at, rest), s));
		}
	}
}

/* Sum of (x - mean)^2. */
INLINE float spread(const float *in, int n, float mean)
{
	vec m = vec_set1(mean), s[4] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()}, d;
	int i = 0;
	for (; i + 4 * VEC <= n; i += 4 * VEC)
		for (int k = 0; k < 4; k++) {
			d = vec_sub(vec_load(in + i + k * VEC), m);
			s[k] = vec_fma(d, d, s[k]);
		}
	for (; i < n; i += VEC) {
		d = vec_sub(load_fill(in + i, n - i, mean), m);
		s[0] = vec_fma(d, d, s[0]);
	}
	return vec_sum(vec_add(vec_add(s[0], s[1]), vec_add(s[2], s[3])));
}

void NAME(span_f32_mvn)(float *out, const float *in, int n, const float *gamma, const float *beta,
    bool variance, float eps, bool inside_sqrt)
{
	float mean = NAME(span_f32_sum)(in, n) / (float)n, scale = 1;
	if (variance) {
		float var = spread(in, n, mean) / (float)n;
		scale = 1 / (inside_sqrt ? sqrtf(var + eps) : sqrtf(var) + eps);
	}
	vec m = vec_set1(mean), k = vec_set1(scale);
	for (int i = 0; i < n; i += VEC) {
		vec x = vec_mul(vec_sub(load_n(in + i, n - i), m), k);
		if (gamma)
			x = vec_mul(x, load_n(gamma + i, n - i));
		if (beta)
			x = vec_add(x, load_n(beta + i, n - i));
		store_n(out + i, n - i, x);
	}
}

/* ---- levels ---- */

INLINE vec level_of(vec x, vec m, vec p, vec top)
{
	return vec_clamp_u8(vec_fused(x, m, p), vec_zero(), top);
}

void NAME(span_f32_levels)(float *x, int rows, int n, const float *const f[4], int step, float top)
{
	vec k[4], hi = vec_set1(top);
	for (int j = 0; j < 4; j++)
		k[j] = vec_set1(*f[j]);
	if (!step) {
		n *= rows;
		rows = 1;
	}
	for (; rows > 0; rows--, x += n)
		for (int i = 0; i < n; i += VEC) {
			for (int j = 0; j < 4 && step; j++)
				k[j] = load_n(f[j] + i, n - i);
			vec r = vec_round(level_of(load_n(x + i, n - i), k[0], k[1], hi));
			store_n(x + i, n - i, vec_fused(r, k[2], k[3]));
		}
}

void NAME(span_f32_bytes)(uint8_t *out, size_t ld, const float *x, int rows, int n,
    const float *const f[2], int step, float top)
{
	vec k[2] = {vec_set1(*f[0]), vec_set1(*f[1])}, hi = vec_set1(top);
	for (; rows > 0; rows--, x += n, out += ld)
		for (int i = 0; i < n; i += VEC) {
			for (int j = 0; j < 2 && step; j++)
				k[j] = load_n(f[j] + i, n - i);
			vec r = level_of(load_n(x + i, n - i), k[0], k[1], hi);
			vec_store_u8(out + i, n - i < VEC ? n - i : VEC, r);
		}
}
