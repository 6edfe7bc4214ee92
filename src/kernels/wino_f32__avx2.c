/* Winograd's transforms with AVX2, 8 channels at a time. */
#include "kernels/wino_f32_body.h"

void wino_f32_in__avx2(const struct wino_f32_in *q)
{
	wino_in(q);
}

void wino_f32_out__avx2(const struct wino_f32_out *q)
{
	wino_out(q);
}

void wino_f32_weights__avx2(const float *g, int o, int n, float *u, size_t ldu)
{
	wino_weights(g, o, n, u, ldu);
}
