/* FP32 products of matrices in batches, both sides packed when run unless B was packed before. */
#ifndef KERNELS_MATMUL_F32_H
#define KERNELS_MATMUL_F32_H

#include "base/threads.h"
#include "kernels/gemm_f32.h"

struct matmul_f32 {
	const struct gemm_f32 *row;
	int batch, m, n, k;
	bool transpose_a, transpose_b; /* A is [k x m], B is [n x k] */
	int na, nb;                    /* distinct matrices of A and of B */
	const int *a_of, *b_of;        /* by batch: which one; NULL: number batch % na, or % nb */
	const float *packed_b;         /* nb matrices packed before, or NULL */
	const float *col_bias;         /* n values, or NULL */
	float lo, hi;
	struct gemm_f32_cut cut;
	size_t scratch; /* floats, shared by all workers */
};
/* Sets cut and scratch. */
void matmul_f32_plan(struct matmul_f32 *q, int threads);
/* C is [batch][m][n]. */
void matmul_f32_run(const struct matmul_f32 *q, struct pool *pool, const float *a, const float *b,
    float *c, float *scratch);

#endif
