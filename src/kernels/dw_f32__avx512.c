/* One row of a depthwise convolution, 16 columns at a time or four times as many, with AVX-512. */
#include <immintrin.h>

#include "kernels/kernel.h"

#define INLINE static inline __attribute__((always_inline))

struct job {
	const float *const *rows;
	int nrows;
	const int *tap;
	int ntaps;
	const float *w;
	__m512 bias, lo, hi;
	float *out;
};

/* nv vectors from column x on; nv, nrows and ntaps are constants after inlining where it counts. */
INLINE void columns(const struct job *j, int nrows, int ntaps, int nv, int x, __mmask16 mask)
{
	__m512 s[4];
#pragma GCC unroll 4
	for (int v = 0; v < nv; v++)
		s[v] = j->bias;
#pragma GCC unroll 3
	for (int r = 0; r < nrows; r++) {
		const float *row = j->rows[r] + x;
#pragma GCC unroll 3
		for (int t = 0; t < ntaps; t++) {
			__m512 w = _mm512_set1_ps(j->w[r * ntaps + t]);
#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				s[v] = _mm512_fmadd_ps(
				    w, _mm512_maskz_loadu_ps(mask, row + j->tap[t] + 16 * v), s[v]);
		}
	}
#pragma GCC unroll 4
	for (int v = 0; v < nv; v++)
		_mm512_mask_storeu_ps(
		    j->out + x + 16 * v, mask, _mm512_min_ps(j->hi, _mm512_max_ps(j->lo, s[v])));
}

INLINE void row_run(const struct job *j, int n, int nrows, int ntaps)
{
	int x = 0;
	for (; n - x >= 64; x += 64)
		columns(j, nrows, ntaps, 4, x, 0xffff);
	for (; n - x >= 16; x += 16)
		columns(j, nrows, ntaps, 1, x, 0xffff);
	if (x < n)
		columns(j, nrows, ntaps, 1, x, 0xffff >> (16 - (n - x)));
}

void dw_f32__avx512(int n, const float *const *rows, int nrows, const int *tap, int ntaps,
    const float *w, float bias, float lo, float hi, float *out)
{
	struct job j = {rows, nrows, tap, ntaps, w, _mm512_set1_ps(bias), _mm512_set1_ps(lo),
	    _mm512_set1_ps(hi), out};
	if (nrows == 3 && ntaps == 3)
		row_run(&j, n, 3, 3);
	else
		row_run(&j, n, nrows, ntaps);
}
