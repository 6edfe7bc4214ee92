/* One row of a max pooling, 8 columns at a time, with AVX2. */
#include <immintrin.h>
#include <math.h>

#include "kernels/kernel.h"

void max_f32__avx2(
    int n, const float *const *rows, int nrows, const int *tap, int ntaps, float *out)
{
	__m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	for (int x = 0; x < n; x += 8) {
		__m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(n - x), lane);
		__m256 best = _mm256_set1_ps(-INFINITY);
		for (int r = 0; r < nrows; r++)
			for (int t = 0; t < ntaps; t++) {
				__m256 v = _mm256_maskload_ps(rows[r] + tap[t] + x, mask);
				/* max gives its second operand for a NaN; one found before stays.
				 */
				__m256 nan = _mm256_cmp_ps(best, best, _CMP_UNORD_Q);
				best = _mm256_blendv_ps(_mm256_max_ps(best, v), best, nan);
			}
		_mm256_maskstore_ps(out + x, mask, best);
	}
}
