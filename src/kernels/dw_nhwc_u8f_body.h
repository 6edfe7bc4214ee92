/* Pixels of a depthwise convolution of bytes with channels last, whose bytes become the floats that
 * they mean, for the vectors of the including file's instruction set. Defines dw_pixels(). */
#include "kernels/epilogue_u8.h"

#define DW_ARGS struct dw_nhwc_u8f_args
typedef uint8_t dw_element;
#define dw_fma(a, b, c) vec_fused(a, b, c)

struct dw_block {
	ptrdiff_t c;
	const float *w;
	vec_mask mask;
	vec scale, low;
	const float *f; /* of the epilogue */
};

INLINE void dw_enter(const struct dw_nhwc_u8f_args *q, struct dw_block *k, bool full)
{
	(void)full;
	k->scale = vec_load(k->w);
	k->low = vec_load(k->w + VEC);
	k->f = q->f + k->c;
}

INLINE vec dw_first(const struct dw_block *k)
{
	(void)k;
	return vec_zero();
}

INLINE vec dw_at(const struct dw_nhwc_u8f_args *q, const struct dw_block *k, const uint8_t *in,
    ptrdiff_t at, bool sure, bool full)
{
	if (!sure && (at < q->window.from || at >= q->window.to))
		return vec_zero();
	vec x = vec_load_u8(in + at, full ? VEC : (int)(q->n - k->c));
	return vec_fused(x, k->scale, k->low);
}

INLINE vec dw_any_at(const struct dw_nhwc_u8f_args *q, const struct dw_block *k, const uint8_t *in,
    ptrdiff_t at, bool sure, bool full)
{
	if (!q->apart || (!sure && (at < q->window.from || at >= q->window.to)))
		return dw_at(q, k, in, at, sure, full);
	vec x = vec_load_u8(in + at, full ? VEC : (int)(q->n - k->c));
	return vec_add(vec_mul(x, k->scale), k->low);
}

INLINE bool dw_is_odd(const struct dw_nhwc_u8f_args *q)
{
	return q->apart;
}

/* Once, not for each number of pixels: the ends of the chains go through memory. */
static __attribute__((noinline)) void dw_store(const struct dw_nhwc_u8f_args *q,
    const struct dw_block *k, ptrdiff_t i, int np, bool full, const vec *acc)
{
	size_t at = (size_t)i, c = (size_t)k->c;
	int n = full ? VEC : (int)(q->n - k->c);
	struct u8_epilogue e = q->e;
	for (int p = 0; p < np; p++, at++)
		u8_finish(&e, q->add, at * q->ld_add + c, q->out, at * q->ld_out + c, n,
		    u8_scale(&e, k->f, acc[p]));
}

#include "kernels/dw_taps_body.h"
