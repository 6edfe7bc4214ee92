/* Convolution in narrow groups with channels last in plain C, eight channels at a time: what the
 * others are judged by. */
#include "kernels/nhwc_kernel.h"

#define LANES 8

/* Adds a line of the window to the sums of pixel number p. */
static void add_line(const struct group_nhwc_f32_args *q, int p, int line, float sum[LANES])
{
	const float *const *pixel = q->pixels + (size_t)line * q->line;
	const float *w = q->w + line * q->cin * q->taps * LANES;
	if (!pixel[0])
		return;
	for (int k = 0; k < q->cin; k++)
		for (int t = 0; t < q->taps; t++, w += LANES) {
			const float *from = pixel[p * q->stride + t * q->dilation] + q->offset;
			for (int i = 0; i < q->n; i++)
				sum[i] += w[i] * from[q->lanes[i] + q->shift + k];
		}
}

void group_nhwc_f32__ref(const struct group_nhwc_f32_args *q)
{
	for (int p = 0; p < q->m; p++) {
		float sum[LANES] = {0};
		for (int i = 0; i < q->n && q->bias; i++)
			sum[i] = q->bias[i];
		for (int r = 0; r < q->rows; r++)
			add_line(q, p, r, sum);
		for (int i = 0; i < q->n; i++) {
			float x = sum[i];
			x += q->add ? q->add[(size_t)p * q->ld_add + (size_t)i] : 0;
			x = x < q->lo ? q->lo : x;
			q->out[(size_t)p * q->ld_out + (size_t)i] = x > q->hi ? q->hi : x;
		}
	}
}
