/* FP32 max pooling, a plane at a time: split rows, then row by row. */
#include <math.h>

#include "kernels/max_pool_f32.h"

/* Does every window along dim d have an element inside? */
static bool always_inside(const struct rows_f32 *r, int d)
{
	int reach = (r->kernel[d] - 1) * r->dilation[d];
	return r->in[d] > 0 && r->pad[d] >= 0 && r->pad[d] <= reach && r->dilation[d] <= r->in[d] &&
	       (r->out[d] - 1) * r->stride[d] - r->pad[d] < r->in[d];
}

bool max_pool_f32_plan(struct max_pool_f32 *p)
{
	if (!always_inside(&p->rows, 0) || !always_inside(&p->rows, 1) || !rows_f32_plan(&p->rows))
		return false;
	p->scratch = rows_f32_size(&p->rows);
	return true;
}

struct max_run {
	const struct max_pool_f32 *p;
	const float *in;
	float *out, *scratch;
};

static void max_task(void *ctx, int task, int worker)
{
	const struct max_run *m = ctx;
	const struct rows_f32 *r = &m->p->rows;
	float *lines = m->scratch + (size_t)worker * m->p->scratch;
	float *out = m->out + (size_t)task * (size_t)r->out[0] * (size_t)r->out[1];
	const float *rows[ROWS_MAX_KERNEL];
	int tap[ROWS_MAX_KERNEL], above;
	rows_f32_taps(r, tap);
	rows_f32_split(
	    r, m->in + (size_t)task * (size_t)r->in[0] * (size_t)r->in[1], -INFINITY, lines);
	for (int y = 0; y < r->out[0]; y++, out += r->out[1]) {
		int n = rows_f32_window(r, lines, y, rows, &above);
		m->p->row->run(r->out[1], rows, n, tap, r->kernel[1], out);
	}
}

void max_pool_f32_run(
    const struct max_pool_f32 *p, struct pool *pool, const float *in, float *out, float *scratch)
{
	struct max_run m = {p, in, out, scratch};
	pool_run(pool, p->planes, max_task, &m);
}
