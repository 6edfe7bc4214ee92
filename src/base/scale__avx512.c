/* Floats times factors, to the bit as scale.c has them. */
#include <immintrin.h>

#include "base/scale.h"

#define LANES 8

static inline __m512d wide(const char *src, size_t i)
{
	return _mm512_cvtps_pd(_mm256_loadu_ps((const float *)(src + 4 * i)));
}

static inline void narrow(char *dst, size_t i, __m512d x)
{
	_mm256_storeu_ps((float *)(dst + 4 * i), _mm512_cvtpd_ps(x));
}

size_t scale_all__avx512(void *dst, const void *src, size_t n, double s)
{
	__m512d by = _mm512_set1_pd(s);
	size_t i = 0;
	for (; i + LANES <= n; i += LANES)
		narrow(dst, i, _mm512_mul_pd(wide(src, i), by));
	return i;
}

size_t scale_each__avx512(void *dst, const void *src, size_t n, const double *s)
{
	size_t i = 0;
	for (; i + LANES <= n; i += LANES)
		narrow(dst, i, _mm512_mul_pd(wide(src, i), _mm512_loadu_pd(s + i)));
	return i;
}
