/* Kernels work on pointers and strides and never see the graph. kernels.def lists the rows, best
 * first.
 *
 * A new kernel is a function in FAMILY__ISA.c, a row in kernels.def, and nothing else: the row
 * expands to the prototype, the candidate, the test against ref and the benchmark. */
#ifndef KERNELS_KERNEL_H
#define KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the epilogue does while the tile is in registers. */
struct epilogue {
	const float *bias; /* per row (GEMM row = output channel), or NULL */
	float lo, hi;      /* clamp; -inf and inf: none */
};

/* C[M x N] = A[M x K] * B[K x N]: A packed once by the row's packer into panels of mr rows, B
 * packed by the caller's pack_b into panels of nr columns; ldc in elements. One call does one mr x
 * nr tile; m <= mr and n <= nr rows and columns are stored. */
typedef void gemm_f32_fn(int k, const float *a, const float *b, float *c, size_t ldc, int m, int n,
    const struct epilogue *e);

struct gemm_f32 {
	const char *name;
	unsigned need; /* enum cpu_feature bits */
	gemm_f32_fn *run;
	int mr, nr;
};

extern const struct gemm_f32 gemm_f32_rows[]; /* best first; ends with run NULL; ref last */
/* The first row that the CPU (as limited) has. */
const struct gemm_f32 *gemm_f32_pick(void);

#endif
