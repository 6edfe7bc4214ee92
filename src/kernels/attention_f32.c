/* Attention in FP32: per head and block of queries a product, SoftMax, a product. */
#include <math.h>

#include "kernels/attention_f32.h"

#define ROWS 192 /* queries of a task: the scores of more would not stay in the cache */

static struct matmul_f32 product(int m, int n, int k, bool transpose_b)
{
	struct matmul_f32 q = {.row = gemm_f32_pick(),
	    .m = m,
	    .n = n,
	    .k = k,
	    .transpose_b = transpose_b,
	    .na = 1,
	    .nb = 1,
	    .lo = -INFINITY,
	    .hi = INFINITY};
	matmul_f32_plan(&q, 1);
	return q;
}

static size_t round_up(size_t n)
{
	return (n + 15) / 16 * 16;
}

void attention_f32_plan(struct attention_f32 *a, int threads)
{
	a->rows = a->m < ROWS ? a->m : ROWS;
	a->blocks = (a->m + a->rows - 1) / a->rows;
	size_t scores = product(a->rows, a->n, a->k, true).scratch;
	size_t result = product(a->rows, a->width, a->n, false).scratch;
	a->product = round_up(scores > result ? scores : result);
	a->worker = a->product + round_up((size_t)a->rows * (size_t)a->n);
	a->scratch = a->worker * sizeof(float) * (size_t)threads;
}

/* Which matrix of operand t belongs to a head. */
static int64_t matrix_of(const struct attention_f32 *a, int t, int head)
{
	int64_t index = 0;
	for (int d = a->nbatch - 1; d >= 0; d--) {
		index += head % a->dim[d] * a->step[t][d];
		head /= a->dim[d];
	}
	return index;
}

struct attention_run {
	const struct attention_f32 *a;
	const struct span_f32 *span;
	const float *q, *k, *v;
	const void *mask;
	float *out, *scratch;
};

/* The weights of query i of a head, from its scores. */
static void weigh(const struct attention_run *r, int head, int i, float *score)
{
	const struct attention_f32 *a = r->a;
	int n = a->causal && i + 1 < a->n ? i + 1 : a->n;
	int64_t at = a->mask == MASK_NONE
			 ? 0
			 : matrix_of(a, 3, head) * a->mask_size + (int64_t)i * a->mask_row;
	r->span->op[SPAN_MUL](score, &a->scale, 0, n, 0, 0);
	if (a->mask == MASK_ADD)
		r->span->op[SPAN_ADD](score, (const float *)r->mask + at, a->mask_col, n, 0, 0);
	for (int j = 0; a->mask == MASK_KEEP && j < n; j++)
		if (!((const uint8_t *)r->mask)[at + j * a->mask_col])
			score[j] = -INFINITY;
	r->span->softmax(score, score, n);
	for (int j = n; j < a->n; j++)
		score[j] = 0;
}

static void block_task(void *ctx, int task, int worker)
{
	const struct attention_run *r = ctx;
	const struct attention_f32 *a = r->a;
	int head = task / a->blocks, first = task % a->blocks * a->rows;
	int rows = first + a->rows > a->m ? a->m - first : a->rows;
	float *scratch = r->scratch + (size_t)worker * a->worker, *score = scratch + a->product;
	struct matmul_f32 scores = product(rows, a->n, a->k, true);
	struct matmul_f32 result = product(rows, a->width, a->n, false);
	matmul_f32_run(&scores, NULL, r->q + (matrix_of(a, 0, head) * a->m + first) * a->k,
	    r->k + matrix_of(a, 1, head) * a->n * a->k, score, scratch);
	for (int i = 0; i < rows; i++)
		weigh(r, head, first + i, score + (size_t)i * (size_t)a->n);
	matmul_f32_run(&result, NULL, score, r->v + matrix_of(a, 2, head) * a->n * a->width,
	    r->out + ((int64_t)head * a->m + first) * a->width, scratch);
}

void attention_f32_run(const struct attention_f32 *a, struct pool *pool, const float *q,
    const float *k, const float *v, const void *mask, float *out, float *scratch)
{
	struct attention_run r = {a, &span_f32_rows[span_f32_pick()], q, k, v, mask, out, scratch};
	pool_run(pool, a->heads * a->blocks, block_task, &r);
}
