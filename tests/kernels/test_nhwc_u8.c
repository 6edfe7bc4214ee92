/* Quantized kernels with channels last on each instruction set against their definition, bit for
 * bit, with guards around what they write and for any number of threads; -b times them. */
#include "conv_u8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "kernels/nhwc_conv_u8.h"
#include "kernels/nhwc_kernel_u8.h"
#include "kernels/quant_u8.h"

/* The definition of a byte: one rounding to float, then half to even. */
static uint8_t byte_of(float r, float scale, int zero)
{
	float x = fmaf(r, 1 / scale, (float)zero);
	return (uint8_t)nearbyintf(clampf(isnan(x) ? 0 : x, 0, 255));
}

/* A packing serves all sizes of the image. */
static void check_packed(const struct nhwc_conv_u8 *c)
{
	struct nhwc_conv_u8 one = *c, other = *c;
	other.s.batch += 3;
	other.s.in[2] += 8 * other.s.stride[2];
	other.s.out[2] += 8;
	nhwc_conv_u8_plan(&one, 1);
	nhwc_conv_u8_plan(&other, 2);
	assert_int_equal(nhwc_conv_u8_packed(&one), nhwc_conv_u8_packed(&other));
}

static void check_shape(const struct conv_shape *s, int number)
{
	struct data d = data_of(s, number % 4 ? number % 5 : 0, number);
	static const int ways[] = {CONV_DEPTHWISE, CONV_WINOGRAD, CONV_IGEMM};
	conv_naive(&d);
	for (size_t l = 0; l < COUNT(levels); l++) {
		cpu_limit(levels[l]);
		for (size_t w = 0; w < COUNT(ways); w++) {
			d.c.way = ways[w];
			if (!nhwc_conv_u8_fits(s, d.c.floats, d.c.way) ||
			    !nhwc_conv_u8_holds(&d.c, d.w) ||
			    (d.zeros && d.c.way != CONV_DEPTHWISE))
				continue;
			check_packed(&d.c);
			for (int t = 0; t < 3; t++)
				run_conv(&d, pools[t]);
		}
	}
	cpu_limit("bf16");
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
    {1, 1, 2, 3, {4, 5, 6}, {2, 3, 3}, {5, 5, 3}, {1, 1, 2}, {1, 1, 1}, {1, 1, 1}},
    {2, 1, 19, 35, {3, 4, 5}, {3, 2, 3}, {2, 5, 5}, {2, 1, 1}, {1, 1, 1}, {1, 1, 1}},
    {1, 1, 1, 1, {1, 1, 1}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 3, 64, {1, 37, 41}, {1, 7, 7}, {1, 19, 21}, {1, 2, 2}, {1, 1, 1}, {0, 3, 3}},
    {1, 1, 64, 48, {1, 17, 19}, {1, 3, 3}, {1, 17, 19}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {2, 1, 22, 97, {1, 13, 30}, {1, 3, 3}, {1, 13, 30}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 33, 130, {1, 9, 6}, {1, 3, 3}, {1, 7, 7}, {1, 1, 1}, {1, 1, 1}, {0, 0, 1}},
    {1, 1, 256, 40, {1, 4, 4}, {1, 3, 3}, {1, 4, 4}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 128, 100, {1, 28, 28}, {1, 1, 1}, {1, 14, 14}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}},
    {1, 4, 8, 8, {1, 14, 14}, {1, 3, 3}, {1, 14, 14}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 3, 40, 33, {1, 10, 9}, {1, 3, 3}, {1, 10, 9}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 6, 5, 7, {1, 10, 9}, {1, 3, 3}, {1, 10, 9}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {49, 1, 300, 65, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {5, 1, 61, 31, {1, 3, 1}, {1, 1, 1}, {1, 3, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 1000, 1001, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 20, 17, {1, 12, 12}, {1, 7, 1}, {1, 12, 12}, {1, 1, 1}, {1, 1, 1}, {0, 3, 0}},
    {1, 1, 3, 33, {1, 23, 25}, {1, 3, 3}, {1, 12, 13}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 4, 16, {1, 9, 11}, {1, 2, 5}, {1, 8, 11}, {1, 1, 1}, {1, 1, 1}, {0, 0, 2}},
    {2, 6, 1, 1, {1, 14, 15}, {1, 3, 3}, {1, 14, 15}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 50, 1, 1, {1, 14, 15}, {1, 5, 5}, {1, 14, 15}, {1, 1, 1}, {1, 1, 1}, {0, 2, 2}},
    {1, 5, 1, 2, {1, 13, 18}, {1, 3, 5}, {1, 6, 9}, {1, 2, 2}, {1, 1, 1}, {0, 0, 2}},
    {1, 3, 1, 1, {1, 20, 41}, {1, 3, 3}, {1, 18, 19}, {1, 1, 2}, {1, 2, 3}, {0, 1, 1}},
    {1, 4, 1, 1, {1, 3, 3}, {1, 7, 7}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 3, 3}},
    {2, 96, 1, 1, {1, 28, 29}, {1, 3, 3}, {1, 14, 15}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 131, 1, 1, {1, 30, 31}, {1, 3, 3}, {1, 30, 31}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 20, 1, 1, {1, 21, 23}, {1, 5, 5}, {1, 10, 11}, {1, 2, 2}, {1, 1, 1}, {0, 2, 1}},
    {2, 1, 16, 40, {1, 12, 30}, {1, 3, 3}, {1, 6, 15}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 32, 33, {2, 9, 9}, {2, 5, 5}, {1, 9, 9}, {1, 1, 1}, {1, 2, 1}, {0, 4, 2}},
    {1, 1, 20, 9, {1, 4, 4}, {1, 3, 9}, {1, 4, 4}, {1, 1, 1}, {1, 1, 1}, {0, 1, 4}},
    {1, 1, 24, 9, {1, 5, 16}, {1, 3, 3}, {1, 5, 5}, {1, 1, 3}, {1, 1, 2}, {0, 1, 0}},
    {1, 17, 1, 1, {3, 6, 7}, {3, 3, 3}, {3, 6, 7}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
    {1, 40, 1, 1, {1, 1, 60}, {1, 1, 31}, {1, 1, 60}, {1, 1, 1}, {1, 1, 1}, {0, 0, 15}},
    {1, 64, 1, 1, {1, 9, 9}, {1, 3, 3}, {1, 9, 9}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {1, 8, 1, 1, {1, 13, 29}, {1, 3, 3}, {1, 13, 29}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {2, 12, 1, 1, {1, 14, 31}, {1, 5, 5}, {1, 7, 31}, {1, 2, 1}, {1, 1, 1}, {0, 2, 2}},
    {1, 16, 1, 1, {2, 9, 20}, {1, 3, 3}, {2, 8, 22}, {1, 1, 1}, {1, 1, 1}, {0, 0, 3}},
    {1, 30, 1, 1, {1, 9, 7}, {1, 7, 3}, {1, 9, 4}, {1, 1, 1}, {1, 1, 1}, {0, 3, 0}},
    {1, 1, 67, 30, {1, 45, 50}, {1, 3, 3}, {1, 45, 50}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    {2, 1, 33, 9, {3, 3, 2}, {1, 3, 3}, {3, 6, 3}, {1, 1, 1}, {1, 1, 1}, {0, 3, 2}},
    {1, 1, 5, 16, {1, 40, 3}, {1, 3, 3}, {1, 38, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 40, 1, 1, {1, 9, 12}, {1, 7, 7}, {1, 9, 12}, {1, 1, 1}, {1, 1, 1}, {0, 3, 3}},
    {1, 21, 1, 1, {1, 5, 80}, {1, 7, 7}, {1, 5, 78}, {1, 1, 1}, {1, 1, 1}, {0, 3, 2}},
    {1, 18, 1, 1, {1, 6, 90}, {1, 2, 13}, {1, 5, 84}, {1, 1, 1}, {1, 1, 1}, {0, 0, 3}},
    {1, 1, 20, 24, {1, 9, 9}, {1, 3, 3}, {1, 9, 9}, {1, 1, 1}, {1, 12, 7}, {0, 12, 7}},
    {1, 33, 1, 1, {1, 12, 12}, {1, 11, 11}, {1, 12, 12}, {1, 1, 1}, {1, 1, 1}, {0, 5, 5}},
};

static void test_convolutions(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes) * 3; i++)
		check_shape(&shapes[i % COUNT(shapes)], (int)i);
}

/* Factors that are no use for less than all clamps, among others that are. */
static const struct {
	int levels, add, row; /* row of the factors, from the first behind the sums' on */
	float value;
} odd_factors[] = {
    {1, 0, 1, 0.25f},
    {1, 0, 1, 0},
    {1, 0, 1, -0.5f},
    {1, 0, 1, 3e30f},
    {1, 0, 1, NAN},
    {1, 0, 2, 0.5f},
    {1, 0, 2, 0.75f},
    {1, 0, 2, -3e30f},
    {1, 0, 2, INFINITY},
    {1, 0, 0, INFINITY},
    {1, 0, 0, NAN},
    {1, 0, -1, INFINITY},
    {1, 0, -1, -1e30f},
    {0, 0, 0, 2e9f},
    {0, 0, 0, -3e9f},
    {0, 0, -1, 0.5f},
    {0, 0, -1, 3e5f},
    {0, U8_ADD_U8, -1, -3e5f},
    {2, U8_ADD_U8, 3, 1e9f},
    {2, U8_ADD_U8, 4, -2e10f},
    {2, 0, 4, NAN},
};

/* As convolutions whose results rise with the level and begin at most at 0, but for a channel. */
static void test_factors(void **state)
{
	struct conv_shape s = {
	    1, 1, 36, 48, {1, 5, 6}, {1, 1, 1}, {1, 5, 6}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}};
	(void)state;
	for (size_t i = 0; i < COUNT(odd_factors); i++) {
		int number = odd_factors[i].add ? 35 : odd_factors[i].levels == 1 ? 21 : 15;
		struct data d = data_of(&s, 0, number);
		d.c.levels = odd_factors[i].levels;
		d.c.rounded = 3;
		d.c.lo[0] = d.c.lo[1] = d.c.lo[2] = 0;
		d.c.hi[0] = d.c.hi[1] = d.c.hi[2] = 255;
		for (int k = 0; k < 2 * d.c.levels; k++)
			for (int j = 0; j < s.cout; j++) {
				float *f = &d.f[(k + 2) * s.cout + j];
				*f = k % 2 ? fminf(*f, 0.5f) : fabsf(*f);
			}
		d.f[(odd_factors[i].row + 1) * s.cout + 17] = odd_factors[i].value;
		conv_naive(&d);
		for (size_t l = 0; l < COUNT(levels); l++) {
			cpu_limit(levels[l]);
			run_conv(&d, NULL);
		}
		data_free(&d);
	}
	cpu_limit("bf16");
}

/* The heaviest weights that Winograd is exact with, of one sign, on the brightest and darkest
 * pixels; with more it is not used. */
static void test_winograd_extremes(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct conv_shape s = {
		    1, 1, 229, 9, {1, 5, 6}, {1, 3, 3}, {1, 5, 6}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}};
		struct data d = data_of(&s, 0, 6);
		d.c.zero = i & 1 ? 255 : 0;
		d.c.way = CONV_WINOGRAD;
		memset(d.in, i & 2 ? 255 : 0, d.nin);
		memset(d.w, i & 4 ? 127 : -127, d.nw);
		memset(d.w, i & 4 ? 127 : -128, WINO_U8_WEIGHTS - 127 * 9 * 229);
		assert_true(nhwc_conv_u8_holds(&d.c, d.w));
		conv_naive(&d);
		for (size_t l = 0; l < COUNT(levels); l++) {
			cpu_limit(levels[l]);
			run_conv(&d, NULL);
		}
		memset(d.w + 9 * 229, -128, WINO_U8_WEIGHTS - 127 * 9 * 229 + 1);
		assert_false(nhwc_conv_u8_holds(&d.c, d.w));
		d.c.way = CONV_IGEMM;
		assert_true(nhwc_conv_u8_holds(&d.c, d.w));
		data_free(&d);
	}
	cpu_limit("bf16");
}

/* The largest sums there can be, of each sign, which saturating instructions get wrong. */
static void test_extremes(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		for (size_t l = 0; l < COUNT(levels); l++) {
			struct conv_shape s = {2, 1, 8191, 33, {1, 1, 2}, {1, 1, 2}, {1, 1, 3},
			    {1, 1, 1}, {1, 1, 1}, {0, 0, 1}};
			struct data d = data_of(&s, 0, 6);
			d.c.zero = i & 1 ? 255 : 0;
			d.c.way = CONV_IGEMM;
			memset(d.in, 255 - d.c.zero, d.nin);
			memset(d.w, i & 2 ? 127 : -128, d.nw);
			conv_naive(&d);
			cpu_limit(levels[l]);
			run_conv(&d, NULL);
			data_free(&d);
		}
	cpu_limit("bf16");
}

static void test_choice(void **state)
{
	struct conv_shape s = shapes[0];
	(void)state;
	assert_int_equal(nhwc_conv_u8_choose(&s, false), CONV_IGEMM);
	assert_int_equal(nhwc_conv_u8_choose(&s, true), -1);
	s.cin = CONV_U8_DEPTH / 9;
	assert_int_equal(nhwc_conv_u8_choose(&s, false), CONV_IGEMM);
	s.cin++;
	assert_int_equal(nhwc_conv_u8_choose(&s, false), -1);
	assert_int_equal(nhwc_conv_u8_choose(&shapes[24], false), CONV_DEPTHWISE);
	assert_int_equal(nhwc_conv_u8_choose(&shapes[24], true), CONV_DEPTHWISE);
}

/* ---- quantize, dequantize, requantize, add ---- */

static void check_quant(const struct quant_u8 *q, struct pool *pool)
{
	size_t na = (size_t)((q->rows - 1) * q->ld_a + q->n);
	size_t nb = (size_t)((q->rows - 1) * q->ld_b + q->n);
	size_t no = (size_t)((q->rows - 1) * q->ld_out + q->n);
	uint8_t *a = noise(na, 1), *b = noise(nb, 2);
	float *f = randoms(na, 3, 3), *real = guarded(no * sizeof *real);
	uint8_t *out[3] = {guarded(no), guarded(no), guarded(no)};
	for (size_t i = 0; i < na; i += 3)
		f[i] = (float)((int)(8 * f[i])) * q->out.scale / 2; /* ties */
	f[na / 2] = NAN;
	quantize_u8(q, pool, f, out[0]);
	dequantize_u8(q, pool, a, real);
	requantize_u8(q, pool, a, out[1]);
	add_u8(q, pool, a, b, out[2]);
	for (int64_t r = 0; r < q->rows; r++)
		for (int64_t i = 0; i < q->ld_out && (size_t)(r * q->ld_out + i) < no; i++) {
			int64_t to = r * q->ld_out + i;
			if (i >= q->n) {
				for (int k = 0; k < 3; k++)
					assert_int_equal(out[k][to], GUARD_VALUE);
				continue;
			}
			float x = f[r * q->ld_a + i];
			float y = (float)(a[r * q->ld_a + i] - q->a.zero) * q->a.scale;
			float z = fmaf((float)(b[r * q->ld_b + i] - q->b.zero), q->b.scale, y);
			x = isnan(x) ? q->lo : clampf(x, q->lo, q->hi);
			assert_int_equal(out[0][to], byte_of(x, q->out.scale, q->out.zero));
			assert_true(real[to] == y);
			y = clampf(y, q->lo, q->hi);
			z = clampf(z, q->lo, q->hi);
			assert_int_equal(out[1][to], byte_of(y, q->out.scale, q->out.zero));
			assert_int_equal(out[2][to], byte_of(z, q->out.scale, q->out.zero));
		}
	free(a);
	free(b);
	free(f);
	guarded_free(real, no * sizeof *real);
	for (int k = 0; k < 3; k++)
		guarded_free(out[k], no);
}

static void test_quant(void **state)
{
	static const int sizes[][2] = {
	    {1, 1}, {3, 7}, {1, 16}, {5, 31}, {2, 130}, {49, 97}, {7, 9000}, {1, 70001}};
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++)
		for (size_t i = 0; i < COUNT(sizes) * 4; i++) {
			const int *n = sizes[i / 4];
			int extra = i & 1 ? 3 : 0;
			struct quant_u8 q = {n[0], n[1], n[1] + extra, n[1] + 2 * extra,
			    n[1] + extra, {0.013f, 5}, {0.021f, 255},
			    {i & 2 ? 0.03125f : 0.017f, i & 2 ? 0 : 131}, i & 2 ? -INFINITY : 0,
			    i & 2 ? INFINITY : 1.3f};
			cpu_limit(levels[l]);
			check_quant(&q, pools[i % 3]);
		}
	cpu_limit("bf16");
}

/* ---- -b ---- */

/* A layer of a network: channels, size of the result, window, groups, stride, how often. */
static const struct layer {
	const char *name;
	int cin, cout, size, kernel, groups, stride, times;
} layers[] = {
    {"resnet", 3, 64, 112, 7, 1, 2, 1},
    {"resnet", 64, 64, 56, 1, 1, 1, 1},
    {"resnet", 64, 64, 56, 3, 1, 1, 3},
    {"resnet", 64, 256, 56, 1, 1, 1, 4},
    {"resnet", 256, 64, 56, 1, 1, 1, 2},
    {"resnet", 256, 128, 56, 1, 1, 1, 1},
    {"resnet", 128, 128, 28, 3, 1, 2, 1},
    {"resnet", 256, 512, 28, 1, 1, 2, 1},
    {"resnet", 128, 512, 28, 1, 1, 1, 4},
    {"resnet", 512, 128, 28, 1, 1, 1, 3},
    {"resnet", 128, 128, 28, 3, 1, 1, 3},
    {"resnet", 512, 256, 28, 1, 1, 1, 1},
    {"resnet", 256, 256, 14, 3, 1, 2, 1},
    {"resnet", 512, 1024, 14, 1, 1, 2, 1},
    {"resnet", 256, 1024, 14, 1, 1, 1, 6},
    {"resnet", 1024, 256, 14, 1, 1, 1, 5},
    {"resnet", 256, 256, 14, 3, 1, 1, 5},
    {"resnet", 1024, 512, 14, 1, 1, 1, 1},
    {"resnet", 512, 512, 7, 3, 1, 2, 1},
    {"resnet", 1024, 2048, 7, 1, 1, 2, 1},
    {"resnet", 512, 2048, 7, 1, 1, 1, 3},
    {"resnet", 2048, 512, 7, 1, 1, 1, 2},
    {"resnet", 512, 512, 7, 3, 1, 1, 2},
    {"resnet", 2048, 1000, 1, 1, 1, 1, 1},
    {"mobilenet", 3, 32, 112, 3, 1, 2, 1},
    {"mobilenet", 1, 1, 112, 3, 32, 1, 1},
    {"mobilenet", 32, 16, 112, 1, 1, 1, 1},
    {"mobilenet", 16, 96, 112, 1, 1, 1, 1},
    {"mobilenet", 1, 1, 56, 3, 96, 2, 1},
    {"mobilenet", 96, 24, 56, 1, 1, 1, 1},
    {"mobilenet", 24, 144, 56, 1, 1, 1, 2},
    {"mobilenet", 1, 1, 56, 3, 144, 1, 1},
    {"mobilenet", 144, 24, 56, 1, 1, 1, 1},
    {"mobilenet", 1, 1, 28, 3, 144, 2, 1},
    {"mobilenet", 144, 32, 28, 1, 1, 1, 1},
    {"mobilenet", 32, 192, 28, 1, 1, 1, 3},
    {"mobilenet", 1, 1, 28, 3, 192, 1, 2},
    {"mobilenet", 192, 32, 28, 1, 1, 1, 2},
    {"mobilenet", 1, 1, 14, 3, 192, 2, 1},
    {"mobilenet", 192, 64, 14, 1, 1, 1, 1},
    {"mobilenet", 64, 384, 14, 1, 1, 1, 4},
    {"mobilenet", 1, 1, 14, 3, 384, 1, 4},
    {"mobilenet", 384, 64, 14, 1, 1, 1, 3},
    {"mobilenet", 384, 96, 14, 1, 1, 1, 1},
    {"mobilenet", 96, 576, 14, 1, 1, 1, 3},
    {"mobilenet", 1, 1, 14, 3, 576, 1, 2},
    {"mobilenet", 576, 96, 14, 1, 1, 1, 2},
    {"mobilenet", 1, 1, 7, 3, 576, 2, 1},
    {"mobilenet", 576, 160, 7, 1, 1, 1, 1},
    {"mobilenet", 160, 960, 7, 1, 1, 1, 3},
    {"mobilenet", 1, 1, 7, 3, 960, 1, 3},
    {"mobilenet", 960, 160, 7, 1, 1, 1, 2},
    {"mobilenet", 960, 320, 7, 1, 1, 1, 1},
    {"mobilenet", 320, 1280, 7, 1, 1, 1, 1},
    {"mobilenet", 1280, 1000, 1, 1, 1, 1, 1},
    {"squeezenet", 3, 64, 112, 3, 1, 2, 1},
    {"squeezenet", 16, 64, 56, 3, 1, 1, 2},
    {"squeezenet", 16, 64, 56, 1, 1, 1, 2},
    {"squeezenet", 128, 16, 56, 1, 1, 1, 1},
    {"squeezenet", 32, 128, 28, 3, 1, 1, 2},
    {"squeezenet", 64, 256, 14, 3, 1, 1, 2},
    {"squeezenet", 512, 1000, 14, 1, 1, 1, 1},
    {"vgg", 3, 64, 224, 3, 1, 1, 1},
    {"vgg", 64, 64, 224, 3, 1, 1, 1},
    {"vgg", 64, 128, 112, 3, 1, 1, 1},
    {"vgg", 128, 128, 112, 3, 1, 1, 1},
    {"vgg", 128, 256, 56, 3, 1, 1, 1},
    {"vgg", 256, 256, 56, 3, 1, 1, 2},
    {"vgg", 256, 512, 28, 3, 1, 1, 1},
    {"vgg", 512, 512, 28, 3, 1, 1, 2},
    {"vgg", 512, 512, 14, 3, 1, 1, 3},
    {"unet", 32, 32, 256, 3, 1, 1, 2},
    {"unet", 64, 32, 256, 3, 1, 1, 1},
    {"unet", 256, 256, 32, 3, 1, 1, 2},
    {"unet", 512, 256, 32, 3, 1, 1, 1},
    {"unet", 512, 512, 16, 3, 1, 1, 1},
    {"resnext", 4, 4, 56, 3, 32, 1, 0},
    {"dw 5x5", 1, 1, 14, 5, 576, 1, 0},
    {"dw floats", 1, 1, 112, 3, 32, 1, 1},
    {"dw floats", 1, 1, 56, 3, 96, 2, 1},
    {"dw floats", 1, 1, 56, 3, 144, 1, 1},
    {"dw floats", 1, 1, 28, 3, 192, 1, 2},
    {"dw floats", 1, 1, 14, 3, 384, 1, 4},
    {"dw floats", 1, 1, 14, 3, 576, 1, 2},
    {"dw floats", 1, 1, 7, 3, 960, 1, 3},
    {"dw floats", 1, 1, 14, 5, 576, 1, 0},
};

static const char *way_name(int way)
{
	return way == CONV_DEPTHWISE ? "depthwise" : way == CONV_WINOGRAD ? "winograd" : "igemm";
}

static double bench_way(const struct layer *l, struct data *d, int way, struct pool *pool)
{
	struct nhwc_conv_u8 *c = &d->c;
	double t, p;
	c->way = way;
	nhwc_conv_u8_plan(c, pool_size(pool));
	size_t n = nhwc_conv_u8_packed(c);
	void *packed = guarded(n), *scratch = guarded(c->scratch);
	struct nhwc_conv_u8_args a = {d->in, packed, d->f, d->add, d->want, scratch, NULL, 0};
	BEST(p, pack_conv(d, c, packed));
	BEST(t, nhwc_conv_u8_run(c, pool, &a));
	double gop = 2e-9 * (double)d->nw * (double)volume(c->s.out);
	printf("%-10s %4d %4d x%-4d %3d %dx%d/%d %s%s %8.4f ms %6.1f GOP/s  pack %.2f ms  %dx%d\n",
	    l->name, l->cin * l->groups, l->cout * l->groups, l->groups, l->size, l->kernel,
	    l->kernel, l->stride, way_name(way), c->add ? " add" : "", t * 1e3, gop / t, p * 1e3,
	    c->row_blocks, c->col_blocks);
	guarded_free(packed, n);
	guarded_free(scratch, c->scratch);
	return t * 1e3 * l->times;
}

/* Milliseconds of all its occurrences, the way that is chosen, which others are shown beside. */
static double bench_layer(const struct layer *l, struct pool *pool)
{
	int in = l->size * l->stride, k = l->kernel;
	struct conv_shape s = {1, l->groups, l->cin, l->cout, {1, in, in}, {1, k, k},
	    {1, l->size, l->size}, {1, l->stride, l->stride}, {1, 1, 1}, {0, k / 2, k / 2}};
	bool sum = k == 1 && l->groups == 1 && l->cout > l->cin;
	/* bytes, as networks with FakeQuantize behind each layer have them: a level, or two and a
	 * sum */
	struct data d = data_of(&s, 0, sum ? 53 : 21);
	d.c.floats = !strcmp(l->name, "dw floats");
	int way = nhwc_conv_u8_choose(&s, d.c.floats);
	double t = bench_way(l, &d, way, pool);
	if (way != CONV_DEPTHWISE && nhwc_conv_u8_fits(&s, false, CONV_WINOGRAD))
		bench_way(l, &d, way == CONV_IGEMM ? CONV_WINOGRAD : CONV_IGEMM, pool);
	data_free(&d);
	return t;
}

static void bench_moves(void)
{
	int n = 56 * 56 * 256;
	struct quant_u8 q = {1, n, n, n, n, {0.01f, 3}, {0.02f, 5}, {0.03f, 7}, 0, INFINITY};
	uint8_t *a = noise((size_t)n, 1), *b = noise((size_t)n, 2), *out = guarded((size_t)n);
	float *f = randoms((size_t)n, 1, 3);
	double t[4];
	BEST(t[0], quantize_u8(&q, NULL, f, out));
	BEST(t[1], requantize_u8(&q, NULL, a, out));
	BEST(t[2], add_u8(&q, NULL, a, b, out));
	BEST(t[3], dequantize_u8(&q, NULL, a, f));
	printf("elements/ns: quantize %.1f, requantize %.1f, add %.1f, dequantize %.1f\n",
	    1e-9 * n / t[0], 1e-9 * n / t[1], 1e-9 * n / t[2], 1e-9 * n / t[3]);
	free(a);
	free(b);
	free(f);
	guarded_free(out, (size_t)n);
}

/* -b [level [threads [name]]] */
static int bench(int argc, char **argv)
{
	int threads = argc > 3 ? argv[3][0] - '0' : 1;
	make_pools(NULL);
	struct pool *pool = threads == 2 || threads == 3 ? pools[threads - 1] : NULL;
	double sum = 0;
	if (argc > 2)
		cpu_limit(argv[2]);
	printf("%s\n", cpu_level());
	for (size_t i = 0; i < COUNT(layers); i++) {
		if (argc > 4 && strcmp(layers[i].name, argv[4]) != 0)
			continue;
		sum += bench_layer(&layers[i], pool);
		if (i + 1 == COUNT(layers) || strcmp(layers[i].name, layers[i + 1].name) != 0) {
			printf("%s: %.3f ms\n", layers[i].name, sum);
			sum = 0;
		}
	}
	free_pools(NULL);
	if (argc > 4)
		return 0;
	bench_moves();
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_convolutions),
	    cmocka_unit_test(test_factors),
	    cmocka_unit_test(test_winograd_extremes),
	    cmocka_unit_test(test_extremes),
	    cmocka_unit_test(test_choice),
	    cmocka_unit_test(test_quant),
	};
	if (argc > 1 && !strcmp(argv[1], "-b"))
		return bench(argc, argv);
	return cmocka_run_group_tests(tests, make_pools, free_pools);
}
