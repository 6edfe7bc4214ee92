/* Convolution by Winograd's F(4x4, 3x3) where channels are few: a vector's lanes are tiles, so that
 * neither channels nor columns are filled up to whole vectors. The bits are those of
 * CONV_WINOGRAD. */
#include <math.h>
#include <string.h>

#include "kernels/nhwc_ways.h"
#include "kernels/wino_tiles_f32.h"

#define SIDE 4 /* of a tile of results */
#define ELEMENTS 36
#define TAPS 9
#define LANES WINO_TILES_LANES

static const struct wino_tiles_f32 *row_of(const struct nhwc_conv_f32 *c)
{
	return wino_f32_rows[c->row].tiles;
}

bool nhwc_wino_tiles_fits(const struct conv_shape *s)
{
	return nhwc_winograd_fits(s, CONV_WINOGRAD) && s->kernel[0] == 1 && !s->pad[0] &&
	       s->in[0] == s->out[0] && s->cin >= 4 && s->cout >= 4;
}

/* ---- weights: panels of WINO_TILES_COLUMN columns at most ---- */

static size_t packed_bytes(const struct nhwc_conv_f32 *c)
{
	return ELEMENTS * (size_t)c->s.cin * (size_t)c->s.cout * sizeof(float);
}

struct packing {
	const struct nhwc_conv_f32 *c;
	const float *w;
	float *packed;
};

static void pack_panel(void *ctx, int panel, int worker)
{
	const struct packing *p = ctx;
	const struct conv_shape *s = &p->c->s;
	int from = wino_tiles_column(s->cout, panel), cin = s->cin;
	int n = wino_tiles_column(s->cout, panel + 1) - from;
	float g[TAPS * LANES] = {0}, u[ELEMENTS * LANES];
	float *to = p->packed + (ptrdiff_t)ELEMENTS * cin * from;
	(void)worker;
	for (int k = 0; k < cin; k++) {
		for (int j = 0; j < n; j++)
			for (int t = 0; t < TAPS; t++)
				g[t * LANES + j] =
				    p->w[((size_t)(from + j) * (size_t)cin + (size_t)k) * TAPS +
					 (size_t)t];
		wino_f32_rows[p->c->row].weights(g, SIDE, LANES, u, LANES);
		for (int xi = 0; xi < ELEMENTS; xi++)
			memcpy(to + (xi * cin + k) * n, u + xi * LANES, (size_t)n * sizeof *to);
	}
}

static void pack(const struct nhwc_conv_f32 *c, struct pool *pool, const float *w, float *packed)
{
	struct packing p = {c, w, packed};
	pool_run(nhwc_packers(pool, packed_bytes(c)), wino_tiles_panels(c->s.cout), pack_panel, &p);
}

/* ---- plan: blocks of whole vectors of tiles, of all images one after the other ---- */

struct size {
	int ty, tx, tiles; /* of an image, of all */
	int vectors;       /* of all */
	size_t in, out;    /* floats of an element of a vector of pixels, of products */
};

static struct size size_of(const struct nhwc_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	struct size z = {nhwc_pieces(s->out[1], SIDE), nhwc_pieces(s->out[2], SIDE), 0, 0, 0, 0};
	int lanes = row_of(c)->lanes;
	z.tiles = s->batch * s->out[0] * z.ty * z.tx;
	z.vectors = nhwc_pieces(z.tiles, lanes);
	/* A vector more keeps the elements out of each other's sets. */
	z.in = (size_t)((s->cin + 1) * lanes);
	z.out = (size_t)((s->cout + 1) * lanes);
	return z;
}

#define POINTERS (ELEMENTS * LANES)

static void plan(struct nhwc_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	c->row = wino_f32_pick();
	struct size z = size_of(c);
	int64_t work = (int64_t)z.tiles * ELEMENTS * s->cin * s->cout;
	c->row_blocks = work < NHWC_SMALL || z.vectors < c->threads ? 1 : c->threads;
	c->block_rows = nhwc_pieces(z.vectors, c->row_blocks);
	c->col_blocks = 1;
	c->shared = nhwc_round64((size_t)s->cin * sizeof(float));
	c->worker = nhwc_round64(
	    POINTERS * sizeof(float *) + ELEMENTS * (z.in + z.out) * sizeof(float));
}

/* ---- run ---- */

struct tiles_run {
	const struct nhwc_conv_f32 *c;
	const struct nhwc_conv_f32_args *a;
	struct size z;
	const float *zero;
	/* A vector of tiles, the lanes that there are. */
	int n;
	struct tile {
		int image, y, x;         /* of its first result */
		int64_t in, out;         /* number of its first pixel, inside or not, and result */
		uint32_t lines, columns; /* of its pixels: bits of those inside of the image */
	} at[LANES];
	const float **pixel; /* [element][lane] */
	float *in, *out;
};

/* Bits of the six pixels from number at on of a line of n that lie on it. */
static uint32_t bits_inside(int at, int n)
{
	int from = at < 0 ? -at : 0, to = n - at < SIDE + 2 ? n - at : SIDE + 2;
	return from < to ? (1u << to) - (1u << from) : 0;
}

static void set_tiles(struct tiles_run *r, int vector)
{
	const struct conv_shape *s = &r->c->s;
	int lanes = row_of(r->c)->lanes, from = vector * lanes, per = r->z.ty * r->z.tx;
	struct tile t = {.image = from / per,
	    .y = from % per / r->z.tx * SIDE,
	    .x = from % per % r->z.tx * SIDE};
	r->n = r->z.tiles - from < lanes ? r->z.tiles - from : lanes;
	for (int i = 0; i < r->n; i++) {
		int y = t.y - s->pad[1], x = t.x - s->pad[2];
		t.in = ((int64_t)t.image * s->in[1] + y) * s->in[2] + x;
		t.out = ((int64_t)t.image * s->out[1] + t.y) * s->out[2] + t.x;
		t.lines = bits_inside(y, s->in[1]);
		t.columns = bits_inside(x, s->in[2]);
		r->at[i] = t;
		t.x += SIDE;
		if (t.x >= r->z.tx * SIDE) {
			t.x = 0;
			t.y += SIDE;
		}
		if (t.y >= r->z.ty * SIDE) {
			t.y = 0;
			t.image++;
		}
	}
}

/* Where element y, x of the tiles is: zeros outside of the image and in lanes without a tile. */
static void point(const struct tiles_run *r, int y, int x, const float **to)
{
	const struct nhwc_conv_f32 *c = r->c;
	int64_t step = (int64_t)y * c->s.in[2] + x;
	for (int i = 0; i < r->n; i++) {
		const struct tile *t = &r->at[i];
		bool in = t->lines >> y & t->columns >> x & 1;
		to[i] = in ? r->a->in + (t->in + step) * c->ld_in : r->zero;
	}
	for (int i = r->n; i < LANES; i++)
		to[i] = r->zero;
}

/* Elements that are inside for all of a whole vector of tiles lie equally far from the first such
 * one, and use its pointers. */
static void transform(const struct tiles_run *r)
{
	const struct nhwc_conv_f32 *c = r->c;
	struct wino_tiles_in q = {.n = c->s.cin, .v = r->in, .ldv = r->z.in};
	uint32_t lines = r->n == row_of(c)->lanes ? ~0u : 0, columns = ~0u;
	int shared = -1;
	for (int i = 0; i < r->n; i++) {
		lines &= r->at[i].lines;
		columns &= r->at[i].columns;
	}
	for (int i = 0; i < ELEMENTS; i++) {
		int y = i / 6, x = i % 6;
		bool inside = lines >> y & columns >> x & 1;
		q.pixel[i] = r->pixel + (ptrdiff_t)(inside && shared >= 0 ? shared : i) * LANES;
		if (inside && shared >= 0) {
			int step = (y - shared / 6) * c->s.in[2] + x - shared % 6;
			q.offset[i] = step * (ptrdiff_t)c->ld_in;
			continue;
		}
		point(r, y, x, r->pixel + (ptrdiff_t)i * LANES);
		shared = inside ? i : shared;
	}
	row_of(c)->in(&q);
}

static void results(const struct tiles_run *r)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	bool see = nhwc_sees(r->a);
	float *out[LANES];
	const float *add[LANES];
	struct wino_tiles_out q = {.ldm = r->z.out,
	    .out = out,
	    .add = r->a->add && !see ? add : NULL,
	    .line_out = (size_t)(s->out[2] * c->ld_out),
	    .ld_out = (size_t)c->ld_out,
	    .line_add = (size_t)(s->out[2] * c->ld_add),
	    .ld_add = (size_t)c->ld_add,
	    .lo = see ? -INFINITY : c->lo,
	    .hi = see ? INFINITY : c->hi};
	for (int i = 0; i < r->n; i++) {
		const struct tile *t = &r->at[i];
		out[i] = r->a->out + t->out * c->ld_out;
		add[i] = q.add ? r->a->add + t->out * c->ld_add : NULL;
		for (int k = 0; k < SIDE; k++) {
			q.lines[k] |= (uint32_t)(t->y + k < s->out[1]) << i;
			q.columns[k] |= (uint32_t)(t->x + k < s->out[2]) << i;
		}
	}
	for (int j = 0; j < s->cout; j += WINO_TILES_OUT) {
		q.n = s->cout - j < WINO_TILES_OUT ? s->cout - j : WINO_TILES_OUT;
		q.m = r->out + j * row_of(c)->lanes;
		q.bias = r->a->bias ? r->a->bias + j : NULL;
		q.from = j;
		row_of(c)->out(&q);
	}
}

/* What is done to results behind the clamp, or in its place. */
static void finish(const struct tiles_run *r)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	for (int i = 0; i < r->n; i++) {
		const struct tile *t = &r->at[i];
		int64_t at = t->out;
		int nx = s->out[2] - t->x < SIDE ? s->out[2] - t->x : SIDE;
		for (int k = 0; k < SIDE && t->y + k < s->out[1]; k++, at += s->out[2]) {
			float *out = r->a->out + at * c->ld_out;
			const float *add = r->a->add ? r->a->add + at * c->ld_add : NULL;
			if (nhwc_sees(r->a))
				nhwc_settle(c, r->a, out, add, nx, s->cout);
			else
				nhwc_act(c, out, nx, c->ld_out, s->cout);
		}
	}
}

static void task(void *ctx, int number, int worker)
{
	struct tiles_run r = *(const struct tiles_run *)ctx;
	const struct nhwc_conv_f32 *c = r.c;
	const struct wino_tiles_f32 *row = row_of(c);
	char *scratch = (char *)r.a->scratch + c->shared + (size_t)worker * c->worker;
	r.pixel = (const float **)scratch;
	r.in = (float *)(scratch + POINTERS * sizeof *r.pixel);
	r.out = r.in + ELEMENTS * r.z.in;
	int last = nhwc_part(r.z.vectors, number + 1, c->row_blocks);
	for (int i = nhwc_part(r.z.vectors, number, c->row_blocks); i < last; i++) {
		set_tiles(&r, i);
		transform(&r);
		row->product(&(struct wino_tiles_product){
		    r.a->packed, r.in, r.out, r.z.in, r.z.out, c->s.cin, c->s.cout});
		results(&r);
		if (nhwc_sees(r.a) || c->act != SPAN_NONE)
			finish(&r);
	}
}

static void run(
    const struct nhwc_conv_f32 *c, struct pool *pool, const struct nhwc_conv_f32_args *a)
{
	struct tiles_run r = {.c = c, .a = a, .z = size_of(c), .zero = a->scratch};
	memset(a->scratch, 0, c->shared);
	pool_run(pool, c->row_blocks, task, &r);
}

const struct nhwc_way nhwc_wino_tiles = {plan, packed_bytes, pack, run};
