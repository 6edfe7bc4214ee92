/* Products of rows with themselves, which calibration sums up over samples. */
#include "exec/gram.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/matmul_f32.h"

#define SMALL 24 /* columns for which packing would take longer than the sums */

static void add_small(const float *x, int n, int k, float *sum)
{
	for (int r = 0; r < n; r++, x += k)
		for (int i = 0; i < k; i++)
			for (int j = 0; x[i] != 0 && j < k; j++)
				sum[i * k + j] += x[i] * x[j];
}

int gram_add(const float *x, int n, int k, float *sum, struct err *err)
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
	if (k <= SMALL) {
		add_small(x, n, k, sum);
		return OK;
	}
	matmul_f32_plan(&q, 1);
	size_t count = (size_t)k * (size_t)k;
	float *part = aligned_alloc(64, (count + 15) / 16 * 64);
	float *scratch = aligned_alloc(64, (q.scratch + 15) / 16 * 64);
	if (part && scratch) {
		matmul_f32_run(&q, NULL, x, x, part, scratch);
		for (size_t i = 0; i < count; i++)
			sum[i] += part[i];
	}
	int status = part && scratch ? OK : fail_nomem(err);
	free(part);
	free(scratch);
	return status;
}
