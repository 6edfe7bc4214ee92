/* Hands rows to the functions that normalise one, several to a task. */
#include "kernels/norm_f32.h"

#define TASK (1 << 13) /* floats worth a task of their own */

struct norm_run {
	const struct norm_f32 *k;
	const struct span_f32 *span;
	const float *in, *gamma, *beta;
	float *out;
	int64_t per; /* rows of a task */
};

static void norm_task(void *ctx, int task, int worker)
{
	const struct norm_run *q = ctx;
	const struct norm_f32 *k = q->k;
	int64_t first = task * q->per, last = first + q->per;
	(void)worker;
	last = last < k->rows ? last : k->rows;
	for (int64_t i = first; i < last; i++) {
		const float *in = q->in + i * k->n;
		float *out = q->out + i * norm_f32_width(k);
		if (k->kind == NORM_SOFTMAX)
			q->span->softmax(out, in, k->n);
		else if (k->kind == NORM_MEAN)
			*out = q->span->sum(in, k->n) / (float)k->n;
		else
			q->span->mvn(
			    out, in, k->n, q->gamma, q->beta, k->variance, k->eps, k->inside_sqrt);
	}
}

/* Pieces of columns of each matrix of n rows. */
static void columns_task(void *ctx, int task, int worker)
{
	const struct norm_run *q = ctx;
	const struct norm_f32 *k = q->k;
	int64_t pieces = (k->apart + q->per - 1) / q->per, first = task % pieces * q->per;
	int64_t cols = k->apart - first < q->per ? k->apart - first : q->per;
	int64_t at = task / pieces * k->apart * k->n + first;
	(void)worker;
	q->span->softmax_columns(q->out + at, q->in + at, k->n, k->apart, (int)cols);
}

void norm_f32_run(const struct norm_f32 *k, struct pool *pool, const float *in, const float *gamma,
    const float *beta, float *out)
{
	struct norm_run q = {k, &span_f32_rows[span_f32_pick()], in, gamma, beta, out, 1};
	if (k->n > 0 && k->n < TASK)
		q.per = TASK / k->n;
	if (k->apart > 1) {
		int64_t pieces = (k->apart + q.per - 1) / q.per;
		pool_run(pool, (int)(k->rows / k->apart * pieces), columns_task, &q);
		return;
	}
	pool_run(pool, (int)((k->rows + q.per - 1) / q.per), norm_task, &q);
}
