/* Pixels of a depthwise convolution with channels last, eight at a time, for the vectors of the
 * including file's instruction set. Defines dw_pixels(). */
#include "kernels/nhwc_kernel.h"
#include "kernels/vec_f32.h"

static const float dw_zeros[VEC];

/* What lies at floats behind the first element of a line, unless that is outside of the image. */
INLINE const float *dw_inside(const struct dw_nhwc_f32_args *q, const float *in, ptrdiff_t at)
{
	return at >= q->from && at < q->to ? in + at : dw_zeros;
}

/* What one block of VEC channels works on. */
struct dw_block {
	ptrdiff_t c;    /* first channel */
	const float *w; /* its weights */
	vec_mask mask;
	vec bias, lo, hi;
};

/* Sum, clamp and store of np pixels from number i on. */
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

/* np pixels from number i on; np and full are constants after inlining. */
INLINE void dw_group(
    const struct dw_nhwc_f32_args *q, const struct dw_block *k, ptrdiff_t i, int np, bool full)
{
	vec acc[8];
	ptrdiff_t step = (ptrdiff_t)q->step, tap = (ptrdiff_t)q->tap;
#pragma GCC unroll 8
	for (int p = 0; p < np; p++)
		acc[p] = k->bias;
	for (int r = 0; r < q->rows; r++) {
		const float *in = q->lines[r] + k->c, *w = k->w + q->at[r] * VEC;
		ptrdiff_t at = i * step;
		for (int t = 0; t < q->taps; t++, at += tap, w += VEC) {
			vec x = vec_load(w);
#pragma GCC unroll 8
			for (int p = 0; p < np; p++) {
				const float *e = in + at + p * step;
				acc[p] = vec_fma(
				    x, full ? vec_load(e) : vec_load_mask(e, k->mask), acc[p]);
			}
		}
	}
	dw_store(q, k, i, np, full, acc);
}

/* The same where pixels are stride taps apart, so that each element of the image is read once. np,
 * full, taps and stride are constants after inlining. */
INLINE void dw_shared(const struct dw_nhwc_f32_args *q, const struct dw_block *k, ptrdiff_t i,
    int np, bool full, int taps, int stride)
{
	vec acc[8], w[5];
	int span = (np - 1) * stride + taps, edge = taps / 2;
	ptrdiff_t tap = (ptrdiff_t)q->tap, first = i * stride * tap;
#pragma GCC unroll 8
	for (int p = 0; p < np; p++)
		acc[p] = k->bias;
	for (int r = 0; r < q->rows; r++) {
		const float *in = q->lines[r] + k->c;
#pragma GCC unroll 5
		for (int t = 0; t < taps; t++)
			w[t] = vec_load(k->w + (q->at[r] + t) * VEC);
#pragma GCC unroll 20
		for (int x = 0; x < span; x++) {
			ptrdiff_t at = first + x * tap;
			bool sure = x >= edge && x < span - edge;
			const float *from = sure ? in + at : dw_inside(q, in, at);
			vec e = full ? vec_load(from) : vec_load_mask(from, k->mask);
#pragma GCC unroll 5
			for (int t = 0; t < taps; t++) {
				int p = (x - t) / stride;
				if (x >= t && (x - t) % stride == 0 && p < np)
					acc[p] = vec_fma(w[t], e, acc[p]);
			}
		}
	}
	dw_store(q, k, i, np, full, acc);
}

/* How the pixels of a call lie. */
enum dw_kind { DW_ANY, DW_3_1, DW_3_2, DW_5_1, DW_5_2 };

static enum dw_kind dw_kind(const struct dw_nhwc_f32_args *q)
{
	int stride = q->step == q->tap ? 1 : q->step == 2 * q->tap ? 2 : 0;
	if (!stride || (q->taps != 3 && q->taps != 5))
		return DW_ANY;
	return q->taps == 3 ? (stride == 1 ? DW_3_1 : DW_3_2) : stride == 1 ? DW_5_1 : DW_5_2;
}

/* np, full and kind are constants after inlining. */
INLINE void dw_block(const struct dw_nhwc_f32_args *q, const struct dw_block *k, ptrdiff_t i,
    int np, bool full, enum dw_kind kind)
{
	if (kind == DW_3_1)
		dw_shared(q, k, i, np, full, 3, 1);
	else if (kind == DW_3_2)
		dw_shared(q, k, i, np, full, 3, 2);
	else if (kind == DW_5_1)
		dw_shared(q, k, i, np, full, 5, 1);
	else if (kind == DW_5_2)
		dw_shared(q, k, i, np, full, 5, 2);
	else
		dw_group(q, k, i, np, full);
}

/* All channels of np pixels, so that memory is read in order. */
INLINE void dw_channels(const struct dw_nhwc_f32_args *q, ptrdiff_t i, int np, enum dw_kind kind)
{
	struct dw_block k = {.lo = vec_set1(q->lo), .hi = vec_set1(q->hi), .w = q->w};
	k.mask = vec_first(VEC);
	for (; k.c + VEC <= q->n; k.c += VEC, k.w += q->block) {
		k.bias = q->bias ? vec_load(q->bias + k.c) : vec_zero();
		dw_block(q, &k, i, np, true, kind);
	}
	if (k.c == q->n)
		return;
	k.mask = vec_first((int)(q->n - k.c));
	k.bias = q->bias ? vec_load_mask(q->bias + k.c, k.mask) : vec_zero();
	dw_block(q, &k, i, np, false, kind);
}

#define DW_PIXELS(np)                                                         \
	static void dw_pixels_##np(                                           \
	    const struct dw_nhwc_f32_args *q, ptrdiff_t i, enum dw_kind kind) \
	{                                                                     \
		dw_channels(q, i, np, kind);                                  \
	}
DW_PIXELS(1)
DW_PIXELS(2)
DW_PIXELS(3)
DW_PIXELS(4)
DW_PIXELS(5)
DW_PIXELS(6)
DW_PIXELS(7)
DW_PIXELS(8)

/* In groups of nearly the same size: small ones cost as much as large ones. */
static void dw_pixels(const struct dw_nhwc_f32_args *q)
{
	static void (*const by_pixels[])(
	    const struct dw_nhwc_f32_args *, ptrdiff_t, enum dw_kind) = {dw_pixels_1, dw_pixels_2,
	    dw_pixels_3, dw_pixels_4, dw_pixels_5, dw_pixels_6, dw_pixels_7, dw_pixels_8};
	enum dw_kind kind = dw_kind(q);
	int groups = (q->m + 7) / 8;
	for (int g = 0; g < groups; g++) {
		ptrdiff_t from = (ptrdiff_t)q->m * g / groups;
		ptrdiff_t to = (ptrdiff_t)q->m * (g + 1) / groups;
		by_pixels[to - from - 1](q, from, kind);
	}
}
