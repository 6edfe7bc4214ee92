/* What becomes of the sums of a quantized convolution, for the vectors of vec_f32.h. */
#ifndef KERNELS_EPILOGUE_U8_H
#define KERNELS_EPILOGUE_U8_H

#include "kernels/nhwc_conv_u8.h"
#include "kernels/nhwc_kernel_u8.h"
#include "kernels/vec_math.h"
#include "kernels/vec_u8.h"

/* One level before the last, with its factors. */
INLINE vec u8_level(const struct u8_epilogue *e, int k, vec r, vec mul, vec plus)
{
	r = vec_clamp_u8(r, vec_set1(e->lo[k]), vec_set1(e->hi[k]));
	if (e->rounded >> k & 1)
		return vec_fused(vec_round(r), mul, plus);
	return vec_add(vec_mul(r, mul), plus);
}

/* From what the factors of the sums made to what something may be added to; f from those on. */
INLINE vec u8_levels(const struct u8_epilogue *e, const float *f, vec r)
{
	for (int k = 0; k < e->levels; k++) {
		f += 2 * e->stride;
		r = u8_level(e, k, r, vec_load(f), vec_load(f + e->stride));
	}
	return r;
}

/* What the factors of one sum make of it; sums is that of e. */
INLINE vec u8_sum(const struct u8_epilogue *e, enum u8_sum sums, vec s, vec mul, vec plus)
{
	if (sums == U8_SUM_FUSED)
		return vec_fused(s, mul, plus);
	s = vec_add(vec_mul(s, mul), plus);
	if (sums == U8_SUM_APART)
		return s;
	return vec_fused(s, vec_set1(e->scale), vec_set1(e->shift));
}

/* The same from sums on. */
INLINE vec u8_scale(const struct u8_epilogue *e, const float *f, vec r)
{
	return u8_levels(e, f, u8_sum(e, e->sums, r, vec_load(f), vec_load(f + e->stride)));
}

/* Adds to r what stands in add from element from on, for n lanes. */
INLINE vec u8_add(const struct u8_epilogue *e, const void *add, size_t from, int n, vec r)
{
	const float *p = (const float *)add + from;
	vec x;
	if (e->add == U8_ADD_U8)
		x = vec_sub(vec_load_u8((const uint8_t *)add + from, n), vec_set1(e->add_zero));
	else
		x = n >= VEC ? vec_load(p) : vec_load_mask(p, vec_first(n));
	return vec_fused(vec_add(r, x), vec_set1(e->sum_scale), vec_set1(e->sum_shift));
}

/* Finishes n lanes of r: add from its element from on, stored from element to of out on. */
INLINE void u8_finish(
    const struct u8_epilogue *e, const void *add, size_t from, void *out, size_t to, int n, vec r)
{
	vec lo = vec_set1(e->lo[e->levels]), hi = vec_set1(e->hi[e->levels]);
	if (e->add)
		r = u8_add(e, add, from, n, r);
	if (e->out == U8_OUT_U8)
		vec_store_u8((uint8_t *)out + to, n, vec_clamp_u8(r, lo, hi));
	else if (n >= VEC)
		vec_store((float *)out + to, vec_clamp(r, lo, hi));
	else
		vec_store_mask((float *)out + to, vec_first(n), vec_clamp(r, lo, hi));
}

#endif
