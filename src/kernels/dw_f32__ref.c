/* One row of a depthwise convolution in plain C: what the others are judged by. */
#include "kernels/kernel.h"

void dw_f32__ref(int n, const float *const *rows, int nrows, const int *tap, int ntaps,
    const float *w, float bias, float lo, float hi, float *out)
{
	for (int x = 0; x < n; x++) {
		float s = bias;
		for (int r = 0; r < nrows; r++)
			for (int t = 0; t < ntaps; t++)
				s += w[r * ntaps + t] * rows[r][tap[t] + x];
		s = s < lo ? lo : s;
		out[x] = s > hi ? hi : s;
	}
}
