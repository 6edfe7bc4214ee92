/* Elementary functions of vectors of floats. The polynomials are minimax fits, made for these
 * intervals; the errors stated are against the correctly rounded result. NaN goes through. */
#ifndef KERNELS_VEC_MATH_H
#define KERNELS_VEC_MATH_H

#include "kernels/vec_f32.h"

#if defined(__AVX512F__)
#define vec_round(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define vec_floor(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
#define vec_ceil(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)
#define vec_sqrt(x) _mm512_sqrt_ps(x)
#define vec_abs(x) _mm512_abs_ps(x)
/* a < b ? x : y */
#define vec_if_less(a, b, x, y) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x)
#define vec_bits(x) _mm512_castps_si512(x)
/* y * 2^n for a whole n in -254..256 */
#define vec_scale(y, n) _mm512_scalef_ps(y, n)
/* The same for n in -126..127. */
#define vec_scale_normal(y, n) _mm512_scalef_ps(y, n)
/* 1 / x, within 1 ulp, for x from 2^-100 to 2^100; NaN goes through. */
INLINE vec vec_recip(vec x)
{
	__m512 r = _mm512_rcp14_ps(x);
	r = _mm512_fmadd_ps(r, _mm512_fnmadd_ps(x, r, _mm512_set1_ps(1)), r);
	return r;
}
/* x = m * 2^e with m in [sqrt(1/2), sqrt(2)), for a normal x */
INLINE vec vec_split(vec x, vec *e)
{
	__m512i b = _mm512_sub_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x3f3504f3));
	__m512i n = _mm512_srai_epi32(b, 23);
	*e = _mm512_cvtepi32_ps(n);
	return _mm512_castsi512_ps(
	    _mm512_sub_epi32(_mm512_castps_si512(x), _mm512_slli_epi32(n, 23)));
}
#define vec_sum(x) _mm512_reduce_add_ps(x)
#define vec_top(x) _mm512_reduce_max_ps(x)

#elif defined(__AVX2__)
#define vec_round(x) _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define vec_floor(x) _mm256_round_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
#define vec_ceil(x) _mm256_round_ps(x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)
#define vec_sqrt(x) _mm256_sqrt_ps(x)
#define vec_abs(x) _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x)
#define vec_if_less(a, b, x, y) _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ))
#define vec_recip(x) vec_div(vec_set1(1), x)
/* 2^n for a whole n in -127..128 */
INLINE vec vec_pow2(vec n)
{
	__m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
	return _mm256_castsi256_ps(_mm256_slli_epi32(e, 23));
}
INLINE vec vec_split(vec x, vec *e)
{
	__m256i b = _mm256_sub_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(0x3f3504f3));
	__m256i n = _mm256_srai_epi32(b, 23);
	*e = _mm256_cvtepi32_ps(n);
	return _mm256_castsi256_ps(
	    _mm256_sub_epi32(_mm256_castps_si256(x), _mm256_slli_epi32(n, 23)));
}
INLINE float vec_sum(vec x)
{
	__m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
INLINE float vec_top(vec x)
{
	__m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
	s = _mm_max_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}

#else
#include <string.h>
#define vec_round(x) rintf(x)
#define vec_floor(x) floorf(x)
#define vec_ceil(x) ceilf(x)
#define vec_sqrt(x) sqrtf(x)
#define vec_abs(x) fabsf(x)
#define vec_if_less(a, b, x, y) ((a) < (b) ? (x) : (y))
#define vec_recip(x) (1 / (x))
INLINE vec vec_pow2(vec n)
{
	uint32_t bits = (uint32_t)(isnan(n) ? 0 : (int32_t)n + 127) << 23;
	memcpy(&n, &bits, sizeof n);
	return n;
}
INLINE vec vec_split(vec x, vec *e)
{
	int32_t bits, n;
	memcpy(&bits, &x, sizeof bits);
	n = (bits - 0x3f3504f3) >> 23;
	bits = (int32_t)((uint32_t)bits - ((uint32_t)n << 23));
	memcpy(&x, &bits, sizeof bits);
	*e = (float)n;
	return x;
}
#define vec_sum(x) (x)
#define vec_top(x) (x)
#endif

#define vec_neg(x) vec_sub(vec_set1(-0.0f), x)

#ifndef vec_scale
INLINE vec vec_scale(vec y, vec n)
{
	vec half = vec_round(vec_mul(n, vec_set1(0.5f)));
	return vec_mul(vec_mul(y, vec_pow2(half)), vec_pow2(vec_sub(n, half)));
}
#define vec_scale_normal(y, n) vec_mul(y, vec_pow2(n))
#endif

/* Coefficients from the highest power down. */
INLINE vec vec_poly(vec x, const float *c, int n)
{
	vec y = vec_set1(c[0]);
#pragma GCC unroll 12
	for (int i = 1; i < n; i++)
		y = vec_fma(y, x, vec_set1(c[i]));
	return y;
}

#define EXP_LEAST -87.3365f /* e^x is denormal below */

/* Within 2 ulp; 0 where that is denormal: sums and products of such numbers take a hundred times as
 * long. Infinite above 88.73. */
INLINE vec vec_exp(vec x)
{
	static const float c[] = {0.0013836834f, 0.00837482207f, 0.0416682261f, 0.166664201f,
	    0.499999921f, 1.00000004f, 1};
	vec least = vec_set1(EXP_LEAST), given = x;
	x = vec_min(vec_set1(89), vec_max(least, x));
	vec n = vec_round(vec_mul(x, vec_set1(1.44269504f)));
	vec r = vec_fnma(n, vec_set1(0.693359375f), x); /* ln 2 in two parts, the first exact */
	r = vec_fnma(n, vec_set1(-2.12194440e-4f), r);
	return vec_if_less(given, least, vec_zero(), vec_scale(vec_poly(r, c, 7), n));
}

/* 2^x for x up to 127, within 2 ulp; 0 where that is denormal. */
INLINE vec vec_exp2_normal(vec x)
{
	static const float c[] = {
	    0.00132647273f, 0.00967151299f, 0.0555073358f, 0.240222424f, 0.693147004f, 1};
	vec n = vec_round(x), y = vec_scale_normal(vec_poly(vec_sub(x, n), c, 6), n);
	return vec_if_less(x, vec_set1(-126), vec_zero(), y);
}

/* Within 2 ulp for normal x > 0; -inf for 0 and denormals, NaN below. */
INLINE vec vec_log(vec x)
{
	static const float c[] = {-0.0777793765f, 0.127772842f, -0.131140516f, 0.141961538f,
	    -0.166270928f, 0.200016359f, -0.250007787f, 0.333333254f, -0.499999976f};
	vec e, m = vec_split(x, &e), u = vec_sub(m, vec_set1(1));
	vec y = vec_mul(vec_mul(u, u), vec_poly(u, c, 9));
	y = vec_fma(e, vec_set1(-2.12194440e-4f), y);
	y = vec_fma(e, vec_set1(0.693359375f), vec_add(u, y));
	y = vec_if_less(x, vec_set1(1.17549435e-38f), vec_set1(-INFINITY), y);
	y = vec_if_less(x, vec_zero(), vec_set1(NAN), y);
	return vec_if_less(x, vec_set1(INFINITY), y, x);
}

/* Within 3 ulp. */
INLINE vec vec_sigmoid(vec x)
{
	vec e = vec_exp(vec_neg(vec_abs(x))), y = vec_recip(vec_add(vec_set1(1), e));
	return vec_if_less(x, vec_zero(), vec_mul(e, y), y);
}

/* Within 2 ulp. */
INLINE vec vec_tanh(vec x)
{
	static const float c[] = {-0.00508833053f, 0.0200244511f, -0.0535260064f, 0.133284147f,
	    -0.333331304f, 0.999999986f};
	vec t = vec_abs(x), one = vec_set1(1);
	vec near = vec_mul(x, vec_poly(vec_mul(x, x), c, 6));
	vec e = vec_exp(vec_add(t, t));
	vec far = vec_sub(one, vec_div(vec_set1(2), vec_add(e, one)));
	far = vec_if_less(x, vec_zero(), vec_neg(far), far);
	return vec_if_less(vec_set1(0.7f), t, far, near);
}

/* log(1 + exp(x)). Within 3 ulp. */
INLINE vec vec_soft_plus(vec x)
{
	vec one = vec_set1(1), u = vec_exp(vec_neg(vec_abs(x)));
	vec w = vec_add(one, u), d = vec_sub(w, one); /* log1p(u) = log(w) * u / (w - 1) */
	vec log1p = vec_if_less(vec_zero(), d, vec_div(vec_mul(vec_log(w), u), d), u);
	return vec_add(vec_max(vec_zero(), x), log1p);
}

#endif
