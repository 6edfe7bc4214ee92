/* Quantized depthwise convolution with channels last in plain C, a channel at a time: what the
 * others are judged by. */
#include "kernels/epilogue_u8.h"

/* Tap t of result i. */
static const uint8_t *tap(const struct dw_nhwc_u8_args *q, int i, int t)
{
	if (!q->line)
		return q->pixel[t] + (i * q->step & q->inside[t]);
	int column = q->first + i * q->stride + t / q->taps;
	if (column < 0 || column >= q->width)
		return q->zero;
	return q->pixel[t % q->taps] + (column * q->step & q->inside[t % q->taps]);
}

void dw_nhwc_u8__ref(const struct dw_nhwc_u8_args *q)
{
	int all = q->taps * (q->line ? 3 : q->scales), each = all / q->scales;
	struct u8_epilogue e = q->e;
	e.stride = 1;
	for (int i = 0; i < q->m; i++)
		for (int c = 0; c < q->n; c++) {
			const float *f = q->f + c * (q->scales + 1 + 2 * e.levels);
			float r = q->scales > 1 ? f[q->scales] : 0;
			for (int x = 0; x < q->scales; x++) {
				int32_t sum = q->start[c * q->scales + x];
				for (int t = x * each; t < (x + 1) * each; t++)
					sum += tap(q, i, t)[c] * q->w[c * all + t];
				r = q->scales > 1 ? fmaf((float)sum, f[x], r)
						  : u8_sum(&e, e.sums, (float)sum, f[0], f[1]);
			}
			r = u8_levels(&e, f + q->scales - 1, r);
			u8_finish(&e, q->add, (size_t)i * q->ld_add + (size_t)c, q->out,
			    (size_t)i * q->ld_out + (size_t)c, 1, r);
		}
}
