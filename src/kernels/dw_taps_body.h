/* Pixels of a depthwise convolution with channels last as chains of multiply-adds, eight at a time,
 * for the vectors of the including file's instruction set. Defines dw_pixels().
 *
 * The including file defines what differs: the arguments DW_ARGS, elements of the image dw_element,
 * and what one block of VEC channels works on, struct dw_block, with the first channel c, its
 * weights w and the mask of its channels; then
 *   dw_enter(q, k, full): sets the rest of a block,
 *   dw_at(q, k, in, at, sure, full): what lies at elements behind the first one of a line, 0 when
 *     that is outside of the image, which sure rules out,
 *   dw_is_odd(q): a call that this is not for, as dw_any_at(q, k, in, at, sure, full) is,
 *   dw_first(k): what chains start with, and dw_fma(a, b, c): what they go on with,
 *   dw_store(q, k, i, np, full, acc): the ends of np chains as pixels from number i on. */
#ifdef DW_ARGS

/* Taps that some of a group's pixels see, from first until last, and that all of them see. */
struct dw_range {
	int first, last, sure, unsure;
};

/* Taps that lie before a distance from the first one. */
INLINE int dw_before(const DW_ARGS *q, ptrdiff_t distance)
{
	ptrdiff_t tap = (ptrdiff_t)q->window.tap, taps = q->window.taps;
	if (distance <= 0)
		return 0;
	return (int)(distance > (taps - 1) * tap ? taps : (distance + tap - 1) / tap);
}

/* Of pixels lo to hi elements from the first one. */
INLINE struct dw_range dw_range(const DW_ARGS *q, ptrdiff_t lo, ptrdiff_t hi)
{
	ptrdiff_t from = q->window.from, to = q->window.to;
	struct dw_range r = {.first = dw_before(q, from - hi),
	    .last = dw_before(q, to - lo),
	    .sure = dw_before(q, from - lo),
	    .unsure = dw_before(q, to - hi)};
	r.sure = r.sure < r.last ? r.sure : r.last;
	r.unsure = r.unsure > r.sure ? r.unsure : r.sure;
	return r;
}

/* Taps from..to-1 of a line; np, sure and full are constants after inlining. */
INLINE void dw_taps(const DW_ARGS *q, const struct dw_block *k, int r, int from, int to,
    ptrdiff_t first, int np, bool sure, bool full, vec *acc)
{
	ptrdiff_t step = (ptrdiff_t)q->window.step, tap = (ptrdiff_t)q->window.tap;
	const dw_element *in = q->lines[r] + k->c;
	const float *w = k->w + (q->at[r] + from) * VEC;
	ptrdiff_t at = first + from * tap;
	for (int t = from; t < to; t++, at += tap, w += VEC) {
		vec x = vec_load(w);
#pragma GCC unroll 8
		for (int p = 0; p < np; p++)
			acc[p] = dw_fma(x, dw_any_at(q, k, in, at + p * step, sure, full), acc[p]);
	}
}

/* np pixels from number i on; np and full are constants after inlining. */
INLINE void dw_group(const DW_ARGS *q, const struct dw_block *k, ptrdiff_t i, int np, bool full)
{
	vec acc[8];
	ptrdiff_t step = (ptrdiff_t)q->window.step, lo = i * step;
	struct dw_range g = dw_range(q, lo, lo + (np - 1) * step);
#pragma GCC unroll 8
	for (int p = 0; p < np; p++)
		acc[p] = dw_first(k);
	for (int r = 0; r < q->window.rows; r++) {
		dw_taps(q, k, r, g.first, g.sure, lo, np, false, full, acc);
		dw_taps(q, k, r, g.sure, g.unsure, lo, np, true, full, acc);
		dw_taps(q, k, r, g.unsure, g.last, lo, np, false, full, acc);
	}
	dw_store(q, k, i, np, full, acc);
}

/* taps of a line where pixels are stride taps apart, so that each element of the image is read
 * once. ends: what is at the ends of a span of elements may be outside. np, full, taps and stride
 * are constants after inlining. */
INLINE void dw_span(const DW_ARGS *q, const struct dw_block *k, const dw_element *in,
    const float *weights, ptrdiff_t first, int np, bool full, int taps, int stride, bool ends,
    vec acc[8])
{
	vec w[7];
	int span = (np - 1) * stride + taps, edge = ends ? taps / 2 : 0;
#pragma GCC unroll 7
	for (int t = 0; t < taps; t++)
		w[t] = vec_load(weights + t * VEC);
#pragma GCC unroll 20
	for (int x = 0; x < span; x++) {
		bool sure = x >= edge && x < span - edge;
		vec e = dw_at(q, k, in, first + x * (ptrdiff_t)q->window.tap, sure, full);
#pragma GCC unroll 7
		for (int t = 0; t < taps; t++) {
			int p = (x - t) / stride;
			if (x >= t && (x - t) % stride == 0 && p < np)
				acc[p] = dw_fma(w[t], e, acc[p]);
		}
	}
}

/* Windows of so many taps. */
INLINE void dw_shared(const DW_ARGS *q, const struct dw_block *k, ptrdiff_t i, int np, bool full,
    int taps, int stride)
{
	vec acc[8];
	ptrdiff_t first = i * stride * (ptrdiff_t)q->window.tap;
#pragma GCC unroll 8
	for (int p = 0; p < np; p++)
		acc[p] = dw_first(k);
	for (int r = 0; r < q->window.rows; r++)
		dw_span(q, k, q->lines[r] + k->c, k->w + q->at[r] * VEC, first, np, full, taps,
		    stride, true, acc);
	dw_store(q, k, i, np, full, acc);
}

#define DW_LONG 4 /* taps that are taken at once of windows with more */

/* Pixels next to each other, windows of any number of taps, all inside of the image. */
INLINE void dw_long(const DW_ARGS *q, const struct dw_block *k, ptrdiff_t i, int np, bool full)
{
	vec acc[8];
	ptrdiff_t tap = (ptrdiff_t)q->window.tap;
	int taps = q->window.taps;
#pragma GCC unroll 8
	for (int p = 0; p < np; p++)
		acc[p] = dw_first(k);
	for (int r = 0; r < q->window.rows; r++) {
		const dw_element *in = q->lines[r] + k->c;
		const float *w = k->w + q->at[r] * VEC;
		int t = 0;
		for (; t + DW_LONG <= taps; t += DW_LONG, w += DW_LONG * VEC)
			dw_span(q, k, in, w, (i + t) * tap, np, full, DW_LONG, 1, false, acc);
		for (; t < taps; t++, w += VEC)
			dw_span(q, k, in, w, (i + t) * tap, np, full, 1, 1, false, acc);
	}
	dw_store(q, k, i, np, full, acc);
}

/* How the pixels of a call lie. */
enum dw_kind { DW_ANY, DW_3_1, DW_3_2, DW_5_1, DW_5_2, DW_7_1, DW_MORE_1 };

/* Are no more than so many taps outside of the image at either end? */
static bool dw_is_near(const DW_ARGS *q, int outside)
{
	ptrdiff_t tap = (ptrdiff_t)q->window.tap, step = (ptrdiff_t)q->window.step;
	ptrdiff_t edge = outside * tap;
	ptrdiff_t last = (q->m - 1) * step + (q->window.taps - 1) * tap;
	return q->window.from <= edge && last - edge < q->window.to;
}

static enum dw_kind dw_kind(const DW_ARGS *q)
{
	int stride = q->window.step == q->window.tap       ? 1
		     : q->window.step == 2 * q->window.tap ? 2
							   : 0;
	if (!stride || dw_is_odd(q) || !dw_is_near(q, q->window.taps / 2))
		return DW_ANY;
	if (q->window.taps == 3)
		return stride == 1 ? DW_3_1 : DW_3_2;
	if (q->window.taps == 5)
		return stride == 1 ? DW_5_1 : DW_5_2;
	if (stride == 1 && q->window.taps == 7)
		return DW_7_1;
	return stride == 1 && q->window.taps > DW_LONG && dw_is_near(q, 0) ? DW_MORE_1 : DW_ANY;
}

/* np, full and kind are constants after inlining. */
INLINE void dw_block(
    const DW_ARGS *q, const struct dw_block *k, ptrdiff_t i, int np, bool full, enum dw_kind kind)
{
	if (kind == DW_3_1)
		dw_shared(q, k, i, np, full, 3, 1);
	else if (kind == DW_3_2)
		dw_shared(q, k, i, np, full, 3, 2);
	else if (kind == DW_5_1)
		dw_shared(q, k, i, np, full, 5, 1);
	else if (kind == DW_5_2)
		dw_shared(q, k, i, np, full, 5, 2);
	else if (kind == DW_7_1)
		dw_shared(q, k, i, np, full, 7, 1);
	else if (kind == DW_MORE_1)
		dw_long(q, k, i, np, full);
	else
		dw_group(q, k, i, np, full);
}

/* All channels of np pixels, so that memory is read in order. */
INLINE void dw_channels(const DW_ARGS *q, ptrdiff_t i, int np, enum dw_kind kind)
{
	struct dw_block k = {.w = q->w, .mask = vec_first(VEC)};
	for (; k.c + VEC <= q->n; k.c += VEC, k.w += q->block) {
		dw_enter(q, &k, true);
		dw_block(q, &k, i, np, true, kind);
	}
	if (k.c == q->n)
		return;
	k.mask = vec_first((int)(q->n - k.c));
	dw_enter(q, &k, false);
	dw_block(q, &k, i, np, false, kind);
}

#define DW_PIXELS(np)                                                                \
	static void dw_pixels_##np(const DW_ARGS *q, ptrdiff_t i, enum dw_kind kind) \
	{                                                                            \
		dw_channels(q, i, np, kind);                                         \
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
static void dw_pixels(const DW_ARGS *q)
{
	static void (*const by_pixels[])(const DW_ARGS *, ptrdiff_t, enum dw_kind) = {dw_pixels_1,
	    dw_pixels_2, dw_pixels_3, dw_pixels_4, dw_pixels_5, dw_pixels_6, dw_pixels_7,
	    dw_pixels_8};
	enum dw_kind kind = dw_kind(q);
	int groups = (q->m + 7) / 8;
	for (int g = 0; g < groups; g++) {
		ptrdiff_t from = (ptrdiff_t)q->m * g / groups;
		ptrdiff_t to = (ptrdiff_t)q->m * (g + 1) / groups;
		by_pixels[to - from - 1](q, from, kind);
	}
}
#endif
