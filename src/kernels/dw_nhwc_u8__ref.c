/* Quantized depthwise convolution with channels last in plain C, a channel at a time: what the
 * others are judged by. */
#include "kernels/epilogue_u8.h"

/* The sum of the taps of column x. */
static int32_t column(const struct dw_nhwc_u8_args *q, int i, int c, int x)
{
	int32_t sum = q->start[(size_t)x * q->ld_start + (size_t)c];
	for (int t = x * q->taps; t < (x + 1) * q->taps; t++)
		sum += q->pixel[t][(i * q->step & q->inside[t]) + c] *
		       q->w[c * q->columns * q->taps + t];
	return sum;
}

void dw_nhwc_u8__ref(const struct dw_nhwc_u8_args *q)
{
	size_t stride = q->e.stride;
	for (int i = 0; i < q->m; i++)
		for (int c = 0; c < q->n; c++) {
			const float *f = q->f + c, *rest = f + (size_t)(q->columns - 1) * stride;
			float r = rest[stride];
			for (int x = 0; x < q->columns; x++, f += stride)
				r = fmaf((float)column(q, i, c, x), *f, r);
			u8_finish(&q->e, q->add, (size_t)i * q->ld_add + (size_t)c, q->out,
			    (size_t)i * q->ld_out + (size_t)c, 1, u8_levels(&q->e, rest, r));
		}
}
