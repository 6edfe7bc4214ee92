/* FP32 GEMM tile in plain C: what the others are judged by. */
#include "kernels/kernel.h"

#define MR 4

static float finish(float x, const struct epilogue *e, int i, int j)
{
	if (e->row_bias)
		x += e->row_bias[i];
	if (e->col_bias)
		x += e->col_bias[j];
	x = x < e->lo ? e->lo : x;
	return x > e->hi ? e->hi : x;
}

void gemm_f32_4x8__ref(int k, const float *a, const float *b, size_t ldb, float *c, size_t ldc,
    int m, int n, bool add, const struct epilogue *e)
{
	for (int i = 0; i < m; i++) {
		for (int j = 0; j < n; j++) {
			float *to = &c[(size_t)i * ldc + j], x = add ? *to : 0;
			for (int p = 0; p < k; p++)
				x += a[(size_t)p * MR + i] * b[(size_t)p * ldb + j];
			*to = e ? finish(x, e, i, j) : x;
		}
	}
}
