/* What becomes of the sums of a quantized convolution, for the vectors of vec_f32.h. */
#ifndef KERNELS_EPILOGUE_U8_H
#define KERNELS_EPILOGUE_U8_H

#include "kernels/nhwc_conv_u8.h"
#include "kernels/nhwc_kernel_u8.h"
#include "kernels/vec_u8.h"

/* Adds to r, sums with scale and bias, what stands in add from element from on, for n lanes. */
INLINE vec u8_add(const struct u8_epilogue *e, const void *add, size_t from, int n, vec r)
{
	if (e->add == U8_ADD_F32) {
		const float *p = (const float *)add + from;
		return vec_add(r, n >= VEC ? vec_load(p) : vec_load_mask(p, vec_first(n)));
	}
	vec x = vec_load_u8((const uint8_t *)add + from, n);
	return vec_fused(vec_sub(x, vec_set1(e->add_zero)), vec_set1(e->add_scale), r);
}

/* Finishes n lanes of r: add from its element from on, stored from element to of out on. */
INLINE void u8_finish(
    const struct u8_epilogue *e, const void *add, size_t from, void *out, size_t to, int n, vec r)
{
	vec lo = vec_set1(e->lo), hi = vec_set1(e->hi);
	if (e->add)
		r = u8_add(e, add, from, n, r);
	if (e->out == U8_OUT_U8) {
		r = vec_fused(r, vec_set1(e->inv), vec_set1(e->zero));
		vec_store_u8((uint8_t *)out + to, n, vec_clamp_u8(r, lo, hi));
	} else if (n >= VEC) {
		vec_store((float *)out + to, vec_clamp(r, lo, hi));
	} else {
		vec_store_mask((float *)out + to, vec_first(n), vec_clamp(r, lo, hi));
	}
}

#endif
