/* Products with compressed matrices: packing in panels, and blocks of rows and columns. */
#include "kernels/linear_cw.h"

#include <string.h>

#include "base/cpu.h"
#include "base/half.h"
#include "kernels/nhwc_ways.h"

#define BLOCK_ROWS 256  /* for which a panel is widened */
#define SMALL (1 << 15) /* elements of a matrix that nobody waits for */
#define LARGE (1 << 23) /* which the caches don't hold as floats */
#define PACK_DEPTH 64   /* a multiple of 8 */
#define DEPTH 16384     /* of a panel that the L2 cache holds as floats */
#define MAX_MR 16       /* rows of a tile in any table row */

static const struct cw_row *row_of(const struct linear_cw *c)
{
	return &linear_cw_rows[c->row];
}

/* ---- the packed matrix ---- */

static int groups_of(const struct linear_cw *c)
{
	return c->type == CW_F16 ? 0 : c->k / c->group;
}

/* Bytes of a panel's scales and zero points. */
static size_t scale_bytes(const struct linear_cw *c)
{
	return nhwc_round64((size_t)groups_of(c) * (size_t)row_of(c)->nr * sizeof(float));
}

static size_t zero_bytes(const struct linear_cw *c)
{
	return c->zero ? nhwc_round64((size_t)groups_of(c) * (size_t)row_of(c)->nr) : 0;
}

static size_t panel_bytes(const struct linear_cw *c)
{
	size_t k = (size_t)c->k, nr = (size_t)row_of(c)->nr;
	size_t data = c->type == CW_F16  ? k * nr * 2
		      : c->type == CW_I8 ? k * nr
					 : (k + 7) / 8 * nr * 4;
	return scale_bytes(c) + zero_bytes(c) + nhwc_round64(data);
}

static int panels_of(const struct linear_cw *c)
{
	return nhwc_pieces(c->n, row_of(c)->nr);
}

size_t linear_cw_packed(const struct linear_cw *c)
{
	return (size_t)panels_of(c) * panel_bytes(c);
}

/* Integer in the middle of the range of its type: u8 128 and u4 8 are 0. */
static int integer(const struct linear_cw *c, const struct cw_source *s, size_t at)
{
	if (c->type == CW_I8) {
		int x = ((const uint8_t *)s->data)[at];
		return s->is_signed ? (int8_t)x : x - 128;
	}
	int x = ((const uint8_t *)s->data)[at / 2] >> (at & 1) * 4 & 15;
	return s->is_signed ? (x ^ 8) - 8 : x - 8;
}

static size_t index_of(const struct linear_cw *c, const struct cw_source *s, int p, int j)
{
	size_t row = (size_t)(s->turned ? j : p), col = (size_t)(s->turned ? p : j);
	return row * (size_t)(s->turned ? c->k : c->n) + col;
}

/* Depths p..end-1 of a column, step elements apart from number from on. */
static void pack_column(const struct linear_cw *c, const struct cw_source *s, int p, int end,
    size_t from, size_t step, void *to)
{
	size_t nr = (size_t)row_of(c)->nr;
	uint16_t *half = (uint16_t *)to + (size_t)p * nr;
	int8_t *byte = (int8_t *)to + (size_t)p * nr;
	uint32_t *word = (uint32_t *)to + (size_t)(p / 8) * nr;
	uint8_t flip = s->is_signed ? 0 : 0x80;
	if (c->type == CW_F16) {
		for (int d = p; d < end; d++, half += nr, from += step)
			*half = ((const uint16_t *)s->data)[from];
	} else if (c->type == CW_I8) {
		for (int d = p; d < end; d++, byte += nr, from += step)
			*byte = (int8_t)(((const uint8_t *)s->data)[from] ^ flip);
	} else {
		for (int d = p; d < end; d++, from += step) {
			uint32_t x = ((const uint8_t *)s->data)[from / 2] >> (from & 1) * 4;
			word[(size_t)((d - p) / 8) * nr] |= ((x ^ flip >> 4) & 15) << (d % 8 * 4);
		}
	}
}

static void pack_scales(const struct linear_cw *c, const struct cw_source *s, int j, char *to)
{
	int nr = row_of(c)->nr, have = c->n - j < nr ? c->n - j : nr;
	int middle = s->is_signed ? 0 : c->type == CW_I8 ? 128 : 8;
	for (int g = 0; g < groups_of(c); g++)
		for (int i = 0; i < have; i++) {
			size_t from = (size_t)g * (size_t)c->n + (size_t)(j + i);
			int at = g * nr + i, zero = s->zero ? s->zero[from] : 0;
			((float *)to)[at] = s->scale[from];
			if (c->zero)
				((int8_t *)(to + scale_bytes(c)))[at] = (int8_t)(zero - middle);
		}
}

/* In pieces of the depth that stay in the cache. */
static void pack_panel(const struct linear_cw *c, const struct cw_source *s, int j, void *to)
{
	int nr = row_of(c)->nr, have = c->n - j < nr ? c->n - j : nr;
	for (int p = 0; p < c->k; p += PACK_DEPTH)
		for (int i = 0; i < have; i++) {
			static const size_t apart[CW_TYPES] = {2, 1, 4}; /* bytes, of columns */
			int end = p + PACK_DEPTH < c->k ? p + PACK_DEPTH : c->k;
			pack_column(c, s, p, end, index_of(c, s, p, j + i),
			    s->turned ? 1 : (size_t)c->n, (char *)to + (size_t)i * apart[c->type]);
		}
}

void linear_cw_pack(const struct linear_cw *c, const struct cw_source *s, void *packed)
{
	char *to = packed;
	memset(packed, 0, linear_cw_packed(c));
	for (int j = 0; j < c->n; j += row_of(c)->nr, to += panel_bytes(c)) {
		pack_scales(c, s, j, to);
		pack_panel(c, s, j, to + scale_bytes(c) + zero_bytes(c));
	}
}

void linear_cw_widen(const struct linear_cw *c, const struct cw_source *s, float *w)
{
	int middle = s->is_signed ? 0 : c->type == CW_I8 ? 128 : 8;
	for (int j = 0; j < c->n; j++)
		for (int p = 0; p < c->k; p++) {
			size_t at = index_of(c, s, p, j);
			if (c->type == CW_F16) {
				*w++ = f16_to_f32(((const uint16_t *)s->data)[at]);
				continue;
			}
			size_t g = (size_t)(p / c->group) * (size_t)c->n + (size_t)j;
			int zero = s->zero ? s->zero[g] : 0;
			*w++ = (float)(integer(c, s, at) + middle - zero) * s->scale[g];
		}
}

/* ---- plan ---- */

bool linear_cw_pays(int m, int k, int n)
{
	const struct cw_row *row = &linear_cw_rows[linear_cw_pick()];
	int64_t size = (int64_t)k * n;
	return size >= SMALL && (m <= row->mr || (size >= LARGE && k <= DEPTH));
}

/* Few rows: none is widened to memory. */
static bool is_direct(const struct linear_cw *c)
{
	return c->m <= row_of(c)->mr;
}

static int tile_rows(const struct linear_cw *c)
{
	bool groups = c->type != CW_F16 && c->group < c->k;
	return groups && is_direct(c) ? row_of(c)->mr / 2 : row_of(c)->mr;
}

void linear_cw_plan(struct linear_cw *c, int threads)
{
	bool alone = threads == 1 || (int64_t)c->m * c->k * c->n < NHWC_SMALL;
	c->row = linear_cw_pick();
	c->row_blocks = nhwc_pieces(c->m, BLOCK_ROWS);
	c->block_rows = nhwc_pieces(c->m, c->row_blocks);
	c->col_blocks = alone ? 1 : 2 * threads < panels_of(c) ? 2 * threads : panels_of(c);
	c->shared = c->worker = 0;
	if (!is_direct(c))
		c->worker = nhwc_round64((size_t)c->k * (size_t)row_of(c)->nr * sizeof(float));
	else if (c->zero)
		c->shared = nhwc_round64((size_t)c->m * (size_t)groups_of(c) * sizeof(float));
	c->scratch = c->shared + (size_t)threads * c->worker;
}

/* ---- run ---- */

struct cw_run {
	const struct linear_cw *c;
	const struct linear_cw_args *a;
};

/* Inputs by row and group: what a zero point is multiplied by. */
static void sum_inputs(const struct linear_cw *c, const struct linear_cw_args *a)
{
	const struct span_f32 *span = &span_f32_rows[span_f32_pick()];
	float *to = a->scratch;
	for (int i = 0; i < c->m; i++)
		for (int p = 0; p < c->k; p += c->group)
			*to++ = span->sum(a->in + i * c->ld_in + p, c->group);
}

/* The function behind the clamp while the results are in the cache. */
static void activate(const struct linear_cw *c, float *x, int rows, int n)
{
	if (c->act == SPAN_NONE)
		return;
	span_f32_fn *fn = span_f32_rows[span_f32_pick()].op[c->act];
	for (int i = 0; i < rows; i++, x += c->ld_out)
		fn(x, NULL, 0, n, c->act_a, c->act_b);
}

static struct cw_tile_args panel_args(const struct cw_run *r, int panel)
{
	const struct linear_cw *c = r->c;
	const char *b = (const char *)r->a->packed + (size_t)panel * panel_bytes(c);
	struct cw_tile_args q = {.type = c->type, .group = c->group};
	if (c->type != CW_F16)
		q.scale = (const float *)b;
	if (c->zero)
		q.zero = (const int8_t *)b + scale_bytes(c);
	q.data = b + scale_bytes(c) + zero_bytes(c);
	q.ld_sums = (size_t)groups_of(c);
	q.out = (struct igemm_f32_args){.taps = 1,
	    .k = c->k,
	    .ld_add = (size_t)c->ld_add,
	    .ldc = (size_t)c->ld_out,
	    .lo = c->lo,
	    .hi = c->hi};
	return q;
}

/* Rows first..last-1 of a panel, whose widened copy is wide, or NULL. */
static void panel_rows(
    const struct cw_run *r, struct cw_tile_args *q, int panel, int first, int last, float *wide)
{
	const struct linear_cw *c = r->c;
	const struct cw_row *row = row_of(c);
	int j = panel * row->nr, n = c->n - j < row->nr ? c->n - j : row->nr;
	int tiles = nhwc_pieces(last - first, tile_rows(c));
	const float *rows[MAX_MR];
	q->out.rows = rows;
	q->out.b = wide;
	q->out.bias = r->a->bias ? r->a->bias + j : NULL;
	for (int t = 0; t < tiles; t++) {
		int at = first + nhwc_part(last - first, t, tiles);
		int m = first + nhwc_part(last - first, t + 1, tiles) - at;
		for (int i = 0; i < m; i++)
			rows[i] = r->a->in + (at + i) * c->ld_in;
		q->out.add = r->a->add ? r->a->add + at * c->ld_add + j : NULL;
		q->out.c = r->a->out + at * c->ld_out + j;
		if (q->zero && !wide)
			q->sums = (const float *)r->a->scratch + (size_t)at * q->ld_sums;
		if (wide)
			row->tile(&q->out, m, n);
		else
			row->run(q, m, n);
		activate(c, q->out.c, m, n);
	}
}

static void task(void *ctx, int number, int worker)
{
	const struct cw_run *r = ctx;
	const struct linear_cw *c = r->c;
	int i = number / c->col_blocks, j = number % c->col_blocks;
	int first = nhwc_part(c->m, i, c->row_blocks), last = nhwc_part(c->m, i + 1, c->row_blocks);
	int end = nhwc_part(panels_of(c), j + 1, c->col_blocks);
	char *scratch = (char *)r->a->scratch + c->shared + (size_t)worker * c->worker;
	float *wide = is_direct(c) ? NULL : (float *)scratch;
	for (int p = nhwc_part(panels_of(c), j, c->col_blocks); p < end; p++) {
		struct cw_tile_args q = panel_args(r, p);
		int nr = row_of(c)->nr;
		if (wide)
			row_of(c)->widen(&q, c->n - p * nr <= nr / 2 ? nr / 2 : nr, wide);
		panel_rows(r, &q, p, first, last, wide);
	}
}

void linear_cw_run(const struct linear_cw *c, struct pool *pool, const struct linear_cw_args *a)
{
	struct cw_run r = {c, a};
	if (c->zero && is_direct(c))
		sum_inputs(c, a);
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}
