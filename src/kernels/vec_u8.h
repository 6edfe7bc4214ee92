/* Bytes as vectors of floats and back, for the vectors of vec_f32.h. */
#ifndef KERNELS_VEC_U8_H
#define KERNELS_VEC_U8_H

#include <string.h>

#include "kernels/vec_f32.h"

#if VEC == 16
/* The first n lanes of what stands at p. */
INLINE vec vec_load_u8(const uint8_t *p, int n)
{
	__m128i x = n >= 16 ? _mm_loadu_si128((const __m128i *)p)
			    : _mm_maskz_loadu_epi8(vec_first(n), p);
	return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(x));
}
/* Stores the first n of lanes within 0..255, rounded half to even. */
INLINE void vec_store_u8(uint8_t *p, int n, vec x)
{
	__m128i b = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x));
	if (n >= 16)
		_mm_storeu_si128((__m128i *)p, b);
	else
		_mm_mask_storeu_epi8(p, vec_first(n), b);
}
#elif VEC == 8
INLINE vec vec_load_u8(const uint8_t *p, int n)
{
	uint64_t x = 0;
	if (n >= 8)
		memcpy(&x, p, 8);
	else
		for (int i = 0; i < n; i++)
			x |= (uint64_t)p[i] << 8 * i;
	return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)x)));
}
INLINE void vec_store_u8(uint8_t *p, int n, vec x)
{
	__m256i i = _mm256_cvtps_epi32(x);
	__m128i w = _mm_packs_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
	uint64_t b = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(w, w));
	if (n >= 8)
		memcpy(p, &b, 8);
	else
		for (int k = 0; k < n; k++)
			p[k] = (uint8_t)(b >> 8 * k);
}
#else
INLINE vec vec_load_u8(const uint8_t *p, int n)
{
	(void)n;
	return *p;
}
INLINE void vec_store_u8(uint8_t *p, int n, vec x)
{
	(void)n;
	*p = (uint8_t)lrintf(x);
}
#endif

/* a * b + c with one rounding, which vec_fma does not promise of plain C. */
#if VEC > 1
#define vec_fused(a, b, c) vec_fma(a, b, c)
#else
#define vec_fused(a, b, c) fmaf(a, b, c)
#endif

/* max(lo, min(hi, x)); a NaN becomes lo. */
INLINE vec vec_clamp_u8(vec x, vec lo, vec hi)
{
	return vec_min(vec_max(x, lo), hi);
}

#endif
