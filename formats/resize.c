/* Antialiased bilinear resizing and centre cropping of pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/resize.h"

#define WEIGHT_BITS 22 /* fixed point of the weights: sums of 255 * weights fit 32 bits */

/* Which source pixels make each output pixel: taps[i * most ...] weighs source first[i]... */
struct taps {
	int most;
	int *first, *count;
	int32_t *weight;
};

static void taps_free(struct taps *t)
{
	free(t->first);
	free(t->count);
	free(t->weight);
}

/* Triangle weights around one output pixel's centre, normalised to sum 1. */
static void taps_fill(struct taps *t, int64_t in, int64_t i, double ratio, double stretch)
{
	double centre = (i + 0.5) * ratio, sum = 0;
	int64_t lo = (int64_t)(centre - stretch + 0.5), hi = (int64_t)(centre + stretch + 0.5);
	int32_t *w = t->weight + i * t->most;
	lo = lo < 0 ? 0 : lo;
	hi = hi > in ? in : hi;
	hi = hi - lo > t->most ? lo + t->most : hi;
	for (int64_t k = lo; k < hi; k++)
		sum += fmax(0, 1 - fabs((k - centre + 0.5) / stretch));
	for (int64_t k = lo; k < hi; k++) {
		double v = fmax(0, 1 - fabs((k - centre + 0.5) / stretch));
		w[k - lo] = (int32_t)(0.5 + (sum > 0 ? v / sum : 0) * (1 << WEIGHT_BITS));
	}
	t->first[i] = lo;
	t->count[i] = hi - lo;
}

static int taps_make(struct taps *t, int64_t in, int64_t out, struct err *err)
{
	double ratio = (double)in / out, stretch = ratio > 1 ? ratio : 1;
	t->most = 2 * (int)ceil(stretch) + 1;
	t->first = calloc(out, sizeof *t->first);
	t->count = calloc(out, sizeof *t->count);
	t->weight = calloc((size_t)out * t->most, sizeof *t->weight);
	if (!t->first || !t->count || !t->weight)
		return fail_nomem(err);
	for (int64_t i = 0; i < out; i++)
		taps_fill(t, in, i, ratio, stretch);
	return OK;
}

/* One output element: count source elements, step apart, from p on. */
static uint8_t weigh(const uint8_t *p, int64_t step, const int32_t *w, int count)
{
	int32_t sum = 1 << (WEIGHT_BITS - 1);
	for (int k = 0; k < count; k++)
		sum += p[k * step] * w[k];
	sum >>= WEIGHT_BITS;
	return sum < 0 ? 0 : sum > 255 ? 255 : sum;
}

static void pass_across(const struct tensor *in, struct tensor *out, const struct taps *t)
{
	int64_t w = in->dim[1], c = in->dim[2], n = out->dim[1];
	const uint8_t *src = in->data;
	uint8_t *dst = out->data;
	for (int64_t y = 0; y < in->dim[0]; y++, src += w * c)
		for (int64_t x = 0; x < n; x++)
			for (int64_t k = 0; k < c; k++)
				*dst++ = weigh(src + t->first[x] * c + k, c,
				    t->weight + x * t->most, t->count[x]);
}

static void pass_down(const struct tensor *in, struct tensor *out, const struct taps *t)
{
	int64_t row = in->dim[1] * in->dim[2];
	const uint8_t *src = in->data;
	uint8_t *dst = out->data;
	for (int64_t y = 0; y < out->dim[0]; y++)
		for (int64_t x = 0; x < row; x++)
			*dst++ = weigh(
			    src + t->first[y] * row + x, row, t->weight + y * t->most, t->count[y]);
}

static int check_picture(const struct tensor *in, int64_t height, int64_t width, struct err *err)
{
	if (in->type != DT_U8 || in->rank != 3 || tensor_count(in) == 0)
		return fail(err, E_USAGE, "only pictures of 8 bits a channel can be resized");
	if (height < 1 || width < 1 || height > LIMIT_IMAGE_PIXELS / width)
		return fail(err, E_LIMIT, "a picture of %lldx%lld pixels is out of range",
		    (long long)width, (long long)height);
	return OK;
}

int resize_bilinear(
    const struct tensor *in, int64_t height, int64_t width, struct tensor *out, struct err *err)
{
	struct taps across = {0}, down = {0};
	struct tensor mid = {0};
	int r = check_picture(in, height, width, err);
	if (r)
		return r;
	r = taps_make(&across, in->dim[1], width, err);
	r = r ? r : taps_make(&down, in->dim[0], height, err);
	r = r ? r : tensor_alloc(&mid, DT_U8, 3, (int64_t[]){in->dim[0], width, in->dim[2]}, err);
	r = r ? r : tensor_alloc(out, DT_U8, 3, (int64_t[]){height, width, in->dim[2]}, err);
	if (!r) {
		pass_across(in, &mid, &across);
		pass_down(&mid, out, &down);
	}
	tensor_free(&mid);
	taps_free(&across);
	taps_free(&down);
	return r;
}

int resize_shorter(const struct tensor *in, int64_t side, struct tensor *out, struct err *err)
{
	int64_t h = in->dim[0], w = in->dim[1];
	if (in->rank != 3 || h < 1 || w < 1)
		return fail(err, E_USAGE, "only pictures can be resized");
	if (h <= w)
		return resize_bilinear(in, side, (int64_t)((double)side * w / h), out, err);
	return resize_bilinear(in, (int64_t)((double)side * h / w), side, out, err);
}

/* Half of an odd margin goes to the even neighbour, as Python's round does. */
static int64_t margin(int64_t d)
{
	return d / 2 + (d % 2 && d / 2 % 2);
}

int crop_centre(const struct tensor *in, int64_t side, struct tensor *out, struct err *err)
{
	if (in->rank != 3 || in->dim[0] < side || in->dim[1] < side)
		return fail(err, E_USAGE, "a picture of %lldx%lld is smaller than the crop of %lld",
		    (long long)in->dim[1], (long long)in->dim[0], (long long)side);
	int64_t c = in->dim[2], top = margin(in->dim[0] - side), left = margin(in->dim[1] - side);
	int r = tensor_alloc(out, in->type, 3, (int64_t[]){side, side, c}, err);
	if (r)
		return r;
	size_t one = dtype_bits(in->type) / 8, row = side * c * one;
	for (int64_t y = 0; y < side; y++)
		memcpy((char *)out->data + y * row,
		    (const char *)in->data + ((top + y) * in->dim[1] + left) * c * one, row);
	return OK;
}
