/* Kernels with channels last on each instruction set against their definition, with guards around
 * what they write and the same bits for any number of threads; -b times them. */
#include "bench_nhwc.h"
#include "conv_data.h"
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/half.h"
#include "kernels/layout.h"
#include "kernels/nhwc_kernel.h"

static const char *const levels[] = {"bf16", "avx512", "avx2", "ref"};

/* ---- implicit GEMM tiles ---- */

static struct seen_lanes nothing_seen(void)
{
	struct seen_lanes s = {{0}, {0}, {0}};
	for (int k = 0; k < SEEN_LANES; k++) {
		s.low[k] = INFINITY;
		s.high[k] = -INFINITY;
	}
	return s;
}

/* Of the results in c, and of them alone. */
static void assert_seen(const struct seen_lanes *s, const float *c, int m, int n, size_t ldc)
{
	float low = INFINITY, high = -INFINITY, least = INFINITY, most = -INFINITY;
	bool finite = true, good = true;
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++) {
			low = fminf(low, c[(size_t)i * ldc + (size_t)j]);
			high = fmaxf(high, c[(size_t)i * ldc + (size_t)j]);
			finite &= isfinite(c[(size_t)i * ldc + (size_t)j]) != 0;
		}
	for (int k = 0; k < SEEN_LANES; k++) {
		least = fminf(least, s->low[k]);
		most = fmaxf(most, s->high[k]);
		good &= s->bad[k] == 0;
	}
	assert_true(finite == good && (!finite || (low == least && high == most)));
}

/* What a tile sees of its results, and of the sums before, and that it does the same then. bias, of
 * n values, may come to be anything. */
static void check_tile_seen(
    const struct igemm_f32 *row, const struct igemm_f32_args *was, float *bias, int m, int n)
{
	struct seen_lanes before, after;
	struct igemm_f32_args q = *was;
	size_t size = (size_t)(m - 1) * q.ldc + (size_t)n;
	float *c = guarded(size);
	for (int twice = 0; twice < 2; twice++) {
		q.c = c;
		q.before = q.after = NULL;
		row->run(&q, m, n);
		memcpy(q.c = was->c, c, size * sizeof *c);
		before = after = nothing_seen();
		q.before = n & 2 ? &before : NULL;
		q.after = n & 4 ? NULL : &after;
		row->run(&q, m, n);
		assert_memory_equal(q.c, c, size * sizeof *c);
		if (q.after)
			assert_seen(&after, c, m, n, q.ldc);
		q.add = NULL;
		q.before = q.after = NULL;
		q.lo = -INFINITY;
		q.hi = INFINITY;
		row->run(&q, m, n);
		if (n & 2)
			assert_seen(&before, q.c, m, n, q.ldc);
		q = *was;
		bias[n - 1] = INFINITY;
	}
	guarded_free(c, size);
}

static void check_tile(const struct igemm_f32 *row, int m, int n, int taps, int k)
{
	size_t wide = (size_t)(n <= row->nr / 2 ? row->nr / 2 : row->nr), ldc = (size_t)n + 3;
	size_t depth = (size_t)taps * (size_t)k, size = (size_t)(m - 1) * ldc + (size_t)n;
	float *a = randoms((size_t)m * depth + 5, 1), *b = guarded(wide * depth);
	float *bias = randoms((size_t)n, 2), *add = randoms(size, 3), *c = guarded(size);
	const float *rows[200];
	ptrdiff_t shift[9]; /* of nine taps, which lead to the pointers of each */
	for (int t = 0; t < 9; t++)
		shift[t] = (ptrdiff_t)t * m * k;
	for (size_t i = 0; i < wide * depth; i++)
		b[i] = sinf((float)i);
	for (int i = 0; i < taps * m; i++)
		rows[i] = a + (size_t)i * (size_t)k;
	if (taps == 3) /* the second tap adds nothing */
		rows[m] = NULL;
	/* every third one starts with sums, some of which are there only to be read */
	size_t ld_start = (size_t)row->nr + 1;
	float *start = n % 3 ? NULL : randoms((size_t)m * ld_start, 4);
	struct igemm_f32_args q = {rows, taps == 9 ? shift : NULL, 5, taps, k, b,
	    n & 1 ? bias : NULL, m & 1 ? add : NULL, c, ldc, ldc, -1.5f, 1.25f, start, ld_start,
	    m & 2 ? b : NULL, NULL, NULL};
	row->run(&q, m, n);
	for (int i = 0; i < m; i++)
		for (size_t j = 0; j < ldc && (size_t)i * ldc + j < size; j++) {
			float got = c[(size_t)i * ldc + j];
			double sum = q.bias && j < (size_t)n ? (double)bias[j] : 0;
			if (start && j < (size_t)n)
				sum = (double)start[(size_t)i * ld_start + j];
			if (j >= (size_t)n) {
				assert_true(got == GUARD_VALUE);
				continue;
			}
			for (int t = 0; t < taps; t++)
				for (int p = 0; p < k && rows[t * m]; p++)
					sum += (double)rows[t * m + i][5 + p] *
					       (double)b[(size_t)(t * k + p) * wide + j];
			sum += q.add ? (double)add[(size_t)i * ldc + j] : 0;
			float want = clampf((float)sum, q.lo, q.hi);
			assert_true(fabsf(got - want) <= 2e-7f * (float)(depth + 4));
		}
	check_tile_seen(row, &q, bias, m, n);
	free(a);
	free(start);
	free(bias);
	free(add);
	guarded_free(b, wide * depth);
	guarded_free(c, size);
}

static void test_igemm_tiles(void **state)
{
	static const int depths[][2] = {{1, 1}, {1, 7}, {3, 5}, {9, 16}, {1, 131}, {2, 0}};
	(void)state;
	for (const struct igemm_f32 *row = igemm_f32_rows; row->run; row++) {
		if (row->need & ~cpu_features()) {
			print_message("skipped: %s, the processor lacks it\n", row->name);
			continue;
		}
		for (int m = 1; m <= row->mr; m++)
			for (int n = 1; n <= row->nr; n++)
				for (size_t d = 0; d < COUNT(depths); d++)
					check_tile(row, m, n, depths[d][0], depths[d][1]);
	}
}

/* ---- whole convolutions ---- */

static void assert_near(const float *got, const struct data *d, float bound)
{
	for (size_t i = 0; i < d->nout; i++)
		if (!(fabsf(got[i] - d->want[i]) <= bound)) {
			print_error("element %zu: %g, expected %g\n", i, (double)got[i],
			    (double)d->want[i]);
			assert_true(!"near");
		}
}

/* The same bits from an image with its channels first. */
static void check_planes(const struct nhwc_conv_f32 *c, const struct data *d, const float *want)
{
	struct nhwc_conv_f32 k = *c;
	struct data planes = *d;
	struct layout_move l = {
	    d->s.batch, d->s.cin, (int64_t)volume(d->s.in), d->ld_in, sizeof(float)};
	size_t n = (size_t)(l.batch * l.channels * l.pixels);
	float *in = guarded(n), *out = guarded(d->nout);
	nhwc_to_nchw(&l, NULL, d->in, in);
	planes.in = in;
	k.planes = true;
	k.ld_in = d->s.cin;
	for (int t = 1; t < 3; t++) {
		run_conv(k, &planes, pools[t], out);
		assert_memory_equal(out, want, d->nout * sizeof *out);
	}
	guarded_free(in, n);
	guarded_free(out, d->nout);
}

static void check_conv(const struct data *d, int way, float lo, float hi)
{
	struct nhwc_conv_f32 c = {.s = d->s,
	    .ld_in = d->ld_in,
	    .ld_out = d->ld_out,
	    .ld_add = d->ld_add,
	    .lo = lo,
	    .hi = hi,
	    .way = way};
	int k = d->s.cin * (int)volume(d->s.kernel);
	float *first = guarded(d->nout);
	struct nhwc_conv_f32 other = c; /* a packing serves all sizes of the image */
	other.s.batch += 3;
	other.s.in[2] += 8 * d->s.stride[2];
	other.s.out[2] += 8;
	nhwc_conv_f32_plan(&c, 1);
	nhwc_conv_f32_plan(&other, 2);
	assert_true(nhwc_conv_f32_packed(&c) == nhwc_conv_f32_packed(&other));
	run_conv(c, d, NULL, first);
	assert_near(first, d,
	    way == CONV_WINOGRAD || way == CONV_WINOGRAD_2 || way == CONV_WINOGRAD_LINE ||
		    way == CONV_WINOGRAD_TILES
		? (d->s.kernel[0] > 1 ? 1.2e-5f : 1e-5f) * d->scale
		: 1.2e-7f * (float)(k + 4) * (1 + d->scale));
	for (int t = 1; t < 3; t++) {
		float *out = guarded(d->nout);
		run_conv(c, d, pools[t], out);
		assert_memory_equal(out, first, d->nout * sizeof *out);
		guarded_free(out, d->nout);
	}
	if (nhwc_conv_f32_reads_planes(&d->s, way))
		check_planes(&c, d, first);
	/* The same, then a function of each result. */
	int n = d->s.groups * d->s.cout, pixels = d->s.batch * (int)volume(d->s.out);
	float *acted = guarded(d->nout);
	c.act = SPAN_SWISH;
	c.act_a = 1.5f;
	run_conv(c, d, pools[1], acted);
	for (int i = 0; i < pixels; i++)
		span_f32_rows[span_f32_pick()].op[SPAN_SWISH](
		    first + (size_t)i * (size_t)d->ld_out, NULL, 0, n, 1.5f, 0);
	assert_memory_equal(acted, first, d->nout * sizeof *acted);
	guarded_free(acted, d->nout);
	guarded_free(first, d->nout);
}

static void round_all(float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = bf16_to_f32(f32_to_bf16(x[i]));
}

/* The definition on rounded factors: then only the FP32 sums differ. Changes the data. */
static void check_bf16(struct data *d, float lo, float hi)
{
	round_all(d->in, d->nin);
	round_all(d->w, d->nw);
	conv_naive(d, lo, hi);
	for (size_t l = 0; l < COUNT(levels); l += COUNT(levels) - 1) {
		cpu_limit(levels[l]);
		check_conv(d, CONV_IGEMM_BF16, lo, hi);
	}
	cpu_limit("bf16");
}

static void check_shape(const struct conv_shape *s, int number)
{
	struct data d = data_of(s, number % 3 ? number % 5 : 0, number & 1, number & 2);
	float lo = number & 4 ? -INFINITY : -1, hi = number & 4 ? INFINITY : 2;
	conv_naive(&d, lo, hi);
	for (size_t l = 0; l < COUNT(levels); l++) {
		cpu_limit(levels[l]);
		check_conv(&d, CONV_IGEMM, lo, hi);
		if (is_depthwise(s))
			check_conv(&d, CONV_DEPTHWISE, lo, hi);
		if (is_winograd(s))
			check_conv(&d, CONV_WINOGRAD, lo, hi);
		if (is_winograd(s))
			check_conv(&d, CONV_WINOGRAD_2, lo, hi);
		if (nhwc_conv_f32_fits(s, CONV_WINOGRAD_LINE))
			check_conv(&d, CONV_WINOGRAD_LINE, lo, hi);
		if (nhwc_conv_f32_fits(s, CONV_GROUPS))
			check_conv(&d, CONV_GROUPS, lo, hi);
		if (nhwc_conv_f32_fits(s, CONV_WINOGRAD_TILES))
			check_conv(&d, CONV_WINOGRAD_TILES, lo, hi);
	}
	cpu_limit("bf16");
	check_bf16(&d, lo, hi);
	data_free(&d);
}

static const struct conv_shape shapes[] = {
    /* batch, groups, cin, cout, in, kernel, out, stride, dilation, pad */
    {1, 1, 3, 5, {1, 7, 9}, {1, 3, 3}, {1, 7, 9}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {2, 1, 4, 13, {1, 8, 8}, {1, 1, 1}, {1, 8, 8}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 31, 37, {1, 11, 13}, {1, 3, 3}, {1, 6, 7}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 2, 3, 4, {1, 9, 7}, {1, 3, 2}, {1, 5, 6}, {1, 1, 1}, {1, 2, 3}, {0, 0, 1}},
    {3, 1, 2, 2, {1, 5, 5}, {1, 5, 5}, {1, 5, 5}, {1, 1, 1}, {1, 1, 1}, {0, 2, 2}},
    {1, 1, 2, 3, {1, 1, 50}, {1, 1, 7}, {1, 1, 23}, {1, 1, 2}, {1, 1, 1}, {0, 0, 1}},
    {1, 1, 19, 37, {1, 6, 17}, {1, 1, 7}, {1, 6, 17}, {1, 1, 1}, {1, 1, 1}, {0, 0, 3}},
    {2, 1, 40, 20, {1, 17, 5}, {1, 7, 1}, {1, 17, 5}, {1, 1, 1}, {1, 1, 1}, {0, 3, 0}},
    {3, 1, 7, 33, {2, 9, 9}, {1, 7, 1}, {2, 3, 9}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 70, 64, {1, 5, 33}, {1, 1, 7}, {1, 5, 30}, {1, 1, 1}, {1, 1, 1}, {0, 0, 1}},
    {1, 1, 2, 3, {4, 5, 6}, {2, 3, 3}, {5, 5, 3}, {1, 1, 2}, {1, 1, 1}, {1, 1, 1}},
    {2, 1, 19, 35, {3, 4, 5}, {3, 2, 3}, {2, 5, 5}, {2, 1, 1}, {1, 1, 1}, {1, 1, 1}},
    {2, 1, 17, 35, {5, 9, 7}, {3, 3, 3}, {5, 9, 7}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
    {1, 1, 70, 20, {2, 6, 30}, {2, 3, 3}, {3, 6, 30}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
    {1, 1, 9, 40, {7, 5, 9}, {5, 1, 7}, {3, 5, 9}, {1, 1, 1}, {1, 1, 1}, {0, 0, 3}},
    {1, 1, 8, 8, {2, 4, 4}, {7, 3, 3}, {10, 4, 4}, {1, 1, 1}, {1, 1, 1}, {7, 1, 1}},
    {1, 1, 1, 1, {1, 1, 1}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 3, 64, {1, 37, 41}, {1, 7, 7}, {1, 19, 21}, {1, 2, 2}, {1, 1, 1}, {0, 3, 3}},
    {1, 1, 20, 24, {1, 9, 9}, {1, 3, 3}, {1, 9, 9}, {1, 1, 1}, {1, 12, 7}, {0, 12, 7}},
    {1, 1, 64, 48, {1, 17, 19}, {1, 3, 3}, {1, 17, 19}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {2, 1, 70, 97, {1, 13, 30}, {1, 3, 3}, {1, 13, 30}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 33, 130, {1, 9, 6}, {1, 3, 3}, {1, 7, 7}, {1, 1, 1}, {1, 1, 1}, {0, 0, 1}},
    {1, 1, 256, 40, {1, 4, 4}, {1, 3, 3}, {1, 4, 4}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 128, 100, {1, 28, 28}, {1, 1, 1}, {1, 14, 14}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}},
    {1, 4, 8, 8, {1, 14, 14}, {1, 3, 3}, {1, 14, 14}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 3, 40, 33, {1, 10, 9}, {1, 3, 3}, {1, 10, 9}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {49, 1, 300, 65, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 1000, 1001, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 20, 17, {1, 12, 12}, {1, 7, 1}, {1, 12, 12}, {1, 1, 1}, {1, 1, 1}, {0, 3, 0}},
    {2, 6, 1, 1, {1, 14, 15}, {1, 3, 3}, {1, 14, 15}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 50, 1, 1, {1, 14, 15}, {1, 5, 5}, {1, 14, 15}, {1, 1, 1}, {1, 1, 1}, {0, 2, 2}},
    {1, 5, 1, 2, {1, 13, 18}, {1, 3, 5}, {1, 6, 9}, {1, 2, 2}, {1, 1, 1}, {0, 0, 2}},
    {1, 3, 1, 1, {1, 20, 41}, {1, 3, 3}, {1, 18, 19}, {1, 1, 2}, {1, 2, 3}, {0, 1, 1}},
    {1, 4, 1, 1, {1, 3, 3}, {1, 7, 7}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 3, 3}},
    {2, 96, 1, 1, {1, 28, 29}, {1, 3, 3}, {1, 14, 15}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 131, 1, 1, {1, 30, 31}, {1, 3, 3}, {1, 30, 31}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 20, 1, 1, {1, 21, 23}, {1, 5, 5}, {1, 10, 11}, {1, 2, 2}, {1, 1, 1}, {0, 2, 1}},
    {1, 17, 1, 1, {3, 6, 7}, {3, 3, 3}, {3, 6, 7}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
    {1, 16, 4, 4, {1, 9, 31}, {1, 3, 3}, {1, 9, 31}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {2, 13, 8, 8, {1, 7, 7}, {1, 3, 3}, {1, 7, 7}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 11, 3, 4, {1, 8, 20}, {1, 3, 3}, {1, 4, 10}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 9, 2, 2, {1, 12, 17}, {1, 5, 5}, {1, 12, 17}, {1, 1, 1}, {1, 1, 1}, {0, 2, 2}},
    {1, 19, 1, 2, {1, 9, 14}, {1, 3, 3}, {1, 9, 14}, {1, 1, 1}, {1, 2, 2}, {0, 2, 2}},
    {1, 5, 16, 16, {1, 5, 6}, {1, 1, 3}, {1, 5, 8}, {1, 1, 1}, {1, 1, 1}, {0, 0, 2}},
    {1, 6, 4, 8, {3, 5, 15}, {3, 3, 3}, {3, 5, 15}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
    {1, 21, 1, 1, {1, 4, 70}, {1, 3, 3}, {1, 4, 70}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 21, 1, 1, {1, 4, 6}, {1, 5, 5}, {1, 4, 8}, {1, 1, 1}, {1, 1, 1}, {0, 2, 3}},
    {1, 40, 1, 1, {1, 1, 60}, {1, 1, 31}, {1, 1, 60}, {1, 1, 1}, {1, 1, 1}, {0, 0, 15}},
    /* windows that no pixel sees the whole of, that reach far outside, of long lines */
    {1, 19, 1, 1, {1, 12, 13}, {1, 31, 31}, {1, 12, 13}, {1, 1, 1}, {1, 1, 1}, {0, 15, 15}},
    {2, 5, 1, 1, {1, 9, 10}, {1, 3, 3}, {1, 13, 8}, {1, 1, 2}, {1, 1, 1}, {0, 3, 3}},
    {1, 18, 1, 1, {1, 5, 90}, {1, 7, 9}, {1, 5, 45}, {1, 1, 2}, {1, 1, 1}, {0, 3, 4}},
    {1, 33, 1, 1, {1, 4, 100}, {1, 3, 3}, {1, 4, 100}, {1, 1, 1}, {1, 1, 12}, {0, 1, 12}},
    {1, 17, 1, 1, {1, 3, 70}, {1, 3, 5}, {1, 3, 90}, {1, 1, 1}, {1, 1, 1}, {0, 1, 12}},
    {1, 40, 1, 1, {1, 9, 12}, {1, 7, 7}, {1, 9, 12}, {1, 1, 1}, {1, 1, 1}, {0, 3, 3}},
    {1, 21, 1, 1, {1, 5, 80}, {1, 7, 7}, {1, 5, 78}, {1, 1, 1}, {1, 1, 1}, {0, 3, 2}},
    {1, 18, 1, 1, {1, 6, 90}, {1, 2, 13}, {1, 5, 84}, {1, 1, 1}, {1, 1, 1}, {0, 0, 3}},
    /* lines of few channels as runs: of a small image, of long lines, of several planes, in place,
     * beginning inside and far outside, of dilated windows */
    {3, 1, 1, 8, {1, 28, 28}, {1, 5, 5}, {1, 28, 28}, {1, 1, 1}, {1, 1, 1}, {0, 2, 2}},
    {1, 1, 3, 9, {1, 3, 2500}, {1, 3, 3}, {1, 2, 1251}, {1, 2, 2}, {1, 1, 1}, {0, 1, 2}},
    {2, 1, 5, 8, {4, 6, 20}, {3, 3, 4}, {2, 6, 20}, {2, 1, 1}, {2, 1, 1}, {1, 1, 2}},
    {2, 1, 4, 20, {1, 45, 61}, {1, 4, 5}, {1, 14, 20}, {1, 3, 3}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 3, 7, {1, 12, 15}, {1, 5, 5}, {1, 6, 7}, {1, 1, 1}, {1, 1, 1}, {0, -1, -3}},
    {1, 1, 1, 3, {1, 2, 3}, {1, 5, 6}, {1, 9, 12}, {1, 1, 1}, {1, 1, 1}, {0, 6, 8}},
    {1, 1, 3, 8, {1, 12, 15}, {1, 3, 3}, {1, 12, 13}, {1, 1, 1}, {1, 2, 3}, {0, 2, 2}},
    /* few channels of many tiles: whole vectors of them inside, several images in one, none inside
     */
    {1, 1, 13, 12, {1, 40, 41}, {1, 3, 3}, {1, 40, 41}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {3, 1, 4, 25, {1, 10, 12}, {1, 3, 3}, {1, 12, 10}, {1, 1, 1}, {1, 1, 1}, {0, 2, 0}},
    {2, 1, 5, 4, {1, 2, 6}, {1, 3, 3}, {1, 12, 1}, {1, 1, 1}, {1, 1, 1}, {0, 6, -2}},
};

static void test_convolutions(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++)
		check_shape(&shapes[i], (int)i);
}

/* Lanes over tiles compute what lanes over channels do. */
static void test_tiles(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes) * (COUNT(levels) - 1); i++) {
		const struct conv_shape *s = &shapes[i % COUNT(shapes)];
		struct data d = data_of(s, i % 3, i & 1, i & 2);
		struct nhwc_conv_f32 c = {.s = *s,
		    .ld_in = d.ld_in,
		    .ld_out = d.ld_out,
		    .ld_add = d.ld_add,
		    .lo = -1,
		    .hi = 2,
		    .way = CONV_WINOGRAD};
		float *out = guarded(d.nout);
		cpu_limit(levels[1 + i / COUNT(shapes)]);
		if (nhwc_conv_f32_fits(s, CONV_WINOGRAD_TILES)) {
			run_conv(c, &d, NULL, d.want);
			c.way = CONV_WINOGRAD_TILES;
			run_conv(c, &d, NULL, out);
			assert_memory_equal(out, d.want, d.nout * sizeof *out);
		}
		guarded_free(out, d.nout);
		data_free(&d);
	}
	cpu_limit("bf16");
}

/* Weights beyond the second cache and rows beyond it, too: sums wait between parts of the depth. */
static void test_depth(void **state)
{
	static const struct conv_shape s = {
	    200, 1, 2050, 301, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}};
	struct nhwc_conv_f32 c = {.s = s, .ld_in = s.cin, .ld_out = s.cout, .way = CONV_IGEMM};
	(void)state;
	nhwc_conv_f32_plan(&c, 1);
	assert_true(c.depth < s.cin);
	check_shape(&s, 3);
}

static void test_choice(void **state)
{
	static const struct {
		struct conv_shape s;
		int way;
	} rows[] = {
	    {{1, 1, 64, 64, {1, 56, 56}, {1, 3, 3}, {1, 56, 56}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
		CONV_WINOGRAD},
	    {{1, 1, 64, 64, {4, 28, 28}, {3, 3, 3}, {4, 28, 28}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
		CONV_WINOGRAD},
	    {{1, 1, 192, 192, {1, 17, 17}, {1, 7, 1}, {1, 17, 17}, {1, 1, 1}, {1, 1, 1}, {0, 3, 0}},
		CONV_WINOGRAD_LINE},
	    {{1, 1, 512, 512, {1, 7, 7}, {1, 3, 3}, {1, 7, 7}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
		CONV_WINOGRAD_2},
	    {{1, 1, 64, 64, {1, 56, 56}, {1, 3, 3}, {1, 28, 28}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
		CONV_IGEMM},
	    {{1, 1, 3, 64, {1, 56, 56}, {1, 3, 3}, {1, 56, 56}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
		CONV_IGEMM},
	    {{1, 1, 13, 11, {1, 32, 32}, {1, 3, 3}, {1, 32, 32}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
		CONV_WINOGRAD_TILES},
	    {{1, 1, 32, 32, {1, 32, 32}, {1, 3, 3}, {1, 32, 32}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
		CONV_WINOGRAD},
	    {{1, 64, 1, 1, {1, 56, 56}, {1, 3, 3}, {1, 56, 56}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
		CONV_DEPTHWISE},
	    {{1, 32, 4, 4, {1, 56, 56}, {1, 3, 3}, {1, 56, 56}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
		CONV_GROUPS},
	    {{1, 32, 32, 32, {1, 7, 7}, {1, 3, 3}, {1, 7, 7}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
		CONV_IGEMM},
	};
	(void)state;
	cpu_limit("avx2");
	for (size_t i = 0; i < COUNT(rows); i++) {
		int way = rows[i].way;
		bool itself = way == CONV_DEPTHWISE || way == CONV_GROUPS;
		assert_int_equal(nhwc_conv_f32_choose(&rows[i].s, false), way);
		assert_int_equal(nhwc_conv_f32_choose(&rows[i].s, true), itself ? way : CONV_IGEMM);
	}
	cpu_limit("bf16");
}

/* A NaN in the image comes out through bias, add and clamp. */
static void test_conv_nan(void **state)
{
	float in[3] = {0, NAN, 1}, w[1] = {2}, packed[64] __attribute__((aligned(64))), out[3];
	char scratch[4096] __attribute__((aligned(64)));
	struct nhwc_conv_f32 c = {
	    .s = {1, 1, 1, 1, {1, 1, 3}, {1, 1, 1}, {1, 1, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
	    .ld_in = 1,
	    .ld_out = 1,
	    .lo = 0,
	    .hi = 6};
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++) {
		cpu_limit(levels[l]);
		nhwc_conv_f32_plan(&c, 1);
		assert_true(c.scratch <= sizeof scratch);
		assert_true(nhwc_conv_f32_packed(&c) <= sizeof packed);
		nhwc_conv_f32_pack(&c, NULL, w, packed);
		nhwc_conv_f32_run(&c, NULL,
		    &(struct nhwc_conv_f32_args){
			.in = in, .packed = packed, .out = out, .scratch = scratch});
		assert_true(out[0] == 0 && isnan(out[1]) && out[2] == 2);
	}
	cpu_limit("bf16");
}

/* ---- layout ---- */

static void check_layout(struct layout_move l, struct pool *pool)
{
	size_t first = (size_t)(l.batch * l.channels * l.pixels), size = (size_t)l.size;
	size_t last = (size_t)(l.batch * l.pixels * l.ld - (l.ld - l.channels));
	size_t nin = (first * size + 3) / 4, nout = (last * size + 3) / 4;
	float *in = randoms(nin, 9), *out = guarded(nout), *back = guarded(nin);
	nchw_to_nhwc(&l, pool, in, out);
	for (size_t i = 0; i < first; i++) {
		size_t pixel = i % (size_t)l.pixels, c = i / (size_t)l.pixels % (size_t)l.channels;
		size_t image = i / (size_t)l.pixels / (size_t)l.channels;
		size_t at = (image * (size_t)l.pixels + pixel) * (size_t)l.ld + c;
		assert_memory_equal((char *)in + i * size, (char *)out + at * size, size);
	}
	for (size_t i = 0; i < last; i++) {
		static const float guard = GUARD_VALUE;
		if (i % (size_t)l.ld >= (size_t)l.channels)
			assert_memory_equal(
			    (char *)out + i * size, (const char *)&guard + i * size % 4, size);
	}
	nhwc_to_nchw(&l, pool, out, back);
	assert_memory_equal(in, back, first * size);
	free(in);
	guarded_free(out, nout);
	guarded_free(back, nin);
}

static void test_layouts(void **state)
{
	static const int dims[][3] = {{3, 100, 0}, {1, 7, 2}, {3, 31, 1}, {16, 16, 0}, {33, 49, 3},
	    {64, 196, 0}, {1000, 1, 0}, {5, 2000, 0}, {130, 700, 6}};
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++)
		for (size_t i = 0; i < COUNT(dims) * 3; i++) {
			const int *d = dims[i / 3];
			cpu_limit(levels[l]);
			check_layout((struct layout_move){1 + (int)i % 2, d[0], d[1], d[0] + d[2],
					 1 << i % 3},
			    pools[i % 2]);
		}
	cpu_limit("bf16");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_igemm_tiles),
	    cmocka_unit_test(test_convolutions),
	    cmocka_unit_test(test_tiles),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_choice),
	    cmocka_unit_test(test_conv_nan),
	    cmocka_unit_test(test_layouts),
	};
	if (argc > 1 && !strcmp(argv[1], "-b"))
		return bench(argc, argv);
	return cmocka_run_group_tests(tests, make_pools, free_pools);
}
