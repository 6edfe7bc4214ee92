/* Pixels of a depthwise convolution of floats with channels last, for the vectors of the including
 * file's instruction set. Defines dw_pixels(). */
#include "kernels/nhwc_kernel.h"
#include "kernels/vec_f32.h"

#define DW_ARGS struct dw_nhwc_f32_args
typedef float dw_element;
#define dw_fma(a, b, c) vec_fma(a, b, c)

static const float dw_zeros[VEC];

struct dw_block {
	ptrdiff_t c;
	const float *w;
	vec_mask mask;
	vec bias, lo, hi;
};

INLINE void dw_enter(const struct dw_nhwc_f32_args *q, struct dw_block *k, bool full)
{
	k->lo = vec_set1(q->lo);
	k->hi = vec_set1(q->hi);
	k->bias = !q->bias ? vec_zero()
		  : full   ? vec_load(q->bias + k->c)
			   : vec_load_mask(q->bias + k->c, k->mask);
}

INLINE vec dw_first(const struct dw_block *k)
{
	return k->bias;
}

INLINE vec dw_at(const struct dw_nhwc_f32_args *q, const struct dw_block *k, const float *in,
    ptrdiff_t at, bool sure, bool full)
{
	const float *p = sure || (at >= q->window.from && at < q->window.to) ? in + at : dw_zeros;
	return full ? vec_load(p) : vec_load_mask(p, k->mask);
}

INLINE vec dw_any_at(const struct dw_nhwc_f32_args *q, const struct dw_block *k, const float *in,
    ptrdiff_t at, bool sure, bool full)
{
	return dw_at(q, k, in, at, sure, full);
}

INLINE bool dw_is_odd(const struct dw_nhwc_f32_args *q)
{
	(void)q;
	return false;
}

/* Sum, clamp and store. */
INLINE void dw_store(const struct dw_nhwc_f32_args *q, const struct dw_block *k, ptrdiff_t i,
    int np, bool full, vec *acc)
{
	float *out = q->out + i * (ptrdiff_t)q->ld_out + k->c;
	const float *add = q->add ? q->add + i * (ptrdiff_t)q->ld_add + k->c : NULL;
	if (add)
#pragma GCC unroll 8
		for (int p = 0; p < np; p++, add += q->ld_add)
			acc[p] = vec_add(
			    acc[p], full ? vec_load(add) : vec_load_mask(add, k->mask));
#pragma GCC unroll 8
	for (int p = 0; p < np; p++, out += q->ld_out) {
		vec x = vec_clamp(acc[p], k->lo, k->hi);
		if (full)
			vec_store(out, x);
		else
			vec_store_mask(out, k->mask, x);
	}
}

#include "kernels/dw_taps_body.h"
