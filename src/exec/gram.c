/* Products of rows with themselves, which calibration sums up over samples. */
#include "exec/gram.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "kernels/gemm_f32.h"

static void small(const float *x, int64_t ld, int n, int k, float *sum)
{
	memset(sum, 0, (size_t)k * (size_t)k * sizeof *sum);
	for (int r = 0; r < n; r++, x += ld)
		for (int i = 0; i < k; i++)
			for (int j = 0; x[i] != 0 && j < k; j++)
				sum[i * k + j] += x[i] * x[j];
}

static int pieces(int n, int width)
{
	return n / width + (n % width != 0);
}

/* Blocks that reach the diagonal or lie below it; what lies above is the same, turned. */
static void large(const float *x, int n, int k, float *sum, float *scratch)
{
	const struct gemm_f32 *row = &gemm_f32_rows[gemm_f32_pick()];
	float *a = scratch, *b = a + gemm_f32_size_a(row, k, n);
	int high = pieces(k, row->mr), wide = pieces(k, row->nr);
	struct gemm_f32_job job = {.row = row,
	    .m = k,
	    .n = k,
	    .k = n,
	    .a = a,
	    .b = b,
	    .c = sum,
	    .ldc = (size_t)k,
	    .e = {NULL, NULL, -INFINITY, INFINITY}};
	gemm_f32_pack_a(row, k, n, x, 1, (size_t)k, 0, high, a);
	gemm_f32_pack_b(row, n, k, x, (size_t)k, 1, 0, wide, b);
	for (int j = 0; j < wide; j++)
		gemm_f32_block(&job, j * row->nr / row->mr, high, j, j + 1);
	for (int i = 0; i < k; i++)
		for (int j = 0; j < i; j++)
			sum[j * k + i] = sum[i * k + j];
}

int gram(const float *x, int64_t ld, int n, int k, float *sum, struct room *room, struct err *err)
{
	const struct gemm_f32 *row = &gemm_f32_rows[gemm_f32_pick()];
	if (k <= GRAM_SMALL) {
		small(x, ld, n, k, sum);
		return OK;
	}
	assert(ld == k);
	size_t packed = gemm_f32_size_a(row, k, n) + gemm_f32_size_b(row, n, k);
	float *scratch = room_of(room, packed, sizeof *scratch);
	if (!scratch)
		return fail_nomem(err);
	large(x, n, k, sum, scratch);
	return OK;
}
