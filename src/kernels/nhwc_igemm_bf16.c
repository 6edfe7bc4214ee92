/* Convolution as implicit GEMM in BF16: the image is rounded to pairs of BF16 in scratch, then
 * multiplied with packed panels of pairs of weights.
 *
 * A window of one tap, or of few channels, becomes one row of its patch, block by block; the images
 * of other convolutions are rounded whole before, and rows are pointers into them, one per tap. */
#include <string.h>

#include "base/cpu.h"
#include "kernels/nhwc_ways.h"

#define L2_IMAGE (384 << 10)   /* bytes of rounded rows of a block */
#define L2_POINTERS (64 << 10) /* bytes of pointers that a block uses */
#define MAX_ROWS 1024          /* rows of a block */
#define FEW_CHANNELS 16        /* below, a window is copied */
#define FEW_ROWS 8             /* up to here reading the weights is what takes the time */
#define LINE 128               /* weights that are rounded at once */
#define PIECE 64               /* pixels that are rounded at once */

static int taps_of(const struct conv_shape *s)
{
	return (int)conv_volume(s->kernel);
}

/* Of weights' dimensions only, since the weights are packed for it. */
static bool is_patch(const struct conv_shape *s)
{
	return taps_of(s) == 1 || s->cin < FEW_CHANNELS;
}

static int pairs_of(int n)
{
	return (n + 1) / 2;
}

/* Pointers that a row takes, and the pairs behind each, by group. */
static int row_taps(const struct conv_shape *s)
{
	return is_patch(s) ? 1 : taps_of(s);
}

static int row_depth(const struct conv_shape *s)
{
	return pairs_of(is_patch(s) ? s->cin * taps_of(s) : s->cin);
}

/* Pairs of all groups. */
static size_t row_pairs(const struct conv_shape *s)
{
	return (size_t)s->groups * (size_t)row_depth(s);
}

static int rows_of(const struct conv_shape *s)
{
	return s->batch * (int)conv_volume(s->out);
}

static int pixels_of(const struct conv_shape *s)
{
	return s->batch * (int)conv_volume(s->in);
}

static int panels_of(const struct nhwc_conv_f32 *c)
{
	return nhwc_pieces(c->s.cout, igemm_bf16_rows[c->row].nr);
}

bool nhwc_bf16_pays(const struct conv_shape *s, int way)
{
	bool few = rows_of(s) <= FEW_ROWS;
	if (!(cpu_features() & CPU_BF16) || way == CONV_DEPTHWISE || s->cin < FEW_CHANNELS ||
	    s->cout < 16)
		return false;
	if (!(cpu_features() & CPU_BF16_FAST) || way == CONV_WINOGRAD ||
	    way == CONV_WINOGRAD_LINE || way == CONV_WINOGRAD_TILES)
		return few && way == CONV_IGEMM;
	return true;
}

/* ---- weights: by group, panels [taps][pairs][columns] ---- */

static int wide_of(const struct nhwc_conv_f32 *c, int col)
{
	int nr = igemm_bf16_rows[c->row].nr;
	return c->s.cout - col <= nr / 2 ? nr / 2 : nr;
}

static size_t depth_of(const struct conv_shape *s)
{
	return (size_t)row_taps(s) * (size_t)row_depth(s);
}

static size_t group_packed(const struct nhwc_conv_f32 *c)
{
	int last = (panels_of(c) - 1) * igemm_bf16_rows[c->row].nr;
	return depth_of(&c->s) * (size_t)(last + wide_of(c, last));
}

static size_t packed_bytes(const struct nhwc_conv_f32 *c)
{
	return (size_t)c->s.groups * group_packed(c) * sizeof(uint32_t);
}

/* Weights [cin][taps] of one column, in the order of the panel: by tap, then channel. */
static float weight_at(const struct conv_shape *s, const float *w, int tap, int i)
{
	return is_patch(s) ? w[i % s->cin * taps_of(s) + i / s->cin] : w[i * taps_of(s) + tap];
}

static void pack_column(const struct nhwc_conv_f32 *c, const float *w, int wide, uint32_t *to)
{
	const struct conv_shape *s = &c->s;
	int n = is_patch(s) ? s->cin * taps_of(s) : s->cin;
	float line[LINE];
	uint32_t pairs[LINE / 2];
	for (int t = 0; t < row_taps(s); t++)
		for (int i = 0; i < n; i += LINE) {
			int m = n - i < LINE ? n - i : LINE;
			bool plain = taps_of(s) == 1;
			for (int k = 0; k < m && !plain; k++)
				line[k] = weight_at(s, w, t, i + k);
			igemm_bf16_rows[c->row].round(plain ? w + i : line, m, pairs);
			for (int k = 0; k < pairs_of(m); k++, to += wide)
				*to = pairs[k];
		}
}

static void pack(const struct nhwc_conv_f32 *c, struct pool *pool, const float *w, float *packed)
{
	(void)pool;
	const struct conv_shape *s = &c->s;
	int nr = igemm_bf16_rows[c->row].nr;
	uint32_t *to = (uint32_t *)packed;
	memset(packed, 0, packed_bytes(c));
	for (int g = 0; g < s->groups; g++)
		for (int j = 0; j < s->cout; j += nr) {
			int wide = wide_of(c, j), n = s->cout - j < nr ? s->cout - j : nr;
			for (int i = 0; i < n; i++, w += (size_t)s->cin * (size_t)taps_of(s))
				pack_column(c, w, wide, to + i);
			to += depth_of(s) * (size_t)wide;
		}
}

/* ---- plan ---- */

static size_t row_bytes(const struct conv_shape *s)
{
	return is_patch(s) ? row_pairs(s) * sizeof(uint32_t) : 0;
}

static int cached_rows(const struct nhwc_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	size_t n = L2_IMAGE / (row_pairs(s) * sizeof(uint32_t) + 1);
	size_t pointers = L2_POINTERS / ((size_t)row_taps(s) * sizeof(uint32_t *));
	size_t mr = (size_t)igemm_bf16_rows[c->row].mr;
	n = n < pointers ? n : pointers;
	n = n < MAX_ROWS ? n : MAX_ROWS;
	return (int)(n > 4 * mr ? n / mr * mr : 4 * mr);
}

static size_t pointers_bytes(const struct nhwc_conv_f32 *c)
{
	return nhwc_round64((size_t)c->block_rows * (size_t)row_taps(&c->s) * sizeof(uint32_t *));
}

/* Is row number i pixel number i? */
static bool is_plain(const struct conv_shape *s)
{
	bool plain = true;
	for (int d = 0; d < 3; d++)
		plain &= s->kernel[d] == 1 && s->stride[d] == 1 && !s->pad[d] &&
			 s->in[d] == s->out[d];
	return plain;
}

/* Scratch of all: a pixel of zeros and the image, or floats of zeros and nothing. Of a worker:
 * pointers, then patches and one of them in FP32. */
static void plan(struct nhwc_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	size_t pixel = row_pairs(s) * sizeof(uint32_t);
	c->row = igemm_bf16_pick();
	c->feed = is_plain(s);
	nhwc_cut(c, panels_of(c) * s->groups, igemm_bf16_rows[c->row].mr, cached_rows(c));
	c->shared = is_patch(s) ? nhwc_round64((size_t)s->cin * sizeof(float))
				: nhwc_round64(pixel * ((size_t)pixels_of(s) + 1));
	c->worker = pointers_bytes(c) + nhwc_round64((size_t)c->block_rows * row_bytes(s));
	if (is_patch(s) && taps_of(s) > 1)
		c->worker += nhwc_round64((size_t)row_depth(s) * 2 * sizeof(float));
}

/* ---- run ---- */

struct bf16_run {
	const struct nhwc_conv_f32 *c;
	const struct nhwc_conv_f32_args *a;
	to_bf16_fn *round;
	uint32_t *image; /* behind a pixel of zeros */
};

/* The window of an output pixel: its image, and its first element, which may lie outside. */
struct corner {
	int64_t image;
	int at[3];
};

static struct corner corner_of(const struct conv_shape *s, int row)
{
	int x = row % s->out[2], line = row / s->out[2];
	int y = line % s->out[1], plane = line / s->out[1];
	return (struct corner){
	    plane / s->out[0], {plane % s->out[0] * s->stride[0] - s->pad[0],
				   y * s->stride[1] - s->pad[1], x * s->stride[2] - s->pad[2]}};
}

/* Number of the pixel under element z, y, x of the window, -1 outside of the image. */
static int64_t pixel_at(const struct conv_shape *s, const struct corner *c, int z, int y, int x)
{
	int k[3] = {z, y, x};
	int64_t at = c->image;
	for (int d = 0; d < 3; d++) {
		int i = c->at[d] + k[d] * s->dilation[d];
		if ((unsigned)i >= (unsigned)s->in[d])
			return -1;
		at = at * s->in[d] + i;
	}
	return at;
}

/* Pixels first..last-1 of the image. Whole pairs lie as the channels do, whatever the groups. */
static void round_pixels(void *ctx, int number, int worker)
{
	const struct bf16_run *r = ctx;
	const struct conv_shape *s = &r->c->s;
	int first = number * PIECE, last = pixels_of(s);
	int groups = s->cin % 2 ? s->groups : 1, n = s->cin * s->groups / groups;
	last = last - first < PIECE ? last : first + PIECE;
	(void)worker;
	for (int i = first; i < last; i++)
		for (int g = 0; g < groups; g++)
			r->round(r->a->in + (int64_t)i * r->c->ld_in + g * n, n,
			    r->image + (size_t)i * row_pairs(s) + g * pairs_of(n));
}

/* What group g sees through a window of one tap. */
static const float *pixel_of(const struct bf16_run *r, int row, int g)
{
	const struct conv_shape *s = &r->c->s;
	int64_t at = row;
	if (!r->c->feed) {
		struct corner c = corner_of(s, row);
		at = pixel_at(s, &c, 0, 0, 0);
	}
	return at < 0 ? r->a->scratch : r->a->in + at * r->c->ld_in + g * s->cin;
}

/* What group g sees through a window of more taps, copied to patch. */
static const float *patch_of(const struct bf16_run *r, int row, int g, float *patch)
{
	const struct conv_shape *s = &r->c->s;
	struct corner c = corner_of(s, row);
	float *to = patch;
	for (int z = 0; z < s->kernel[0]; z++)
		for (int y = 0; y < s->kernel[1]; y++)
			for (int x = 0; x < s->kernel[2]; x++, to += s->cin) {
				int64_t at = pixel_at(s, &c, z, y, x);
				const float *in = r->a->in + at * r->c->ld_in + g * s->cin;
				for (int i = 0; i < s->cin; i++)
					to[i] = at < 0 ? 0 : in[i];
			}
	return patch;
}

static void round_patch(const struct bf16_run *r, int row, float *patch, uint32_t *to)
{
	const struct conv_shape *s = &r->c->s;
	int taps = taps_of(s);
	for (int g = 0; g < s->groups; g++, to += row_depth(s))
		r->round(taps == 1 ? pixel_of(r, row, g) : patch_of(r, row, g, patch),
		    s->cin * taps, to);
}

static void point_patches(const struct bf16_run *r, int first, int last, char *scratch)
{
	const struct nhwc_conv_f32 *c = r->c;
	const uint32_t **rows = (const uint32_t **)scratch;
	uint32_t *to = (uint32_t *)(scratch + pointers_bytes(c));
	float *patch = (float *)((char *)to +
				 nhwc_round64((size_t)c->block_rows * row_bytes(&c->s)));
	for (int i = first; i < last; i++, to += row_pairs(&c->s)) {
		round_patch(r, i, patch, to);
		*rows++ = to;
	}
}

/* Pointers of a row: one per tap, step apart; number -1 is that of the zeros before the image. */
static void point_row(const struct bf16_run *r, int row, int step, const uint32_t **to)
{
	const struct conv_shape *s = &r->c->s;
	int64_t pairs = (int64_t)row_pairs(s);
	struct corner c = corner_of(s, row);
	for (int z = 0; z < s->kernel[0]; z++)
		for (int y = 0; y < s->kernel[1]; y++)
			for (int x = 0; x < s->kernel[2]; x++, to += step)
				*to = r->image + pixel_at(s, &c, z, y, x) * pairs;
}

/* Fills the pointers of tiles of rows first..last-1, each [taps][rows of the tile]. */
static void point_taps(const struct bf16_run *r, int first, int last, int tiles, char *scratch)
{
	const uint32_t **rows = (const uint32_t **)scratch;
	for (int i = 0; i < tiles; i++) {
		int from = first + nhwc_part(last - first, i, tiles);
		int m = first + nhwc_part(last - first, i + 1, tiles) - from;
		for (int k = 0; k < m; k++)
			point_row(r, from + k, m, rows + k);
		rows += m * taps_of(&r->c->s);
	}
}

/* One panel, columns of group g from j on, times rows first..last-1. */
static void panel(const struct bf16_run *r, int first, int last, int tiles, int g, int j,
    const uint32_t *const *rows)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct igemm_bf16 *row = &igemm_bf16_rows[c->row];
	int n = c->s.cout - j < row->nr ? c->s.cout - j : row->nr;
	ptrdiff_t col = (ptrdiff_t)g * c->s.cout + j;
	struct igemm_bf16_args q = {.offset = (size_t)g * (size_t)row_depth(&c->s),
	    .taps = row_taps(&c->s),
	    .k = row_depth(&c->s),
	    .b = (const uint32_t *)r->a->packed + (size_t)g * group_packed(c) +
		 (size_t)j * depth_of(&c->s),
	    .out = {.bias = r->a->bias ? r->a->bias + col : NULL,
		.ld_add = (size_t)c->ld_add,
		.ldc = (size_t)c->ld_out,
		.lo = c->lo,
		.hi = c->hi}};
	for (int t = 0; t < tiles; t++) {
		int from = first + nhwc_part(last - first, t, tiles);
		int m = first + nhwc_part(last - first, t + 1, tiles) - from;
		q.rows = rows;
		q.out.add = r->a->add ? r->a->add + from * c->ld_add + col : NULL;
		q.out.c = r->a->out + from * c->ld_out + col;
		row->run(&q, m, n);
		nhwc_act(c, q.out.c, m, c->ld_out, n);
		rows += m * q.taps;
	}
}

static void task(void *ctx, int number, int worker)
{
	const struct bf16_run *r = ctx;
	const struct nhwc_conv_f32 *c = r->c;
	const struct igemm_bf16 *row = &igemm_bf16_rows[c->row];
	int i = number / c->col_blocks, j = number % c->col_blocks, m = rows_of(&c->s);
	int first = nhwc_part(m, i, c->row_blocks), last = nhwc_part(m, i + 1, c->row_blocks);
	int tiles = nhwc_pieces(last - first, row->mr), n = panels_of(c), all = n * c->s.groups;
	char *scratch = (char *)r->a->scratch + c->shared + (size_t)worker * c->worker;
	if (is_patch(&c->s))
		point_patches(r, first, last, scratch);
	else
		point_taps(r, first, last, tiles, scratch);
	int end = nhwc_part(all, j + 1, c->col_blocks);
	for (int p = nhwc_part(all, j, c->col_blocks); p < end; p++)
		panel(r, first, last, tiles, p / n, p % n * row->nr,
		    (const uint32_t *const *)scratch);
}

static void run(
    const struct nhwc_conv_f32 *c, struct pool *pool, const struct nhwc_conv_f32_args *a)
{
	size_t pixel = row_pairs(&c->s);
	struct bf16_run r = {c, a, igemm_bf16_rows[c->row].round, (uint32_t *)a->scratch + pixel};
	memset(a->scratch, 0, is_patch(&c->s) ? c->shared : pixel * sizeof(uint32_t));
	if (!is_patch(&c->s))
		pool_run(pool, nhwc_pieces(pixels_of(&c->s), PIECE), round_pixels, &r);
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way nhwc_igemm_bf16 = {plan, packed_bytes, pack, run};
