/* Products of rows with themselves, which calibration sums up over samples. */
#include "exec/gram.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "kernels/matmul_f32.h"

static void small(const float *x, int64_t ld, int n, int k, float *sum)
{
	memset(sum, 0, (size_t)k * (size_t)k * sizeof *sum);
	for (int r = 0; r < n; r++, x += ld)
		for (int i = 0; i < k; i++)
			for (int j = 0; x[i] != 0 && j < k; j++)
				sum[i * k + j] += x[i] * x[j];
}

int gram(const float *x, int64_t ld, int n, int k, float *sum, struct room *room, struct err *err)
{
	struct matmul_f32 q = {.row = gemm_f32_pick(),
	    .m = k,
	    .n = k,
	    .k = n,
	    .transpose_a = true,
	    .na = 1,
	    .nb = 1,
	    .lo = -INFINITY,
	    .hi = INFINITY};
	if (k <= GRAM_SMALL) {
		small(x, ld, n, k, sum);
		return OK;
	}
	assert(ld == k);
	matmul_f32_plan(&q, 1);
	float *scratch = room_of(room, q.scratch, sizeof *scratch);
	if (!scratch)
		return fail_nomem(err);
	matmul_f32_run(&q, NULL, x, x, sum, scratch);
	return OK;
}
