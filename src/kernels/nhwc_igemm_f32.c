/* Convolution as implicit GEMM: rows of pixels read in place through pointers, times packed panels
 * of weights; the panel stays in the L1 cache, a block of the image in the L2 cache. */
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/nhwc_igemm_f32.h"
#include "kernels/pack_f32.h"

#define L2_POINTERS (64 << 10) /* bytes of pointers that a block uses */
#define LEAST_DEPTH 1024       /* of products, where sums wait */
#define MAX_ROWS 1024          /* rows of a block */
#define LINE 16                /* floats of a cache line */

/* ---- groups ---- */

static int groups_of(const struct nhwc_conv_f32 *c)
{
	return c->s.groups / igemm_f32_merged(c);
}

/* Channels of the output of such a group of groups. */
static int cout_of(const struct nhwc_conv_f32 *c)
{
	return c->s.cout * igemm_f32_merged(c);
}

/* ---- weights ---- */

size_t igemm_f32_packed(const struct igemm_f32 *row, size_t k, int n)
{
	return k * panels_f32_size(&(struct panels_f32){row->nr, 1, 1, n});
}

struct packing {
	const struct igemm_f32 *row;
	int cin, taps, n;
	const float *w;
	float *packed;
};

static void pack_panel(void *ctx, int task, int worker)
{
	const struct packing *p = ctx;
	int nr = p->row->nr, j = task * nr, have = p->n - j < nr ? p->n - j : nr;
	struct panel_f32 panel = {have <= nr / 2 ? nr / 2 : nr, have, p->cin, p->taps};
	size_t at = (size_t)j * (size_t)p->cin * (size_t)p->taps;
	(void)worker;
	panel_f32_pack(&panel, p->w + at, p->packed + at);
}

void igemm_f32_pack(const struct igemm_f32 *row, struct pool *pool, int cin, int taps, int n,
    const float *w, float *packed)
{
	struct packing p = {row, cin, taps, n, w, packed};
	size_t bytes = (size_t)cin * (size_t)taps * (size_t)n * sizeof *w;
	pool_run(nhwc_packers(pool, bytes), nhwc_pieces(n, row->nr), pack_panel, &p);
}

static size_t group_packed(const struct nhwc_conv_f32 *c)
{
	size_t k = (size_t)igemm_f32_cin(c) * conv_volume(c->s.kernel);
	return igemm_f32_packed(&igemm_f32_rows[c->row], k, cout_of(c));
}

static size_t packed_bytes(const struct nhwc_conv_f32 *c)
{
	return (size_t)groups_of(c) * group_packed(c) * sizeof(float);
}

/* Merged groups fit one panel of half the width. */
static void pack_merged(const struct nhwc_conv_f32 *c, const float *w, float *packed)
{
	const struct conv_shape *s = &c->s;
	int wide = igemm_f32_rows[c->row].nr / 2, taps = igemm_f32_window(c);
	memset(packed, 0, group_packed(c) * sizeof *packed);
	for (int j = 0; j < cout_of(c); j++)
		for (int i = 0; i < s->cin; i++)
			for (int t = 0; t < taps; t++) {
				int row = t * igemm_f32_cin(c) + j / s->cout * s->cin + i;
				packed[row * wide + j] = *w++;
			}
}

static void pack(const struct nhwc_conv_f32 *c, struct pool *pool, const float *w, float *packed)
{
	size_t size = (size_t)cout_of(c) * (size_t)c->s.cin * conv_volume(c->s.kernel);
	for (int g = 0; g < groups_of(c); g++, w += size, packed += group_packed(c))
		if (igemm_f32_merged(c) > 1)
			pack_merged(c, w, packed);
		else
			igemm_f32_pack(&igemm_f32_rows[c->row], pool, c->s.cin, igemm_f32_window(c),
			    c->s.cout, w, packed);
}

/* ---- plan ---- */

static int rows_of(const struct conv_shape *s)
{
	return s->batch * (int)conv_volume(s->out);
}

static int panels_of(const struct nhwc_conv_f32 *c)
{
	return nhwc_pieces(cout_of(c), igemm_f32_rows[c->row].nr);
}

/* Are the weights too many to stay in the L2 cache beside a block of the image? Then they had
 * better be read once. */
static bool is_large(const struct nhwc_conv_f32 *c)
{
	return packed_bytes(c) > cpu_l2() / 4;
}

/* Bytes of the image that a block covers. */
static size_t l2_image(const struct nhwc_conv_f32 *c)
{
	return is_large(c) ? cpu_l2() / 8 * 5 : cpu_l2() / 8 * 3;
}

/* Bytes of the image that a row of a block adds. */
static size_t row_bytes(const struct nhwc_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	size_t window = conv_volume(s->kernel), step = conv_volume(s->stride);
	size_t pixel = (size_t)c->ld_in * sizeof(float) * (step < window ? step : window);
	return pixel + igemm_f32_copy(c, MAX_ROWS) / MAX_ROWS;
}

/* Large products of which all rows don't fit are taken a part of the depth after the other. */
static void cut_depth(struct nhwc_conv_f32 *c)
{
	size_t all = (size_t)rows_of(&c->s) * row_bytes(c);
	int k = igemm_f32_depth(c), n = k / LEAST_DEPTH;
	c->depth = k;
	if (!is_large(c) || igemm_f32_taps(c) > 1 || c->s.groups > 1 || all <= l2_image(c) || n < 2)
		return;
	int want = nhwc_pieces((int64_t)all, (int64_t)l2_image(c));
	n = want < n ? want : n;
	c->depth = nhwc_pieces(nhwc_pieces(k, n), 16) * 16;
}

/* Rows of a block whose part of the image fits. */
static int cached_rows(const struct nhwc_conv_f32 *c)
{
	size_t pointers = (size_t)igemm_f32_pointers(c) * sizeof(float *);
	size_t bytes = row_bytes(c) / (size_t)nhwc_pieces(igemm_f32_depth(c), c->depth);
	size_t n = l2_image(c) / (bytes + 1);
	n = n < L2_POINTERS / pointers ? n : L2_POINTERS / pointers;
	n = n < MAX_ROWS ? n : MAX_ROWS;
	int mr = igemm_f32_rows[c->row].mr;
	return n > (size_t)(4 * mr) ? (int)n / mr * mr : 4 * mr;
}

/* What a block of so many rows costs: tiles of few rows take as long as such of half the height. */
static int64_t rows_cost(int mr, int rows)
{
	int tiles = nhwc_pieces(rows, mr);
	return tiles * mr / 2 > rows ? tiles * mr / 2 : rows;
}

void nhwc_cut(struct nhwc_conv_f32 *c, int panels, int mr, int cached)
{
	int m = rows_of(&c->s), least = nhwc_pieces(m, cached);
	int64_t best = INT64_MAX;
	int64_t work = (int64_t)m * c->s.cin * igemm_f32_window(c) * c->s.cout * c->s.groups;
	bool alone = c->threads == 1 || work < NHWC_SMALL;
	size_t weights = (size_t)(work / m) * sizeof(float);
	c->row_blocks = least;
	c->col_blocks = 1;
	for (int i = least; i <= least + 2 * c->threads && i <= m && !alone; i++)
		for (int j = 1; j <= 2 * c->threads && j <= panels; j++) {
			int64_t cost = nhwc_pieces((int64_t)i * j, c->threads) *
				       nhwc_pieces(panels, j) * rows_cost(mr, nhwc_pieces(m, i));
			cost = nhwc_cut_cost(cost, i, j, weights);
			if (cost >= best)
				continue;
			best = cost;
			c->row_blocks = i;
			c->col_blocks = j;
		}
	c->block_rows = nhwc_pieces(m, c->row_blocks);
}

static void set_worker(struct nhwc_conv_f32 *c)
{
	c->worker = igemm_f32_scratch(c) + nhwc_round64(igemm_f32_copy(c, c->block_rows));
}

static void plan(struct nhwc_conv_f32 *c)
{
	c->row = igemm_f32_pick();
	igemm_f32_feed(c);
	cut_depth(c);
	nhwc_cut(c, panels_of(c) * groups_of(c), igemm_f32_rows[c->row].mr, cached_rows(c));
	int depth = igemm_f32_depth(c), channels = c->s.groups * c->s.cin;
	c->shared = nhwc_round64((size_t)(depth > channels ? depth : channels) * sizeof(float));
	set_worker(c);
	c->group = 1;
	if (c->depth == depth)
		return;
	size_t panel = (size_t)c->block_rows * (size_t)igemm_f32_rows[c->row].nr * sizeof(float);
	c->group = nhwc_pieces(cpu_l2() / 8, (int64_t)panel);
	c->worker += nhwc_round64((size_t)c->group * panel);
}

void nhwc_igemm_plan_rows(struct nhwc_conv_f32 *c, int rows)
{
	c->block_rows = rows;
	c->depth = igemm_f32_depth(c);
	set_worker(c);
}

/* ---- run ---- */

/* A block of rows and the tiles it is cut into. */
struct block {
	int first, last, tiles;
	struct igemm_f32_rows at;
	float *wait; /* sums of a group of panels, [panel][rows][nr], or NULL */
};

/* Floats of one line of the depth of the panel from column j of a group on. */
static int wide_of(const struct nhwc_conv_f32 *c, int j)
{
	int nr = igemm_f32_rows[c->row].nr;
	return cout_of(c) - j <= nr / 2 ? nr / 2 : nr;
}

/* The weights of panel number p of all groups, from depth k on; behind the last one what follows.
 */
static const float *weights_at(const struct igemm_f32_run *r, int p, int k)
{
	const struct nhwc_conv_f32 *c = r->c;
	int n = panels_of(c), j = p % n * igemm_f32_rows[c->row].nr;
	if (p >= n * groups_of(c))
		return r->a->next;
	return r->a->packed + (size_t)(p / n) * group_packed(c) +
	       (size_t)j * (size_t)igemm_f32_cin(c) * conv_volume(c->s.kernel) +
	       (size_t)(k * wide_of(c, j));
}

/* Panel number p times the block's rows, from depth k on; its sums wait in wait unless that is NULL
 * or the depth ends. next: what is read next. */
static void panel(const struct igemm_f32_run *r, const struct block *b, int p, int k, float *wait,
    const float *next)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct igemm_f32 *row = &igemm_f32_rows[c->row];
	int g = p / panels_of(c), j = p % panels_of(c) * row->nr, rows = b->last - b->first;
	int n = cout_of(c) - j < row->nr ? cout_of(c) - j : row->nr, depth = igemm_f32_depth(c) - k;
	ptrdiff_t col = (ptrdiff_t)g * cout_of(c) + j;
	bool end = depth <= c->depth, act = end && c->act != SPAN_NONE;
	bool late = act && nhwc_sees(r->a), bare = late || !end;
	struct igemm_f32_args q = {.rows = b->at.rows,
	    .shift = b->at.shift,
	    .offset = (size_t)g * (size_t)igemm_f32_cin(c) + (size_t)k,
	    .taps = igemm_f32_taps(c),
	    .k = end ? depth : c->depth,
	    .b = weights_at(r, p, k),
	    .bias = r->a->bias ? r->a->bias + col : NULL,
	    .ld_add = (size_t)c->ld_add,
	    .ldc = end ? (size_t)c->ld_out : (size_t)row->nr,
	    .lo = bare ? -INFINITY : c->lo,
	    .hi = bare ? INFINITY : c->hi,
	    .ld_start = (size_t)row->nr,
	    .before = bare ? NULL : r->a->before,
	    .after = bare ? NULL : r->a->after};
	for (int t = 0; t < b->tiles; t++) {
		int at = nhwc_part(rows, t, b->tiles), m = nhwc_part(rows, t + 1, b->tiles) - at;
		int64_t from = b->first + at;
		float *sums = wait ? wait + at * row->nr : NULL;
		const float *add = r->a->add ? r->a->add + from * c->ld_add + col : NULL;
		q.add = bare ? NULL : add;
		q.c = end ? r->a->out + from * c->ld_out + col : sums;
		q.start = k ? sums : NULL;
		/* each of the first tiles fetches a fourth of it */
		q.next = next && t < 8 ? next + t * LINE : NULL;
		row->run(&q, m, n);
		if (late)
			nhwc_settle(c, r->a, q.c, add, m, n);
		else if (act)
			nhwc_act(c, q.c, m, c->ld_out, n);
		q.rows += m * igemm_f32_pointers(c);
	}
}

/* Panels from..to-1, whose sums wait until all of the depth is done. */
static void panels_by_depth(const struct igemm_f32_run *r, const struct block *b, int from, int to)
{
	const struct nhwc_conv_f32 *c = r->c;
	size_t size = (size_t)c->block_rows * (size_t)igemm_f32_rows[c->row].nr;
	for (int i = from; i < to; i += c->group) {
		int end = to - i < c->group ? to : i + c->group;
		for (int k = 0; k < igemm_f32_depth(c); k += c->depth)
			for (int p = i; p < end; p++) {
				bool more = p + 1 < end, deeper = k + c->depth < igemm_f32_depth(c);
				const float *next = more     ? weights_at(r, p + 1, k)
						    : deeper ? weights_at(r, i, k + c->depth)
							     : weights_at(r, end, 0);
				panel(r, b, p, k, b->wait + (size_t)(p - i) * size, next);
			}
	}
}

/* Panels p..end-1 times rows first..last-1. */
static void rows_by_panels(
    const struct igemm_f32_run *r, int first, int last, int p, int end, char *scratch)
{
	const struct nhwc_conv_f32 *c = r->c;
	int tiles = nhwc_pieces(last - first, igemm_f32_rows[c->row].mr);
	struct block b = {
	    first, last, tiles, igemm_f32_point(r, first, last, tiles, scratch), NULL};
	if (c->depth < igemm_f32_depth(c)) {
		b.wait = (float *)(scratch + igemm_f32_scratch(c));
		panels_by_depth(r, &b, p, end);
		return;
	}
	/* Weights of no other use in this run are not in the cache, either. */
	bool ahead = is_large(c) || last - first >= rows_of(&c->s) / 4;
	for (; p < end; p++)
		panel(r, &b, p, 0, NULL, ahead ? weights_at(r, p + 1, 0) : NULL);
}

static void task(void *ctx, int number, int worker)
{
	const struct igemm_f32_run *r = ctx;
	const struct nhwc_conv_f32 *c = r->c;
	int i = number / c->col_blocks, j = number % c->col_blocks, m = rows_of(&c->s);
	int n = panels_of(c) * groups_of(c);
	rows_by_panels(r, nhwc_part(m, i, c->row_blocks), nhwc_part(m, i + 1, c->row_blocks),
	    nhwc_part(n, j, c->col_blocks), nhwc_part(n, j + 1, c->col_blocks),
	    (char *)r->a->scratch + c->shared + (size_t)worker * c->worker);
}

void nhwc_igemm_rows(const struct nhwc_conv_f32 *c, const struct nhwc_conv_f32_args *a,
    const float *zero, int first, int last, char *scratch)
{
	struct igemm_f32_run r = {c, a, zero};
	rows_by_panels(&r, first, last, 0, panels_of(c) * groups_of(c), scratch);
}

static void run(
    const struct nhwc_conv_f32 *c, struct pool *pool, const struct nhwc_conv_f32_args *a)
{
	struct igemm_f32_run r = {c, a, a->scratch};
	memset(a->scratch, 0, c->shared);
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way nhwc_igemm = {plan, packed_bytes, pack, run};
