/* BF16 implicit GEMM tile of 4 rows by 8 columns in plain C: what the others are judged by. */
#include "base/half.h"
#include "kernels/nhwc_kernel.h"

static float dot(uint32_t a, uint32_t b, float sum)
{
	sum += bf16_to_f32((uint16_t)a) * bf16_to_f32((uint16_t)b);
	return sum + bf16_to_f32((uint16_t)(a >> 16)) * bf16_to_f32((uint16_t)(b >> 16));
}

void igemm_bf16__ref(const struct igemm_bf16_args *q, int m, int n)
{
	const struct igemm_f32_args *o = &q->out;
	int nb = n > 4 ? 8 : 4;
	float acc[4][8] = {{0}};
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n && o->bias; j++)
			acc[i][j] = o->bias[j];
	const uint32_t *b = q->b;
	for (int t = 0; t < q->taps; t++)
		for (int p = 0; p < q->k; p++, b += nb)
			for (int i = 0; i < m; i++)
				for (int j = 0; j < nb; j++)
					acc[i][j] = dot(q->rows[t * m + i][q->offset + (size_t)p],
					    b[j], acc[i][j]);
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++) {
			float x = acc[i][j];
			x += o->add ? o->add[(size_t)i * o->ld_add + (size_t)j] : 0;
			x = x < o->lo ? o->lo : x;
			o->c[(size_t)i * o->ldc + (size_t)j] = x > o->hi ? o->hi : x;
		}
}

void to_bf16__ref(const float *x, int n, uint32_t *pairs)
{
	for (int i = 0; i < n; i += 2) {
		uint32_t next = i + 1 < n ? f32_to_bf16(x[i + 1]) : 0;
		*pairs++ = f32_to_bf16(x[i]) | next << 16;
	}
}
