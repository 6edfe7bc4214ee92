/* What implicit GEMM tiles of MR rows by two vectors of FP32 sums share, for the vectors of the
 * including file's instruction set: how the sums start, and how they are stored. */
#include "kernels/nhwc_kernel.h"
#include "kernels/seen_ends.h"
#include "kernels/vec_f32.h"

#define NV 2
/* MR and NV fill the registers. */
#if VEC == 16
#define MR 12
#else
#define MR 6
#endif

INLINE void igemm_see(struct ends *e, bool full, vec_mask mask, vec x)
{
	if (full)
		ends_widen(e, x);
	else
		ends_widen_mask(e, mask, x);
}

/* before, after: are ends widened? Those of first vectors and those of last ones each for
 * themselves. m, nv, before and after are constants after inlining. */
INLINE void igemm_store(
    const struct igemm_f32_args *q, int m, int nv, int n, vec acc[MR][NV], bool before, bool after)
{
	vec lo = vec_set1(q->lo), hi = vec_set1(q->hi);
	vec_mask mask = vec_first(n - (nv - 1) * VEC);
	struct ends b[NV], a[NV];
	for (int v = 0; v < NV; v++) {
		b[v] = ends_load(before ? q->before : NULL);
		a[v] = ends_load(after ? q->after : NULL);
	}
#pragma GCC unroll 12
	for (int i = 0; i < m; i++) {
		float *c = q->c + (size_t)i * q->ldc;
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++) {
			vec x = acc[i][v];
			const float *add = q->add + (size_t)i * q->ld_add + v * VEC;
			bool full = v + 1 < nv;
			if (before)
				igemm_see(&b[v], full, mask, x);
			if (q->add)
				x = vec_add(x, full ? vec_load(add) : vec_load_mask(add, mask));
			x = vec_clamp(x, lo, hi);
			if (after)
				igemm_see(&a[v], full, mask, x);
			if (full)
				vec_store(c + v * VEC, x);
			else
				vec_store_mask(c + v * VEC, mask, x);
		}
	}
	ends_store(before ? q->before : NULL, &b[0], &b[1]);
	ends_store(after ? q->after : NULL, &a[0], &a[1]);
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
