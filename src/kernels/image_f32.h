/* The rows of kernels.def for resizing and local response normalisation with channels last. */
#ifndef KERNELS_IMAGE_F32_H
#define KERNELS_IMAGE_F32_H

#include <stdint.h>

/* Pixel x of n channels is the sum of taps pixels of a line, in their order, by weight. */
struct resize_line {
	int width, n, taps;
	const int32_t *index; /* [width][taps], pixels of in */
	const float *weight;  /* likewise */
	const float *in;
	float *out; /* width pixels of n floats, ld_out apart: the only floats written */
	int64_t ld_in, ld_out;
};
typedef void resize_line_fn(const struct resize_line *q);
/* out[i] is the sum of src[k][i] * weight[k] for k < taps, in order. */
typedef void blend_fn(float *out, int n, int taps, const float *const *src, const float *weight);

/* Pixels of n channels, each divided by (bias + scale * sum of the squares of size channels around
 * it) ^ beta: (size - 1) / 2 of them in front. square has room for n + size + 16 floats. */
struct lrn_rows {
	int rows, n, size;
	float scale, beta, bias;
	const float *in;
	float *out, *square;
	int64_t ld_in, ld_out;
};
typedef void lrn_fn(const struct lrn_rows *q);

struct image_f32 {
	const char *name;
	unsigned need;
	resize_line_fn *line;
	blend_fn *blend;
	lrn_fn *lrn;
};

extern const struct image_f32 image_f32_rows[];
/* The first row that the processor, as limited, has. */
int image_f32_pick(void);

#define IMAGE_F32(need, isa)               \
	resize_line_fn resize_line__##isa; \
	blend_fn blend__##isa;             \
	lrn_fn lrn__##isa;
#include "kernels/kernels.def"

#endif
