/* ScaledDotProductAttention in FP32: per head and block of rows a product, SoftMax, a product. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "exec/plan.h"
#include "ops/matmul.h"

#define ROWS 192 /* queries of a task: the scores of more would not stay in the cache */

struct attention {
	struct matmul_f32 scores, result; /* of a block of rows */
	int heads, rows, blocks;          /* blocks per head */
	int m, n, k, width;               /* queries, keys, their elements, those of a value */
	const int *q_of, *k_of, *v_of, *mask_of; /* by head: which matrix */
	int mask_row, mask_col; /* steps of the mask from score to score: 0 repeats it */
	int64_t mask_size;      /* elements of one of its matrices */
	bool causal;
	size_t product, worker; /* floats of scratch for a product, and for a worker */
};

static const struct tensor *value_of(const struct plan *p, const struct call *c, int k)
{
	const struct value *v = node_in(c->step->node, k);
	return v ? &p->value[v->id] : NULL;
}

bool attention_binds(const struct node *n)
{
	for (int k = 0; k < 3; k++)
		if (node_in(n, k)->info.type != DT_F32 || node_in(n, k)->info.shape.rank < 2)
			return false;
	const struct value *mask = node_in(n, 3);
	return !mask || mask->info.type == DT_F32 || mask->info.type == DT_BOOL;
}

/* Which matrix of t belongs to each head, the leading dims of t being those of y or 1. */
static const int *matrices_of(
    struct plan *p, const struct tensor *t, const struct tensor *y, int heads)
{
	int *of = arena_array(p->arena, (size_t)heads, sizeof *of);
	for (int i = 0; of && i < heads; i++) {
		int64_t rest = i, index = 0, step = 1;
		for (int d = 3; d <= t->rank && d <= y->rank; d++) {
			int64_t dim = t->dim[t->rank - d], all = y->dim[y->rank - d];
			index += dim == 1 ? 0 : rest % all * step;
			rest /= all;
			step *= dim;
		}
		of[i] = (int)index;
	}
	return of;
}

static int plan_mask(
    struct plan *p, struct attention *a, const struct tensor *mask, const struct tensor *y)
{
	int64_t rows = mask && mask->rank > 1 ? mask->dim[mask->rank - 2] : 1;
	int64_t cols = mask && mask->rank > 0 ? mask->dim[mask->rank - 1] : 1;
	if (!mask)
		return OK;
	a->mask_row = rows > 1 ? (int)cols : 0;
	a->mask_col = cols > 1;
	a->mask_size = rows * cols;
	a->mask_of = matrices_of(p, mask, y, a->heads);
	return a->mask_of ? OK : E_NOMEM;
}

static void plan_products(struct attention *a)
{
	struct matmul_f32 one = {.row = gemm_f32_pick(),
	    .batch = 1,
	    .na = 1,
	    .nb = 1,
	    .m = a->rows,
	    .lo = -INFINITY,
	    .hi = INFINITY};
	a->scores = a->result = one;
	a->scores.n = a->result.k = a->n;
	a->scores.k = a->k;
	a->result.n = a->width;
	a->scores.transpose_b = true;
	matmul_f32_plan(&a->scores, 1);
	matmul_f32_plan(&a->result, 1);
	a->product = a->scores.scratch > a->result.scratch ? a->scores.scratch : a->result.scratch;
	size_t scores = ((size_t)a->rows * (size_t)a->n + 15) / 16 * 16;
	size_t line = ((size_t)a->n * sizeof(double) / sizeof(float) + 15) / 16 * 16;
	a->product = (a->product + 15) / 16 * 16;
	a->worker = a->product + scores + line;
}

static bool fits(int64_t x)
{
	return x > 0 && x <= INT_MAX / 64;
}

/* Stays with eval when sizes are beyond what kernels count. */
int plan_attention(struct exec *e, struct plan *p, struct call *c, struct err *err)
{
	const struct tensor *q = value_of(p, c, 0), *k = value_of(p, c, 1), *v = value_of(p, c, 2);
	const struct tensor *y = &p->value[c->step->end->out[0].id];
	struct attention *a = c->attention = arena_alloc(p->arena, sizeof *a);
	if (!a)
		return fail_nomem(err);
	int64_t m = q->dim[q->rank - 2], n = k->dim[k->rank - 2], width = v->dim[v->rank - 1];
	int64_t heads = tensor_count(y) / m / width;
	c->run = run_eval;
	if (!fits(m) || !fits(n) || !fits(q->dim[q->rank - 1]) || !fits(width) || !fits(heads) ||
	    !fits(heads * m) || !fits(tensor_count(k) / n) || !fits(tensor_count(v) / n))
		return OK;
	*a = (struct attention){.heads = (int)heads,
	    .m = (int)m,
	    .n = (int)n,
	    .k = (int)q->dim[q->rank - 1],
	    .width = (int)width,
	    .rows = (int)(m < ROWS ? m : ROWS),
	    .causal = attr_bool(c->step->node, "causal")};
	a->blocks = (a->m + a->rows - 1) / a->rows;
	a->q_of = matrices_of(p, q, y, a->heads);
	a->k_of = matrices_of(p, k, y, a->heads);
	a->v_of = matrices_of(p, v, y, a->heads);
	if (!a->q_of || !a->k_of || !a->v_of ||
	    plan_mask(p, a, a->causal ? NULL : value_of(p, c, 3), y))
		return fail_nomem(err);
	plan_products(a);
	c->scratch_bytes = a->worker * sizeof(float) * (size_t)pool_size(e->o.pool);
	c->run = run_attention;
	return OK;
}

struct attention_run {
	const struct attention *a;
	const float *q, *k, *v;
	const struct tensor *mask;
	float *y, *scratch;
	double scale;
};

/* The weights of one query: scores in, x holds n doubles. */
static void weigh(const struct attention_run *r, int head, int i, float *score, double *x)
{
	const struct attention *a = r->a;
	int n = a->causal && i + 1 < a->n ? i + 1 : a->n;
	int64_t at = r->mask ? a->mask_of[head] * a->mask_size + (int64_t)i * a->mask_row : 0;
	for (int j = 0; j < n; j++)
		x[j] = score[j] * r->scale;
	if (r->mask && r->mask->type == DT_F32) {
		const float *mask = (const float *)r->mask->data + at;
		for (int j = 0; j < n; j++)
			x[j] += mask[j * a->mask_col];
	} else if (r->mask) {
		const uint8_t *mask = (const uint8_t *)r->mask->data + at;
		for (int j = 0; j < n; j++)
			x[j] = mask[j * a->mask_col] ? x[j] : -INFINITY;
	}
	double sum = softmax_line(x, n, false);
	for (int j = 0; j < n; j++)
		score[j] = (float)(x[j] / sum);
	for (int j = n; j < a->n; j++)
		score[j] = 0;
}

static void block_of_rows(void *ctx, int task, int worker)
{
	const struct attention_run *r = ctx;
	const struct attention *a = r->a;
	int head = task / a->blocks, first = task % a->blocks * a->rows;
	struct matmul_f32 scores = a->scores, result = a->result;
	float *scratch = r->scratch + (size_t)worker * a->worker, *score = scratch + a->product;
	double *line = (double *)(scratch + a->worker) - ((size_t)a->n + 7) / 8 * 8;
	size_t n = (size_t)a->n, k = (size_t)a->k, width = (size_t)a->width, m = (size_t)a->m;
	if (first + a->rows > a->m) {
		scores.m = result.m = a->m - first;
		matmul_f32_plan(&scores, 1);
		matmul_f32_plan(&result, 1);
	}
	matmul_f32_run(&scores, NULL, r->q + ((size_t)a->q_of[head] * m + (size_t)first) * k,
	    r->k + (size_t)a->k_of[head] * n * k, score, scratch);
	for (int i = 0; i < scores.m; i++)
		weigh(r, head, first + i, score + (size_t)i * n, line);
	matmul_f32_run(&result, NULL, score, r->v + (size_t)a->v_of[head] * n * width,
	    r->y + ((size_t)head * m + (size_t)first) * width, scratch);
}

int run_attention(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	const struct attention *a = c->attention;
	const struct tensor *scale = value_of(p, c, 4);
	struct attention_run r = {.a = a,
	    .q = value_of(p, c, 0)->data,
	    .k = value_of(p, c, 1)->data,
	    .v = value_of(p, c, 2)->data,
	    .mask = a->mask_of ? value_of(p, c, 3) : NULL,
	    .y = p->value[c->step->end->out[0].id].data,
	    .scratch = c->scratch,
	    .scale = scale ? tensor_f64(scale, 0) : 1 / sqrt((double)a->k)};
	(void)err;
	pool_run(e->o.pool, a->heads * a->blocks, block_of_rows, &r);
	return OK;
}
