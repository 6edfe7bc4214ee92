/* The shuffle of channels: pixels, in pieces for the threads. */
#include "kernels/shuffle.h"

#include "kernels/nhwc_kernel.h"

#define SMALL 65536 /* bytes that are not worth a second thread */

struct shuffle_run {
	const struct channel_shuffle *k;
	zip_fn *zip;
	transpose_fn *transpose;
	const char *a, *b;
	char *out;
	int tasks;
};

static void task(void *ctx, int number, int worker)
{
	const struct shuffle_run *r = ctx;
	const struct channel_shuffle *k = r->k;
	int64_t from = k->pixels * number / r->tasks, to = k->pixels * (number + 1) / r->tasks;
	(void)worker;
	for (int64_t i = from; i < to; i++) {
		const char *a = r->a + i * k->ld_a * k->size;
		char *out = r->out + i * k->ld_out * k->size;
		if (k->groups == 2)
			r->zip(k->n, a, r->b + i * k->ld_b * k->size, out);
		else
			r->transpose(k->groups, k->n, a, (size_t)k->n, out, (size_t)k->groups);
	}
}

void channel_shuffle(
    const struct channel_shuffle *k, struct pool *pool, const void *a, const void *b, void *out)
{
	const struct zip *zip = &zip_rows[zip_pick()];
	const struct transpose *transpose = &transpose_rows[transpose_pick()];
	int threads = pool ? pool_size(pool) : 1;
	struct shuffle_run r = {.k = k,
	    .zip = k->size == 4 ? zip->b32 : zip->b8,
	    .transpose = k->size == 4 ? transpose->b32 : transpose->b8,
	    .a = a,
	    .b = b,
	    .out = out};
	r.tasks = k->pixels * k->groups * k->n * k->size > SMALL ? threads : 1;
	pool_run(pool, r.tasks, task, &r);
}
