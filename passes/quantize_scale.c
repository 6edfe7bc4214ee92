/* The scale with which weights in few bits are nearest to what they were. */
#include "passes/quantize_scale.h"

#include <float.h>
#include <math.h>

#include "base/cpu.h"

static float error_of(float w, float per, float scale, float most)
{
	float x = w * per;
	x = x > most ? most : x;
	x = x < -most ? -most : x;
	return w - ((x + QUANTIZE_EVEN) - QUANTIZE_EVEN) * scale;
}

/* Sum of the squared errors of n weights in steps of scale, the same on every processor. */
static float errors_of(const float *w, int64_t n, float scale, float most)
{
	float sum[SCALE_LANES] = {0}, all = 0, per = 1 / scale;
	int64_t i = 0;
#if defined(__x86_64__)
	if (cpu_features() & CPU_AVX2)
		i = quantize_errors__avx2(w, n, scale, most, sum);
#endif
	for (; i + SCALE_LANES <= n; i += SCALE_LANES)
		for (int k = 0; k < SCALE_LANES; k++) {
			float x = error_of(w[i + k], per, scale, most);
			sum[k] += x * x;
		}
	for (; i < n; i++) {
		float x = error_of(w[i], per, scale, most);
		all += x * x;
	}
	for (int k = 0; k < SCALE_LANES; k++)
		all += sum[k];
	return all;
}

/* Tries from the scale at which the largest weight is most. Few weights are worth many tries: they
 * may fall on levels. */
float quantize_scale(const float *w, int64_t n, float top, float most)
{
	float scale = top / most, best = scale, least = INFINITY;
	int tries = n <= 64 ? 128 : n <= 512 ? 32 : 12;
	if (!(scale >= FLT_MIN))
		return top > 0 ? FLT_MIN : 1;
	for (int k = 0; k < tries; k++) {
		float s = scale * (1 - 0.25f * (float)k / (float)tries);
		float e = errors_of(w, n, s, most);
		if (e < least) {
			least = e;
			best = s;
		}
	}
	return best;
}
