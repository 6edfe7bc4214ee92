/* Quantized convolution as implicit GEMM: rows of pixels times packed panels of weights. */
#include "kernels/nhwc_igemm_u8.h"

#include <string.h>

#include "kernels/pack_u8.h"

#define L2_IMAGE (384 << 10)   /* bytes of the image that a block covers */
#define L2_POINTERS (64 << 10) /* bytes of pointers that a block uses */
#define MAX_ROWS 1024          /* rows of a block */
#define TAIL_BLOCK 140         /* rows of one with a tail */
#define LINE 64                /* bytes of a cache line */

static int groups_of(const struct nhwc_conv_u8 *c)
{
	return c->s.groups / igemm_u8_merged(c);
}

static int cout_of(const struct nhwc_conv_u8 *c)
{
	return c->s.cout * igemm_u8_merged(c);
}

/* ---- weights ---- */

static int wide_of(const struct nhwc_conv_u8 *c, int col)
{
	int nr = igemm_u8_rows[c->row].nr;
	return cout_of(c) - col <= nr / 2 ? nr / 2 : nr;
}

/* A panel: what the sums of its columns start with, then the weights. */
static size_t panel_bytes(const struct nhwc_conv_u8 *c, int wide)
{
	return (size_t)wide * (sizeof(int32_t) + igemm_u8_depth4(c));
}

static int panels_of(const struct nhwc_conv_u8 *c)
{
	return nhwc_pieces(cout_of(c), igemm_u8_rows[c->row].nr);
}

static size_t group_packed(const struct nhwc_conv_u8 *c)
{
	int nr = igemm_u8_rows[c->row].nr, last = panels_of(c) - 1;
	return (size_t)last * panel_bytes(c, nr) + panel_bytes(c, wide_of(c, last * nr));
}

static size_t packed_bytes(const struct nhwc_conv_u8 *c)
{
	return (size_t)groups_of(c) * group_packed(c);
}

/* Column col of a group of groups to its panel; w: [cin][taps]. */
static void pack_column(const struct nhwc_conv_u8 *c, int col, const int8_t *w, char *packed)
{
	int nr = igemm_u8_rows[c->row].nr, wide = wide_of(c, col / nr * nr),
	    taps = (int)conv_volume(c->s.kernel);
	int per = taps / igemm_u8_taps(c),
	    depth = (igemm_u8_depth(c) + 3) / 4 * 4; /* of a pointer */
	char *panel = packed + (size_t)(col / nr) * panel_bytes(c, nr);
	char *to = panel + (size_t)wide * sizeof(int32_t) + (size_t)(col % nr) * 4;
	int first = col / c->s.cout * c->s.cin;
	int64_t sum = 0;
	for (int i = 0; i < c->s.cin; i++)
		for (int t = 0; t < taps; t++) {
			int at = t / per * depth + t % per * c->s.cin + first + i;
			to[(size_t)(at / 4) * (size_t)wide * 4 + (size_t)(at % 4)] = (char)*w;
			sum += *w++;
		}
	((int32_t *)panel)[col % nr] = (int32_t)(-sum * c->zero);
}

/* Panels whose columns have all taps of all channels, in the order of pointers. */
static bool is_whole(const struct nhwc_conv_u8 *c)
{
	return groups_of(c) == c->s.groups && igemm_u8_taps(c) == (int)conv_volume(c->s.kernel);
}

struct packing {
	const struct nhwc_conv_u8 *c;
	const int8_t *w;
	char *packed;
};

static void pack_panel(void *ctx, int task, int worker)
{
	const struct packing *k = ctx;
	const struct nhwc_conv_u8 *c = k->c;
	int nr = igemm_u8_rows[c->row].nr, j = task % panels_of(c) * nr;
	size_t group = (size_t)(task / panels_of(c));
	size_t taps = conv_volume(c->s.kernel), column = (size_t)c->s.cin * taps;
	struct panel_u8 p = {.wide = wide_of(c, j),
	    .columns = c->s.cout - j < nr ? c->s.cout - j : nr,
	    .cin = c->s.cin,
	    .taps = (int)taps,
	    .zero = c->zero};
	(void)worker;
	panel_u8_pack(&p, k->w + (group * (size_t)c->s.cout + (size_t)j) * column,
	    k->packed + group * group_packed(c) + (size_t)(j / nr) * panel_bytes(c, nr));
}

static void pack(const struct nhwc_conv_u8 *c, struct pool *pool, const int8_t *w,
    const uint8_t *zeros, void *packed)
{
	(void)zeros;
	struct packing k = {c, w, packed};
	char *to = packed;
	if (is_whole(c)) {
		pool_run(nhwc_packers(pool, packed_bytes(c)), panels_of(c) * groups_of(c),
		    pack_panel, &k);
		return;
	}
	memset(packed, 0, packed_bytes(c));
	for (int g = 0; g < groups_of(c); g++, to += group_packed(c))
		for (int j = 0; j < cout_of(c); j++, w += c->s.cin * (int)conv_volume(c->s.kernel))
			pack_column(c, j, w, to);
}

/* ---- plan ---- */

/* Rows of a block whose part of the image fits. */
static int cached_rows(const struct nhwc_conv_u8 *c)
{
	const struct conv_shape *s = &c->s;
	size_t window = conv_volume(s->kernel), step = conv_volume(s->stride);
	size_t bytes = (size_t)c->ld_in * (step < window ? step : window);
	size_t pointers = (size_t)igemm_u8_taps(c) * sizeof(uint8_t *);
	size_t n = L2_IMAGE / (bytes + igemm_u8_row_copy(c) + 1);
	n = n < L2_POINTERS / pointers ? n : L2_POINTERS / pointers;
	size_t most = c->tail.nops ? TAIL_BLOCK : MAX_ROWS;
	n = n < most ? n : most;
	int mr = igemm_u8_rows[c->row].mr;
	return n > (size_t)(4 * mr) ? (int)n / mr * mr : 4 * mr;
}

/* What a block of so many rows costs: tiles of few rows take as long as such of half the height. */
static int64_t rows_cost(const struct nhwc_conv_u8 *c, int rows)
{
	int mr = igemm_u8_rows[c->row].mr, tiles = nhwc_pieces(rows, mr);
	return tiles * mr / 2 > rows ? tiles * mr / 2 : rows;
}

/* The first row of block i: whole tiles before it, where a block has many. */
static int block_begin(const struct nhwc_conv_u8 *c, int i)
{
	int m = igemm_u8_rows_of(&c->s), mr = igemm_u8_rows[c->row].mr, tiles = m / mr;
	if (tiles < 4 * c->row_blocks || i == c->row_blocks)
		return nhwc_part(m, i, c->row_blocks);
	return nhwc_part(tiles, i, c->row_blocks) * mr;
}

static void cut(struct nhwc_conv_u8 *c)
{
	int m = igemm_u8_rows_of(&c->s), n = panels_of(c) * groups_of(c);
	int least = nhwc_pieces(m, cached_rows(c));
	int64_t best = INT64_MAX;
	int64_t work = (int64_t)m * c->s.cin * (int)conv_volume(c->s.kernel) * c->s.cout *
		       c->s.groups;
	bool alone = c->threads == 1 || work < 4 * NHWC_SMALL;
	c->row_blocks = least;
	c->col_blocks = 1;
	for (int i = least; i <= least + 2 * c->threads && i <= m && !alone; i++)
		for (int j = 1; j <= 2 * c->threads && j <= n; j++) {
			int64_t cost = nhwc_pieces((int64_t)i * j, c->threads) * nhwc_pieces(n, j) *
				       rows_cost(c, nhwc_pieces(m, i));
			cost = nhwc_cut_cost(cost, i, j, packed_bytes(c));
			if (cost >= best)
				continue;
			best = cost;
			c->row_blocks = i;
			c->col_blocks = j;
		}
	c->block_rows = 0;
	for (int i = 0; i < c->row_blocks; i++) {
		int rows = block_begin(c, i + 1) - block_begin(c, i);
		c->block_rows = c->block_rows > rows ? c->block_rows : rows;
	}
}

/* A panel's results before the tail. */
static size_t tail_bytes(const struct nhwc_conv_u8 *c)
{
	size_t floats = (size_t)c->block_rows * (size_t)igemm_u8_rows[c->row].nr;
	return c->tail.nops ? nhwc_round64(floats * sizeof(float)) : 0;
}

static void set_scratch(struct nhwc_conv_u8 *c)
{
	c->shared = igemm_u8_shared(c);
	c->worker = igemm_u8_worker(c) + tail_bytes(c);
}

static void plan(struct nhwc_conv_u8 *c)
{
	c->row = igemm_u8_pick();
	igemm_u8_feed(c);
	cut(c);
	set_scratch(c);
}

void nhwc_igemm_u8_plan_rows(struct nhwc_conv_u8 *c, int rows)
{
	c->row = igemm_u8_pick();
	igemm_u8_feed(c);
	c->row_blocks = c->col_blocks = 1;
	c->block_rows = rows;
	set_scratch(c);
}

/* ---- run ---- */

/* What is fetched while a panel is worked on. */
struct ahead {
	const char *at;
	size_t bytes;
};

/* As evenly as can be, so that the product need not wait for the memory. */
static void set_ahead(const struct igemm_u8_run *r, struct ahead a, int m, struct igemm_u8_args *q)
{
	int tiles = igemm_u8_tiles(m, igemm_u8_rows[r->c->row].mr);
	size_t steps = r->depth4 / 4 * (size_t)tiles;
	q->ahead = a.bytes ? (const int8_t *)a.at : q->b;
	q->ahead_end = q->ahead + a.bytes;
	q->ahead_step = (ptrdiff_t)((a.bytes + steps - 1) / steps + 7) / 8 * 8;
	if (q->ahead_step > LINE)
		q->ahead_step = LINE;
}

/* One panel at b, col columns of group g from its column j on, times rows first..last-1. */
static void panel(const struct igemm_u8_run *r, int first, int last, int g, int j, const char *b,
    char *scratch, struct ahead ahead)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct igemm_u8 *row = &igemm_u8_rows[c->row];
	int n = cout_of(c) - j < row->nr ? cout_of(c) - j : row->nr;
	int64_t col = (int64_t)g * cout_of(c) + j;
	struct igemm_u8_args q = {.rows = (const uint8_t *const *)scratch,
	    .offset = (size_t)g * (size_t)igemm_u8_cin(c),
	    .outside = c->zero ? NULL : r->zero,
	    .taps = r->taps,
	    .k = r->depth,
	    .start = (const int32_t *)b,
	    .b = (const int8_t *)b + (size_t)wide_of(c, j) * sizeof(int32_t),
	    .to = nhwc_result_u8(c, r->a, &r->e, first, col)};
	float *tile = (float *)(void *)(scratch + igemm_u8_worker(c));
	if (c->tail.nops) {
		q.to.c = tile;
		q.to.ldc = (size_t)n;
	}
	set_ahead(r, ahead, last - first, &q);
	row->run(&q, last - first, n);
	if (c->tail.nops)
		nhwc_tail_u8(c, r->a, tile, first, last - first, col, n);
}

/* Panel number p of all. */
static const char *panel_at(const struct igemm_u8_run *r, int p)
{
	const struct nhwc_conv_u8 *c = r->c;
	int n = panels_of(c);
	return (const char *)r->a->packed + (size_t)(p / n) * group_packed(c) +
	       (size_t)(p % n) * panel_bytes(c, igemm_u8_rows[c->row].nr);
}

/* What panel p is followed by in a task for panels up to end - 1, number j of as many: the next
 * panel, or of the next layer what the task may be given then. */
static struct ahead ahead_of(const struct igemm_u8_run *r, int p, int end, int j)
{
	const char *at = panel_at(r, p + 1), *next = r->a->next;
	size_t part = next ? r->a->next_bytes / (size_t)r->c->col_blocks : 0;
	if (p + 1 < end)
		return (struct ahead){at, (size_t)(at - panel_at(r, p))};
	return (struct ahead){next ? next + (size_t)j * part : at, part};
}

/* Rows first..last-1, piece j of col_blocks of the panels. */
static void block(const struct igemm_u8_run *r, int first, int last, int j, char *scratch)
{
	const struct nhwc_conv_u8 *c = r->c;
	int n = panels_of(c), end = nhwc_part(n * groups_of(c), j + 1, c->col_blocks);
	igemm_u8_point(r, first, last, scratch);
	for (int p = nhwc_part(n * groups_of(c), j, c->col_blocks); p < end; p++)
		panel(r, first, last, p / n, p % n * igemm_u8_rows[c->row].nr, panel_at(r, p),
		    scratch, ahead_of(r, p, end, j));
}

static void task(void *ctx, int number, int worker)
{
	const struct igemm_u8_run *r = ctx;
	const struct nhwc_conv_u8 *c = r->c;
	int i = number / c->col_blocks;
	block(r, block_begin(c, i), block_begin(c, i + 1), number % c->col_blocks,
	    (char *)r->a->scratch + c->shared + (size_t)worker * c->worker);
}

void nhwc_igemm_u8_rows(
    const struct nhwc_conv_u8 *c, const struct nhwc_conv_u8_args *a, int first, int last)
{
	struct igemm_u8_run r = {.c = c, .a = a, .e = nhwc_epilogue_u8(c)};
	igemm_u8_begin(&r);
	block(&r, first, last, 0, (char *)a->scratch + c->shared);
}

static void run(const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a)
{
	struct igemm_u8_run r = {.c = c, .a = a, .e = nhwc_epilogue_u8(c)};
	igemm_u8_begin(&r);
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way_u8 nhwc_igemm_u8 = {plan, packed_bytes, pack, run};
