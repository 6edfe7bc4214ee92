/* Antialiased bilinear and bicubic resizing, and centre cropping, of pictures. */
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

/* How far a filter reaches where the picture does not shrink. */
static double reach_of(enum resize_filter f)
{
	return f == RESIZE_BICUBIC ? 2 : 1;
}

/* The triangle, and Keys' cubic with a = -1/2. */
static double filter_at(enum resize_filter f, double x)
{
	x = fabs(x);
	if (f == RESIZE_BILINEAR)
		return x < 1 ? 1 - x : 0;
	if (x < 1)
		return (1.5 * x - 2.5) * x * x + 1;
	return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
}

/* Weights around one output pixel's centre, normalised to sum 1. */
static void taps_fill(struct taps *t, enum resize_filter f, int64_t in, int64_t i, double ratio)
{
	double stretch = ratio > 1 ? ratio : 1, reach = reach_of(f) * stretch;
	double centre = (i + 0.5) * ratio, sum = 0;
	int64_t lo = (int64_t)(centre - reach + 0.5), hi = (int64_t)(centre + reach + 0.5);
	int32_t *w = t->weight + i * t->most;
	lo = lo < 0 ? 0 : lo;
	hi = hi > in ? in : hi;
	hi = hi - lo > t->most ? lo + t->most : hi;
	for (int64_t k = lo; k < hi; k++)
		sum += filter_at(f, (k - centre + 0.5) / stretch);
	for (int64_t k = lo; k < hi; k++) {
		double v = filter_at(f, (k - centre + 0.5) / stretch);
		v = sum != 0 ? v / sum * (1 << WEIGHT_BITS) : 0;
		w[k - lo] = (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
	}
	t->first[i] = lo;
	t->count[i] = hi - lo;
}

static int taps_make(struct taps *t, enum resize_filter f, int64_t in, int64_t out, struct err *err)
{
	double ratio = (double)in / out;
	t->most = 2 * (int)ceil(reach_of(f) * (ratio > 1 ? ratio : 1)) + 1;
	t->first = calloc(out, sizeof *t->first);
	t->count = calloc(out, sizeof *t->count);
	t->weight = calloc((size_t)out * t->most, sizeof *t->weight);
	if (!t->first || !t->count || !t->weight)
		return fail_nomem(err);
	for (int64_t i = 0; i < out; i++)
		taps_fill(t, f, in, i, ratio);
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

/* Which pass goes first shows in the rounding between them; the library chooses so since its
 * version 13. */
static bool down_first(const struct tensor *in, int64_t height, int64_t width)
{
	int64_t shrink = in->dim[0] - height;
	return shrink > 0 && shrink > 2 * (in->dim[1] - width);
}

int resize_picture(const struct tensor *in, enum resize_filter f, int64_t height, int64_t width,
    struct tensor *out, struct err *err)
{
	struct taps across = {0}, down = {0};
	struct tensor mid = {0};
	int r = check_picture(in, height, width, err);
	if (r)
		return r;
	r = taps_make(&across, f, in->dim[1], width, err);
	r = r ? r : taps_make(&down, f, in->dim[0], height, err);
	bool first = down_first(in, height, width);
	int64_t h = first ? height : in->dim[0], w = first ? in->dim[1] : width;
	r = r ? r : tensor_alloc(&mid, DT_U8, 3, (int64_t[]){h, w, in->dim[2]}, err);
	r = r ? r : tensor_alloc(out, DT_U8, 3, (int64_t[]){height, width, in->dim[2]}, err);
	if (!r && first) {
		pass_down(in, &mid, &down);
		pass_across(&mid, out, &across);
	} else if (!r) {
		pass_across(in, &mid, &across);
		pass_down(&mid, out, &down);
	}
	tensor_free(&mid);
	taps_free(&across);
	taps_free(&down);
	return r;
}

int resize_shorter(const struct tensor *in, enum resize_filter f, int64_t side, struct tensor *out,
    struct err *err)
{
	int64_t h = in->dim[0], w = in->dim[1];
	if (in->rank != 3 || h < 1 || w < 1)
		return fail(err, E_USAGE, "only pictures can be resized");
	if (h <= w)
		return resize_picture(in, f, side, (int64_t)((double)side * w / h), out, err);
	return resize_picture(in, f, (int64_t)((double)side * h / w), side, out, err);
}

/* Half of an odd margin goes to the even neighbour, as Python's round does. */
static int64_t margin(int64_t d)
{
	return d / 2 + (d % 2 && d / 2 % 2);
}

int crop_centre(
    const struct tensor *in, int64_t height, int64_t width, struct tensor *out, struct err *err)
{
	if (in->rank != 3 || in->dim[0] < height || in->dim[1] < width)
		return fail(err, E_USAGE,
		    "a picture of %lldx%lld is smaller than the crop of %lldx%lld",
		    (long long)in->dim[1], (long long)in->dim[0], (long long)width,
		    (long long)height);
	int64_t c = in->dim[2];
	int64_t top = margin(in->dim[0] - height), left = margin(in->dim[1] - width);
	int r = tensor_alloc(out, in->type, 3, (int64_t[]){height, width, c}, err);
	if (r)
		return r;
	size_t one = dtype_bits(in->type) / 8, row = width * c * one;
	for (int64_t y = 0; y < height; y++)
		memcpy((char *)out->data + y * row,
		    (const char *)in->data + ((top + y) * in->dim[1] + left) * c * one, row);
	return OK;
}
