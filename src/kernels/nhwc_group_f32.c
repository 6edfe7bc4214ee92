/* Convolution in narrow groups with channels last: lines of output, a vector of channels at a time,
 * each lane taking the channels of its own group. */
#include <string.h>

#include "kernels/nhwc_ways.h"

#define MAX_VEC 16         /* lanes of the widest vector */
#define MAX_POINTERS 65536 /* of a line of results */

static int vec_of(const struct nhwc_conv_f32 *c)
{
	return group_nhwc_f32_rows[c->row].vec;
}

/* Pixels of the image, or of what surrounds it, that a line of results reads of a line. */
static int64_t reach(const struct conv_shape *s)
{
	return (int64_t)(s->out[2] - 1) * s->stride[2] +
	       (int64_t)(s->kernel[2] - 1) * s->dilation[2] + 1;
}

/* A vector covers whole groups. */
bool nhwc_group_fits(const struct conv_shape *s)
{
	int vec = group_nhwc_f32_rows[group_nhwc_f32_pick()].vec;
	return vec % s->cout == 0 && s->cin <= s->cout && s->groups > 1 &&
	       s->groups * s->cin >= vec && reach(s) * s->kernel[0] * s->kernel[1] <= MAX_POINTERS;
}

bool nhwc_group_pays(const struct conv_shape *s)
{
	int width = s->stride[2] == 1 ? 8 : 4;
	return nhwc_group_fits(s) && s->cout <= width && s->kernel[2] > 1;
}

static int channels_of(const struct nhwc_conv_f32 *c)
{
	return c->s.groups * c->s.cout;
}

static int blocks_of(const struct nhwc_conv_f32 *c)
{
	return nhwc_pieces(channels_of(c), vec_of(c));
}

/* ---- weights: [blocks][lines of the window][cin][taps of a line][vec] ---- */

/* Floats of one block. */
static size_t block_packed(const struct nhwc_conv_f32 *c)
{
	return conv_volume(c->s.kernel) * (size_t)c->s.cin * (size_t)vec_of(c);
}

static size_t packed_bytes(const struct nhwc_conv_f32 *c)
{
	return (size_t)blocks_of(c) * block_packed(c) * sizeof(float);
}

static void pack(const struct nhwc_conv_f32 *c, struct pool *pool, const float *w, float *packed)
{
	const struct conv_shape *s = &c->s;
	int vec = vec_of(c), n = channels_of(c), lines = s->kernel[0] * s->kernel[1];
	int taps = s->kernel[2];
	(void)pool;
	for (int j = 0; j < n; j += vec)
		for (int r = 0; r < lines; r++)
			for (int k = 0; k < s->cin; k++)
				for (int t = 0; t < taps; t++)
					for (int i = j; i < j + vec; i++) {
						size_t at = (size_t)i * (size_t)s->cin + (size_t)k;
						at = at * (size_t)lines + (size_t)r;
						*packed++ = i < n ? w[at * (size_t)taps + (size_t)t]
								  : 0;
					}
}

/* ---- plan ---- */

static int lines_of(const struct conv_shape *s)
{
	return s->batch * s->out[0] * s->out[1];
}

static size_t pointers_bytes(const struct nhwc_conv_f32 *c)
{
	size_t n = (size_t)c->s.kernel[0] * (size_t)c->s.kernel[1] * (size_t)reach(&c->s);
	return nhwc_round64(n * sizeof(float *));
}

static void plan(struct nhwc_conv_f32 *c)
{
	int lines = lines_of(&c->s);
	int64_t work = (int64_t)lines * c->s.out[2] * channels_of(c) * c->s.cin *
		       (int64_t)conv_volume(c->s.kernel);
	c->row = group_nhwc_f32_pick();
	c->block_rows = 1;
	c->row_blocks = c->col_blocks = 1;
	if (c->threads > 1 && work >= NHWC_SMALL) {
		int blocks = blocks_of(c);
		c->row_blocks = lines < 2 * c->threads ? lines : 2 * c->threads;
		c->col_blocks = nhwc_pieces(2 * c->threads, c->row_blocks);
		c->col_blocks = c->col_blocks < blocks ? c->col_blocks : blocks;
	}
	c->shared = nhwc_round64((size_t)(c->s.groups * c->s.cin) * sizeof(float));
	c->worker = pointers_bytes(c);
}

/* ---- run ---- */

struct group_run {
	const struct nhwc_conv_f32 *c;
	const struct nhwc_conv_f32_args *a;
	const float *zero;     /* a pixel outside of the image */
	int32_t lane[MAX_VEC]; /* of each lane, the first channel of its group */
};

/* The pixels under a line of results; NULL is the first one of a line outside. */
static void point(const struct group_run *r, int number, const float **pixel)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	int y = number % s->out[1] * s->stride[1] - s->pad[1];
	int z = number / s->out[1] % s->out[0] * s->stride[0] - s->pad[0];
	int64_t b = number / s->out[1] / s->out[0];
	int n = (int)reach(s), x = s->pad[2], end = s->in[2] + x < n ? s->in[2] + x : n;
	for (int i = 0; i < s->kernel[0]; i++)
		for (int j = 0; j < s->kernel[1]; j++, pixel += n) {
			int64_t iz = z + i * s->dilation[0], iy = y + j * s->dilation[1];
			pixel[0] = NULL;
			if (!nhwc_inside(s, 0, (int)iz) || !nhwc_inside(s, 1, (int)iy))
				continue;
			const float *line = r->a->in + ((b * s->in[0] + iz) * s->in[1] + iy) *
							   s->in[2] * c->ld_in;
			for (int k = 0; k < n && k < x; k++)
				pixel[k] = r->zero;
			for (int k = x > 0 ? x : 0; k < end; k++)
				pixel[k] = line + (int64_t)(k - x) * c->ld_in;
			for (int k = end > 0 ? end : 0; k < n; k++)
				pixel[k] = r->zero;
		}
}

/* Block number j of a line of results. */
static void block(const struct group_run *r, int number, int j, const float *const *pixels)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	int vec = vec_of(c), first = j * vec, rest = channels_of(c) - first;
	int64_t at = (int64_t)number * s->out[2];
	int n = rest < vec ? rest : vec;
	/* All of a vector is read: at the end, one that ends there. */
	int source = first / s->cout * s->cin, last = s->groups * s->cin - vec;
	int offset = source < last ? source : last;
	struct group_nhwc_f32_args q = {.m = s->out[2],
	    .n = n,
	    .rows = s->kernel[0] * s->kernel[1],
	    .taps = s->kernel[2],
	    .stride = s->stride[2],
	    .dilation = s->dilation[2],
	    .pixels = pixels,
	    .line = (size_t)reach(s),
	    .offset = (size_t)offset,
	    .cin = s->cin,
	    .lanes = r->lane,
	    .shift = source - offset,
	    .w = r->a->packed + (size_t)j * block_packed(c),
	    .bias = r->a->bias ? r->a->bias + first : NULL,
	    .add = r->a->add ? r->a->add + at * c->ld_add + first : NULL,
	    .out = r->a->out + at * c->ld_out + first,
	    .ld_add = (size_t)c->ld_add,
	    .ld_out = (size_t)c->ld_out,
	    .lo = c->lo,
	    .hi = c->hi};
	group_nhwc_f32_rows[c->row].run(&q);
	nhwc_act(c, q.out, q.m, c->ld_out, n);
}

static void task(void *ctx, int number, int worker)
{
	const struct group_run *r = ctx;
	const struct nhwc_conv_f32 *c = r->c;
	int i = number / c->col_blocks, j = number % c->col_blocks, lines = lines_of(&c->s);
	int from = nhwc_part(blocks_of(c), j, c->col_blocks);
	int end = nhwc_part(blocks_of(c), j + 1, c->col_blocks);
	const float **pixels = (const float **)((char *)r->a->scratch + c->shared +
						(size_t)worker * c->worker);
	for (int y = nhwc_part(lines, i, c->row_blocks); y < nhwc_part(lines, i + 1, c->row_blocks);
	     y++) {
		point(r, y, pixels);
		for (int b = from; b < end; b++)
			block(r, y, b, pixels);
	}
}

static void run(
    const struct nhwc_conv_f32 *c, struct pool *pool, const struct nhwc_conv_f32_args *a)
{
	struct group_run r = {.c = c, .a = a, .zero = a->scratch};
	for (int i = 0; i < vec_of(c); i++)
		r.lane[i] = i / c->s.cout * c->s.cin;
	memset(a->scratch, 0, c->shared);
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way nhwc_groups = {plan, packed_bytes, pack, run};
