/* The rows of kernels.def and their contracts. Kernels work on pointers and strides, never see the
 * graph and allocate nothing.
 *
 * A new kernel is a function in FAMILY__ISA.c, a row in kernels.def, and nothing else: the row
 * expands to the prototype, the candidate, the test against ref and the benchmark. */
#ifndef KERNELS_KERNEL_H
#define KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What happens to sums before they are stored: bias added, then max(lo, min(hi, x)). A NaN passes
 * the clamp. */
struct epilogue {
	const float *row_bias; /* one per row of C, or NULL */
	const float *col_bias; /* one per column of C, or NULL */
	float lo, hi;          /* -inf and inf: no clamp */
};

/* One tile of C[m x n] = A[m x k] * B[k x n], or += when add is set.
 *   a     a panel of mr rows: element (i, p) at a[p * mr + i]; all mr rows can be read
 *   b     element (p, j) at b[p * ldb + j]; only n columns are read
 *   c     element (i, j) at c[i * ldc + j]; only m rows and n columns are read or written
 *   e     bias and clamp, its biases starting at this tile; NULL: sums are stored as they are
 * 1 <= m <= mr, 1 <= n <= nr, k >= 0. Each sum is one chain of multiply-adds in the order of p,
 * whatever m and n, so results do not depend on how C is cut into tiles. */
typedef void gemm_f32_fn(int k, const float *a, const float *b, size_t ldb, float *c, size_t ldc,
    int m, int n, bool add, const struct epilogue *e);

struct gemm_f32 {
	const char *name;
	unsigned need; /* enum cpu_feature bits */
	gemm_f32_fn *run;
	int mr, nr;
};

/* Best first, ref last, ended by run NULL. */
extern const struct gemm_f32 gemm_f32_rows[];
/* Number of the first row that the processor, as limited, has. */
int gemm_f32_pick(void);

#define GEMM_F32(need, fn, mr, nr) gemm_f32_fn fn;
#include "kernels/kernels.def"

#endif
