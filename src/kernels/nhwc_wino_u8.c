/* Quantized convolution by Winograd's F(4x4, 3x3): exact, as nhwc_kernel_u8.h says, for weights
 * that are not too large together. A block of tiles is transformed, then for each panel of columns
 * 36 products are done and transformed back. */
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/nhwc_ways_u8.h"

#define ELEMENTS 36
#define TAPS 9
#define SIDE 4                 /* of a tile of results */
#define L2_TILES (1 << 20)     /* bytes of a block's transformed tiles and a panel's products */
#define L2_WEIGHTS (512 << 10) /* bytes of weights that stay in the L2 cache beside them */
#define MAX_TILES 252          /* tiles of a block */
#define MAX_COLUMNS 32         /* of a panel in any table row */
#define APART 32               /* elements more than a matrix has: out of each other's sets */

struct size {
	int ty, tx, tiles; /* tiles of an image, and of all */
	int panels;        /* of columns */
	int depth;         /* channels in chunks */
};

static const struct wino_u8 *row_of(const struct nhwc_conv_u8 *c)
{
	return &wino_u8_rows[c->row];
}

static struct size size_of(const struct conv_shape *s, int nr)
{
	struct size z = {.ty = nhwc_pieces(s->out[1], SIDE),
	    .tx = nhwc_pieces(s->out[2], SIDE),
	    .panels = nhwc_pieces(s->cout, nr),
	    .depth = nhwc_pieces(s->cin, WINO_U8_CHUNK) * WINO_U8_CHUNK};
	z.tiles = s->batch * s->out[0] * z.ty * z.tx;
	return z;
}

/* ---- choice ---- */

bool nhwc_winograd_u8_fits(const struct conv_shape *s)
{
	for (int d = 0; d < 3; d++)
		if (s->stride[d] != 1 || s->dilation[d] != 1)
			return false;
	return s->groups == 1 && s->kernel[0] == 1 && s->kernel[1] == 3 && s->kernel[2] == 3 &&
	       s->in[0] == s->out[0] && !s->pad[0];
}

bool nhwc_winograd_u8_holds(const struct conv_shape *s, const int8_t *w)
{
	int depth = s->cin * TAPS;
	for (int j = 0; j < s->cout; j++, w += depth) {
		int sizes = 0;
		for (int i = 0; i < depth; i++)
			sizes += abs(w[i]);
		if (sizes > WINO_U8_WEIGHTS)
			return false;
	}
	return true;
}

/* Of an instruction: in multiply-adds of a direct one. */
#define PAIRS 2         /* a pair of 16 bits takes as long as a four of 8 bits */
#define PAIRS_WIDENED 1 /* or as a pair, where a direct one widens them */
#define IN_COST 480     /* the transform of a channel of a tile */
#define OUT_COST 800    /* and back */
#define BYTE_COST 24    /* a byte of weights that come from farther than the L2 cache */
#define WORTH 10        /* one part of so many must be saved */

bool nhwc_winograd_u8_pays(const struct conv_shape *s)
{
	int nr = wino_u8_rows[wino_u8_pick()].nr;
	struct size z = size_of(s, nr);
	int64_t pairs = cpu_features() & CPU_VNNI ? PAIRS : PAIRS_WIDENED;
	int64_t channels = (int64_t)z.depth * z.panels * nr, rows = z.tiles < 7 ? 7 : z.tiles;
	int64_t direct = (int64_t)s->batch * (int)conv_volume(s->out) * TAPS * s->cin * s->cout;
	int64_t weights = channels * ELEMENTS * (int)sizeof(int16_t);
	int64_t cost = rows * ELEMENTS * channels * pairs + (int64_t)z.tiles * s->cin * IN_COST +
		       (int64_t)z.tiles * s->cout * OUT_COST;
	if (weights > L2_WEIGHTS)
		cost += weights * BYTE_COST;
	return nhwc_winograd_u8_fits(s) && s->cin >= 16 && s->cout >= 16 &&
	       cost < direct / WORTH * (WORTH - 1);
}

/* ---- weights: [panel] of what sums start with, then [elements][channels / 2][columns][2] ---- */

static int wide_of(const struct nhwc_conv_u8 *c, int panel)
{
	int nr = row_of(c)->nr;
	return c->s.cout - panel * nr <= nr / 2 ? nr / 2 : nr;
}

/* Elements of a matrix of a panel. */
static size_t matrix_of(const struct nhwc_conv_u8 *c, int wide)
{
	return (size_t)((c->s.cin + 1) / 2) * (size_t)wide * 2;
}

static size_t panel_bytes(const struct nhwc_conv_u8 *c, int wide)
{
	return (size_t)wide * sizeof(int32_t) + ELEMENTS * matrix_of(c, wide) * sizeof(int16_t);
}

static size_t packed_bytes(const struct nhwc_conv_u8 *c)
{
	int nr = row_of(c)->nr, last = size_of(&c->s, nr).panels - 1;
	return (size_t)last * panel_bytes(c, nr) + panel_bytes(c, wide_of(c, last));
}

struct packing {
	const struct nhwc_conv_u8 *c;
	const int8_t *w;
	char *packed;
};

/* The taps of two channels of n columns, [TAPS][wide][2]. */
static void gather(const struct nhwc_conv_u8 *c, const int8_t *w, int channel, int n, int wide,
    int16_t *g, int32_t *sum)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k < 2 && channel + k < c->s.cin; k++) {
			const int8_t *from = w + ((size_t)i * (size_t)c->s.cin + (size_t)k) * TAPS;
			for (int t = 0; t < TAPS; t++) {
				g[(t * wide + i) * 2 + k] = from[t];
				sum[i] += from[t];
			}
		}
}

static void pack_panel(void *ctx, int panel, int worker)
{
	const struct packing *k = ctx;
	const struct nhwc_conv_u8 *c = k->c;
	int nr = row_of(c)->nr, wide = wide_of(c, panel), left = c->s.cout - panel * nr;
	char *to = k->packed + (size_t)panel * panel_bytes(c, nr);
	int16_t *u = (int16_t *)(void *)(to + (size_t)wide * sizeof(int32_t));
	int32_t sum[MAX_COLUMNS] = {0};
	const int8_t *w = k->w + (size_t)(panel * nr) * (size_t)c->s.cin * TAPS;
	(void)worker;
	for (int i = 0; i < c->s.cin; i += 2, u += 2 * wide) {
		int16_t g[TAPS * MAX_COLUMNS * 2] = {0};
		gather(c, w + i * TAPS, i, left < wide ? left : wide, wide, g, sum);
		row_of(c)->weights(g, 2 * wide, u, matrix_of(c, wide));
	}
	for (int i = 0; i < wide; i++)
		sum[i] *= 128 - c->zero;
	memcpy(to, sum, (size_t)wide * sizeof *sum);
}

static void pack(const struct nhwc_conv_u8 *c, struct pool *pool, const int8_t *w,
    const uint8_t *zeros, void *packed)
{
	struct packing k = {c, w, packed};
	(void)zeros;
	pool_run(nhwc_packers(pool, packed_bytes(c)), size_of(&c->s, row_of(c)->nr).panels,
	    pack_panel, &k);
}

/* ---- plan ---- */

/* Columns are cut where each thread would read large weights, or has too few tiles. */
static void cut(struct nhwc_conv_u8 *c)
{
	const struct wino_u8 *row = row_of(c);
	struct size z = size_of(&c->s, row->nr);
	size_t tile = ELEMENTS *
		      ((size_t)z.depth * sizeof(int16_t) + (size_t)row->nr * sizeof(int32_t));
	int most = (int)(L2_TILES / tile) / row->mr * row->mr, threads = c->threads;
	most = most > MAX_TILES ? MAX_TILES : most < 2 * row->mr ? 2 * row->mr : most;
	int64_t work = (int64_t)z.tiles * ELEMENTS * c->s.cin * c->s.cout;
	bool columns = packed_bytes(c) > L2_WEIGHTS || z.tiles < 2 * row->mr * threads;
	c->row_blocks = nhwc_pieces(z.tiles, most);
	c->col_blocks = 1;
	if (threads > 1 && work > NHWC_SMALL && columns && z.panels >= threads)
		c->col_blocks = threads;
	else if (threads > 1 && work > NHWC_SMALL)
		c->row_blocks = nhwc_pieces(c->row_blocks, threads) * threads;
	c->row_blocks = c->row_blocks < z.tiles ? c->row_blocks : z.tiles;
	c->block_rows = nhwc_pieces(z.tiles, c->row_blocks);
}

/* Elements from one matrix of a block to the next: of tiles, of products. */
static size_t matrix_in(const struct nhwc_conv_u8 *c, const struct size *z)
{
	return (size_t)c->block_rows * (size_t)z->depth + APART;
}

static size_t matrix_out(const struct nhwc_conv_u8 *c)
{
	return (size_t)c->block_rows * (size_t)row_of(c)->nr + APART;
}

static size_t in_bytes(const struct nhwc_conv_u8 *c, const struct size *z)
{
	return nhwc_round64(ELEMENTS * matrix_in(c, z) * sizeof(int16_t));
}

static size_t out_bytes(const struct nhwc_conv_u8 *c)
{
	return nhwc_round64(ELEMENTS * matrix_out(c) * sizeof(int32_t));
}

/* Results of a strip before the tail. */
static size_t tail_bytes(const struct nhwc_conv_u8 *c)
{
	size_t pixels = SIDE * SIDE * WINO_U8_STRIP;
	return c->tail.nops ? pixels * (size_t)row_of(c)->nr * sizeof(float) : 0;
}

static void plan(struct nhwc_conv_u8 *c)
{
	c->row = wino_u8_pick();
	c->feed = 0;
	cut(c);
	struct size z = size_of(&c->s, row_of(c)->nr);
	c->shared = nhwc_round64((size_t)c->s.cin);
	c->worker = in_bytes(c, &z) + out_bytes(c) + nhwc_round64(tail_bytes(c));
}

/* ---- run ---- */

struct wino_run {
	const struct nhwc_conv_u8 *c;
	const struct nhwc_conv_u8_args *a;
	struct u8_epilogue e;
	struct size z;
	const uint8_t *zero; /* a pixel outside of the image */
};

/* n tiles from number first on, their transforms and products. */
struct block {
	int first, n;
	int16_t *v;
	int32_t *m;
	float *tail;
};

/* Plane, y and x of the results of a tile. */
static void tile_at(const struct wino_run *r, int tile, int64_t *plane, int *y, int *x)
{
	*x = tile % r->z.tx * SIDE;
	*y = tile / r->z.tx % r->z.ty * SIDE;
	*plane = tile / r->z.tx / r->z.ty;
}

static void tile_in(const struct wino_run *r, int tile, int16_t *v, size_t chunk)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	const uint8_t *pixel[ELEMENTS];
	int64_t plane;
	int y, x;
	tile_at(r, tile, &plane, &y, &x);
	y -= s->pad[1];
	x -= s->pad[2];
	for (int k = 0; k < 6; k++) {
		bool line = nhwc_inside(s, 1, y + k);
		int64_t at = (plane * s->in[1] + y + k) * s->in[2] + x;
		for (int j = 0; j < 6; j++)
			pixel[k * 6 + j] = line && nhwc_inside(s, 2, x + j)
					       ? r->a->in + (at + j) * c->ld_in
					       : r->zero;
	}
	row_of(c)->in(&(struct wino_u8_in){pixel, s->cin, v, chunk, matrix_in(c, &r->z)});
}

static void tiles_in(const struct wino_run *r, const struct block *b)
{
	int groups = igemm_u8_tiles(b->n, row_of(r->c)->mr), tile = b->first;
	int16_t *v = b->v;
	for (int g = 0; g < groups; g++) {
		int rows = igemm_u8_tile(b->n, groups, g);
		for (int i = 0; i < rows; i++)
			tile_in(r, tile++, v + (ptrdiff_t)i * WINO_U8_CHUNK,
			    (size_t)rows * WINO_U8_CHUNK);
		v += (ptrdiff_t)rows * r->z.depth;
	}
}

static const char *panel_at(const struct wino_run *r, int panel)
{
	return (const char *)r->a->packed + (size_t)panel * panel_bytes(r->c, row_of(r->c)->nr);
}

/* The products of a panel; while each is done the next one's weights are fetched. */
static void products(const struct wino_run *r, const struct block *b, int panel)
{
	const struct nhwc_conv_u8 *c = r->c;
	int wide = wide_of(c, panel), groups = igemm_u8_tiles(b->n, row_of(c)->mr);
	size_t matrix = matrix_of(c, wide), steps = (size_t)((c->s.cin + 1) / 2) * (size_t)groups;
	const int16_t *w = (const int16_t *)(const void *)(panel_at(r, panel) +
							   (size_t)wide * sizeof(int32_t));
	struct wino_u8_product q = {.a = b->v, .k = c->s.cin, .b = w, .c = b->m};
	q.ahead_step = (ptrdiff_t)((matrix + steps - 1) / steps + 3) / 4 * 4;
	for (int i = 0; i < ELEMENTS; i++) {
		q.ahead = q.b + matrix;
		q.ahead_end = q.ahead + matrix;
		row_of(c)->product(&q, b->n, wide);
		q.a += matrix_in(c, &r->z);
		q.b += matrix;
		q.c += matrix_out(c);
	}
}

/* Results of n tiles next to each other from number i of the block on, for a panel. */
static void strip_out(const struct wino_run *r, const struct block *b, int i, int n, int panel)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	int nr = row_of(c)->nr, col = panel * nr, wide = wide_of(c, panel), y, x;
	int64_t plane;
	tile_at(r, b->first + i, &plane, &y, &x);
	int64_t pixel = (plane * s->out[1] + y) * s->out[2] + x;
	struct wino_u8_out q = {.m = b->m + (ptrdiff_t)i * wide,
	    .ldm = matrix_out(c),
	    .tiles = n,
	    .ny = s->out[1] - y < SIDE ? s->out[1] - y : SIDE,
	    .nx = s->out[2] - x < SIDE * n ? s->out[2] - x : SIDE * n,
	    .n = s->cout - col < nr ? s->cout - col : nr,
	    .start = (const int32_t *)(const void *)panel_at(r, panel),
	    .to = nhwc_result_u8(c, r->a, &r->e, pixel, col),
	    .next_add = (size_t)s->out[2] * (size_t)c->ld_add,
	    .next_c = (size_t)s->out[2] * (size_t)c->ld_out};
	if (c->tail.nops) {
		q.to.c = b->tail;
		q.to.ldc = (size_t)q.n;
		q.next_c = (size_t)q.nx * (size_t)q.n;
	}
	row_of(c)->out(&q);
	for (int k = 0; k < q.ny && c->tail.nops; k++)
		nhwc_tail_u8(c, r->a, b->tail + (size_t)k * q.next_c,
		    pixel + (int64_t)k * s->out[2], q.nx, col, q.n);
}

static void tiles_out(const struct wino_run *r, const struct block *b, int panel)
{
	for (int i = 0, n; i < b->n; i += n) {
		int line = r->z.tx - (b->first + i) % r->z.tx;
		n = b->n - i < line ? b->n - i : line;
		n = n < WINO_U8_STRIP ? n : WINO_U8_STRIP;
		strip_out(r, b, i, n, panel);
	}
}

static void task(void *ctx, int number, int worker)
{
	const struct wino_run *r = ctx;
	const struct nhwc_conv_u8 *c = r->c;
	int i = number / c->col_blocks, j = number % c->col_blocks;
	char *scratch = (char *)r->a->scratch + c->shared + (size_t)worker * c->worker;
	struct block b = {.first = nhwc_part(r->z.tiles, i, c->row_blocks),
	    .v = (int16_t *)(void *)scratch,
	    .m = (int32_t *)(void *)(scratch + in_bytes(c, &r->z)),
	    .tail = (float *)(void *)(scratch + in_bytes(c, &r->z) + out_bytes(c))};
	b.n = nhwc_part(r->z.tiles, i + 1, c->row_blocks) - b.first;
	tiles_in(r, &b);
	for (int p = nhwc_part(r->z.panels, j, c->col_blocks);
	     p < nhwc_part(r->z.panels, j + 1, c->col_blocks); p++) {
		products(r, &b, p);
		tiles_out(r, &b, p);
	}
}

static void run(const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a)
{
	struct wino_run r = {.c = c,
	    .a = a,
	    .e = nhwc_epilogue_u8(c),
	    .z = size_of(&c->s, row_of(c)->nr),
	    .zero = a->scratch};
	memset(a->scratch, c->zero, c->shared);
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way_u8 nhwc_winograd_u8 = {plan, packed_bytes, pack, run};
