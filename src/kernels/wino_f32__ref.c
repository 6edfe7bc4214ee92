/* Winograd's transforms in plain C, a channel at a time: what the others are judged by. */
#include "kernels/wino_f32_body.h"

void wino_f32_in__ref(const struct wino_f32_in *q)
{
	wino_in(q);
}

void wino_f32_out__ref(const struct wino_f32_out *q)
{
	wino_out(q);
}

void wino_f32_weights__ref(const float *g, int o, int n, float *u, size_t ldu)
{
	wino_weights(g, o, n, u, ldu);
}
