/* Packing for the FP32 GEMM rows, and the loops over cache-sized blocks around their tiles. */
#include "kernels/gemm_f32.h"

#include <string.h>

#define KC 256      /* depth of a block: a panel of B of this depth stays in the L1 cache */
#define MC 384      /* rows of A that stay in the L2 cache beside the columns below */
#define NC_PANELS 8 /* panels of B that a block packs at once */

static int panels(int n, int width)
{
	return n / width + (n % width != 0);
}

static int min_int(int a, int b)
{
	return a < b ? a : b;
}

size_t gemm_f32_size_a(const struct gemm_f32 *row, int m, int k)
{
	return (size_t)panels(m, row->mr) * (size_t)row->mr * (size_t)k;
}

size_t gemm_f32_size_b(const struct gemm_f32 *row, int k, int n)
{
	return (size_t)panels(n, row->nr) * (size_t)row->nr * (size_t)k;
}

/* One panel: width lines, of which the first n exist, interleaved to dst[p * width + line]. */
static void pack_panel(
    int n, int width, int k, const float *src, size_t line, size_t step, float *dst)
{
	if (n < width)
		memset(dst, 0, (size_t)k * (size_t)width * sizeof *dst);
	for (int p = 0; p < k; p++, dst += width)
		for (int i = 0; i < n; i++)
			dst[i] = src[(size_t)i * line + (size_t)p * step];
}

static void pack_panels(int n, int width, int k, const float *src, size_t line, size_t step,
    int first, int last, float *packed)
{
	for (int i = first; i < last; i++)
		pack_panel(min_int(width, n - i * width), width, k,
		    src + (size_t)i * (size_t)width * line, line, step,
		    packed + (size_t)i * (size_t)width * (size_t)k);
}

void gemm_f32_pack_a(const struct gemm_f32 *row, int m, int k, const float *a, size_t rs, size_t cs,
    int first, int last, float *packed)
{
	pack_panels(m, row->mr, k, a, rs, cs, first, last, packed);
}

void gemm_f32_pack_b(const struct gemm_f32 *row, int k, int n, const float *b, size_t rs, size_t cs,
    int first, int last, float *packed)
{
	pack_panels(n, row->nr, k, b, cs, rs, first, last, packed);
}

static int depth(int k)
{
	int parts = panels(k, KC);
	return parts ? panels(k, parts) : 1;
}

/* One pass over depth p0..p0+kc-1 of a block whose rows fit the cache. */
static void tiles(const struct gemm_f32_job *q, int p0, int kc, int i0, int i1, int j0, int j1)
{
	int mr = q->row->mr, nr = q->row->nr;
	size_t k = (size_t)q->k, at = (size_t)p0;
	bool last = p0 + kc == q->k;
	for (int j = j0; j < j1; j++) {
		const float *b = q->b + ((size_t)j * k + at) * (size_t)nr;
		for (int i = i0; i < i1; i++) {
			struct epilogue e = q->e;
			if (e.row_bias)
				e.row_bias += i * mr;
			if (e.col_bias)
				e.col_bias += j * nr;
			q->row->run(kc, q->a + ((size_t)i * k + at) * (size_t)mr, b, (size_t)nr,
			    q->c + (size_t)i * (size_t)mr * q->ldc + (size_t)j * (size_t)nr, q->ldc,
			    min_int(mr, q->m - i * mr), min_int(nr, q->n - j * nr), p0 > 0,
			    last ? &e : NULL);
		}
	}
}

void gemm_f32_block(const struct gemm_f32_job *q, int i0, int i1, int j0, int j1)
{
	/* With one panel of rows nothing of B is used twice: read it in one go. */
	int step = i1 - i0 == 1 ? q->k : depth(q->k), mc = MC / q->row->mr;
	for (int p0 = 0; p0 < q->k || p0 == 0; p0 += step) {
		int kc = min_int(step, q->k - p0);
		for (int i = i0; i < i1; i += mc)
			tiles(q, p0, kc, i, min_int(i + mc, i1), j0, j1);
		if (!step)
			break;
	}
}

struct gemm_f32_cut gemm_f32_cut(
    const struct gemm_f32 *row, int m, int n, int64_t items, int threads)
{
	int mp = panels(m, row->mr), np = panels(n, row->nr);
	/* Two blocks a thread even out what one is late by; more would pack B more often. */
	int64_t want = threads > 1 && items > 0 ? (threads * 2 + items - 1) / items : 1;
	struct gemm_f32_cut c = {.cols = panels(np, NC_PANELS)};
	if (c.cols < want)
		c.cols = min_int((int)want, panels(np, 2));
	c.col_panels = panels(np, c.cols);
	c.cols = panels(np, c.col_panels);
	c.rows = min_int(panels((int)want, c.cols), panels(mp, 4));
	c.row_panels = panels(mp, c.rows);
	c.rows = panels(mp, c.row_panels);
	return c;
}
