/* Resizing with channels last: lines are blended into one, whose pixels are blended then. */
#include "kernels/nhwc_resize_f32.h"

#include "kernels/image_f32.h"
#include "kernels/nhwc_ways.h"

size_t nhwc_resize_f32_table(const struct nhwc_resize_f32 *r, int d)
{
	size_t n = (size_t)r->out[d] * (size_t)r->taps[d];
	return n * (sizeof(int32_t) + sizeof(float));
}

bool nhwc_resize_f32_inside(const struct nhwc_resize_f32 *r, int d, const void *table)
{
	const int32_t *index = table;
	for (int64_t i = 0; i < (int64_t)r->out[d] * r->taps[d]; i++)
		if (index[i] < 0 || index[i] >= r->in[d])
			return false;
	return true;
}

void nhwc_resize_f32_plan(struct nhwc_resize_f32 *r, int threads)
{
	int64_t lines = (int64_t)r->batch * r->out[0];
	int64_t work = lines * r->out[1] * r->n * (r->taps[0] + r->taps[1]);
	r->pieces = 1;
	if (threads > 1 && work >= NHWC_SMALL / 4)
		r->pieces = (int)(lines < 4 * threads ? lines : 4 * threads);
	r->worker = nhwc_round64((size_t)r->in[1] * (size_t)r->n * sizeof(float));
	r->scratch = (size_t)threads * r->worker;
}

struct resize_run {
	const struct nhwc_resize_f32 *r;
	const float *in;
	const int32_t *index[2];
	const float *weight[2];
	float *out;
	char *scratch;
};

/* The line that the pixels of output line y come from, n floats for each pixel, *ld apart. */
static const float *blended(
    const struct resize_run *t, int64_t image, int y, float *to, int64_t *ld)
{
	const struct nhwc_resize_f32 *r = t->r;
	const struct image_f32 *row = &image_f32_rows[image_f32_pick()];
	const int32_t *index = t->index[0] + (int64_t)y * r->taps[0];
	const float *weight = t->weight[0] + (int64_t)y * r->taps[0];
	const float *line[RESIZE_TAPS];
	for (int k = 0; k < r->taps[0]; k++)
		line[k] = t->in + (image * r->in[0] + index[k]) * r->in[1] * r->ld_in;
	*ld = r->ld_in;
	if (r->taps[0] == 1 && weight[0] == 1)
		return line[0];
	*ld = r->n;
	if (r->ld_in == r->n) {
		row->blend(to, r->in[1] * r->n, r->taps[0], line, weight);
		return to;
	}
	for (int x = 0; x < r->in[1]; x++) {
		row->blend(to + (int64_t)x * r->n, r->n, r->taps[0], line, weight);
		for (int k = 0; k < r->taps[0]; k++)
			line[k] += r->ld_in;
	}
	return to;
}

static void task(void *ctx, int number, int worker)
{
	const struct resize_run *t = ctx;
	const struct nhwc_resize_f32 *r = t->r;
	int64_t lines = (int64_t)r->batch * r->out[0];
	int64_t end = lines * (number + 1) / r->pieces;
	float *to = (float *)(t->scratch + (size_t)worker * r->worker);
	struct resize_line q = {.width = r->out[1],
	    .n = r->n,
	    .taps = r->taps[1],
	    .index = t->index[1],
	    .weight = t->weight[1],
	    .ld_out = r->ld_out};
	for (int64_t l = lines * number / r->pieces; l < end; l++) {
		q.in = blended(t, l / r->out[0], (int)(l % r->out[0]), to, &q.ld_in);
		q.out = t->out + l * r->out[1] * r->ld_out;
		image_f32_rows[image_f32_pick()].line(&q);
	}
}

void nhwc_resize_f32_run(const struct nhwc_resize_f32 *r, struct pool *pool, const float *in,
    const void *const table[2], float *out, void *scratch)
{
	struct resize_run t = {.r = r, .in = in, .out = out, .scratch = scratch};
	for (int d = 0; d < 2; d++) {
		t.index[d] = table[d];
		t.weight[d] = (const float *)(t.index[d] + (int64_t)r->out[d] * r->taps[d]);
	}
	pool_run(pool, r->pieces, task, &t);
}
