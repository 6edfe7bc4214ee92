/* Quantized depthwise convolution with channels last in plain C, a channel at a time: what the
 * others are judged by. */
#include "kernels/epilogue_u8.h"

/* Tap t of result i. */
static const uint8_t *tap(const struct dw_nhwc_u8_args *q, int i, int t)
{
	if (!q->columns)
		return q->pixel[t] + (i * q->step & q->inside[t]);
	int column = q->first + i * q->stride + t / q->taps;
	if (column < 0 || column >= q->width)
		return q->zero;
	return q->pixel[t % q->taps] + (column * q->step & q->inside[t % q->taps]);
}

void dw_nhwc_u8__ref(const struct dw_nhwc_u8_args *q)
{
	int taps = q->taps * (q->columns ? q->columns : 1);
	struct u8_epilogue e = q->e;
	e.stride = 1;
	for (int i = 0; i < q->m; i++)
		for (int c = 0; c < q->n; c++) {
			const float *f = q->f + c * (2 + 2 * e.levels);
			int32_t sum = q->start[c];
			for (int t = 0; t < taps; t++)
				sum += tap(q, i, t)[c] * q->w[c * taps + t];
			u8_finish(&q->e, q->add, (size_t)i * q->ld_add + (size_t)c, q->out,
			    (size_t)i * q->ld_out + (size_t)c, 1, u8_scale(&e, f, (float)sum));
		}
}
