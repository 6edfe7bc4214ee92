/* Transposed convolution with channels last against its definition on each instruction set, with
 * guards around what it writes and the same bits for any number of threads. */
#include "floats.h"
#include "harness.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/nhwc_deconv_f32.h"
#include "kernels/span_f32.h"

static const char *const levels[] = {"bf16", "avx512", "avx2", "ref"};

static size_t volume(const int d[3])
{
	return (size_t)d[0] * (size_t)d[1] * (size_t)d[2];
}

struct data {
	struct conv_shape s;
	int64_t ld_in, ld_out;
	size_t nout;
	float *in, *w, *bias, *want;
	float scale;
};

/* Adds what input pixel i of channel c gives to all results of channel o of its group. */
static void scatter(struct data *d, double *sum, int b, int g, int c, int o)
{
	const struct conv_shape *s = &d->s;
	const int *in = s->in, *k = s->kernel, *out = s->out;
	for (int i = 0; i < (int)volume(in); i++)
		for (int t = 0; t < (int)volume(k); t++) {
			int ii[3] = {i / in[2] / in[1], i / in[2] % in[1], i % in[2]};
			int kk[3] = {t / k[2] / k[1], t / k[2] % k[1], t % k[2]}, at[3];
			bool inside = true;
			for (int x = 0; x < 3; x++) {
				at[x] = ii[x] * s->stride[x] + kk[x] * s->dilation[x] - s->pad[x];
				inside &= at[x] >= 0 && at[x] < out[x];
			}
			if (!inside)
				continue;
			size_t pixel = (size_t)b * volume(in) + (size_t)i;
			float x = d->in[pixel * (size_t)d->ld_in + (size_t)(g * s->cin + c)];
			float w =
			    d->w[(size_t)((g * s->cin + c) * s->cout + o) * volume(k) + (size_t)t];
			sum[(at[0] * out[1] + at[1]) * out[2] + at[2]] += (double)x * (double)w;
		}
}

static void naive(struct data *d, float lo, float hi)
{
	size_t n = volume(d->s.out);
	double *sum = malloc(n * sizeof *sum);
	for (int b = 0; b < d->s.batch; b++)
		for (int o = 0; o < d->s.groups * d->s.cout; o++) {
			int g = o / d->s.cout;
			for (size_t i = 0; i < n; i++)
				sum[i] = d->bias ? (double)d->bias[o] : 0;
			for (int c = 0; c < d->s.cin; c++)
				scatter(d, sum, b, g, c, o % d->s.cout);
			for (size_t i = 0; i < n; i++) {
				size_t at = ((size_t)b * n + i) * (size_t)d->ld_out + (size_t)o;
				d->scale = fmaxf(d->scale, fabsf((float)sum[i]));
				d->want[at] = clampf((float)sum[i], lo, hi);
			}
		}
	free(sum);
}

static void run(struct nhwc_deconv_f32 c, const struct data *d, struct pool *pool, float *out)
{
	nhwc_deconv_f32_plan(&c, pool_size(pool));
	size_t n = nhwc_deconv_f32_packed(&c) / sizeof(float);
	size_t ns = (c.scratch + 3) / sizeof(float), nt = nhwc_deconv_f32_turned(&c);
	float *packed = guarded(n), *scratch = guarded(ns), *turned = guarded(nt);
	nhwc_deconv_f32_pack(&c, NULL, d->w, turned, packed);
	nhwc_deconv_f32_run(&c, pool, d->in, packed, d->bias, out, scratch);
	guarded_free(turned, nt);
	guarded_free(packed, n);
	guarded_free(scratch, ns);
}

static void check(const struct data *d, const struct nhwc_deconv_f32 *c)
{
	float *first = guarded(d->nout);
	float bound = 1.2e-7f * (float)(d->s.cin * (int)volume(d->s.kernel) + 4) * (1 + d->scale);
	run(*c, d, NULL, first);
	for (size_t i = 0; i < d->nout; i++)
		assert_true(fabsf(first[i] - d->want[i]) <= bound);
	for (int t = 1; t < 3; t++) {
		float *out = guarded(d->nout);
		run(*c, d, pools[t], out);
		assert_memory_equal(out, first, d->nout * sizeof *out);
		guarded_free(out, d->nout);
	}
	struct nhwc_deconv_f32 acted = *c;
	float *out = guarded(d->nout);
	acted.act = SPAN_SWISH;
	acted.act_a = 1.5f;
	run(acted, d, NULL, out);
	for (int64_t i = 0; i < d->s.batch * (int64_t)volume(d->s.out); i++)
		span_f32_rows[span_f32_pick()].op[SPAN_SWISH](
		    first + i * d->ld_out, NULL, 0, d->s.groups * d->s.cout, 1.5f, 0);
	assert_memory_equal(out, first, d->nout * sizeof *out);
	guarded_free(out, d->nout);
	guarded_free(first, d->nout);
}

static void check_shape(const struct conv_shape *s, int number)
{
	int extra = number % 3, channels = s->groups * s->cout;
	struct data d = {
	    .s = *s, .ld_in = s->groups * s->cin + extra, .ld_out = channels + 2 * extra};
	float lo = number & 1 ? -INFINITY : -1, hi = number & 1 ? INFINITY : 2;
	d.nout = (size_t)s->batch * volume(s->out) * (size_t)d.ld_out - 2 * (size_t)extra;
	d.in = randoms((size_t)s->batch * volume(s->in) * (size_t)d.ld_in - (size_t)extra, 5);
	d.w = randoms((size_t)(channels * s->cin) * volume(s->kernel), 6);
	d.bias = number & 2 ? randoms((size_t)channels, 7) : NULL;
	d.want = guarded(d.nout);
	naive(&d, lo, hi);
	assert_true(deconv_fits(s));
	struct nhwc_deconv_f32 c = {
	    .g.s = *s, .ld_in = d.ld_in, .ld_out = d.ld_out, .lo = lo, .hi = hi};
	for (size_t l = 0; l < COUNT(levels); l++) {
		cpu_limit(levels[l]);
		check(&d, &c);
	}
	cpu_limit("bf16");
	free(d.in);
	free(d.w);
	free(d.bias);
	guarded_free(d.want, d.nout);
}

static const struct conv_shape shapes[] = {
    /* batch, groups, cin, cout, in, kernel, out, stride, dilation, pad */
    {1, 1, 3, 5, {1, 5, 7}, {1, 2, 2}, {1, 10, 14}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}},
    {2, 1, 19, 33, {1, 4, 6}, {1, 4, 4}, {1, 8, 12}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 7, 1, {1, 11, 9}, {1, 9, 9}, {1, 33, 27}, {1, 3, 3}, {1, 1, 1}, {0, 4, 4}},
    {1, 1, 5, 40, {1, 5, 5}, {1, 3, 3}, {1, 10, 10}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {2, 1, 13, 17, {1, 1, 1}, {1, 4, 4}, {1, 4, 4}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 4, 6, {1, 1, 6}, {1, 5, 3}, {1, 7, 13}, {1, 3, 2}, {1, 1, 1}, {0, 1, 0}},
    {1, 2, 3, 5, {1, 4, 3}, {1, 3, 3}, {1, 11, 7}, {1, 3, 2}, {1, 2, 2}, {0, 1, 2}},
    {1, 37, 1, 1, {1, 5, 4}, {1, 4, 4}, {1, 10, 8}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {2, 1, 3, 4, {1, 3, 3}, {1, 1, 2}, {1, 7, 9}, {1, 3, 4}, {1, 1, 1}, {0, 0, 1}},
    {1, 1, 3, 9, {3, 4, 2}, {2, 3, 3}, {6, 7, 6}, {2, 2, 3}, {1, 1, 1}, {0, 1, 0}},
    {1, 1, 6, 8, {1, 6, 5}, {1, 3, 3}, {1, 8, 5}, {1, 1, 1}, {1, 2, 1}, {0, 1, 1}},
    {1, 1, 2, 3, {1, 4, 4}, {1, 2, 3}, {1, 9, 9}, {1, 2, 2}, {1, 3, 2}, {0, 0, 0}},
    {1, 1, 31, 64, {1, 1, 53}, {1, 1, 16}, {1, 1, 424}, {1, 1, 8}, {1, 1, 1}, {0, 0, 4}},
    {1, 4, 8, 8, {1, 13, 17}, {1, 2, 2}, {1, 26, 34}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}},
    /* cut by columns: of one product, whose pieces begin within a residue; of parts */
    {2, 1, 133, 97, {1, 1, 1}, {1, 4, 4}, {1, 4, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 1}},
    {1, 1, 61, 5, {1, 1, 2}, {1, 9, 8}, {1, 9, 12}, {1, 1, 4}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 600, 131, {1, 3, 2}, {1, 4, 4}, {1, 6, 4}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 40, 100, {1, 1, 3}, {1, 3, 5}, {1, 1, 9}, {1, 2, 3}, {1, 1, 1}, {0, 1, 1}},
};

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++)
		check_shape(&shapes[i], (int)i);
}

static void test_limits(void **state)
{
	struct conv_shape s = shapes[0];
	(void)state;
	s.pad[1] = -1;
	assert_false(deconv_fits(&s));
	s = shapes[0];
	s.stride[1] = s.stride[2] = 1000;
	assert_false(deconv_fits(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, make_pools, free_pools);
}
