/* Tiles of compressed panels in plain C. */
#include "base/half.h"
#include "kernels/linear_cw.h"

enum { NR = 8 };

/* Element of depth p, column j. */
static float element(const struct cw_tile_args *q, int p, int j)
{
	if (q->type == CW_F16)
		return f16_to_f32(((const uint16_t *)q->data)[p * NR + j]);
	if (q->type == CW_I8)
		return ((const int8_t *)q->data)[p * NR + j];
	uint32_t w = ((const uint32_t *)q->data)[p / 8 * NR + j] >> (p % 8 * 4) & 15;
	return (float)w - (w > 7 ? 16 : 0);
}

static float widened(const struct cw_tile_args *q, int p, int j)
{
	float x = element(q, p, j);
	int g = p / q->group * NR + j;
	if (q->type == CW_F16)
		return x;
	return (q->zero ? x - q->zero[g] : x) * q->scale[g];
}

void cw_tile__ref(const struct cw_tile_args *q, int m, int n)
{
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++) {
			float sum = q->out.bias ? q->out.bias[j] : 0;
			for (int p = 0; p < q->out.k; p++)
				sum += q->out.rows[i][p] * widened(q, p, j);
			sum += q->out.add ? q->out.add[(size_t)i * q->out.ld_add + (size_t)j] : 0;
			sum = sum < q->out.lo ? q->out.lo : sum;
			sum = sum > q->out.hi ? q->out.hi : sum;
			q->out.c[(size_t)i * q->out.ldc + (size_t)j] = sum;
		}
}

void cw_widen__ref(const struct cw_tile_args *q, int columns, float *to)
{
	for (int p = 0; p < q->out.k; p++)
		for (int j = 0; j < columns; j++)
			*to++ = widened(q, p, j);
}
