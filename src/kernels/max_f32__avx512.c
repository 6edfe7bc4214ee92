/* One row of a max pooling, 16 columns at a time, with AVX-512. */
#include <immintrin.h>
#include <math.h>

#include "kernels/kernel.h"

void max_f32__avx512(
    int n, const float *const *rows, int nrows, const int *tap, int ntaps, float *out)
{
	for (int x = 0; x < n; x += 16) {
		__mmask16 mask = n - x >= 16 ? 0xffff : 0xffff >> (16 - (n - x));
		__m512 best = _mm512_set1_ps(-INFINITY);
		for (int r = 0; r < nrows; r++)
			for (int t = 0; t < ntaps; t++) {
				__m512 v = _mm512_maskz_loadu_ps(mask, rows[r] + tap[t] + x);
				/* max gives its second operand for a NaN; one found before stays.
				 */
				__mmask16 ok = _mm512_cmp_ps_mask(best, best, _CMP_ORD_Q);
				best = _mm512_mask_max_ps(best, ok, best, v);
			}
		_mm512_mask_storeu_ps(out + x, mask, best);
	}
}
