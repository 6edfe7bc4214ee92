/* Changes between channels first and channels last: a transpose of each image, in pieces. */
#include "kernels/layout.h"
#include "kernels/nhwc_kernel.h"

#define PIECE 65536 /* elements of a task, about */

struct layout_run {
	const struct layout_move *l;
	transpose_fn *transpose;
	const char *in;
	char *out;
	int64_t pixels, pieces; /* pixels of a task, tasks of an image */
	bool last;              /* to channels last */
};

static void task(void *ctx, int number, int worker)
{
	const struct layout_run *r = ctx;
	const struct layout_move *l = r->l;
	int64_t image = number / r->pieces, from = number % r->pieces * r->pixels;
	int64_t n = l->pixels - from < r->pixels ? l->pixels - from : r->pixels;
	int64_t planar = image * l->channels * l->pixels + from;
	int64_t packed = (image * l->pixels + from) * l->ld;
	(void)worker;
	if (r->last)
		r->transpose(l->channels, n, r->in + planar * l->size, (size_t)l->pixels,
		    r->out + packed * l->size, (size_t)l->ld);
	else
		r->transpose(n, l->channels, r->in + packed * l->size, (size_t)l->ld,
		    r->out + planar * l->size, (size_t)l->pixels);
}

static void run(
    const struct layout_move *l, struct pool *pool, const void *in, void *out, bool last)
{
	const struct transpose *row = &transpose_rows[transpose_pick()];
	struct layout_run r = {.l = l, .in = in, .out = out, .last = last};
	if (!l->batch || !l->channels || !l->pixels)
		return;
	r.transpose = l->size == 4 ? row->b32 : l->size == 2 ? row->b16 : row->b8;
	r.pixels = PIECE / l->channels / 64 * 64;
	r.pixels = r.pixels < 64 ? 64 : r.pixels;
	r.pieces = (l->pixels + r.pixels - 1) / r.pixels;
	pool_run(pool, (int)(l->batch * r.pieces), task, &r);
}

void nchw_to_nhwc(const struct layout_move *l, struct pool *pool, const void *in, void *out)
{
	run(l, pool, in, out, true);
}

void nhwc_to_nchw(const struct layout_move *l, struct pool *pool, const void *in, void *out)
{
	run(l, pool, in, out, false);
}
