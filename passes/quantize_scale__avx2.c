/* Squared errors of weights in steps, to the bit as quantize_scale.c sums them up. */
#include <immintrin.h>

#include "passes/quantize_scale.h"

int64_t quantize_errors__avx2(
    const float *w, int64_t n, float scale, float most, float sum[SCALE_LANES])
{
	__m256 step = _mm256_set1_ps(scale), per = _mm256_set1_ps(1 / scale);
	__m256 even = _mm256_set1_ps(QUANTIZE_EVEN), top = _mm256_set1_ps(most);
	__m256 least = _mm256_set1_ps(-most), all = _mm256_loadu_ps(sum);
	int64_t i = 0;
	for (; i + SCALE_LANES <= n; i += SCALE_LANES) {
		__m256 v = _mm256_loadu_ps(w + i), x = _mm256_mul_ps(v, per);
		x = _mm256_max_ps(least, _mm256_min_ps(top, x));
		x = _mm256_sub_ps(_mm256_add_ps(x, even), even);
		x = _mm256_sub_ps(v, _mm256_mul_ps(x, step));
		all = _mm256_add_ps(all, _mm256_mul_ps(x, x));
	}
	_mm256_storeu_ps(sum, all);
	return i;
}
