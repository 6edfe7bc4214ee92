/* Quantized convolution as implicit GEMM: rows of pixels read in place through pointers, or windows
 * of few channels gathered into dense rows, times packed panels of weights. */
#include <string.h>

#include "kernels/nhwc_ways_u8.h"

#define L2_IMAGE (384 << 10)   /* bytes of the image that a block covers */
#define L2_POINTERS (64 << 10) /* bytes of pointers that a block uses */
#define MAX_ROWS 1024          /* rows of a block */
#define MAX_MR 16              /* rows of a tile in any table row */
#define FEW_CHANNELS 16        /* below, windows are gathered */
#define SLACK 16               /* bytes that gathering may write too many */
#define LINE 64                /* bytes of a cache line */
#define OVER 3                 /* bytes that are read beyond a row */

/* PLAIN: row after row, TAPS: a pointer per window element, LINES: one per line of the window, into
 * a copy of the image with borders, PATCH: windows are copied into rows. */
enum feed { PLAIN, TAPS, LINES, PATCH };

/* ---- groups ---- */

/* How many groups are worked on as one, with zeros between them: as fill half a panel. */
static int merged(const struct nhwc_conv_u8 *c)
{
	int n = igemm_u8_rows[c->row].nr / 2 / c->s.cout;
	n = n < c->s.groups ? n : c->s.groups;
	while (n > 1 && c->s.groups % n)
		n--;
	return n > 1 ? n : 1;
}

static int groups_of(const struct nhwc_conv_u8 *c)
{
	return c->s.groups / merged(c);
}

static int cin_of(const struct nhwc_conv_u8 *c)
{
	return c->s.cin * merged(c);
}

static int cout_of(const struct nhwc_conv_u8 *c)
{
	return c->s.cout * merged(c);
}

static int taps_of(const struct nhwc_conv_u8 *c)
{
	return (int)nhwc_volume(c->s.kernel);
}

/* Decided by the dimensions of the weights alone, as the packing depends on it. */
static bool gathers(const struct nhwc_conv_u8 *c)
{
	return c->s.groups == 1 && c->s.cin < FEW_CHANNELS && taps_of(c) > 1;
}

static bool by_lines(const struct nhwc_conv_u8 *c)
{
	return gathers(c) && c->s.kernel[2] > 1 && c->s.dilation[2] == 1 && c->s.pad[2] >= 0;
}

/* Pointers that a row takes, and the bytes behind each. */
static int row_taps(const struct nhwc_conv_u8 *c)
{
	if (by_lines(c))
		return c->s.kernel[0] * c->s.kernel[1];
	return gathers(c) ? 1 : taps_of(c);
}

static int row_depth(const struct nhwc_conv_u8 *c)
{
	return gathers(c) ? taps_of(c) / row_taps(c) * c->s.cin : cin_of(c);
}

/* ---- weights ---- */

/* Bytes of a row of weights: each tap rounded up to fours. */
static size_t depth4(const struct nhwc_conv_u8 *c)
{
	return (size_t)row_taps(c) * (size_t)((row_depth(c) + 3) / 4 * 4);
}

static int wide_of(const struct nhwc_conv_u8 *c, int col)
{
	int nr = igemm_u8_rows[c->row].nr;
	return cout_of(c) - col <= nr / 2 ? nr / 2 : nr;
}

/* A panel: what the sums of its columns start with, then the weights. */
static size_t panel_bytes(const struct nhwc_conv_u8 *c, int wide)
{
	return (size_t)wide * (sizeof(int32_t) + depth4(c));
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
	int nr = igemm_u8_rows[c->row].nr, wide = wide_of(c, col / nr * nr), taps = taps_of(c);
	int per = taps / row_taps(c), depth = (row_depth(c) + 3) / 4 * 4; /* of a pointer */
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

static void pack(const struct nhwc_conv_u8 *c, const int8_t *w, void *packed)
{
	char *to = packed;
	memset(packed, 0, packed_bytes(c));
	for (int g = 0; g < groups_of(c); g++, to += group_packed(c))
		for (int j = 0; j < cout_of(c); j++, w += c->s.cin * taps_of(c))
			pack_column(c, j, w, to);
}

/* ---- plan ---- */

static enum feed feed_of(const struct nhwc_conv_u8 *c)
{
	const struct conv_shape *s = &c->s;
	bool plain = true;
	for (int d = 0; d < 3; d++)
		plain &= s->kernel[d] == 1 && s->stride[d] == 1 && !s->pad[d] &&
			 s->in[d] == s->out[d];
	return by_lines(c) ? LINES : gathers(c) ? PATCH : plain ? PLAIN : TAPS;
}

static size_t row_copy(const struct nhwc_conv_u8 *c)
{
	return c->feed == PATCH ? depth4(c) : 0;
}

static int rows_of(const struct conv_shape *s)
{
	return s->batch * (int)nhwc_volume(s->out);
}

/* Rows of a block whose part of the image fits. */
static int cached_rows(const struct nhwc_conv_u8 *c)
{
	const struct conv_shape *s = &c->s;
	size_t window = nhwc_volume(s->kernel), step = nhwc_volume(s->stride);
	size_t bytes = (size_t)c->ld_in * (step < window ? step : window);
	size_t pointers = (size_t)row_taps(c) * sizeof(uint8_t *);
	size_t n = L2_IMAGE / (bytes + row_copy(c) + 1);
	n = n < L2_POINTERS / pointers ? n : L2_POINTERS / pointers;
	n = n < MAX_ROWS ? n : MAX_ROWS;
	int mr = igemm_u8_rows[c->row].mr;
	return n > (size_t)(4 * mr) ? (int)n / mr * mr : 4 * mr;
}

/* What a block of so many rows costs: tiles of few rows take as long as such of half the height. */
static int64_t rows_cost(const struct nhwc_conv_u8 *c, int rows)
{
	int mr = igemm_u8_rows[c->row].mr, tiles = nhwc_pieces(rows, mr);
	return tiles * mr / 2 > rows ? tiles * mr / 2 : rows;
}

static void cut(struct nhwc_conv_u8 *c)
{
	int m = rows_of(&c->s), n = panels_of(c) * groups_of(c);
	int least = nhwc_pieces(m, cached_rows(c));
	int64_t best = INT64_MAX;
	int64_t work = (int64_t)m * c->s.cin * taps_of(c) * c->s.cout * c->s.groups;
	bool alone = c->threads == 1 || work < 4 * NHWC_SMALL;
	c->row_blocks = least;
	c->col_blocks = 1;
	for (int i = least; i <= least + 2 * c->threads && i <= m && !alone; i++)
		for (int j = 1; j <= 2 * c->threads && j <= n; j++) {
			int64_t cost = nhwc_pieces((int64_t)i * j, c->threads) * nhwc_pieces(n, j) *
				       rows_cost(c, nhwc_pieces(m, i));
			cost = cost * 64 + i * j; /* of equal ones, the fewest pieces */
			if (cost >= best)
				continue;
			best = cost;
			c->row_blocks = i;
			c->col_blocks = j;
		}
	c->block_rows = nhwc_pieces(m, c->row_blocks);
}

static size_t pointer_bytes(const struct nhwc_conv_u8 *c)
{
	return nhwc_round64((size_t)c->block_rows * (size_t)row_taps(c) * sizeof(uint8_t *));
}

/* A pixel of zero points, and as much of the end of the image as a row may read too far from. */
static size_t pixel_bytes(const struct nhwc_conv_u8 *c)
{
	return nhwc_round64((size_t)(c->s.groups * c->s.cin) + OVER);
}

static size_t last_bytes(const struct nhwc_conv_u8 *c)
{
	size_t pixels = (size_t)c->s.batch * nhwc_volume(c->s.in);
	size_t n = (size_t)(c->s.groups * c->s.cin), all = (pixels - 1) * (size_t)c->ld_in + n;
	return (all < n + OVER ? all : n + OVER) + OVER;
}

/* Pixels of a line of the image with its borders, and the bytes it takes. */
static size_t line_pixels(const struct conv_shape *s)
{
	int reach = (s->out[2] - 1) * s->stride[2] + s->kernel[2], all = s->pad[2] + s->in[2];
	return (size_t)(reach > all ? reach : all);
}

static size_t line_bytes(const struct nhwc_conv_u8 *c)
{
	return nhwc_round64(line_pixels(&c->s) * (size_t)c->s.cin + OVER);
}

static size_t image_lines(const struct conv_shape *s)
{
	return (size_t)s->batch * (size_t)s->in[0] * (size_t)s->in[1];
}

static void plan(struct nhwc_conv_u8 *c)
{
	c->row = igemm_u8_pick();
	c->feed = feed_of(c);
	cut(c);
	size_t copies = (size_t)c->block_rows * row_copy(c);
	c->shared = pixel_bytes(c) + nhwc_round64(last_bytes(c));
	if (c->feed == LINES) /* and a line outside of the image */
		c->shared = (image_lines(&c->s) + 1) * line_bytes(c);
	c->worker = pointer_bytes(c) + (copies ? nhwc_round64(copies + SLACK) : 0);
}

/* ---- run ---- */

struct igemm_run {
	const struct nhwc_conv_u8 *c;
	const struct nhwc_conv_u8_args *a;
	struct u8_epilogue e;
	const uint8_t *zero; /* a pixel outside of the image */
	const uint8_t *end;  /* of the input */
	const uint8_t *last; /* the end of a copy of its end, with OVER bytes behind; or NULL */
};

/* The window of one output pixel: its image, and its first element, which may lie outside. */
struct corner {
	const uint8_t *image;
	int at[3];
};

static void corners(const struct igemm_run *r, int row, int m, struct corner *to)
{
	const struct conv_shape *s = &r->c->s;
	int x = row % s->out[2], y = row / s->out[2] % s->out[1];
	int z = row / s->out[2] / s->out[1] % s->out[0];
	int b = row / s->out[2] / s->out[1] / s->out[0];
	size_t image = nhwc_volume(s->in) * (size_t)r->c->ld_in;
	for (int i = 0; i < m; i++) {
		to[i] = (struct corner){r->a->in + (size_t)b * image,
		    {z * s->stride[0] - s->pad[0], y * s->stride[1] - s->pad[1],
			x * s->stride[2] - s->pad[2]}};
		if (++x < s->out[2])
			continue;
		x = 0;
		if (++y < s->out[1])
			continue;
		y = 0;
		if (++z < s->out[0])
			continue;
		z = 0;
		b++;
	}
}

static bool inside(const struct conv_shape *s, int d, int at)
{
	return (unsigned)at < (unsigned)s->in[d];
}

static const uint8_t *pixel(const struct nhwc_conv_u8 *c, const uint8_t *image, int z, int y, int x)
{
	const int *in = c->s.in;
	return image + (((ptrdiff_t)z * in[1] + y) * in[2] + x) * c->ld_in;
}

static void point_taps(const struct igemm_run *r, int row, int m, const uint8_t **rows)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	struct corner at[MAX_MR];
	corners(r, row, m, at);
	for (int t = 0; t < taps_of(c); t++, rows += m) {
		int dz = t / s->kernel[2] / s->kernel[1] * s->dilation[0];
		int dy = t / s->kernel[2] % s->kernel[1] * s->dilation[1];
		int dx = t % s->kernel[2] * s->dilation[2];
		for (int i = 0; i < m; i++) {
			int z = at[i].at[0] + dz, y = at[i].at[1] + dy, x = at[i].at[2] + dx;
			bool in = inside(s, 0, z) && inside(s, 1, y) && inside(s, 2, x);
			rows[i] = in ? pixel(c, at[i].image, z, y, x) : r->zero;
		}
	}
}

/* Copies n bytes, and up to SLACK - 1 more where they can be read. */
static void copy_run(const struct igemm_run *r, uint8_t *to, const uint8_t *from, int n)
{
	if (r->end - from < n + SLACK)
		memcpy(to, from, (size_t)n);
	else
		for (int i = 0; i < n; i += SLACK)
			memcpy(to + i, from + i, SLACK);
}

/* One line of a window. */
static void gather_line(
    const struct igemm_run *r, const struct corner *at, int z, int y, uint8_t *to)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	int x = at->at[2], kw = s->kernel[2], cin = s->cin;
	if (!inside(s, 0, z) || !inside(s, 1, y)) {
		memset(to, c->zero, (size_t)(kw * cin));
		return;
	}
	if (x >= 0 && x + kw <= s->in[2] && c->ld_in == cin && s->dilation[2] == 1) {
		copy_run(r, to, pixel(c, at->image, z, y, x), kw * cin);
		return;
	}
	for (int k = 0; k < kw; k++, x += s->dilation[2], to += cin) {
		const uint8_t *from = inside(s, 2, x) ? pixel(c, at->image, z, y, x) : r->zero;
		for (int i = 0; i < cin; i++)
			to[i] = from[i];
	}
}

static void point_lines(const struct igemm_run *r, int row, int m, const uint8_t **rows)
{
	const struct conv_shape *s = &r->c->s;
	struct corner at[MAX_MR];
	const uint8_t *first[MAX_MR]; /* in the first line of its image */
	size_t line = line_bytes(r->c), image = nhwc_volume(s->in) * (size_t)r->c->ld_in;
	size_t lines = (size_t)s->in[0] * (size_t)s->in[1];
	const uint8_t *outside = r->zero + image_lines(s) * line;
	corners(r, row, m, at);
	for (int i = 0; i < m; i++)
		first[i] = r->zero + (size_t)(at[i].image - r->a->in) / image * lines * line +
			   (size_t)((at[i].at[2] + s->pad[2]) * s->cin);
	for (int t = 0; t < s->kernel[0] * s->kernel[1]; t++, rows += m) {
		int dz = t / s->kernel[1] * s->dilation[0], dy = t % s->kernel[1] * s->dilation[1];
		for (int i = 0; i < m; i++) {
			int z = at[i].at[0] + dz, y = at[i].at[1] + dy;
			bool in = inside(s, 0, z) && inside(s, 1, y);
			rows[i] = in ? first[i] + (size_t)(z * s->in[1] + y) * line : outside;
		}
	}
}

static void gather(const struct igemm_run *r, int row, int m, const uint8_t **rows, uint8_t **copy)
{
	const struct conv_shape *s = &r->c->s;
	struct corner at[MAX_MR];
	size_t depth = row_copy(r->c);
	corners(r, row, m, at);
	for (int i = 0; i < m; i++, *copy += depth) {
		uint8_t *to = *copy;
		rows[i] = to;
		for (int kz = 0; kz < s->kernel[0]; kz++)
			for (int ky = 0; ky < s->kernel[1]; ky++, to += s->kernel[2] * s->cin)
				gather_line(r, &at[i], at[i].at[0] + kz * s->dilation[0],
				    at[i].at[1] + ky * s->dilation[1], to);
	}
}

/* Rows that would be read beyond the end of the input point to the copy instead. */
static void keep_inside(const struct igemm_run *r, size_t n, const uint8_t **rows)
{
	ptrdiff_t need = r->c->s.groups * r->c->s.cin + OVER;
	for (size_t i = 0; i < n && r->last; i++)
		if (rows[i] != r->zero && r->end - rows[i] < need)
			rows[i] = r->last - (r->end - rows[i]);
}

/* Fills the pointers of tiles of rows first..last-1, each [taps][rows of the tile]. */
static void point(const struct igemm_run *r, int first, int last, int tiles, char *scratch)
{
	const struct nhwc_conv_u8 *c = r->c;
	const uint8_t **rows = (const uint8_t **)scratch;
	uint8_t *copy = (uint8_t *)scratch + pointer_bytes(c);
	for (int t = 0; t < tiles; t++) {
		int from = first + nhwc_part(last - first, t, tiles);
		int m = first + nhwc_part(last - first, t + 1, tiles) - from;
		if (c->feed == PLAIN)
			for (int i = 0; i < m; i++)
				rows[i] = r->a->in + (from + i) * c->ld_in;
		else if (c->feed == TAPS)
			point_taps(r, from, m, rows);
		else if (c->feed == LINES)
			point_lines(r, from, m, rows);
		else
			gather(r, from, m, rows, &copy);
		if (c->feed == PLAIN || c->feed == TAPS)
			keep_inside(r, (size_t)m * (size_t)row_taps(c), rows);
		rows += (size_t)m * (size_t)row_taps(c);
	}
}

/* What a tile fetches ahead: its part of so many bytes from at on. */
struct ahead {
	const char *at;
	size_t bytes;
};

/* As even as can be, so that the product need not wait for the memory. */
static void set_ahead(
    const struct nhwc_conv_u8 *c, struct ahead a, int tiles, struct igemm_u8_args *q)
{
	size_t steps = depth4(c) / 4 * (size_t)tiles;
	q->ahead = a.bytes ? (const int8_t *)a.at : q->b;
	q->ahead_step = (ptrdiff_t)((a.bytes + steps - 1) / steps + 7) / 8 * 8;
	if (q->ahead_step > LINE)
		q->ahead_step = LINE;
}

/* One panel, col columns of group g from its column j on, times rows first..last-1. */
static void panel(const struct igemm_run *r, int first, int last, int tiles, int g, int j,
    const char *b, const uint8_t *const *rows, struct ahead ahead)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct igemm_u8 *row = &igemm_u8_rows[c->row];
	int n = cout_of(c) - j < row->nr ? cout_of(c) - j : row->nr, taps = row_taps(c);
	int64_t col = (int64_t)g * cout_of(c) + j;
	struct igemm_u8_args q = {.offset = (size_t)g * (size_t)cin_of(c),
	    .taps = taps,
	    .k = row_depth(c),
	    .start = (const int32_t *)b,
	    .b = (const int8_t *)b + (size_t)wide_of(c, j) * sizeof(int32_t),
	    .f = r->a->f + col,
	    .ld_add = (size_t)c->ld_add,
	    .ldc = (size_t)c->ld_out,
	    .e = r->e};
	set_ahead(c, ahead, tiles, &q);
	const int8_t *end = q.ahead + ahead.bytes;
	for (int t = 0; t < tiles; t++) {
		int from = first + nhwc_part(last - first, t, tiles);
		int m = first + nhwc_part(last - first, t + 1, tiles) - from;
		q.rows = rows;
		q.add = nhwc_at_u8(r->a->add, c->add == U8_ADD_U8, from * c->ld_add + col);
		q.c = (void *)nhwc_at_u8(r->a->out, c->out == U8_OUT_U8, from * c->ld_out + col);
		row->run(&q, m, n);
		rows += m * taps;
		q.ahead += q.ahead_step * (ptrdiff_t)(depth4(c) / 4);
		if (q.ahead >= end) {
			q.ahead = q.b;
			q.ahead_step = 0;
		}
	}
}

/* Panel number p of all. */
static const char *panel_at(const struct igemm_run *r, int p)
{
	const struct nhwc_conv_u8 *c = r->c;
	int n = panels_of(c);
	return (const char *)r->a->packed + (size_t)(p / n) * group_packed(c) +
	       (size_t)(p % n) * panel_bytes(c, igemm_u8_rows[c->row].nr);
}

/* What panel p is followed by in a task for panels up to end - 1, number j of as many: the next
 * panel, or of the next layer what the task may be given then. */
static struct ahead ahead_of(const struct igemm_run *r, int p, int end, int j)
{
	const char *at = panel_at(r, p + 1), *next = r->a->next;
	size_t part = next ? r->a->next_bytes / (size_t)r->c->col_blocks : 0;
	if (p + 1 < end)
		return (struct ahead){at, (size_t)(at - panel_at(r, p))};
	return (struct ahead){next ? next + (size_t)j * part : at, part};
}

static void task(void *ctx, int number, int worker)
{
	const struct igemm_run *r = ctx;
	const struct nhwc_conv_u8 *c = r->c;
	const struct igemm_u8 *row = &igemm_u8_rows[c->row];
	int i = number / c->col_blocks, j = number % c->col_blocks, m = rows_of(&c->s);
	int first = nhwc_part(m, i, c->row_blocks), last = nhwc_part(m, i + 1, c->row_blocks);
	int tiles = nhwc_pieces(last - first, row->mr), n = panels_of(c);
	char *scratch = (char *)r->a->scratch + c->shared + (size_t)worker * c->worker;
	point(r, first, last, tiles, scratch);
	int end = nhwc_part(n * groups_of(c), j + 1, c->col_blocks);
	for (int p = nhwc_part(n * groups_of(c), j, c->col_blocks); p < end; p++)
		panel(r, first, last, tiles, p / n, p % n * row->nr, panel_at(r, p),
		    (const uint8_t *const *)scratch, ahead_of(r, p, end, j));
}

/* The image with its borders, and a line of zero points. */
static void copy_lines(const struct nhwc_conv_u8 *c, const uint8_t *in, uint8_t *to)
{
	const struct conv_shape *s = &c->s;
	size_t cin = (size_t)s->cin, all = line_bytes(c), lines = image_lines(s);
	size_t left = (size_t)s->pad[2] * cin, n = (size_t)s->in[2] * cin;
	for (size_t i = 0; i < lines; i++, to += all) {
		memset(to, c->zero, left);
		memset(to + left + n, c->zero, all - left - n);
		if (c->ld_in == s->cin)
			memcpy(to + left, in + i * n, n);
		for (size_t x = 0; x < (size_t)s->in[2] && c->ld_in != s->cin; x++)
			memcpy(to + left + x * cin,
			    in + (i * (size_t)s->in[2] + x) * (size_t)c->ld_in, cin);
	}
	memset(to, c->zero, all);
}

static void run(const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a)
{
	const struct conv_shape *s = &c->s;
	size_t pixels = (size_t)s->batch * nhwc_volume(s->in);
	const uint8_t *end = a->in + (pixels - 1) * (size_t)c->ld_in + s->groups * s->cin;
	struct igemm_run r = {c, a, nhwc_epilogue_u8(c), a->scratch, end, NULL};
	if (c->feed == LINES)
		copy_lines(c, a->in, a->scratch);
	else
		memset(a->scratch, c->zero, c->shared);
	if (c->feed != LINES && cin_of(c) % 4) {
		size_t n = last_bytes(c) - OVER;
		uint8_t *copy = (uint8_t *)a->scratch + pixel_bytes(c);
		memcpy(copy, end - n, n);
		r.last = copy + n;
	}
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way_u8 nhwc_igemm_u8 = {plan, packed_bytes, pack, run};
