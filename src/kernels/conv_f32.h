/* FP32 convolution, NCHW, one to three spatial dimensions, as GEMM on columns made on the way, and
 * depthwise convolution row by row. */
#ifndef KERNELS_CONV_F32_H
#define KERNELS_CONV_F32_H

#include "base/threads.h"
#include "kernels/conv_shape.h"
#include "kernels/gemm_f32.h"
#include "kernels/rows_f32.h"

/* Weights are [groups][cout][cin][kernel]; packed they serve any batch and spatial size. */
size_t conv_f32_packed_size(const struct gemm_f32 *row, const struct conv_shape *s);
void conv_f32_pack(
    const struct gemm_f32 *row, const struct conv_shape *s, const float *w, float *packed);

struct conv_f32 {
	const struct gemm_f32 *row;
	struct conv_shape s;
	const float *packed;
	const float *bias; /* groups * cout values, or NULL */
	float lo, hi;      /* clamp of the result */
	struct gemm_f32_cut cut;
	size_t scratch; /* floats that each worker needs */
};
/* Sets cut and scratch from row and s. */
void conv_f32_plan(struct conv_f32 *c, int threads);
/* scratch: c->scratch floats for every worker of the pool, one after the other. */
void conv_f32_run(
    const struct conv_f32 *c, struct pool *pool, const float *in, float *out, float *scratch);

/* Depthwise: cin 1, any cout; no depth. The fields are those of struct conv_f32; w is unpacked. */
struct dw_conv_f32 {
	const struct dw_f32 *row;
	struct conv_shape s;
	const float *w, *bias;
	float lo, hi;
	struct rows_f32 rows;
	size_t scratch;
};
/* False when the shape is none for it. */
bool dw_conv_f32_plan(struct dw_conv_f32 *c);
void dw_conv_f32_run(
    const struct dw_conv_f32 *c, struct pool *pool, const float *in, float *out, float *scratch);

#endif
