/* Convolution of stride 1 by Winograd's F(4x4, 3x3) or F(2x2, 3x3), or F(4, 7) of 1x7 and 7x1:
 * tiles of pixels are transformed, a matrix product over the channels done for each element of a
 * tile, and tiles of results transformed back. A window with depth sums the products of its planes
 * before that; each plane of the image is transformed once. */
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/nhwc_ways.h"

#define L2_TILES (832 << 10)   /* bytes of transformed tiles of a private block */
#define L2_WEIGHTS (640 << 10) /* bytes of weights that stay in the L2 cache beside them */
#define L3_TILES (16 << 20)    /* bytes of transformed tiles and products of a shared block */
#define SHARED_WORK (4 << 20)  /* multiply-adds that are worth waiting for each other */
#define LOW_TILES 6            /* of a block, below which it takes as long */
#define LEAST_TILES 12         /* tiles that a thread should have */
#define MAX_TILES 256          /* tiles of a block */

/* A column is the tiles at one place of all planes of an image; a block is some columns. Its
 * transformed tiles and its products lie plane by plane. How it is worked on:
 * PRIVATE: one worker does it, one panel of columns after the other; products stay in its L2 cache.
 * SHARED: all workers share it and do all columns of one product after the other, for weights so
 * large that they should be read once. */
enum feed { PRIVATE, SHARED };

struct size {
	int ty, tx;      /* tiles of an image */
	int columns;     /* of all images */
	int panels;      /* of columns */
	size_t ldv, ldm; /* floats from tile to tile */
};

/* What the transforms are called with. */
static int kind_of(const struct nhwc_conv_f32 *c)
{
	return c->way == CONV_WINOGRAD_LINE ? WINO_LINE : c->way == CONV_WINOGRAD ? 4 : 2;
}

/* Side of a tile of results along dim d, 1 or 2. */
static int side_of(const struct nhwc_conv_f32 *c, int d)
{
	if (c->way == CONV_WINOGRAD_LINE)
		return c->s.kernel[d] > 1 ? WINO_LINE_OUT : 1;
	return kind_of(c);
}

/* That of a tile of pixels. */
static int span_of(const struct nhwc_conv_f32 *c, int d)
{
	return side_of(c, d) + c->s.kernel[d] - 1;
}

static int elements_of(const struct nhwc_conv_f32 *c)
{
	return span_of(c, 1) * span_of(c, 2);
}

static int taps_of(const struct nhwc_conv_f32 *c)
{
	return c->s.kernel[1] * c->s.kernel[2];
}

static const struct wino_f32 *row_of(const struct nhwc_conv_f32 *c)
{
	return &wino_f32_rows[c->row];
}

static struct size size_of(const struct nhwc_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	struct size z = {nhwc_pieces(s->out[1], side_of(c, 1)),
	    nhwc_pieces(s->out[2], side_of(c, 2)), 0, nhwc_pieces(s->cout, row_of(c)->tile.nr),
	    (size_t)nhwc_lanes(s->cin), 0};
	int nr = row_of(c)->tile.nr, columns = c->feed == PRIVATE ? nr : s->cout;
	z.columns = s->batch * z.ty * z.tx;
	z.ldm = (size_t)nhwc_lanes(columns);
	return z;
}

/* Floats of a matrix of one element of all tiles of a block: of planes of pixels, and a tile of
 * zeros where the window has depth; of planes of results. A row of lanes more than that keeps the
 * matrices out of each other's sets. */
static size_t matrix_in(const struct nhwc_conv_f32 *c, const struct size *z)
{
	int tiles = c->block_rows * c->s.in[0] + (c->s.kernel[0] > 1);
	return (size_t)tiles * z->ldv + NHWC_LANES;
}

static size_t matrix_out(const struct nhwc_conv_f32 *c, const struct size *z)
{
	return (size_t)c->block_rows * (size_t)c->s.out[0] * z->ldm + NHWC_LANES;
}

/* Bytes of the pointers to the transformed tiles under each tile of results. */
static size_t pointers_bytes(const struct nhwc_conv_f32 *c)
{
	size_t tiles = (size_t)c->block_rows * (size_t)c->s.out[0];
	return nhwc_round64(tiles * (size_t)c->s.kernel[0] * sizeof(float *));
}

/* ---- weights: [panel][elements][planes of the window][cin][columns] ---- */

/* Lines of a panel of one element. */
static int depth_of(const struct nhwc_conv_f32 *c)
{
	return c->s.kernel[0] * c->s.cin;
}

static size_t weights_of(const struct nhwc_conv_f32 *c)
{
	return (size_t)elements_of(c) *
	       igemm_f32_packed(&row_of(c)->tile, (size_t)depth_of(c), c->s.cout);
}

static size_t packed_bytes(const struct nhwc_conv_f32 *c)
{
	return weights_of(c) * sizeof(float);
}

struct packing {
	const struct nhwc_conv_f32 *c;
	const float *w;
	float *packed;
};

static void pack_panel(void *ctx, int task, int worker)
{
	const struct packing *k = ctx;
	const struct nhwc_conv_f32 *c = k->c;
	int nr = row_of(c)->tile.nr, depth = depth_of(c), taps = taps_of(c), j = task * nr;
	int have = c->s.cout - j < nr ? c->s.cout - j : nr, wide = have <= nr / 2 ? nr / 2 : nr;
	float g[9 * 32] = {0};
	float *to = k->packed + (size_t)elements_of(c) * (size_t)depth * (size_t)j;
	(void)worker;
	for (int p = 0; p < depth; p++, to += wide) {
		/* w is [cout][cin][planes][taps] */
		int from = p % c->s.cin * c->s.kernel[0] + p / c->s.cin;
		for (int i = 0; i < have; i++)
			for (int t = 0; t < taps; t++)
				g[t * wide + i] =
				    k->w[((size_t)(j + i) * (size_t)depth + (size_t)from) *
					     (size_t)taps +
					 (size_t)t];
		row_of(c)->weights(g, kind_of(c), wide, to, (size_t)depth * (size_t)wide);
	}
}

static void pack(const struct nhwc_conv_f32 *c, struct pool *pool, const float *w, float *packed)
{
	struct packing k = {c, w, packed};
	pool_run(nhwc_packers(pool, packed_bytes(c)), nhwc_pieces(c->s.cout, row_of(c)->tile.nr),
	    pack_panel, &k);
}

/* ---- plan ---- */

/* n things in blocks of at most most, all nearly equal. */
static int even(int n, int64_t most)
{
	most = most < 1 ? 1 : most;
	return nhwc_pieces(n, nhwc_pieces(n, most));
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void set_blocks(struct nhwc_conv_f32 *c, int columns, int block)
{
	c->block_rows = block;
	c->row_blocks = nhwc_pieces(columns, block);
}

/* Private blocks, unless these would read large weights too often or leave threads without work. */
static void cut(struct nhwc_conv_f32 *c)
{
	c->feed = PRIVATE;
	struct size z = size_of(c);
	int64_t weights = (int64_t)packed_bytes(c), tile = 4 * elements_of(c);
	int planes = c->s.out[0], most = MAX_TILES / planes, tiles = z.columns * planes;
	int64_t v = tile * (int64_t)z.ldv * c->s.in[0];
	int64_t vm = v + tile * nhwc_lanes(c->s.cout) * planes;
	int small = even(z.columns, least(L2_TILES / v, most));
	int large = even(z.columns, least(L3_TILES / vm, most));
	bool stay = weights <= L2_WEIGHTS;
	int64_t often = stay ? 0 : weights * nhwc_pieces(z.columns, small);
	int64_t once = weights * nhwc_pieces(z.columns, large) + 2 * z.columns * vm;
	int64_t work = (int64_t)tiles * elements_of(c) * depth_of(c) * c->s.cout;
	bool few = c->threads > 1 && nhwc_pieces(z.columns, small) < 2 * c->threads &&
		   work >= SHARED_WORK;
	if (once < often || (few && (!stay || tiles < LEAST_TILES * c->threads))) {
		c->feed = SHARED;
		set_blocks(c, z.columns, large);
		return;
	}
	int blocks = nhwc_pieces(nhwc_pieces(z.columns, small), c->threads) * c->threads;
	if (work < SHARED_WORK && tiles < LOW_TILES * c->threads)
		blocks = nhwc_pieces(z.columns, small);
	set_blocks(c, z.columns, nhwc_pieces(z.columns, blocks));
}

static void plan(struct nhwc_conv_f32 *c)
{
	c->row = wino_f32_pick();
	cut(c);
	c->col_blocks = 1;
	struct size z = size_of(c);
	size_t bytes = pointers_bytes(c) + (size_t)elements_of(c) * sizeof(float) *
					       (matrix_in(c, &z) + matrix_out(c, &z));
	size_t zero = nhwc_round64((size_t)c->s.cin * sizeof(float));
	c->shared = zero + (c->feed == SHARED ? bytes : 0);
	c->worker = c->feed == PRIVATE ? bytes : 0;
}

/* ---- run ---- */

struct wino_run {
	const struct nhwc_conv_f32 *c;
	const struct nhwc_conv_f32_args *a;
	struct size z;
	const float *zero;
	/* A block: n columns from number first on, their transforms and products, of which each
	 * element's are so many floats behind the last one's. */
	int first, n;
	const float **rows; /* by tile of the product [planes of the window][rows] */
	float *v, *m;
	size_t next_v, next_m;
};

/* Rows of a product: tiles of results of a block. */
static int rows_of(const struct wino_run *r)
{
	return r->n * r->c->s.out[0];
}

static int products_of(const struct wino_run *r)
{
	return nhwc_pieces(rows_of(r), row_of(r->c)->tile.mr);
}

/* The rows of the left side of a product, from..to-1, of one plane of the window; the first is NULL
 * when all lie outside. */
static void point(const struct wino_run *r, int from, int to, int plane, const float **rows)
{
	const struct conv_shape *s = &r->c->s;
	const float *zero = r->v + (size_t)(r->n * s->in[0]) * r->z.ldv;
	bool some = false;
	for (int i = from; i < to; i++) {
		int z = i / r->n - s->pad[0] + plane;
		bool in = nhwc_inside(s, 0, z);
		some |= in;
		rows[i - from] = in ? r->v + (size_t)(z * r->n + i % r->n) * r->z.ldv : zero;
	}
	if (!some)
		rows[0] = NULL;
}

static void set_block(struct wino_run *r, int number, char *scratch)
{
	const struct nhwc_conv_f32 *c = r->c;
	r->first = nhwc_part(r->z.columns, number, c->row_blocks);
	r->n = nhwc_part(r->z.columns, number + 1, c->row_blocks) - r->first;
	r->rows = (const float **)scratch;
	r->v = (float *)(scratch + pointers_bytes(c));
	r->next_v = matrix_in(c, &r->z);
	r->next_m = matrix_out(c, &r->z);
	r->m = r->v + (size_t)elements_of(c) * r->next_v;
	const float **rows = r->rows;
	for (int t = 0; t < products_of(r); t++) {
		int from = nhwc_part(rows_of(r), t, products_of(r));
		int to = nhwc_part(rows_of(r), t + 1, products_of(r));
		for (int p = 0; p < c->s.kernel[0]; p++, rows += to - from)
			point(r, from, to, p, rows);
	}
	float *zero = r->v + (size_t)(r->n * c->s.in[0]) * r->z.ldv;
	for (int i = 0; i < elements_of(c) && c->s.kernel[0] > 1; i++)
		memset(zero + (size_t)i * r->next_v, 0, r->z.ldv * sizeof *zero);
}

/* Image, y and x of the results of a column. */
static void column_at(const struct wino_run *r, int column, int64_t *image, int *y, int *x)
{
	*x = column % r->z.tx * side_of(r->c, 2);
	*y = column / r->z.tx % r->z.ty * side_of(r->c, 1);
	*image = column / r->z.tx / r->z.ty;
}

/* Tile number i of the block's pixels. */
static void tile_in(const struct wino_run *r, int i)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	const float *pixel[36];
	int64_t image;
	int y, x, ny = span_of(c, 1), nx = span_of(c, 2);
	column_at(r, r->first + i % r->n, &image, &y, &x);
	y -= s->pad[1];
	x -= s->pad[2];
	image = image * s->in[0] + i / r->n;
	const float *in = r->a->in + image * s->in[1] * s->in[2] * c->ld_in;
	for (int k = 0; k < ny; k++) {
		bool line = nhwc_inside(s, 1, y + k);
		const float *p = in + ((int64_t)(y + k) * s->in[2] + x) * c->ld_in;
		for (int j = 0; j < nx; j++, p += c->ld_in)
			pixel[k * nx + j] = (line & nhwc_inside(s, 2, x + j)) ? p : r->zero;
	}
	row_of(c)->in(&(struct wino_f32_in){
	    kind_of(c), pixel, s->cin, r->v + (size_t)i * r->z.ldv, r->next_v});
}

/* The weights of product number xi of panel j. */
static const float *weights_at(const struct wino_run *r, int xi, int j)
{
	const struct nhwc_conv_f32 *c = r->c;
	int nr = row_of(c)->tile.nr, wide = c->s.cout - j * nr <= nr / 2 ? nr / 2 : nr;
	return r->a->packed + (size_t)depth_of(c) *
				  ((size_t)elements_of(c) * (size_t)(j * nr) + (size_t)(xi * wide));
}

/* Product number xi of panel j, to column col of m; then comes that of next_xi, next_j. */
static void product(const struct wino_run *r, int xi, int j, int col, int next_xi, int next_j)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct igemm_f32 *row = &row_of(c)->tile;
	int n = c->s.cout - j * row->nr, wide = n <= row->nr / 2 ? row->nr / 2 : row->nr;
	int rows = rows_of(r), tiles = products_of(r);
	bool large = packed_bytes(c) > cpu_l2() / 4 && next_j < r->z.panels;
	const float *next = large ? weights_at(r, next_xi, next_j) : NULL;
	struct igemm_f32_args q = {.rows = r->rows,
	    .offset = (size_t)xi * r->next_v,
	    .taps = c->s.kernel[0],
	    .k = c->s.cin,
	    .b = weights_at(r, xi, j),
	    .ldc = r->z.ldm,
	    .lo = -INFINITY,
	    .hi = INFINITY};
	for (int t = 0; t < tiles; t++) {
		int from = nhwc_part(rows, t, tiles), to = nhwc_part(rows, t + 1, tiles);
		q.next = next && t < 8 ? next + t * 16 : NULL;
		q.c = r->m + (size_t)xi * r->next_m + (size_t)from * r->z.ldm + col;
		row->run(&q, to - from, wide);
		q.rows += (to - from) * q.taps;
	}
}

/* Tile number i of the block's results: n channels from number j on, whose products start at column
 * col of m. */
static void tile_out(const struct wino_run *r, int i, int j, int n, int col)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	int64_t image;
	int y, x;
	column_at(r, r->first + i % r->n, &image, &y, &x);
	image = image * s->out[0] + i / r->n;
	int64_t at = (image * s->out[1] + y) * s->out[2] + x;
	const float *add = r->a->add ? r->a->add + at * c->ld_add + j : NULL;
	bool see = nhwc_sees(r->a);
	struct wino_f32_out q = {.o = kind_of(c),
	    .m = r->m + (size_t)i * r->z.ldm + col,
	    .ldm = r->next_m,
	    .n = n,
	    .ny = (int)least(s->out[1] - y, side_of(c, 1)),
	    .nx = (int)least(s->out[2] - x, side_of(c, 2)),
	    .bias = r->a->bias ? r->a->bias + j : NULL,
	    .add = see ? NULL : add,
	    .out = r->a->out + at * c->ld_out + j,
	    .line = (size_t)s->out[2],
	    .ld_add = (size_t)c->ld_add,
	    .ld_out = (size_t)c->ld_out,
	    .lo = see ? -INFINITY : c->lo,
	    .hi = see ? INFINITY : c->hi};
	row_of(c)->out(&q);
	for (int k = 0; k < q.ny; k++) {
		int64_t line = (int64_t)k * s->out[2];
		if (see)
			nhwc_settle(c, r->a, q.out + line * c->ld_out,
			    add ? add + line * c->ld_add : NULL, q.nx, n);
		else
			nhwc_act(c, q.out + line * c->ld_out, q.nx, c->ld_out, n);
	}
}

static void private_task(void *ctx, int number, int worker)
{
	struct wino_run r = *(const struct wino_run *)ctx;
	const struct nhwc_conv_f32 *c = r.c;
	int nr = row_of(c)->tile.nr;
	set_block(&r, number, (char *)r.a->scratch + c->shared + (size_t)worker * c->worker);
	for (int i = 0; i < r.n * c->s.in[0]; i++)
		tile_in(&r, i);
	for (int p = 0; p < r.z.panels; p++) {
		int n = c->s.cout - p * nr;
		for (int xi = 0; xi < elements_of(c); xi++) {
			bool end = xi + 1 == elements_of(c);
			product(&r, xi, p, 0, end ? 0 : xi + 1, p + end);
		}
		for (int i = 0; i < rows_of(&r); i++)
			tile_out(&r, i, p * nr, n < nr ? n : nr, 0);
	}
}

#define SHARED_PIECES 16 /* tasks of the transforms of a shared block */

static void in_task(void *ctx, int number, int worker)
{
	const struct wino_run *r = ctx;
	int n = r->n * r->c->s.in[0];
	(void)worker;
	for (int i = nhwc_part(n, number, SHARED_PIECES);
	     i < nhwc_part(n, number + 1, SHARED_PIECES); i++)
		tile_in(r, i);
}

static void product_task(void *ctx, int xi, int worker)
{
	const struct wino_run *r = ctx;
	(void)worker;
	for (int p = 0; p < r->z.panels; p++) {
		bool end = p + 1 == r->z.panels;
		product(r, xi, p, p * row_of(r->c)->tile.nr, xi + end, end ? 0 : p + 1);
	}
}

static void out_task(void *ctx, int number, int worker)
{
	const struct wino_run *r = ctx;
	int n = rows_of(r);
	(void)worker;
	for (int i = nhwc_part(n, number, SHARED_PIECES);
	     i < nhwc_part(n, number + 1, SHARED_PIECES); i++)
		tile_out(r, i, 0, r->c->s.cout, 0);
}

static void run(
    const struct nhwc_conv_f32 *c, struct pool *pool, const struct nhwc_conv_f32_args *a)
{
	struct wino_run r = {.c = c, .a = a, .z = size_of(c), .zero = a->scratch};
	size_t zero = nhwc_round64((size_t)c->s.cin * sizeof(float));
	memset(a->scratch, 0, zero);
	if (c->feed == PRIVATE) {
		pool_run(pool, c->row_blocks, private_task, &r);
		return;
	}
	for (int b = 0; b < c->row_blocks; b++) {
		set_block(&r, b, (char *)a->scratch + zero);
		pool_run(pool, SHARED_PIECES, in_task, &r);
		pool_run(pool, elements_of(c), product_task, &r);
		pool_run(pool, SHARED_PIECES, out_task, &r);
	}
}

const struct nhwc_way nhwc_winograd = {plan, packed_bytes, pack, run};
