/* Depthwise convolution of bytes with channels last that become the floats which they mean: output
 * lines over blocks of channels whose input lines stay in the L1 cache. */
#include "base/cpu.h"
#include "kernels/nhwc_dw_lines.h"
#include "kernels/nhwc_ways_u8.h"

#define LEAST_CHANNELS 32 /* of a pass */
#define CODE 2            /* rows of a block before its weights: scale and low */

static size_t vec_of(const struct nhwc_conv_u8 *c)
{
	return (size_t)dw_nhwc_u8f_rows[c->row].vec;
}

/* Floats of a block of channels. */
static size_t block_of(const struct nhwc_conv_u8 *c)
{
	return (CODE + conv_volume(c->s.kernel)) * vec_of(c);
}

static size_t packed_bytes(const struct nhwc_conv_u8 *c)
{
	return (size_t)nhwc_pieces(c->s.groups, (int64_t)vec_of(c)) * block_of(c) * sizeof(float);
}

/* A row of a block: elements of n channels, step apart. */
static float *put_row(float *to, const float *from, size_t step, size_t n, size_t vec)
{
	for (size_t i = 0; i < vec; i++)
		*to++ = i < n ? from[i * step] : 0;
	return to;
}

void nhwc_conv_u8_pack_floats(const struct nhwc_conv_u8 *c, const float *w, const float *scale,
    const float *low, void *packed)
{
	size_t vec = vec_of(c), taps = conv_volume(c->s.kernel), all = (size_t)c->s.groups;
	float *to = packed;
	for (size_t g = 0; g < all; g += vec) {
		size_t n = all - g < vec ? all - g : vec;
		to = put_row(to, scale + g, 1, n, vec);
		to = put_row(to, low + g, 1, n, vec);
		for (size_t t = 0; t < taps; t++)
			to = put_row(to, w + g * taps + t, taps, n, vec);
	}
}

static void plan(struct nhwc_conv_u8 *c)
{
	size_t whole = conv_volume(c->s.in) + conv_volume(c->s.out);
	bool large = whole * (size_t)c->s.groups > cpu_l2();
	c->row = dw_nhwc_u8f_pick();
	c->feed = 0;
	c->block_rows = c->tail.nops ? LEAST_CHANNELS
			: large      ? c->s.groups
				     : nhwc_dw_pass(&c->s, 1, LEAST_CHANNELS);
	nhwc_dw_cut(&c->s, c->threads, NHWC_SMALL, LEAST_CHANNELS, &c->row_blocks, &c->col_blocks);
	c->shared = 0;
	c->worker = c->tail.nops ? nhwc_round64((size_t)c->s.out[2] * LEAST_CHANNELS * 4) : 0;
}

struct dw_run {
	const struct nhwc_conv_u8 *c;
	const struct nhwc_conv_u8_args *a;
	struct u8_epilogue e;
};

/* Channels from..to-1 of lines; with a tail their floats are at tile. */
struct part {
	int from, to;
	float *tile;
};

static void pixels(const struct dw_run *r, int number, const struct dw_lines *l,
    const struct dw_piece *p, const struct part *part)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	const uint8_t *lines[DW_LINES];
	int at[DW_LINES], from = part->from;
	int64_t pixel = (int64_t)number * s->out[2] + p->x0, first = nhwc_dw_offset(s, p);
	for (int i = 0; i < l->rows; i++) {
		lines[i] = r->a->in + (l->start[i] + first) * c->ld_in + from;
		at[i] = CODE + l->at[i];
	}
	struct dw_nhwc_u8f_args q = {.m = p->x1 - p->x0,
	    .n = part->to - from,
	    .window = nhwc_dw_window(s, l, p, c->ld_in),
	    .lines = lines,
	    .at = at,
	    .apart = c->apart,
	    .w = (const float *)r->a->packed + (size_t)from / vec_of(c) * block_of(c),
	    .block = block_of(c),
	    .f = r->a->f + from,
	    .add = nhwc_at_u8(r->a->add, c->add == U8_ADD_U8, pixel * c->ld_add + from),
	    .out = (void *)nhwc_at_u8(r->a->out, c->out == U8_OUT_U8, pixel * c->ld_out + from),
	    .ld_add = (size_t)c->ld_add,
	    .ld_out = (size_t)c->ld_out,
	    .e = r->e};
	if (c->tail.nops) {
		q.out = part->tile + (ptrdiff_t)p->x0 * q.n;
		q.ld_out = (size_t)q.n;
	}
	dw_nhwc_u8f_rows[c->row].run(&q);
}

static void line(const struct dw_run *r, int number, const struct part *part)
{
	const struct nhwc_conv_u8 *c = r->c;
	int wide = c->s.out[2];
	struct dw_lines l;
	struct dw_piece p = {0};
	nhwc_dw_lines(&c->s, number, &l);
	while (nhwc_dw_next(&c->s, &p))
		pixels(r, number, &l, &p, part);
	if (c->tail.nops)
		nhwc_tail_u8(c, r->a, part->tile, (int64_t)number * wide, wide, part->from,
		    part->to - part->from);
}

static void task(void *ctx, int number, int worker)
{
	const struct dw_run *r = ctx;
	const struct nhwc_conv_u8 *c = r->c;
	struct dw_share all = nhwc_dw_share(
	    &c->s, LEAST_CHANNELS, c->row_blocks, c->col_blocks, number);
	char *tile = (char *)r->a->scratch + (size_t)worker * c->worker;
	for (int from = all.from; from < all.to; from += c->block_rows)
		for (int y = all.first; y < all.last; y++) {
			int to = all.to - from < c->block_rows ? all.to : from + c->block_rows;
			struct part p = {from, to, (float *)(void *)tile};
			line(r, y, &p);
		}
}

static void run(const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a)
{
	struct dw_run r = {c, a, nhwc_epilogue_u8(c)};
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way_u8 nhwc_depthwise_u8f = {.plan = plan, .packed = packed_bytes, .run = run};
