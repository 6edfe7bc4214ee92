/* One row of a depthwise convolution, 8 columns at a time, with AVX2. */
#include <immintrin.h>

#include "kernels/kernel.h"

static __m256 sum(__m256i mask, int x, const float *const *rows, int nrows, const int *tap,
    int ntaps, const float *w, __m256 s)
{
	for (int r = 0; r < nrows; r++)
		for (int t = 0; t < ntaps; t++)
			s = _mm256_fmadd_ps(_mm256_set1_ps(w[r * ntaps + t]),
			    _mm256_maskload_ps(rows[r] + tap[t] + x, mask), s);
	return s;
}

void dw_f32__avx2(int n, const float *const *rows, int nrows, const int *tap, int ntaps,
    const float *w, float bias, float lo, float hi, float *out)
{
	__m256 low = _mm256_set1_ps(lo), high = _mm256_set1_ps(hi);
	__m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	for (int x = 0; x < n; x += 8) {
		__m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(n - x), lane);
		__m256 s = sum(mask, x, rows, nrows, tap, ntaps, w, _mm256_set1_ps(bias));
		s = _mm256_min_ps(high, _mm256_max_ps(low, s));
		_mm256_maskstore_ps(out + x, mask, s);
	}
}
