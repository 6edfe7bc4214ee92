/* FP32 products of matrices in batches, both sides packed when run unless B was packed before. */
#ifndef KERNELS_MATMUL_F32_H
#define KERNELS_MATMUL_F32_H

#include "base/threads.h"
#include "kernels/gemm_f32.h"

#define MATMUL_BATCH 14 /* leading dims */

/* Plain data. A and B hold na and nb matrices, through which the products of the batch go by steps
 * of their own along the leading dims, whose product the batch is. */
struct matmul_f32 {
	int row; /* of gemm_f32_rows */
	int m, n, k;
	bool transpose_a, transpose_b; /* A is [k x m], B is [n x k] */
	int na, nb;                    /* distinct matrices of A and of B */
	int nbatch;
	int dim[MATMUL_BATCH];
	int step[2][MATMUL_BATCH]; /* of A and of B, in matrices; 0: one for all */
	float lo, hi;
	/* Set by the plan. */
	int batch;
	struct gemm_f32_cut cut;
	size_t scratch; /* floats, shared by all workers */
};
/* Sets batch, cut and scratch. */
void matmul_f32_plan(struct matmul_f32 *q, int threads);
/* C is [batch][m][n]. */
void matmul_f32_run(const struct matmul_f32 *q, struct pool *pool, const float *a, const float *b,
    float *c, float *scratch);

#endif
