/* One row of a depthwise convolution, 16 columns at a time, with AVX-512. */
#include <immintrin.h>

#include "kernels/kernel.h"

static __m512 sum(__mmask16 mask, int x, const float *const *rows, int nrows, const int *tap,
    int ntaps, const float *w, __m512 s)
{
	for (int r = 0; r < nrows; r++)
		for (int t = 0; t < ntaps; t++)
			s = _mm512_fmadd_ps(_mm512_set1_ps(w[r * ntaps + t]),
			    _mm512_maskz_loadu_ps(mask, rows[r] + tap[t] + x), s);
	return s;
}

void dw_f32__avx512(int n, const float *const *rows, int nrows, const int *tap, int ntaps,
    const float *w, float bias, float lo, float hi, float *out)
{
	__m512 low = _mm512_set1_ps(lo), high = _mm512_set1_ps(hi);
	for (int x = 0; x < n; x += 16) {
		__mmask16 mask = n - x >= 16 ? 0xffff : 0xffff >> (16 - (n - x));
		__m512 s = sum(mask, x, rows, nrows, tap, ntaps, w, _mm512_set1_ps(bias));
		s = _mm512_min_ps(high, _mm512_max_ps(low, s));
		_mm512_mask_storeu_ps(out + x, mask, s);
	}
}
