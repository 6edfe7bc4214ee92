/* Pixels of a pooling with channels last, for the vectors of the including file's instruction
 * set. Defines pool_pixels(). */
#include <float.h>

#include "kernels/nhwc_kernel.h"
#include "kernels/vec_f32.h"

INLINE vec pool_load(const float *p, bool full, vec_mask mask)
{
	return full ? vec_load(p) : vec_load_mask(p, mask);
}

/* Of pixel number i nv vectors of channels from number c on; nv, max and full are constants after
 * inlining. */
INLINE void pool_group(
    const struct pool_nhwc_f32_args *q, int i, ptrdiff_t c, int nv, bool max, bool full)
{
	const float *in = q->in + i * q->next + c;
	float *out = q->out + i * q->ld_out + c;
	vec acc[8], count = vec_set1(q->count), lo = vec_set1(q->lo), hi = vec_set1(q->hi);
	vec_mask mask = vec_first((int)(q->n - c));
#pragma GCC unroll 8
	for (int v = 0; v < nv; v++)
		acc[v] = max ? vec_set1(q->size[2] ? -INFINITY : -FLT_MAX) : vec_zero();
	for (int z = 0; z < q->size[0]; z++)
		for (int y = 0; y < q->size[1]; y++) {
			const float *p = in + z * q->step[0] + y * q->step[1];
			for (int x = 0; x < q->size[2]; x++, p += q->step[2])
#pragma GCC unroll 8
				for (int v = 0; v < nv; v++) {
					vec e = pool_load(p + v * VEC, full, mask);
					acc[v] = max ? vec_max_nan(acc[v], e) : vec_add(acc[v], e);
				}
		}
#pragma GCC unroll 8
	for (int v = 0; v < nv; v++) {
		vec r = vec_clamp(max ? acc[v] : vec_div(acc[v], count), lo, hi);
		if (full)
			vec_store(out + v * VEC, r);
		else
			vec_store_mask(out + v * VEC, mask, r);
	}
}

INLINE void pool_kind(const struct pool_nhwc_f32_args *q, int i, bool max)
{
	ptrdiff_t c = 0;
	for (; c + 8 * VEC <= q->n; c += 8 * VEC)
		pool_group(q, i, c, 8, max, true);
	for (; c + 4 * VEC <= q->n; c += 4 * VEC)
		pool_group(q, i, c, 4, max, true);
	for (; c + VEC <= q->n; c += VEC)
		pool_group(q, i, c, 1, max, true);
	if (c < q->n)
		pool_group(q, i, c, 1, max, false);
}

static void pool_pixels(const struct pool_nhwc_f32_args *q)
{
	for (int i = 0; i < q->m; i++)
		if (q->max)
			pool_kind(q, i, true);
		else
			pool_kind(q, i, false);
}
