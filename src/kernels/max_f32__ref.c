/* One row of a max pooling in plain C: what the others are judged by. */
#include <math.h>

#include "kernels/kernel.h"

void max_f32__ref(int n, const float *const *rows, int nrows, const int *tap, int ntaps, float *out)
{
	for (int x = 0; x < n; x++) {
		float best = -INFINITY;
		for (int r = 0; r < nrows; r++)
			for (int t = 0; t < ntaps; t++) {
				float v = rows[r][tap[t] + x];
				best = v > best || isnan(v) ? v : best;
			}
		out[x] = best;
	}
}
