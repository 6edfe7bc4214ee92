/* test_nhwc -b: times convolutions of real networks by each way that they have, and changes of
 * layout, beside what the machine's registers do. */
#ifndef KERNELS_BENCH_NHWC_H
#define KERNELS_BENCH_NHWC_H

#include "conv_data.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/layout.h"
#include "kernels/nhwc_conv_f32.h"

static bool is_depthwise(const struct conv_shape *s)
{
	return s->cin == 1 && s->cout == 1 && s->groups > 1;
}

static bool is_winograd(const struct conv_shape *s)
{
	for (int d = 1; d < 3; d++)
		if (s->kernel[d] != 3 || s->stride[d] != 1 || s->dilation[d] != 1)
			return false;
	return s->stride[0] == 1 && s->dilation[0] == 1 && s->groups == 1;
}

/* The clock of a busy machine changes, so it is measured again beside each time. */
static double limit; /* GFLOP/s of multiply-adds on registers */

/* A thousand steps of nine chains of multiply-adds, on zeros, since denormals are slow; registers
 * of the kind r, the widest that the level has. */
#define ZERO(i) "vxorps %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n\t"
#define CHAIN(r, i) "vfmadd231ps %%" r "9, %%" r "9, %%" r #i "\n\t"
#define CHAINS(r)                                                                                \
	__asm__ volatile(ZERO(0) ZERO(1) ZERO(2) ZERO(3) ZERO(4) ZERO(5) ZERO(6) ZERO(7) ZERO(8) \
			     ZERO(9) "mov $1000, %%ecx\n1:\n\t" CHAIN(r, 0) CHAIN(r, 1)          \
				 CHAIN(r, 2) CHAIN(r, 3) CHAIN(r, 4) CHAIN(r, 5) CHAIN(r, 6)     \
				     CHAIN(r, 7) CHAIN(r, 8) "dec %%ecx\n\tjnz 1b" ::            \
					 : "ecx", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",  \
			 "xmm5", "xmm6", "xmm7", "xmm8", "xmm9")

static void bench_limit(void)
{
	double t = 1;
	int lanes = 0;
#if defined(__x86_64__)
	if (cpu_features() & CPU_AVX512) {
		lanes = 16;
		BEST_IN(0.05, t, CHAINS("zmm"));
	} else if (cpu_features() & CPU_AVX2) {
		lanes = 8;
		BEST_IN(0.05, t, CHAINS("ymm"));
	}
#endif
	limit = lanes ? 1e-9 * 1000 * 9 * 2 * lanes / t : 1;
}

static void bench_conv(const char *name, const struct conv_shape *s, int way, struct pool *pool)
{
	static const char *const names[] = {
	    "igemm", "winograd", "winograd2", "depthwise", "bf16", "line", "groups", "tiles"};
	struct data d = data_of(s, 0, true, false);
	struct nhwc_conv_f32 c = {
	    .s = *s, .ld_in = d.ld_in, .ld_out = d.ld_out, .lo = 0, .hi = INFINITY, .way = way};
	nhwc_conv_f32_plan(&c, pool_size(pool));
	size_t n = nhwc_conv_f32_packed(&c) / sizeof(float);
	float *packed = guarded(n), *scratch = guarded(c.scratch / sizeof(float)), *out = d.want;
	double t, p;
	BEST(p, nhwc_conv_f32_pack(&c, NULL, d.w, packed));
	struct nhwc_conv_f32_args a = {.in = d.in,
	    .packed = packed,
	    .bias = d.bias,
	    .out = out,
	    .scratch = scratch,
	    .next = packed};
	bench_limit();
	BEST(t, nhwc_conv_f32_run(&c, pool, &a));
	double before = limit;
	bench_limit();
	limit = before > limit ? before : limit;
	double gflop = 2e-9 * (double)d.nw * (double)s->batch * (double)volume(s->out);
	bool chosen = way == nhwc_conv_f32_choose(s, false);
	printf("%-13s %4d %4d x%-4d %3dx%-3d %dx%d/%d %-9s%c %8.3f ms %6.1f GFLOP/s %3.0f%%  pack "
	       "%.2f ms"
	       " %dx%d\n",
	    name, s->cin * s->groups, s->cout * s->groups, s->groups, s->out[1], s->out[2],
	    s->kernel[1], s->kernel[2], s->stride[1], names[way], chosen ? '*' : ' ', t * 1e3,
	    gflop / t, 100 * gflop / t / limit / pool_size(pool), p * 1e3, c.row_blocks,
	    c.col_blocks);
	guarded_free(packed, n);
	guarded_free(scratch, c.scratch / sizeof(float));
	data_free(&d);
}

struct named {
	const char *name;
	struct conv_shape s;
};
#define SAME(c, o, size, kernel, g, stride)                                                 \
	{                                                                                   \
		1, g, c, o, {1, (size) * (stride), (size) * (stride)}, {1, kernel, kernel}, \
		    {1, size, size}, {1, stride, stride}, {1, 1, 1},                        \
		{                                                                           \
			0, (kernel) / 2, (kernel) / 2                                       \
		}                                                                           \
	}
#define LINE(in, out, size)                                                                       \
	{                                                                                         \
		1, 1, in, out, {1, size, size}, {1, 1, 7}, {1, size, size}, {1, 1, 1}, {1, 1, 1}, \
		{                                                                                 \
			0, 0, 3                                                                   \
		}                                                                                 \
	}
#define ACROSS(in, out, size)                                                                     \
	{                                                                                         \
		1, 1, in, out, {1, size, size}, {1, 7, 1}, {1, size, size}, {1, 1, 1}, {1, 1, 1}, \
		{                                                                                 \
			0, 3, 0                                                                   \
		}                                                                                 \
	}

#define CUBE(c, depth, size)                                                                \
	{                                                                                   \
		1, 1, c, c, {depth, size, size}, {3, 3, 3}, {depth, size, size}, {1, 1, 1}, \
		    {1, 1, 1},                                                              \
		{                                                                           \
			1, 1, 1                                                             \
		}                                                                           \
	}

static const struct named bench_shapes[] = {
    {"inception", LINE(128, 128, 17)},
    {"inception", ACROSS(128, 192, 17)},
    {"inception", LINE(160, 192, 17)},
    {"inception", LINE(192, 192, 17)},
    {"inception", ACROSS(192, 192, 17)},
    {"inception", ACROSS(224, 256, 17)},
    {"inception", ACROSS(64, 64, 71)},
    {"inception", LINE(32, 32, 17)},
    {"inception", LINE(192, 192, 8)},
    {"resnet first", SAME(3, 64, 112, 7, 1, 2)},
    {"resnet", SAME(64, 64, 56, 1, 1, 1)},
    {"resnet", SAME(64, 64, 56, 3, 1, 1)},
    {"resnet", SAME(64, 256, 56, 1, 1, 1)},
    {"resnet", SAME(256, 64, 56, 1, 1, 1)},
    {"resnet", SAME(128, 128, 28, 3, 1, 2)},
    {"resnet", SAME(256, 512, 28, 1, 1, 2)},
    {"resnet", SAME(128, 128, 28, 3, 1, 1)},
    {"resnet", SAME(128, 512, 28, 1, 1, 1)},
    {"resnet", SAME(512, 128, 28, 1, 1, 1)},
    {"resnet", SAME(256, 256, 14, 3, 1, 1)},
    {"resnet", SAME(256, 1024, 14, 1, 1, 1)},
    {"resnet", SAME(1024, 256, 14, 1, 1, 1)},
    {"resnet", SAME(512, 512, 7, 3, 1, 1)},
    {"resnet", SAME(512, 2048, 7, 1, 1, 1)},
    {"resnet", SAME(2048, 512, 7, 1, 1, 1)},
    {"resnet fc", SAME(2048, 1000, 1, 1, 1, 1)},
    {"vgg first", SAME(3, 64, 224, 3, 1, 1)},
    {"vgg", SAME(64, 64, 224, 3, 1, 1)},
    {"vgg", SAME(64, 128, 112, 3, 1, 1)},
    {"vgg", SAME(128, 128, 112, 3, 1, 1)},
    {"vgg", SAME(128, 256, 56, 3, 1, 1)},
    {"vgg", SAME(256, 256, 56, 3, 1, 1)},
    {"vgg", SAME(256, 512, 28, 3, 1, 1)},
    {"vgg", SAME(512, 512, 28, 3, 1, 1)},
    {"vgg", SAME(512, 512, 14, 3, 1, 1)},
    {"vgg fc", SAME(25088, 4096, 1, 1, 1, 1)},
    {"mobilenet", SAME(3, 32, 112, 3, 1, 2)},
    {"mobilenet", SAME(1, 1, 112, 3, 32, 1)},
    {"mobilenet", SAME(32, 16, 112, 1, 1, 1)},
    {"mobilenet", SAME(16, 96, 112, 1, 1, 1)},
    {"mobilenet", SAME(1, 1, 56, 3, 96, 2)},
    {"mobilenet", SAME(96, 24, 56, 1, 1, 1)},
    {"mobilenet", SAME(24, 144, 56, 1, 1, 1)},
    {"mobilenet", SAME(1, 1, 56, 3, 144, 1)},
    {"mobilenet", SAME(1, 1, 28, 3, 144, 2)},
    {"mobilenet", SAME(192, 32, 28, 1, 1, 1)},
    {"mobilenet", SAME(1, 1, 28, 3, 192, 1)},
    {"mobilenet", SAME(384, 64, 14, 1, 1, 1)},
    {"mobilenet", SAME(1, 1, 14, 3, 576, 1)},
    {"mobilenet", SAME(1, 1, 14, 5, 576, 1)},
    {"mobilenet", SAME(1, 1, 7, 3, 960, 1)},
    {"mobilenet", SAME(960, 160, 7, 1, 1, 1)},
    {"mobilenet", SAME(320, 1280, 7, 1, 1, 1)},
    {"googlenet", SAME(64, 192, 56, 3, 1, 1)},
    {"googlenet", SAME(192, 96, 28, 1, 1, 1)},
    {"googlenet", SAME(96, 128, 28, 3, 1, 1)},
    {"googlenet", SAME(16, 32, 28, 5, 1, 1)},
    {"googlenet", SAME(112, 224, 14, 3, 1, 1)},
    {"googlenet", SAME(480, 192, 14, 1, 1, 1)},
    {"googlenet", SAME(832, 384, 7, 1, 1, 1)},
    {"googlenet", SAME(192, 384, 7, 3, 1, 1)},
    {"volume", CUBE(64, 4, 28)},
    {"volume", CUBE(32, 8, 56)},
    {"volume", CUBE(32, 4, 28)},
    {"volume", CUBE(64, 2, 14)},
    {"volume", CUBE(128, 1, 7)},
    {"volume", CUBE(256, 4, 14)},
    {"resnext", SAME(4, 4, 56, 3, 32, 1)},
    {"resnext", SAME(8, 8, 28, 3, 32, 2)},
    {"resnext", SAME(8, 8, 28, 3, 32, 1)},
    {"resnext", SAME(16, 16, 14, 3, 32, 2)},
    {"resnext", SAME(16, 16, 14, 3, 32, 1)},
    {"resnext", SAME(32, 32, 7, 3, 32, 2)},
    {"resnext", SAME(32, 32, 7, 3, 32, 1)},
    {"resnext", SAME(64, 64, 14, 3, 16, 1)},
    {"regnet", SAME(8, 8, 56, 3, 13, 1)},
    {"regnet", SAME(8, 8, 14, 3, 26, 1)},
    {"regnet", SAME(8, 8, 7, 3, 55, 1)},
    {"grouped", SAME(8, 8, 28, 1, 32, 1)},
    {"grouped", SAME(4, 4, 14, 3, 32, 2)},
    {"grouped", SAME(8, 8, 14, 3, 32, 2)},
    {"grouped", SAME(8, 8, 7, 3, 32, 2)},
    {"grouped", SAME(8, 8, 3, 3, 32, 1)},
    {"grouped", SAME(4, 4, 7, 3, 32, 1)},
    {"grouped", SAME(4, 4, 28, 5, 32, 1)},
    {"grouped", SAME(1, 2, 28, 3, 32, 1)},
    {"grouped", SAME(2, 2, 28, 3, 32, 1)},
    {"pruned", SAME(7, 16, 32, 3, 1, 1)},
    {"pruned", SAME(10, 12, 32, 3, 1, 1)},
    {"pruned", SAME(13, 13, 32, 3, 1, 1)},
    {"pruned", SAME(16, 16, 32, 3, 1, 1)},
    {"pruned", SAME(13, 27, 16, 3, 1, 2)},
    {"pruned", SAME(16, 32, 16, 3, 1, 2)},
    {"pruned", SAME(27, 27, 16, 3, 1, 1)},
    {"pruned", SAME(32, 27, 16, 3, 1, 1)},
    {"pruned", SAME(32, 32, 16, 3, 1, 1)},
    {"pruned", SAME(51, 51, 8, 3, 1, 1)},
    {"pruned", SAME(64, 64, 8, 3, 1, 1)},
    {"pruned", SAME(51, 102, 28, 1, 1, 1)},
    {"pruned", SAME(64, 128, 28, 1, 1, 1)},
    {"pruned", SAME(1, 1, 28, 3, 51, 1)},
    {"pruned", SAME(1, 1, 28, 3, 64, 1)},
    {"bert", {128, 1, 768, 768, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}}},
    {"bert", {128, 1, 768, 3072, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}}},
    {"bert", {128, 1, 3072, 768, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}}},
    {"vit", {197, 1, 768, 768, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}}},
};

static void bench_layout(int channels, int pixels, int size)
{
	struct layout_move l = {1, channels, pixels, channels, size};
	float *from = randoms((size_t)(channels * pixels), 1);
	float *to = randoms((size_t)(channels * pixels), 2);
	double t, u, bytes = 2e-9 * size * channels * pixels;
	BEST(t, nchw_to_nhwc(&l, NULL, from, to));
	BEST(u, nhwc_to_nchw(&l, NULL, to, from));
	printf("layout %d x %d, %d bytes: to last %.3f ms %.1f GB/s, to first %.3f ms %.1f GB/s\n",
	    channels, pixels, size, t * 1e3, bytes / t, u * 1e3, bytes / u);
	free(from);
	free(to);
}

static void bench_moves(void)
{
	for (int size = 1; size <= 4; size *= 2) {
		bench_layout(3, 224 * 224, size);
		bench_layout(64, 56 * 56, size);
		bench_layout(512, 49, size);
	}
}

/* -b [level [threads [part of a name]]] */
static int bench(int argc, char **argv)
{
	int threads = argc > 3 ? argv[3][0] - '0' : 1;
	make_pools(NULL);
	struct pool *pool = threads == 2 || threads == 3 ? pools[threads - 1] : NULL;
	if (argc > 2)
		cpu_limit(argv[2]);
	bench_limit();
	printf(
	    "%s: limit %.1f GFLOP/s, shares are of the one measured beside\n", cpu_level(), limit);
	if (argc <= 4)
		bench_moves();
	for (size_t i = 0; i < COUNT(bench_shapes); i++) {
		const struct conv_shape *s = &bench_shapes[i].s;
		if (argc > 4 && !strstr(bench_shapes[i].name, argv[4]))
			continue;
		if (is_depthwise(s))
			bench_conv(bench_shapes[i].name, s, CONV_DEPTHWISE, pool);
		else
			bench_conv(bench_shapes[i].name, s, CONV_IGEMM, pool);
		if (!is_depthwise(s) && (cpu_features() & CPU_BF16))
			bench_conv(bench_shapes[i].name, s, CONV_IGEMM_BF16, pool);
		if (is_winograd(s))
			bench_conv(bench_shapes[i].name, s, CONV_WINOGRAD, pool);
		if (is_winograd(s))
			bench_conv(bench_shapes[i].name, s, CONV_WINOGRAD_2, pool);
		if (nhwc_conv_f32_fits(s, CONV_WINOGRAD_LINE))
			bench_conv(bench_shapes[i].name, s, CONV_WINOGRAD_LINE, pool);
		if (nhwc_conv_f32_fits(s, CONV_GROUPS) && !is_depthwise(s))
			bench_conv(bench_shapes[i].name, s, CONV_GROUPS, pool);
		if (nhwc_conv_f32_fits(s, CONV_WINOGRAD_TILES))
			bench_conv(bench_shapes[i].name, s, CONV_WINOGRAD_TILES, pool);
	}
	free_pools(NULL);
	return 0;
}

#endif
