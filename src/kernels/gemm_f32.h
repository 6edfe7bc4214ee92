/* FP32 matrix product out of tiles: packing, and one block of C at a time. */
#ifndef KERNELS_GEMM_F32_H
#define KERNELS_GEMM_F32_H

#include "kernels/kernel.h"

/* Floats that the packed form of A[m x k] takes: panels of mr rows, [ceil(m / mr)][k][mr]. */
size_t gemm_f32_size_a(const struct gemm_f32 *row, int m, int k);
/* The same of B[k x n]: panels of nr columns, [ceil(n / nr)][k][nr]. */
size_t gemm_f32_size_b(const struct gemm_f32 *row, int k, int n);
/* Packs panels first..last-1; element (i, p) is at a[i * rs + p * cs]. Rows beyond m become 0. */
void gemm_f32_pack_a(const struct gemm_f32 *row, int m, int k, const float *a, size_t rs, size_t cs,
    int first, int last, float *packed);
/* Element (p, j) is at b[p * rs + j * cs]. Columns beyond n become 0. */
void gemm_f32_pack_b(const struct gemm_f32 *row, int k, int n, const float *b, size_t rs, size_t cs,
    int first, int last, float *packed);

/* C[m x n] = A * B, both packed. */
struct gemm_f32_job {
	const struct gemm_f32 *row;
	int m, n, k;
	const float *a, *b;
	float *c;
	size_t ldc;
	struct epilogue e; /* biases of all of C */
};
/* Panels of rows i0..i1-1 and of columns j0..j1-1 of C. Blocks may be computed in any order and by
 * any threads with the same bits as result. */
void gemm_f32_block(const struct gemm_f32_job *job, int i0, int i1, int j0, int j1);

/* How one product is cut into rows x cols blocks, for items products and a number of threads. */
struct gemm_f32_cut {
	int rows, cols;             /* blocks */
	int row_panels, col_panels; /* panels of one block, the last one may have fewer */
};
struct gemm_f32_cut gemm_f32_cut(
    const struct gemm_f32 *row, int m, int n, int64_t items, int threads);

#endif
