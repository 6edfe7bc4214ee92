/* Quantized convolutions on random data, their definition, and runs between guards. */
#ifndef TESTS_KERNELS_CONV_U8_H
#define TESTS_KERNELS_CONV_U8_H

#include "bytes.h"
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/nhwc_conv_u8.h"

static const char *const levels[] = {"vnni", "avx512", "avx2", "ref"};

struct data {
	struct nhwc_conv_u8 c;
	size_t nin, nout, nadd, nw, size_out, size_add;
	uint8_t *in, *want, *zeros; /* zeros NULL: one zero point for all channels */
	int8_t *w;
	float *f, *real, *scale, *low; /* real: the weights of sums of floats */
	void *add;
};

/* The byte under tap p of the window, channel c of the image; NULL outside of it. */
static const uint8_t *under(const struct data *d, int b, const int o[3], int p, int c)
{
	const struct conv_shape *s = &d->c.s;
	const int *k = s->kernel;
	int kk[3] = {p / k[2] / k[1], p / k[2] % k[1], p % k[2]};
	size_t at = (size_t)b;
	for (int i = 0; i < 3; i++) {
		int x = o[i] * s->stride[i] - s->pad[i] + kk[i] * s->dilation[i];
		if (x < 0 || x >= s->in[i])
			return NULL;
		at = at * (size_t)s->in[i] + (size_t)x;
	}
	return d->in + at * (size_t)d->c.ld_in + (size_t)c;
}

static int64_t sum_at(const struct data *d, int b, int oc, const int o[3])
{
	const struct conv_shape *s = &d->c.s;
	int g = oc / s->cout;
	int64_t sum = 0;
	for (int p = 0; p < (int)volume(s->kernel); p++)
		for (int c = 0; c < s->cin; c++) {
			const uint8_t *x = under(d, b, o, p, g * s->cin + c);
			size_t w = ((size_t)oc * (size_t)s->cin + (size_t)c) * volume(s->kernel);
			if (x)
				sum += (*x - (d->zeros ? d->zeros[g] : d->c.zero)) *
				       d->w[w + (size_t)p];
		}
	return sum;
}

static float float_sum_at(const struct data *d, int b, int c, const int o[3])
{
	float sum = 0;
	for (size_t p = 0; p < volume(d->c.s.kernel); p++) {
		const uint8_t *x = under(d, b, o, (int)p, c);
		if (!x)
			continue;
		float v = d->c.apart ? (float)*x * d->scale[c] + d->low[c]
				     : fmaf((float)*x, d->scale[c], d->low[c]);
		sum = fmaf(v, d->real[(size_t)c * volume(d->c.s.kernel) + p], sum);
	}
	return sum;
}

/* A result times its own level, clamped, as levels or what they mean; f: factors of its channel. */
static const struct tail_u8 tail = {.nops = 6,
    .rows = 4,
    .op = {{.op = CHAIN_KEEP}, {.op = CHAIN_LEVELS, .y = 0, .top = 9}, {.op = CHAIN_SWAP},
	{.op = SPAN_CLAMP, .a = -30, .b = 50}, {.op = CHAIN_MUL_KEPT},
	{.op = CHAIN_BYTES, .constant = true, .a = 2, .b = 100, .c = 3, .d = -5, .top = 255}}};

static float tail_of(const struct nhwc_conv_u8 *c, float r, const float *f)
{
	int n = c->s.groups * c->s.cout;
	const struct chain_op *last = &c->tail.op[5];
	float level = nearbyintf(clampf(fmaf(r, f[0], f[n]), 0, 9));
	float x = (isnan(r) ? r : clampf(r, -30, 50)) * fmaf(level, f[2 * n], f[3 * n]);
	x = nearbyintf(clampf(fmaf(x, last->a, last->b), 0, last->top));
	return c->out == U8_OUT_U8 ? x : fmaf(x, last->c, last->d);
}

static void conv_naive(struct data *d)
{
	const struct nhwc_conv_u8 *c = &d->c;
	const int *o = c->s.out;
	int channels = c->s.groups * c->s.cout;
	for (int p = 0; p < c->s.batch * (int)volume(o); p++)
		for (int j = 0; j < channels; j++) {
			int at[3] = {p / o[2] / o[1] % o[0], p / o[2] % o[1], p % o[2]};
			size_t to = (size_t)p * (size_t)c->ld_out + (size_t)j;
			size_t from = (size_t)p * (size_t)c->ld_add + (size_t)j;
			const float *f = d->f + j;
			int number = p / (int)volume(o);
			float r = c->floats ? float_sum_at(d, number, j, at)
					    : (float)sum_at(d, number, j, at);
			r = c->sums == U8_SUM_FUSED ? fmaf(r, f[0], f[channels])
						    : r * f[0] + f[channels];
			if (c->sums == U8_SUM_SCALED)
				r = fmaf(r, c->scale, c->shift);
			f += 2 * channels;
			for (int k = 0; k < c->levels; k++, f += 2 * channels) {
				r = clampf(r, c->lo[k], c->hi[k]);
				r = c->rounded >> k & 1 ? fmaf(nearbyintf(r), f[0], f[channels])
							: r * f[0] + f[channels];
			}
			if (c->add == U8_ADD_F32)
				r += ((float *)d->add)[from];
			if (c->add == U8_ADD_U8)
				r += ((uint8_t *)d->add)[from] - c->add_zero;
			if (c->add)
				r = fmaf(r, c->sum_scale, c->sum_shift);
			/* floats keep a NaN */
			if (!c->tail.nops || !isnan(r))
				r = clampf(r, c->lo[c->levels], c->hi[c->levels]);
			if (c->tail.nops)
				r = tail_of(c, r, f);
			if (c->out == U8_OUT_U8)
				d->want[to] = (uint8_t)nearbyintf(clampf(r, 0, 255));
			else
				memcpy(d->want + 4 * to, &r, 4);
		}
}

/* Factors with which results are spread over the levels. */
static float *factors(const struct nhwc_conv_u8 *c, int number)
{
	size_t n = (size_t)(c->s.groups * c->s.cout), rows = nhwc_conv_u8_factors(c) / n;
	size_t depth = volume(c->s.kernel) * (size_t)c->s.cin;
	uint64_t seed = 7;
	float *f = calloc(nhwc_conv_u8_factors(c), sizeof *f);
	assert_non_null(f);
	for (size_t i = 0; i < n; i++) {
		f[i] = number % 7 ? 0.02f * (2 * rng_f32(&seed) - 1) / sqrtf((float)depth)
				  : 0.25f; /* many ties */
		for (size_t k = 1; k < rows; k++)
			f[k * n + i] = k % 2 ? (float)((int)(200 * rng_f32(&seed)) - 40) / 2
					     : 2 * rng_f32(&seed) - 0.75f;
	}
	return f;
}

/* extra: elements between pixels beyond the channels; all must survive a run. */
static struct data data_of(const struct conv_shape *s, int extra, int number)
{
	static const int zeros[] = {0, 128, 255, 3, 77};
	struct data d = {.c = {.s = *s,
			     .ld_in = s->groups * s->cin + extra,
			     .ld_out = s->groups * s->cout + 2 * extra,
			     .ld_add = s->groups * s->cout + extra,
			     .zero = zeros[number % 5],
			     .out = number % 2,
			     .add = number % 3,
			     .levels = number / 3 % 3,
			     .lo = {0, number & 1 ? -3 : 0, number & 2 ? -INFINITY : 5},
			     .hi = {255, number & 2 ? 100 : 255, INFINITY},
			     .rounded = number / 9 % 4,
			     .sums = number / 5 % 3,
			     .scale = 1.25f,
			     .shift = -0.5f,
			     .add_zero = number % 4 ? 0 : 128,
			     .sum_scale = 0.75f,
			     .sum_shift = 3.25f}};
	d.c.lo[d.c.levels] = number & 4 ? -INFINITY : 11;
	d.c.hi[d.c.levels] = number & 4 ? INFINITY : 199;
	size_t channels = (size_t)(s->groups * s->cout), pixels = (size_t)s->batch * volume(s->out);
	d.c.floats = nhwc_conv_u8_fits(s, true, CONV_DEPTHWISE) && number % 2;
	d.c.apart = number % 8 == 1;
	if (nhwc_conv_u8_fits(s, false, CONV_DEPTHWISE) && number % 4 < 2)
		d.zeros = noise(channels, 8);
	if (number % 5 < 3) {
		d.c.tail = tail;
		d.c.tail.op[5].op = d.c.out == U8_OUT_U8 ? CHAIN_BYTES : CHAIN_LEVELS;
	}
	d.size_out = d.c.out == U8_OUT_U8 ? 1 : 4;
	d.size_add = d.c.add == U8_ADD_U8 ? 1 : 4;
	d.nin = (size_t)s->batch * volume(s->in) * (size_t)d.c.ld_in - (size_t)extra;
	d.nout = (pixels * (size_t)d.c.ld_out - 2 * (size_t)extra) * d.size_out;
	d.nadd = pixels * (size_t)d.c.ld_add - (size_t)extra;
	d.nw = channels * (size_t)s->cin * volume(s->kernel);
	d.in = noise(d.nin, 5);
	d.w = noise(d.nw, 6);
	d.f = factors(&d.c, number);
	if (d.c.floats) {
		d.real = randoms(d.nw, 127, 11);
		d.scale = randoms(channels, 1, 12);
		d.low = randoms(channels, number % 3 ? 100 : 0, 13);
	}
	if (d.c.add)
		d.add = d.c.add == U8_ADD_U8 ? noise(d.nadd, 9) : (void *)randoms(d.nadd, 99, 9);
	d.want = guarded(d.nout);
	return d;
}

static void data_free(struct data *d)
{
	free(d->in);
	free(d->zeros);
	free(d->w);
	free(d->f);
	free(d->real);
	free(d->scale);
	free(d->low);
	free(d->add);
	guarded_free(d->want, d->nout);
}

static void pack_conv(const struct data *d, const struct nhwc_conv_u8 *c, void *packed)
{
	size_t bytes = nhwc_conv_u8_turned(c);
	int8_t *turned = malloc(bytes + 1);
	assert_non_null(turned);
	if (bytes)
		nhwc_conv_u8_turn(c, d->w, turned);
	if (c->floats)
		nhwc_conv_u8_pack_floats(c, d->real, d->scale, d->low, packed);
	else
		nhwc_conv_u8_pack(c, NULL, bytes ? turned : d->w, d->zeros, packed);
	free(turned);
}

static void run_conv(const struct data *d, struct pool *pool)
{
	struct nhwc_conv_u8 c = d->c;
	nhwc_conv_u8_plan(&c, pool_size(pool));
	size_t n = nhwc_conv_u8_packed(&c);
	void *packed = guarded(n), *scratch = guarded(c.scratch), *out = guarded(d->nout);
	pack_conv(d, &c, packed);
	struct nhwc_conv_u8_args a = {d->in, packed, d->f, d->add, out, scratch, packed, n};
	nhwc_conv_u8_run(&c, pool, &a);
	assert_memory_equal(out, d->want, d->nout);
	guarded_free(packed, n);
	guarded_free(scratch, c.scratch);
	guarded_free(out, d->nout);
}

#endif
