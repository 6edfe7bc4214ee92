/* binary16 conversions of arrays by F16C, whose rounding is that of half.c bit for bit. */
#include <immintrin.h>

#include "base/half.h"
#include "base/half_isa.h"

size_t f32_to_f16_n__avx2(void *dst, const void *src, size_t n)
{
	const char *s = src;
	char *d = dst;
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		__m256 x = _mm256_loadu_ps((const float *)(s + 4 * i));
		_mm_storeu_si128((__m128i *)(d + 2 * i),
		    _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
	}
	return i;
}

size_t f16_to_f32_n__avx2(void *dst, const void *src, size_t n)
{
	const char *s = src;
	char *d = dst;
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		__m128i h = _mm_loadu_si128((const __m128i *)(s + 2 * i));
		_mm256_storeu_ps((float *)(d + 4 * i), _mm256_cvtph_ps(h));
	}
	return i;
}
