/* Where the elements of a resized axis come from, and with which weights. */
#include <math.h>

#include "ops/resample.h"

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* The place on the source axis that element i stands for. In single precision, step by step as
 * others compute it: a tie between two neighbours then falls the same way. */
static double place(const struct resample *r, int64_t i)
{
	float x = (float)i, scale = (float)r->scale;
	switch (r->coordinates) {
	case COORDINATES_PYTORCH_HALF_PIXEL:
		return r->out > 1 ? (x + 0.5f) / scale - 0.5f : 0;
	case COORDINATES_ASYMMETRIC:
		return x / scale;
	case COORDINATES_TF_HALF_PIXEL_FOR_NN:
		return (x + 0.5f) / scale;
	case COORDINATES_ALIGN_CORNERS:
		return r->out == 1 ? 0 : x * (float)(r->in - 1) / (float)(r->out - 1);
	default:
		return (x + 0.5f) / scale - 0.5f;
	}
}

/* The place, kept where it converts to an integer. */
static double coordinate(const struct resample *r, int64_t i)
{
	return fmin(fmax(place(r, i), -0x1p40), 0x1p40);
}

static double pick(const struct resample *r, double x)
{
	switch (r->nearest) {
	case NEAREST_ROUND_PREFER_FLOOR:
		return x == floor(x) + 0.5 ? floor(x) : round(x);
	case NEAREST_ROUND_PREFER_CEIL:
		return round(x);
	case NEAREST_FLOOR:
		return floor(x);
	case NEAREST_CEIL:
		return ceil(x);
	default:
		return r->scale < 1 ? ceil(x) : trunc(x);
	}
}

int64_t resample_index(const struct resample *r, int64_t i)
{
	double x = pick(r, coordinate(r, i)), top = (double)(r->in - 1);
	return x > 0 ? x < top ? (int64_t)x : r->in - 1 : 0;
}

/* ---- filters ---- */

static double triangle(double x)
{
	x = fabs(x);
	return x < 1 ? 1 - x : 0;
}

static double cubic(double x, double a)
{
	x = fabs(x);
	if (x < 1)
		return ((a + 2) * x - (a + 3)) * x * x + 1;
	if (x < 2)
		return (((x - 5) * x + 8) * x - 4) * a;
	return 0;
}

/* Divides by the sum, which then is 1. */
static int64_t normalise(double *weight, int64_t n)
{
	double sum = 0;
	for (int64_t k = 0; k < n; k++)
		sum += weight[k];
	for (int64_t k = 0; k < n; k++)
		weight[k] = sum == 0 ? 0 : weight[k] / sum;
	return n;
}

static double triangle_scale(const struct resample *r)
{
	return r->antialias ? r->scale : 1;
}

/* How far from the rounded coordinate the triangle is looked at. */
static int64_t triangle_reach(const struct resample *r)
{
	double reach = r->scale > 1 ? 2 : ceil(2 / triangle_scale(r));
	return reach < (double)r->in ? (int64_t)reach : r->in;
}

static int64_t linear_taps(const struct resample *r, int64_t i, int64_t *index, double *weight)
{
	double x = coordinate(r, i), a = triangle_scale(r);
	int64_t at = (int64_t)round(x), reach = triangle_reach(r), n = 0;
	for (int64_t k = at - reach; k <= at + reach; k++)
		if (k >= 0 && k < r->in) {
			index[n] = k;
			weight[n++] = triangle(a * (x - (double)k));
		}
	return normalise(weight, n);
}

static int64_t linear_onnx_taps(const struct resample *r, int64_t i, int64_t *index, double *weight)
{
	double x = fmin(fmax(coordinate(r, i), 0), (double)(r->in - 1));
	index[0] = (int64_t)x;
	index[1] = clamp(index[0] + 1, 0, r->in - 1);
	weight[1] = x - (double)index[0];
	weight[0] = 1 - weight[1];
	return 2;
}

static int64_t cubic_taps(const struct resample *r, int64_t i, int64_t *index, double *weight)
{
	double x = coordinate(r, i), base = floor(x);
	for (int k = 0; k < 4; k++) {
		index[k] = clamp((int64_t)base + k - 1, 0, r->in - 1);
		weight[k] = cubic(x - base - (k - 1), r->cube);
	}
	return 4;
}

static double pillow_stretch(const struct resample *r)
{
	double ratio = (double)r->in / (double)r->out;
	return ratio > 1 ? ratio : 1;
}

static double pillow_support(const struct resample *r)
{
	return (r->mode == RESAMPLE_BICUBIC_PILLOW ? 2 : 1) * pillow_stretch(r);
}

static int64_t pillow_taps(const struct resample *r, int64_t i, int64_t *index, double *weight)
{
	double stretch = pillow_stretch(r), support = pillow_support(r);
	double center = ((double)i + 0.5) * (double)r->in / (double)r->out;
	int64_t lo = clamp((int64_t)(center - support + 0.5), 0, r->in);
	int64_t hi = clamp((int64_t)(center + support + 0.5), 0, r->in);
	for (int64_t k = lo; k < hi; k++) {
		double x = ((double)k - center + 0.5) / stretch;
		index[k - lo] = k;
		weight[k - lo] = r->mode == RESAMPLE_BICUBIC_PILLOW ? cubic(x, r->cube)
								    : triangle(x);
	}
	return normalise(weight, hi - lo);
}

int64_t resample_width(const struct resample *r)
{
	int64_t most = 4;
	if (r->mode == RESAMPLE_LINEAR)
		most = 2 * triangle_reach(r) + 1;
	else if (r->mode >= RESAMPLE_BILINEAR_PILLOW)
		most = 2 * (int64_t)ceil(pillow_support(r)) + 2;
	return most > 4 && most > r->in ? (r->in > 4 ? r->in : 4) : most;
}

int64_t resample_taps(const struct resample *r, int64_t i, int64_t *index, double *weight)
{
	switch (r->mode) {
	case RESAMPLE_NEAREST:
		index[0] = resample_index(r, i);
		weight[0] = 1;
		return 1;
	case RESAMPLE_LINEAR:
		return linear_taps(r, i, index, weight);
	case RESAMPLE_LINEAR_ONNX:
		return linear_onnx_taps(r, i, index, weight);
	case RESAMPLE_CUBIC:
		return cubic_taps(r, i, index, weight);
	default:
		return pillow_taps(r, i, index, weight);
	}
}
