/* Vectors of floats as wide as the instruction set that a file is compiled for, so that one body
 * serves each: 16 lanes with AVX-512, 8 with AVX2, otherwise a single float. */
#ifndef KERNELS_VEC_F32_H
#define KERNELS_VEC_F32_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)
#include <immintrin.h>
#define VEC 16
typedef __m512 vec;
typedef __mmask16 vec_mask;
/* The first n lanes, all when n is at least VEC. */
INLINE vec_mask vec_first(int n)
{
	return n >= 16 ? 0xffff : (vec_mask)((1u << n) - 1);
}
#define vec_load(p) _mm512_loadu_ps(p)
#define vec_store(p, x) _mm512_storeu_ps(p, x)
#define vec_load_mask(p, m) _mm512_maskz_loadu_ps(m, p)
#define vec_store_mask(p, m, x) _mm512_mask_storeu_ps(p, m, x)
/* x in the lanes of m, else y */
#define vec_blend(m, x, y) _mm512_mask_blend_ps(m, y, x)
#define vec_set1(x) _mm512_set1_ps(x)
#define vec_zero() _mm512_setzero_ps()
#define vec_add(a, b) _mm512_add_ps(a, b)
#define vec_sub(a, b) _mm512_sub_ps(a, b)
#define vec_mul(a, b) _mm512_mul_ps(a, b)
#define vec_div(a, b) _mm512_div_ps(a, b)
#define vec_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define vec_fnma(a, b, c) _mm512_fnmadd_ps(a, b, c)
/* The larger; b when either is a NaN. */
#define vec_max(a, b) _mm512_max_ps(a, b)
#define vec_min(a, b) _mm512_min_ps(a, b)
/* The larger; a NaN in either stays. */
INLINE vec vec_max_nan(vec best, vec x)
{
	return _mm512_mask_max_ps(best, _mm512_cmp_ps_mask(best, best, _CMP_ORD_Q), best, x);
}

#elif defined(__AVX2__)
#include <immintrin.h>
#define VEC 8
typedef __m256 vec;
typedef __m256i vec_mask;
INLINE vec_mask vec_first(int n)
{
	__m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane);
}
#define vec_load(p) _mm256_loadu_ps(p)
#define vec_store(p, x) _mm256_storeu_ps(p, x)
#define vec_load_mask(p, m) _mm256_maskload_ps(p, m)
#define vec_store_mask(p, m, x) _mm256_maskstore_ps(p, m, x)
#define vec_blend(m, x, y) _mm256_blendv_ps(y, x, _mm256_castsi256_ps(m))
#define vec_set1(x) _mm256_set1_ps(x)
#define vec_zero() _mm256_setzero_ps()
#define vec_add(a, b) _mm256_add_ps(a, b)
#define vec_sub(a, b) _mm256_sub_ps(a, b)
#define vec_mul(a, b) _mm256_mul_ps(a, b)
#define vec_div(a, b) _mm256_div_ps(a, b)
#define vec_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define vec_fnma(a, b, c) _mm256_fnmadd_ps(a, b, c)
#define vec_max(a, b) _mm256_max_ps(a, b)
#define vec_min(a, b) _mm256_min_ps(a, b)
INLINE vec vec_max_nan(vec best, vec x)
{
	__m256 nan = _mm256_cmp_ps(best, best, _CMP_UNORD_Q);
	return _mm256_blendv_ps(_mm256_max_ps(best, x), best, nan);
}

#else
#define VEC 1
typedef float vec;
typedef bool vec_mask;
INLINE vec_mask vec_first(int n)
{
	return n > 0;
}
#define vec_load(p) (*(p))
#define vec_store(p, x) (*(p) = (x))
#define vec_load_mask(p, m) ((m) ? *(p) : 0)
#define vec_store_mask(p, m, x) ((m) ? (void)(*(p) = (x)) : (void)0)
#define vec_blend(m, x, y) ((m) ? (x) : (y))
#define vec_set1(x) (x)
#define vec_zero() 0.0f
#define vec_add(a, b) ((a) + (b))
#define vec_sub(a, b) ((a) - (b))
#define vec_mul(a, b) ((a) * (b))
#define vec_div(a, b) ((a) / (b))
#define vec_fma(a, b, c) ((a) * (b) + (c))
#define vec_fnma(a, b, c) ((c) - (a) * (b))
INLINE vec vec_max(vec a, vec b)
{
	return a > b ? a : b;
}
INLINE vec vec_min(vec a, vec b)
{
	return a < b ? a : b;
}
INLINE vec vec_max_nan(vec best, vec x)
{
	return x > best || isnan(x) ? x : best;
}
#endif

/* max(lo, min(hi, x)); a NaN passes. */
INLINE vec vec_clamp(vec x, vec lo, vec hi)
{
	return vec_min(hi, vec_max(lo, x));
}

#endif
