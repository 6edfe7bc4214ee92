/* Random data of a convolution with channels last, its definition, and a run of it between guards.
 */
#ifndef TESTS_KERNELS_CONV_DATA_H
#define TESTS_KERNELS_CONV_DATA_H

#include "floats.h"

#include <math.h>
#include <string.h>

#include "kernels/nhwc_conv_f32.h"

static inline size_t volume(const int d[3])
{
	return (size_t)d[0] * (size_t)d[1] * (size_t)d[2];
}

struct data {
	struct conv_shape s;
	int ld_in, ld_out, ld_add;
	size_t nin, nout, nadd, nw;
	float *in, *w, *bias, *add, *want;
	float scale; /* largest result before the clamp */
};

static inline double conv_at(const struct data *d, int b, int oc, const int o[3])
{
	const struct conv_shape *s = &d->s;
	const int *k = s->kernel;
	int g = oc / s->cout;
	double sum = 0;
	for (int p = 0; p < (int)volume(k); p++) {
		int kk[3] = {p / k[2] / k[1], p / k[2] % k[1], p % k[2]};
		size_t at = (size_t)b;
		bool in = true;
		for (int i = 0; i < 3; i++) {
			int x = o[i] * s->stride[i] - s->pad[i] + kk[i] * s->dilation[i];
			in &= x >= 0 && x < s->in[i];
			at = at * (size_t)s->in[i] + (size_t)x;
		}
		for (int c = 0; c < s->cin && in; c++)
			sum += (double)d->in[at * (size_t)d->ld_in + (size_t)(g * s->cin + c)] *
			       (double)d->w[((size_t)oc * (size_t)s->cin + (size_t)c) * volume(k) +
					    (size_t)p];
	}
	return sum;
}

static inline void conv_naive(struct data *d, float lo, float hi)
{
	const int *o = d->s.out;
	int channels = d->s.groups * d->s.cout;
	for (int p = 0; p < d->s.batch * (int)volume(o); p++)
		for (int c = 0; c < channels; c++) {
			int at[3] = {p / o[2] / o[1] % o[0], p / o[2] % o[1], p % o[2]};
			double sum = conv_at(d, p / (int)volume(o), c, at);
			sum += d->bias ? (double)d->bias[c] : 0;
			sum += d->add ? (double)d->add[(size_t)p * (size_t)d->ld_add + (size_t)c]
				      : 0;
			d->scale = fmaxf(d->scale, fabsf((float)sum));
			d->want[(size_t)p * (size_t)d->ld_out + (size_t)c] = clampf(
			    (float)sum, lo, hi);
		}
}

/* extra: floats between pixels beyond the channels; all must survive a run. */
static inline struct data data_of(const struct conv_shape *s, int extra, bool bias, bool add)
{
	struct data d = {.s = *s, .ld_in = s->groups * s->cin + extra};
	size_t channels = (size_t)(s->groups * s->cout), pixels = (size_t)s->batch * volume(s->out);
	d.ld_out = s->groups * s->cout + 2 * extra;
	d.ld_add = s->groups * s->cout + extra;
	d.nin = (size_t)s->batch * volume(s->in) * (size_t)d.ld_in - (size_t)extra;
	d.nout = pixels * (size_t)d.ld_out - 2 * (size_t)extra;
	d.nadd = pixels * (size_t)d.ld_add - (size_t)extra;
	d.nw = channels * (size_t)s->cin * volume(s->kernel);
	d.in = randoms(d.nin, 5);
	d.w = randoms(d.nw, 6);
	d.bias = bias ? randoms(channels, 7) : NULL;
	d.add = add ? randoms(d.nadd, 8) : NULL;
	d.want = guarded(d.nout);
	return d;
}

static inline void data_free(struct data *d)
{
	free(d->in);
	free(d->w);
	free(d->bias);
	free(d->add);
	guarded_free(d->want, d->nout);
}

static inline void run_conv(
    struct nhwc_conv_f32 c, const struct data *d, struct pool *pool, float *out)
{
	nhwc_conv_f32_plan(&c, pool_size(pool));
	size_t n = nhwc_conv_f32_packed(&c) / sizeof(float), ns = (c.scratch + 3) / sizeof(float);
	float *packed = guarded(n), *scratch = guarded(ns);
	nhwc_conv_f32_pack(&c, NULL, d->w, packed);
	struct nhwc_conv_f32_args a = {.in = d->in,
	    .packed = packed,
	    .bias = d->bias,
	    .add = d->add,
	    .out = out,
	    .scratch = scratch};
	nhwc_conv_f32_run(&c, pool, &a);
	guarded_free(packed, n);
	guarded_free(scratch, ns);
}

#endif
