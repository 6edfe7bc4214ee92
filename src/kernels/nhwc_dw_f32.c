/* Depthwise convolution with channels last: output lines over blocks of channels whose input lines
 * stay in the L1 cache; border pixels see a part of the window. */
#include "base/cpu.h"
#include "kernels/nhwc_ways.h"

#define MAX_LINES 64        /* lines of a window: depth times height */
#define L1_LINES (24 << 10) /* bytes of the lines under a window that one pass covers */
#define LEAST_CHANNELS 32   /* of a pass */
#define NARROW 64           /* pixels of a line whose ends are worth doing with the rest */

bool nhwc_depthwise_fits(const struct conv_shape *s)
{
	return s->cin == 1 && s->cout == 1 && s->groups > 1 &&
	       (int64_t)s->kernel[0] * s->kernel[1] <= MAX_LINES;
}

static size_t packed_bytes(const struct nhwc_conv_f32 *c)
{
	int vec = dw_nhwc_f32_rows[c->row].vec;
	return (size_t)nhwc_pieces(c->s.groups, vec) * (size_t)vec * conv_volume(c->s.kernel) *
	       sizeof(float);
}

static void pack(const struct nhwc_conv_f32 *c, struct pool *pool, const float *w, float *packed)
{
	(void)pool;
	size_t vec = (size_t)dw_nhwc_f32_rows[c->row].vec, taps = conv_volume(c->s.kernel);
	size_t n = (size_t)c->s.groups;
	for (size_t g = 0; g < n; g += vec)
		for (size_t t = 0; t < taps; t++)
			for (size_t i = 0; i < vec; i++)
				*packed++ = g + i < n ? w[(g + i) * taps + t] : 0;
}

static int lines_of(const struct conv_shape *s)
{
	return s->batch * s->out[0] * s->out[1];
}

/* Channels of one pass over lines so that those under a window stay in the L1 cache. */
static int pass_channels(const struct nhwc_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	size_t pixels = (size_t)s->kernel[0] * (size_t)s->kernel[1] * (size_t)s->in[2];
	size_t n = L1_LINES / sizeof(float) / (pixels + 1) / LEAST_CHANNELS * LEAST_CHANNELS;
	n = n < LEAST_CHANNELS ? LEAST_CHANNELS : n;
	return n < (size_t)s->groups ? (int)n : s->groups;
}

static void plan(struct nhwc_conv_f32 *c)
{
	int lines = lines_of(&c->s);
	int64_t work = (int64_t)lines * c->s.out[2] * c->s.groups * (int)conv_volume(c->s.kernel);
	c->row = dw_nhwc_f32_pick();
	/* All channels where memory had better be read in order. */
	size_t whole = conv_volume(c->s.in) + conv_volume(c->s.out);
	bool large = whole * (size_t)c->s.groups * sizeof(float) > cpu_l2();
	c->block_rows = large ? c->s.groups : pass_channels(c);
	c->row_blocks = c->col_blocks = 1;
	if (c->threads > 1 && work >= NHWC_SMALL / 4) {
		int blocks = nhwc_pieces(c->s.groups, LEAST_CHANNELS);
		c->row_blocks = lines < 2 * c->threads ? lines : 2 * c->threads;
		c->col_blocks = nhwc_pieces(2 * c->threads, c->row_blocks);
		c->col_blocks = c->col_blocks < blocks ? c->col_blocks : blocks;
	}
	c->shared = c->worker = 0;
}

struct dw_run {
	const struct nhwc_conv_f32 *c;
	const struct nhwc_conv_f32_args *a;
};

/* The window elements *from..*to-1 along dimension d that output at sees inside of the image. */
static void seen(const struct conv_shape *s, int d, int at, int *from, int *to)
{
	int64_t first = (int64_t)at * s->stride[d] - s->pad[d], step = s->dilation[d];
	int64_t lo = first < 0 ? (-first + step - 1) / step : 0;
	int64_t hi = first < s->in[d] ? (s->in[d] - 1 - first) / step + 1 : 0;
	*to = hi < s->kernel[d] ? (int)hi : s->kernel[d];
	*from = lo < *to ? (int)lo : *to;
}

/* One line of output, some channels: start[r] is pixel 0 of the input line under window line r,
 * at[r] the number of that line's first weight. */
struct line {
	const float *start[MAX_LINES];
	int at[MAX_LINES], rows;
};

static void window_lines(const struct dw_run *r, int number, struct line *l)
{
	const struct conv_shape *s = &r->c->s;
	int y = number % s->out[1], z = number / s->out[1] % s->out[0];
	int64_t b = number / s->out[1] / s->out[0];
	int z0, z1, y0, y1;
	seen(s, 0, z, &z0, &z1);
	seen(s, 1, y, &y0, &y1);
	l->rows = 0;
	for (int i = z0; i < z1; i++)
		for (int j = y0; j < y1; j++) {
			int64_t iz = (int64_t)z * s->stride[0] - s->pad[0] + i * s->dilation[0];
			int64_t iy = (int64_t)y * s->stride[1] - s->pad[1] + j * s->dilation[1];
			l->start[l->rows] = r->a->in + ((b * s->in[0] + iz) * s->in[1] + iy) *
							   s->in[2] * r->c->ld_in;
			l->at[l->rows++] = (i * s->kernel[1] + j) * s->kernel[2];
		}
}

/* Pixels x0..x1-1 of a line, which see the taps t0..t1-1, but for left and right elements outside
 * of the image; channels from..to-1. */
struct piece {
	int x0, x1, t0, t1, left, right, from, to;
};

static void pixels(const struct dw_run *r, int number, const struct line *l, const struct piece *p)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	const float *lines[MAX_LINES];
	int at[MAX_LINES], from = p->from, vec = dw_nhwc_f32_rows[c->row].vec;
	size_t block = conv_volume(s->kernel) * (size_t)vec;
	int64_t pixel = (int64_t)number * s->out[2] + p->x0;
	int64_t x = (int64_t)p->x0 * s->stride[2] - s->pad[2] + (int64_t)p->t0 * s->dilation[2];
	for (int i = 0; i < l->rows; i++) {
		lines[i] = l->start[i] + (p->t1 > p->t0 ? x * c->ld_in : 0) + from;
		at[i] = l->at[i] + p->t0;
	}
	struct dw_nhwc_f32_args q = {.m = p->x1 - p->x0,
	    .n = p->to - from,
	    .rows = p->t1 > p->t0 ? l->rows : 0,
	    .taps = p->t1 - p->t0,
	    .lines = lines,
	    .at = at,
	    .tap = (size_t)(s->dilation[2] * c->ld_in),
	    .step = (size_t)(s->stride[2] * c->ld_in),
	    .from = p->left * c->ld_in,
	    .to = p->right ? (s->in[2] + p->left) * c->ld_in : PTRDIFF_MAX,
	    .w = r->a->packed + (size_t)(from / vec) * block,
	    .block = block,
	    .bias = r->a->bias ? r->a->bias + from : NULL,
	    .add = r->a->add ? r->a->add + pixel * c->ld_add + from : NULL,
	    .out = r->a->out + pixel * c->ld_out + from,
	    .ld_add = (size_t)c->ld_add,
	    .ld_out = (size_t)c->ld_out,
	    .lo = c->lo,
	    .hi = c->hi};
	dw_nhwc_f32_rows[c->row].run(&q);
	nhwc_act(c, q.out, q.m, c->ld_out, q.n);
}

/* Can all pixels of a line be done at once? Sets left and right. */
static bool at_once(const struct conv_shape *s, struct piece *p)
{
	int taps = s->kernel[2], step = s->stride[2];
	int64_t reach = (int64_t)(s->out[2] - 1) * step + taps - s->pad[2];
	int64_t right = reach > s->in[2] ? reach - s->in[2] : 0;
	p->left = s->pad[2] > 0 ? s->pad[2] : 0;
	p->right = (int)right;
	return s->out[2] <= NARROW && dw_nhwc_f32_edges(taps, step, s->dilation[2]) &&
	       p->left <= taps / 2 && right <= taps / 2;
}

static void line(const struct dw_run *r, int number, int from, int to)
{
	const struct conv_shape *s = &r->c->s;
	struct line l;
	struct piece p = {.x1 = s->out[2], .t1 = s->kernel[2], .from = from, .to = to};
	int x0, x1;
	window_lines(r, number, &l);
	if (at_once(s, &p)) {
		pixels(r, number, &l, &p);
		return;
	}
	p.left = p.right = 0;
	nhwc_whole(s, &x0, &x1);
	for (int x = 0; x < s->out[2]; x = p.x1) {
		p.x0 = x;
		p.x1 = x == x0 && x0 < x1 ? x1 : x + 1;
		seen(s, 2, x, &p.t0, &p.t1);
		pixels(r, number, &l, &p);
	}
}

static void task(void *ctx, int number, int worker)
{
	const struct dw_run *r = ctx;
	const struct nhwc_conv_f32 *c = r->c;
	int i = number / c->col_blocks, j = number % c->col_blocks, n = c->s.groups;
	int blocks = nhwc_pieces(n, LEAST_CHANNELS), lines = lines_of(&c->s);
	int from = nhwc_part(blocks, j, c->col_blocks) * LEAST_CHANNELS;
	int end = nhwc_part(blocks, j + 1, c->col_blocks) * LEAST_CHANNELS;
	(void)worker;
	end = end < n ? end : n;
	for (; from < end; from += c->block_rows) {
		int to = end - from < c->block_rows ? end : from + c->block_rows;
		for (int y = nhwc_part(lines, i, c->row_blocks);
		     y < nhwc_part(lines, i + 1, c->row_blocks); y++)
			line(r, y, from, to);
	}
}

void nhwc_depthwise_plan_lines(struct nhwc_conv_f32 *c)
{
	c->block_rows = pass_channels(c);
}

void nhwc_depthwise_lines(
    const struct nhwc_conv_f32 *c, const struct nhwc_conv_f32_args *a, int first, int last)
{
	struct dw_run r = {c, a};
	int n = c->s.groups;
	for (int from = 0; from < n; from += c->block_rows)
		for (int y = first; y < last; y++)
			line(&r, y, from, n - from < c->block_rows ? n : from + c->block_rows);
}

static void run(
    const struct nhwc_conv_f32 *c, struct pool *pool, const struct nhwc_conv_f32_args *a)
{
	struct dw_run r = {c, a};
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way nhwc_depthwise = {plan, packed_bytes, pack, run};
