/* Scaled dot-product attention: SoftMax(Q K^T * scale + mask) V, a block of queries at a time,
 * whose scores stay in the cache. */
#ifndef KERNELS_ATTENTION_F32_H
#define KERNELS_ATTENTION_F32_H

#include "kernels/matmul_f32.h"
#include "kernels/span_f32.h"

#define ATTENTION_BATCH 6 /* leading dims */

/* Plain data. Q is [heads][m][k], K [heads][n][k], V [heads][n][width], the result
 * [heads][m][width], each dense; heads are the product of dims, through which each operand goes by
 * steps of its own (in matrices; 0: one for all). */
struct attention_f32 {
	int m, n, k, width, heads;
	int nbatch;
	int dim[ATTENTION_BATCH];
	int64_t step[4][ATTENTION_BATCH];             /* of Q, K, V, mask */
	enum { MASK_NONE, MASK_ADD, MASK_KEEP } mask; /* f32 added, or bytes: 0 leaves out */
	int64_t mask_size;                            /* elements of one of its matrices */
	int mask_row, mask_col;                       /* from score to score; 0: one for all */
	bool causal;                                  /* query i sees keys 0..i */
	float scale;
	/* set by plan */
	int rows, blocks;
	size_t product, worker, scratch; /* floats, floats, bytes for all workers */
};

void attention_f32_plan(struct attention_f32 *a, int threads);
void attention_f32_run(const struct attention_f32 *a, struct pool *pool, const float *q,
    const float *k, const float *v, const void *mask, float *out, float *scratch);

#endif
