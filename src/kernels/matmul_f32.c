/* FP32 matrix products: operands that change are packed in parallel, then blocks of C computed. */
#include "kernels/matmul_f32.h"

#define PACK_PANELS 8 /* panels that one packing task takes */

static int pieces(int n, int width)
{
	return n / width + (n % width != 0);
}

static int min_int(int a, int b)
{
	return a < b ? a : b;
}

static const struct gemm_f32 *row_of(const struct matmul_f32 *q)
{
	return &gemm_f32_rows[q->row];
}

void matmul_f32_plan(struct matmul_f32 *q, int threads)
{
	q->batch = 1;
	for (int d = 0; d < q->nbatch; d++)
		q->batch *= q->dim[d];
	q->cut = gemm_f32_cut(row_of(q), q->m, q->n, q->batch, threads);
	q->scratch = (size_t)q->na * gemm_f32_size_a(row_of(q), q->m, q->k) +
		     (size_t)q->nb * gemm_f32_size_b(row_of(q), q->k, q->n);
}

/* Which matrix of operand t the product item reads. */
static size_t matrix_of(const struct matmul_f32 *q, int t, int item)
{
	int64_t index = 0;
	for (int d = q->nbatch - 1; d >= 0; d--) {
		index += (int64_t)(item % q->dim[d]) * q->step[t][d];
		item /= q->dim[d];
	}
	return (size_t)index;
}

struct matmul_run {
	const struct matmul_f32 *q;
	const float *a, *b;
	float *c, *packed_a, *packed_b;
};

static void pack_a_task(void *ctx, int task, int worker)
{
	const struct matmul_run *r = ctx;
	const struct matmul_f32 *q = r->q;
	int panels = pieces(q->m, row_of(q)->mr), per = pieces(panels, PACK_PANELS);
	int first = task % per * PACK_PANELS;
	size_t item = (size_t)(task / per), m = (size_t)q->m, k = (size_t)q->k;
	(void)worker;
	gemm_f32_pack_a(row_of(q), q->m, q->k, r->a + item * m * k, q->transpose_a ? 1 : k,
	    q->transpose_a ? m : 1, first, min_int(first + PACK_PANELS, panels),
	    r->packed_a + item * gemm_f32_size_a(row_of(q), q->m, q->k));
}

static void pack_b_task(void *ctx, int task, int worker)
{
	const struct matmul_run *r = ctx;
	const struct matmul_f32 *q = r->q;
	int panels = pieces(q->n, row_of(q)->nr), per = pieces(panels, PACK_PANELS);
	int first = task % per * PACK_PANELS;
	size_t item = (size_t)(task / per), n = (size_t)q->n, k = (size_t)q->k;
	(void)worker;
	gemm_f32_pack_b(row_of(q), q->k, q->n, r->b + item * n * k, q->transpose_b ? 1 : n,
	    q->transpose_b ? k : 1, first, min_int(first + PACK_PANELS, panels),
	    r->packed_b + item * gemm_f32_size_b(row_of(q), q->k, q->n));
}

static void block_task(void *ctx, int task, int worker)
{
	const struct matmul_run *r = ctx;
	const struct matmul_f32 *q = r->q;
	const struct gemm_f32_cut *cut = &q->cut;
	int j = task % cut->cols, i = task / cut->cols % cut->rows;
	int item = task / cut->cols / cut->rows;
	size_t a = matrix_of(q, 0, item), b = matrix_of(q, 1, item);
	struct gemm_f32_job job = {.row = row_of(q),
	    .m = q->m,
	    .n = q->n,
	    .k = q->k,
	    .a = r->packed_a + a * gemm_f32_size_a(row_of(q), q->m, q->k),
	    .b = r->packed_b + b * gemm_f32_size_b(row_of(q), q->k, q->n),
	    .c = r->c + (size_t)item * (size_t)q->m * (size_t)q->n,
	    .ldc = (size_t)q->n,
	    .e = {NULL, NULL, q->lo, q->hi}};
	(void)worker;
	gemm_f32_block(&job, i * cut->row_panels,
	    min_int((i + 1) * cut->row_panels, pieces(q->m, row_of(q)->mr)), j * cut->col_panels,
	    min_int((j + 1) * cut->col_panels, pieces(q->n, row_of(q)->nr)));
}

void matmul_f32_run(const struct matmul_f32 *q, struct pool *pool, const float *a, const float *b,
    float *c, float *scratch)
{
	struct matmul_run r = {.q = q, .a = a, .b = b, .c = c, .packed_a = scratch};
	r.packed_b = scratch + (size_t)q->na * gemm_f32_size_a(row_of(q), q->m, q->k);
	pool_run(pool, q->na * pieces(pieces(q->m, row_of(q)->mr), PACK_PANELS), pack_a_task, &r);
	pool_run(pool, q->nb * pieces(pieces(q->n, row_of(q)->nr), PACK_PANELS), pack_b_task, &r);
	pool_run(pool, q->batch * q->cut.rows * q->cut.cols, block_task, &r);
}
