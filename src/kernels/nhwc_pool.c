/* Max and average pooling with channels last: each output pixel over the part of its window that
 * lies inside of the image. */
#include "kernels/nhwc_pool.h"

#include <string.h>

#include "kernels/nhwc_kernel_u8.h"
#include "kernels/nhwc_ways.h"

#define LEAST_CHANNELS 64    /* of a piece of the channels */
#define MAX_WINDOW (1 << 15) /* pixels whose sum a float holds */

static int64_t pixels_of(const struct conv_shape *s)
{
	return (int64_t)s->batch * (int64_t)conv_volume(s->out);
}

static void plan(struct nhwc_pool *p, int row, int threads)
{
	int64_t pixels = pixels_of(&p->s), want = 2 * threads;
	int64_t work = pixels * p->s.groups * (int64_t)conv_volume(p->s.kernel);
	p->row = row;
	p->row_blocks = p->col_blocks = 1;
	if (threads == 1 || work < NHWC_SMALL / 4)
		return;
	int blocks = nhwc_pieces(p->s.groups, LEAST_CHANNELS);
	p->row_blocks = (int)(pixels < want ? pixels : want);
	p->col_blocks = nhwc_pieces(want, p->row_blocks);
	p->col_blocks = p->col_blocks < blocks ? p->col_blocks : blocks;
}

void nhwc_pool_f32_plan(struct nhwc_pool *p, int threads)
{
	plan(p, pool_nhwc_f32_pick(), threads);
}

void nhwc_pool_u8_plan(struct nhwc_pool *p, int threads)
{
	plan(p, pool_nhwc_u8_pick(), threads);
}

bool nhwc_pool_u8_fits(const struct conv_shape *s)
{
	int64_t n = 1;
	for (int d = 0; d < 3; d++)
		n = n > MAX_WINDOW ? n : n * s->kernel[d];
	return n <= MAX_WINDOW;
}

/* m output pixels side by side whose windows look alike, their channels from..from+n-1. */
struct part {
	int m, n;
	int64_t in, out;   /* first element of the first window that is inside, of the result */
	int64_t next;      /* elements from window to window */
	int size[3];       /* of the window inside of the image; 0, 0, 0 without a pixel */
	ptrdiff_t step[3]; /* elements from pixel to pixel of it */
	double count;      /* what an average divides by, at least 1 */
};

struct pool_task {
	const struct nhwc_pool *p;
	const void *in;
	void *out;
	void (*run)(const struct pool_task *t, const struct part *w);
};

/* ---- windows ---- */

/* The window of an output along dimension d: its pixels inside of the image, the first of them, and
 * how many it counts that lie inside of the image or its padding. */
struct span {
	int n, first, padded;
};

/* Steps from first until end is reached. */
static int64_t steps(int64_t first, int64_t end, int64_t step)
{
	int64_t room = end - first;
	if (room <= 0)
		return 0;
	return step == 1 ? room : (room + step - 1) / step;
}

static struct span span_of(const struct nhwc_pool *p, int d, int at)
{
	const struct conv_shape *s = &p->s;
	int64_t first = (int64_t)at * s->stride[d] - s->pad[d], step = s->dilation[d];
	int64_t lo = steps(first, 0, step), hi = steps(first, s->in[d], step);
	int64_t all = steps(first, (int64_t)s->in[d] + p->pad_end[d], step);
	hi = hi < s->kernel[d] ? hi : s->kernel[d];
	all = all < s->kernel[d] ? all : s->kernel[d];
	return (struct span){hi > lo ? (int)(hi - lo) : 0, (int)(first + lo * step), (int)all};
}

/* Pixels x0..x1-1 of an output line, channels from..to-1. */
static void line(const struct pool_task *t, int64_t number, int x0, int x1, int from, int to)
{
	const struct nhwc_pool *p = t->p;
	const struct conv_shape *s = &p->s;
	int64_t plane = number / s->out[1], image = plane / s->out[0];
	struct span y = span_of(p, 1, (int)(number % s->out[1]));
	struct span z = span_of(p, 0, (int)(plane % s->out[0]));
	int64_t at = ((image * s->in[0] + z.first) * s->in[1] + y.first) * s->in[2];
	double lines = p->exclude_pad ? (double)z.n * y.n : (double)z.padded * y.padded;
	struct part w = {.n = to - from, .next = s->stride[2] * p->ld_in};
	w.step[2] = s->dilation[2] * p->ld_in;
	w.step[1] = (ptrdiff_t)s->dilation[1] * s->in[2] * p->ld_in;
	w.step[0] = (ptrdiff_t)s->dilation[0] * s->in[1] * s->in[2] * p->ld_in;
	int whole0, whole1; /* pixels whose windows lie inside are done at once */
	nhwc_whole(s, &whole0, &whole1);
	for (int i = x0; i < x1; i += w.m) {
		struct span x = span_of(p, 2, i);
		bool whole = i >= whole0 && i < whole1, some = z.n && y.n && x.n;
		w.m = !whole ? 1 : whole1 < x1 ? whole1 - i : x1 - i;
		w.in = some ? (at + x.first) * p->ld_in + from : 0;
		w.out = (number * s->out[2] + i) * p->ld_out + from;
		w.size[0] = some ? z.n : 0;
		w.size[1] = some ? y.n : 0;
		w.size[2] = some ? x.n : 0;
		w.count = lines * (p->exclude_pad ? x.n : x.padded);
		w.count = w.count > 0 ? w.count : 1;
		t->run(t, &w);
	}
}

static void task(void *ctx, int number, int worker)
{
	const struct pool_task *t = ctx;
	const struct nhwc_pool *p = t->p;
	int i = number / p->col_blocks, j = number % p->col_blocks, n = p->s.groups;
	int blocks = nhwc_pieces(n, LEAST_CHANNELS);
	int from = nhwc_part(blocks, j, p->col_blocks) * LEAST_CHANNELS;
	int to = nhwc_part(blocks, j + 1, p->col_blocks) * LEAST_CHANNELS;
	int64_t end = pixels_of(&p->s) * (i + 1) / p->row_blocks, wide = p->s.out[2], next;
	(void)worker;
	for (int64_t at = pixels_of(&p->s) * i / p->row_blocks; at < end; at = next) {
		next = (at / wide + 1) * wide;
		next = next < end ? next : end;
		line(t, at / wide, (int)(at % wide), (int)(next - at / wide * wide), from,
		    to < n ? to : n);
	}
}

/* ---- floats ---- */

static void part_f32(const struct pool_task *t, const struct part *w)
{
	struct pool_nhwc_f32_args q = {.m = w->m,
	    .n = w->n,
	    .next = w->next,
	    .ld_out = t->p->ld_out,
	    .max = t->p->kind == POOL_MAX,
	    .in = (const float *)t->in + w->in,
	    .out = (float *)t->out + w->out,
	    .count = (float)w->count,
	    .lo = t->p->lo,
	    .hi = t->p->hi};
	memcpy(q.size, w->size, sizeof q.size);
	memcpy(q.step, w->step, sizeof q.step);
	pool_nhwc_f32_rows[t->p->row].run(&q);
}

void nhwc_pool_f32_run(const struct nhwc_pool *p, struct pool *pool, const float *in, float *out)
{
	struct pool_task t = {p, in, out, part_f32};
	pool_run(pool, p->row_blocks * p->col_blocks, task, &t);
}

/* ---- bytes ---- */

static void part_u8(const struct pool_task *t, const struct part *w)
{
	int seen = w->size[0] * w->size[1] * w->size[2];
	struct pool_nhwc_u8_args q = {.n = w->n,
	    .max = t->p->kind == POOL_MAX,
	    .in = (const uint8_t *)t->in + w->in,
	    .out = (uint8_t *)t->out + w->out,
	    .more = (int32_t)(w->count - seen) * t->p->zero,
	    .count = (float)w->count};
	memcpy(q.size, w->size, sizeof q.size);
	memcpy(q.step, w->step, sizeof q.step);
	for (int i = 0; i < w->m; i++, q.in += w->next, q.out += t->p->ld_out)
		pool_nhwc_u8_rows[t->p->row].run(&q);
}

void nhwc_pool_u8_run(const struct nhwc_pool *p, struct pool *pool, const uint8_t *in, uint8_t *out)
{
	struct pool_task t = {p, in, out, part_u8};
	pool_run(pool, p->row_blocks * p->col_blocks, task, &t);
}
