/* Scaled dot-product attention: SoftMax(Q K^T * scale + mask) V, a block of queries at a time,
 * whose scores stay in the cache. */
#ifndef KERNELS_ATTENTION_F32_H
#define KERNELS_ATTENTION_F32_H

#include "base/threads.h"
#include "kernels/span_f32.h"

#define ATTENTION_BATCH 6 /* leading dims */

/* The operands, and the result; numbers of steps below. */
enum { ATTENTION_Q, ATTENTION_K, ATTENTION_V, ATTENTION_MASK, ATTENTION_OUT, ATTENTION_ALL };

/* Plain data. For each head Q is m rows of k floats, K n rows of k, V n rows of width, the result m
 * rows of width, row[] floats apart; heads are the product of dims, through which each goes by
 * steps of its own, in elements (0: one for all). */
struct attention_f32 {
	int m, n, k, width, heads;
	int nbatch;
	int dim[ATTENTION_BATCH];
	int64_t step[ATTENTION_ALL][ATTENTION_BATCH];
	int64_t row[ATTENTION_ALL];                   /* the mask has its own */
	enum { MASK_NONE, MASK_ADD, MASK_KEEP } mask; /* f32 added, or bytes: 0 leaves out */
	int mask_row, mask_col;                       /* from score to score; 0: one for all */
	bool causal;                                  /* query i sees keys 0..i */
	float scale;
	/* Set by the plan. */
	int tile, rows, blocks; /* row of igemm_f32_rows; queries at once; parts of a head */
	size_t keys, values, worker, scratch; /* floats, floats, floats, bytes for all workers */
};

void attention_f32_plan(struct attention_f32 *a, int threads);
void attention_f32_run(const struct attention_f32 *a, struct pool *pool, const float *q,
    const float *k, const float *v, const void *mask, float *out, float *scratch);

#endif
