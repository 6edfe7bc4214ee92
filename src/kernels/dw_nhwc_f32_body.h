/* Pixels of a depthwise convolution with channels last, eight at a time, for the vectors of the
 * including file's instruction set. Defines dw_pixels(). */
#include "kernels/nhwc_kernel.h"
#include "kernels/vec_f32.h"

/* What one block of VEC channels works on. */
struct dw_block {
	ptrdiff_t c;    /* first channel */
	const float *w; /* its weights */
	vec_mask mask;
	vec bias, lo, hi;
};

/* np pixels from number i on; np, taps and full are constants after inlining (taps 0: any). */
INLINE void dw_group(const struct dw_nhwc_f32_args *q, const struct dw_block *k, ptrdiff_t i,
    int np, int taps, bool full)
{
	vec acc[8];
	ptrdiff_t step = (ptrdiff_t)q->step, tap = (ptrdiff_t)q->tap;
	int n = taps ? taps : q->taps;
#pragma GCC unroll 8
	for (int p = 0; p < np; p++)
		acc[p] = k->bias;
	for (int r = 0; r < q->rows; r++) {
		const float *in = q->lines[r] + i * step + k->c, *w = k->w + q->at[r] * VEC;
#pragma GCC unroll 5
		for (int t = 0; t < n; t++, in += tap, w += VEC) {
			vec x = vec_load(w);
#pragma GCC unroll 8
			for (int p = 0; p < np; p++)
				acc[p] = vec_fma(x,
				    full ? vec_load(in + p * step)
					 : vec_load_mask(in + p * step, k->mask),
				    acc[p]);
		}
	}
#pragma GCC unroll 8
	for (int p = 0; p < np; p++) {
		float *out = q->out + (i + p) * (ptrdiff_t)q->ld_out + k->c;
		const float *add = q->add ? q->add + (i + p) * (ptrdiff_t)q->ld_add + k->c : NULL;
		if (add)
			acc[p] = vec_add(
			    acc[p], full ? vec_load(add) : vec_load_mask(add, k->mask));
		acc[p] = vec_clamp(acc[p], k->lo, k->hi);
		if (full)
			vec_store(out, acc[p]);
		else
			vec_store_mask(out, k->mask, acc[p]);
	}
}

/* All channels of np pixels, so that memory is read in order. */
INLINE void dw_channels(const struct dw_nhwc_f32_args *q, ptrdiff_t i, int np)
{
	struct dw_block k = {.lo = vec_set1(q->lo), .hi = vec_set1(q->hi), .w = q->w};
	for (; k.c < q->n; k.c += VEC, k.w += q->block) {
		k.mask = vec_first((int)(q->n - k.c));
		k.bias = q->bias ? vec_load_mask(q->bias + k.c, k.mask) : vec_zero();
		if (q->n - k.c < VEC)
			dw_group(q, &k, i, np, 0, false);
		else if (q->taps == 2)
			dw_group(q, &k, i, np, 2, true);
		else if (q->taps == 3)
			dw_group(q, &k, i, np, 3, true);
		else if (q->taps == 4)
			dw_group(q, &k, i, np, 4, true);
		else if (q->taps == 5)
			dw_group(q, &k, i, np, 5, true);
		else
			dw_group(q, &k, i, np, 0, true);
	}
}

static void dw_pixels(const struct dw_nhwc_f32_args *q)
{
	ptrdiff_t i = 0, m = q->m;
	for (; i + 8 <= m; i += 8)
		dw_channels(q, i, 8);
	if (m & 4)
		dw_channels(q, i, 4);
	i += m & 4;
	if (m & 2)
		dw_channels(q, i, 2);
	i += m & 2;
	if (m & 1)
		dw_channels(q, i, 1);
}
