/* Depthwise convolution with channels last: output lines over blocks of channels whose input lines
 * stay in the L1 cache; border pixels see a part of the window. */
#include "base/cpu.h"
#include "kernels/nhwc_dw_lines.h"

#define LEAST_CHANNELS 32 /* of a pass */

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

static void plan(struct nhwc_conv_f32 *c)
{
	c->row = dw_nhwc_f32_pick();
	/* All channels where memory had better be read in order. */
	size_t whole = conv_volume(c->s.in) + conv_volume(c->s.out);
	bool large = whole * (size_t)c->s.groups * sizeof(float) > cpu_l2();
	c->block_rows = large ? c->s.groups : nhwc_dw_pass(&c->s, sizeof(float), LEAST_CHANNELS);
	nhwc_dw_cut(
	    &c->s, c->threads, NHWC_SMALL / 4, LEAST_CHANNELS, &c->row_blocks, &c->col_blocks);
	c->shared = c->worker = 0;
}

struct dw_run {
	const struct nhwc_conv_f32 *c;
	const struct nhwc_conv_f32_args *a;
};

/* Channels from..to-1 of a piece of a line. */
static void pixels(const struct dw_run *r, int number, const struct dw_lines *l,
    const struct dw_piece *p, int from, int to)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	const float *lines[DW_LINES];
	int at[DW_LINES], vec = dw_nhwc_f32_rows[c->row].vec;
	size_t block = conv_volume(s->kernel) * (size_t)vec;
	int64_t pixel = (int64_t)number * s->out[2] + p->x0, first = nhwc_dw_offset(s, p);
	for (int i = 0; i < l->rows; i++) {
		lines[i] = r->a->in + (l->start[i] + first) * c->ld_in + from;
		at[i] = l->at[i];
	}
	struct dw_nhwc_f32_args q = {.m = p->x1 - p->x0,
	    .n = to - from,
	    .window = nhwc_dw_window(s, l, p, c->ld_in),
	    .lines = lines,
	    .at = at,
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

static void line(const struct dw_run *r, int number, int from, int to)
{
	struct dw_lines l;
	struct dw_piece p = {0};
	nhwc_dw_lines(&r->c->s, number, &l);
	while (nhwc_dw_next(&r->c->s, &p))
		pixels(r, number, &l, &p, from, to);
}

static void task(void *ctx, int number, int worker)
{
	const struct dw_run *r = ctx;
	const struct nhwc_conv_f32 *c = r->c;
	struct dw_share p = nhwc_dw_share(
	    &c->s, LEAST_CHANNELS, c->row_blocks, c->col_blocks, number);
	(void)worker;
	for (int from = p.from; from < p.to; from += c->block_rows) {
		int to = p.to - from < c->block_rows ? p.to : from + c->block_rows;
		for (int y = p.first; y < p.last; y++)
			line(r, y, from, to);
	}
}

void nhwc_depthwise_plan_lines(struct nhwc_conv_f32 *c)
{
	c->block_rows = nhwc_dw_pass(&c->s, sizeof(float), LEAST_CHANNELS);
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
