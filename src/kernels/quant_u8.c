/* Between floats and bytes: rows cut into pieces of equal size for the threads. */
#include <math.h>

#include "kernels/quant_u8.h"

#include "kernels/nhwc_kernel_u8.h"
#include "kernels/nhwc_ways.h"

#define PIECE 4096  /* elements of a row that one call does */
#define SMALL 30000 /* elements that are not worth a second thread */

struct quant_run {
	struct quant_u8 q;
	quant_u8_fn *fn;
	const char *a, *b;
	char *out;
	int size_a, size_out; /* bytes of an element */
	int tasks;
};

static void quant_task(void *ctx, int number, int worker)
{
	const struct quant_run *r = ctx;
	const struct quant_u8 *q = &r->q;
	int64_t cols = (q->n + PIECE - 1) / PIECE, all = q->rows * cols;
	struct quant_u8_args k = {.a_scale = q->a.scale,
	    .a_zero = (float)q->a.zero,
	    .b_scale = q->b.scale,
	    .b_zero = (float)q->b.zero,
	    .r_lo = q->lo,
	    .r_hi = q->hi,
	    .inv = 1 / q->out.scale,
	    .zero = (float)q->out.zero};
	(void)worker;
	for (int64_t i = all * number / r->tasks; i < all * (number + 1) / r->tasks; i++) {
		int64_t row = i / cols, col = i % cols * PIECE;
		k.n = q->n - col < PIECE ? q->n - col : PIECE;
		k.a = r->a + (row * q->ld_a + col) * r->size_a;
		k.b = r->b ? r->b + row * q->ld_b + col : NULL;
		k.out = r->out + (row * q->ld_out + col) * r->size_out;
		r->fn(&k);
	}
}

static void quant_run(struct quant_run r, struct pool *pool)
{
	struct quant_u8 *q = &r.q;
	int threads = pool ? pool_size(pool) : 1;
	if (q->ld_a == q->n && q->ld_out == q->n && (!r.b || q->ld_b == q->n)) {
		q->n *= q->rows;
		q->rows = 1;
	}
	r.tasks = threads > 1 && q->n * q->rows > SMALL ? 2 * threads : 1;
	pool_run(pool, r.tasks, quant_task, &r);
}

void quantize_u8(const struct quant_u8 *q, struct pool *pool, const float *in, uint8_t *out)
{
	const struct quant_u8_row *row = &quant_u8_rows[quant_u8_pick()];
	quant_run((struct quant_run){*q, row->quantize, (const char *)in, NULL, (char *)out,
		      sizeof *in, 1, 0},
	    pool);
}

void dequantize_u8(const struct quant_u8 *q, struct pool *pool, const uint8_t *in, float *out)
{
	const struct quant_u8_row *row = &quant_u8_rows[quant_u8_pick()];
	quant_run((struct quant_run){*q, row->dequantize, (const char *)in, NULL, (char *)out, 1,
		      sizeof *out, 0},
	    pool);
}

void requantize_u8(const struct quant_u8 *q, struct pool *pool, const uint8_t *in, uint8_t *out)
{
	const struct quant_u8_row *row = &quant_u8_rows[quant_u8_pick()];
	quant_run(
	    (struct quant_run){*q, row->requantize, (const char *)in, NULL, (char *)out, 1, 1, 0},
	    pool);
}

void add_u8(
    const struct quant_u8 *q, struct pool *pool, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
	const struct quant_u8_row *row = &quant_u8_rows[quant_u8_pick()];
	quant_run((struct quant_run){*q, row->add, (const char *)a, (const char *)b, (char *)out, 1,
		      1, 0},
	    pool);
}
