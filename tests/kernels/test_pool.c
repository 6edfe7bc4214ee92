/* Pooling with channels last of floats and of bytes on each instruction set against its definition,
 * with guards around what is written and for any number of threads; -b times it. */
#include "bytes.h"
#include "harness.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/nhwc_pool.h"

static const char *const levels[] = {"bf16", "vnni", "avx512", "avx2", "ref"};

static void plan(struct nhwc_pool *p, bool bytes, int threads)
{
	(bytes ? nhwc_pool_u8_plan : nhwc_pool_f32_plan)(p, threads);
}

static void run(const struct nhwc_pool *p, bool bytes, struct pool *pool, const void *in, void *out)
{
	if (bytes)
		nhwc_pool_u8_run(p, pool, in, out);
	else
		nhwc_pool_f32_run(p, pool, in, out);
}

static double element(const void *in, bool bytes, size_t at)
{
	return bytes ? ((const uint8_t *)in)[at] : (double)((const float *)in)[at];
}

/* Pixel o, channel c by the definition, of *seen pixels: those behind count as far as pad_end goes.
 */
static double pool_at(
    const struct nhwc_pool *p, const void *in, bool bytes, int b, int c, const int o[3], int *seen)
{
	const struct conv_shape *s = &p->s;
	double sum = 0, best = -INFINITY;
	int count = 0;
	*seen = 0;
	for (int t = 0; t < (int)volume(s->kernel); t++) {
		int k[3] = {t / s->kernel[2] / s->kernel[1], t / s->kernel[2] % s->kernel[1],
		    t % s->kernel[2]};
		size_t at = (size_t)b;
		bool inside = true, counted = true;
		for (int d = 0; d < 3; d++) {
			int x = o[d] * s->stride[d] - s->pad[d] + k[d] * s->dilation[d];
			inside &= x >= 0 && x < s->in[d];
			counted &= x < s->in[d] + p->pad_end[d];
			at = at * (size_t)s->in[d] + (size_t)x;
		}
		count += p->exclude_pad ? inside : counted;
		if (!inside) {
			sum += bytes && counted && !p->exclude_pad ? p->zero : 0;
			continue;
		}
		++*seen;
		double v = element(in, bytes, at * (size_t)p->ld_in + (size_t)c);
		sum += v;
		best = isnan(best) || v <= best ? best : v;
	}
	if (p->kind == POOL_MAX)
		return best;
	return count ? sum / count : bytes ? p->zero : 0;
}

/* The result of a channel of a pixel, element to of want. */
static void want_at(const struct nhwc_pool *p, const void *in, bool bytes, size_t pixel, int c,
    void *want, size_t to)
{
	const int *o = p->s.out;
	int at = (int)(pixel % volume(o)), seen;
	int pos[3] = {at / o[2] / o[1], at / o[2] % o[1], at % o[2]};
	double r = pool_at(p, in, bytes, (int)(pixel / volume(o)), c, pos, &seen);
	bool none = p->kind == POOL_MAX && !seen;
	if (bytes)
		((uint8_t *)want)[to] = none ? 0 : (uint8_t)nearbyint(r);
	else
		((float *)want)[to] = isnan(r) ? NAN
					       : clampf(none ? -FLT_MAX : (float)r, p->lo, p->hi);
}

static void check_pool(struct nhwc_pool p, bool bytes, int extra)
{
	size_t n = (size_t)p.s.groups, pixels = (size_t)p.s.batch * volume(p.s.out);
	size_t size = bytes ? 1 : sizeof(float);
	p.ld_in = p.s.groups + extra;
	p.ld_out = p.s.groups + 2 * extra;
	size_t nin = (size_t)p.s.batch * volume(p.s.in) * (size_t)p.ld_in - (size_t)extra;
	size_t nout = (pixels - 1) * (size_t)p.ld_out + n;
	void *in = bytes ? noise(nin, 3) : randoms(nin, 1, 3), *want = guarded(nout * size);
	if (!bytes)
		((float *)in)[nin / 2] = NAN;
	for (size_t i = 0; i < pixels * n; i++)
		want_at(&p, in, bytes, i / n, (int)(i % n), want, i / n * (size_t)p.ld_out + i % n);
	for (size_t l = 0; l < COUNT(levels) * 3; l++) {
		void *out = guarded(nout * size);
		cpu_limit(levels[l / 3]);
		plan(&p, bytes, pool_size(pools[l % 3]));
		run(&p, bytes, pools[l % 3], in, out);
		if (bytes)
			assert_memory_equal(out, want, nout);
		for (size_t i = 0; i < nout && !bytes; i++) {
			float got = ((float *)out)[i], due = ((float *)want)[i];
			assert_true(
			    fabsf(got - due) <= 3e-6f || (isnan(got) && isnan(due)) || got == due);
		}
		guarded_free(out, nout * size);
	}
	cpu_limit("bf16");
	free(in);
	guarded_free(want, nout * size);
}

static const struct conv_shape shapes[] = {
    /* batch, channels, 1, 1, in, kernel, out, stride, dilation, pad */
    {1, 64, 1, 1, {1, 15, 16}, {1, 3, 3}, {1, 8, 8}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {2, 67, 1, 1, {1, 8, 9}, {1, 2, 2}, {1, 4, 4}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}},
    {2, 300, 1, 1, {1, 7, 7}, {1, 7, 7}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 5, 1, 1, {4, 5, 6}, {2, 3, 3}, {3, 5, 4}, {1, 1, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 17, 1, 1, {1, 9, 9}, {1, 3, 2}, {1, 4, 5}, {1, 2, 2}, {1, 2, 3}, {0, 1, 2}},
    {1, 3, 1, 1, {1, 3, 3}, {1, 2, 2}, {1, 4, 3}, {1, 2, 2}, {1, 1, 1}, {0, 2, 0}},
    {1, 9, 1, 1, {1, 64, 64}, {1, 64, 64}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
};

static void check_shapes(bool bytes)
{
	for (size_t i = 0; i < COUNT(shapes) * 4; i++) {
		struct nhwc_pool p = {.s = shapes[i / 4],
		    .kind = i & 1 ? POOL_AVG : POOL_MAX,
		    .zero = i % 3 ? 128 : 7,
		    .exclude_pad = i & 2,
		    .pad_end = {0, (int)i / 4 % 2, (int)i / 4 % 3},
		    .lo = i & 2 ? -INFINITY : -0.5f,
		    .hi = i & 2 ? INFINITY : 0.75f};
		check_pool(p, bytes, (int)i % 3);
	}
}

static void test_floats(void **state)
{
	(void)state;
	check_shapes(false);
}

static void test_bytes(void **state)
{
	struct conv_shape large = {.kernel = {2, 1 << 14, 1}};
	(void)state;
	assert_true(nhwc_pool_u8_fits(&large));
	large.kernel[2] = 2;
	assert_false(nhwc_pool_u8_fits(&large));
	check_shapes(true);
}

/* ---- -b ---- */

static void bench_pool(bool bytes, int channels, int in, int kernel, int stride, int kind)
{
	int out = kernel == in ? 1 : in / stride;
	struct nhwc_pool p = {.s = {1, channels, 1, 1, {1, in, in}, {1, kernel, kernel},
				  {1, out, out}, {1, stride, stride}, {1, 1, 1}, {0, 0, 0}},
	    .ld_in = channels,
	    .ld_out = channels,
	    .kind = kind,
	    .lo = -INFINITY,
	    .hi = INFINITY};
	int size = bytes ? 1 : (int)sizeof(float);
	void *from = bytes ? noise((size_t)(in * in * channels), 1)
			   : randoms((size_t)(in * in * channels), 1, 1);
	void *to = noise((size_t)(out * out * channels * size), 2);
	double t;
	plan(&p, bytes, 1);
	BEST(t, run(&p, bytes, NULL, from, to));
	printf("%s pool of %s, %d x %dx%d, %dx%d/%d %.4f ms, %.1f GB/s in and out\n",
	    kind == POOL_MAX ? "max" : "avg", bytes ? "bytes" : "floats", channels, in, in, kernel,
	    kernel, stride, t * 1e3, 1e-9 * size * channels * (in * in + out * out) / t);
	free(from);
	free(to);
}

/* -b [level] */
static int bench(int argc, char **argv)
{
	if (argc > 2)
		cpu_limit(argv[2]);
	printf("%s\n", cpu_level());
	for (int bytes = 0; bytes < 2; bytes++) {
		bench_pool(bytes, 64, 112, 3, 2, POOL_MAX);
		bench_pool(bytes, 64, 224, 2, 2, POOL_MAX);
		bench_pool(bytes, 512, 14, 3, 1, POOL_MAX);
		bench_pool(bytes, 2048, 7, 7, 1, POOL_AVG);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_floats),
	    cmocka_unit_test(test_bytes),
	};
	if (argc > 1 && !strcmp(argv[1], "-b"))
		return bench(argc, argv);
	return cmocka_run_group_tests(tests, make_pools, free_pools);
}
