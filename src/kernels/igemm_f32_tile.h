/* What implicit GEMM tiles of MR rows by two vectors of FP32 sums share, for the vectors of the
 * including file's instruction set: how the sums start, and how they are stored. */
#include "kernels/nhwc_kernel.h"
#include "kernels/vec_f32.h"

#define NV 2
/* MR and NV fill the registers. */
#if VEC == 16
#define MR 12
#else
#define MR 6
#endif

/* m and nv are constants after inlining. */
INLINE void igemm_store(const struct igemm_f32_args *q, int m, int nv, int n, vec acc[MR][NV])
{
	vec lo = vec_set1(q->lo), hi = vec_set1(q->hi);
	vec_mask mask = vec_first(n - (nv - 1) * VEC);
#pragma GCC unroll 12
	for (int i = 0; i < m; i++) {
		float *c = q->c + (size_t)i * q->ldc;
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++) {
			vec x = acc[i][v];
			const float *add = q->add + (size_t)i * q->ld_add + v * VEC;
			if (v + 1 < nv) {
				x = q->add ? vec_add(x, vec_load(add)) : x;
				vec_store(c + v * VEC, vec_clamp(x, lo, hi));
			} else {
				x = q->add ? vec_add(x, vec_load_mask(add, mask)) : x;
				vec_store_mask(c + v * VEC, mask, vec_clamp(x, lo, hi));
			}
		}
	}
}

INLINE void igemm_start(const struct igemm_f32_args *q, int m, int nv, int n, vec acc[MR][NV])
{
	vec bias[NV];
#pragma GCC unroll 2
	for (int v = 0; v < nv; v++) {
		bias[v] = vec_zero();
		if (q->bias && v + 1 < nv)
			bias[v] = vec_load(q->bias + v * VEC);
		else if (q->bias)
			bias[v] = vec_load_mask(q->bias + v * VEC, vec_first(n - v * VEC));
	}
#pragma GCC unroll 12
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			acc[i][v] = bias[v];
	if (!q->start)
		return;
#pragma GCC unroll 12
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			acc[i][v] = vec_load(q->start + (size_t)i * q->ld_start + v * VEC);
}
