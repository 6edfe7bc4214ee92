/* Local response normalisation with channels last, in pieces of the pixels. */
#include "kernels/nhwc_lrn_f32.h"

#include "kernels/image_f32.h"
#include "kernels/nhwc_ways.h"

void nhwc_lrn_f32_plan(struct nhwc_lrn_f32 *r, int threads)
{
	int64_t work = (int64_t)r->rows * r->n * r->size;
	r->pieces = 1;
	if (threads > 1 && work >= NHWC_SMALL / 4)
		r->pieces = r->rows < 4 * threads ? r->rows : 4 * threads;
	r->worker = nhwc_round64(((size_t)r->n + (size_t)r->size + 16) * sizeof(float));
	r->scratch = (size_t)threads * r->worker;
}

struct lrn_run {
	const struct nhwc_lrn_f32 *r;
	const float *in;
	float *out;
	char *scratch;
};

static void task(void *ctx, int number, int worker)
{
	const struct lrn_run *t = ctx;
	const struct nhwc_lrn_f32 *r = t->r;
	int from = nhwc_part(r->rows, number, r->pieces);
	struct lrn_rows q = {.rows = nhwc_part(r->rows, number + 1, r->pieces) - from,
	    .n = r->n,
	    .size = r->size,
	    .scale = r->scale,
	    .beta = r->beta,
	    .bias = r->bias,
	    .in = t->in + from * r->ld_in,
	    .out = t->out + from * r->ld_out,
	    .square = (float *)(t->scratch + (size_t)worker * r->worker),
	    .ld_in = r->ld_in,
	    .ld_out = r->ld_out};
	image_f32_rows[image_f32_pick()].lrn(&q);
}

void nhwc_lrn_f32_run(
    const struct nhwc_lrn_f32 *r, struct pool *pool, const float *in, float *out, void *scratch)
{
	struct lrn_run t = {r, in, out, scratch};
	pool_run(pool, r->pieces, task, &t);
}
