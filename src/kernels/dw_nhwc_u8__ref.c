/* Quantized depthwise convolution with channels last in plain C, a channel at a time: what the
 * others are judged by. */
#include "kernels/epilogue_u8.h"

void dw_nhwc_u8__ref(const struct dw_nhwc_u8_args *q)
{
	for (int i = 0; i < q->m; i++)
		for (int c = 0; c < q->n; c++) {
			int32_t sum = q->start[c];
			for (int t = 0; t < q->taps; t++)
				sum += q->pixel[t][(i * q->step & q->inside[t]) + c] *
				       q->w[c * q->taps + t];
			vec r = vec_fused((float)sum, q->scale[c], q->bias ? q->bias[c] : 0);
			u8_finish(&q->e, q->add, (size_t)i * q->ld_add + (size_t)c, q->out,
			    (size_t)i * q->ld_out + (size_t)c, 1, r);
		}
}
