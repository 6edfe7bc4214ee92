/* Quantized transposed convolution: each part, an implicit GEMM, is computed block by block into
 * scratch, and spread from there. */
#include "kernels/deconv_parts.h"
#include "kernels/nhwc_igemm_u8.h"

#include <string.h>

#define BLOCK_BYTES (64 << 10) /* results of a block, about */
#define LEAST_ROWS 56          /* of a block, where there are so many */

/* A part and its convolution. */
struct part {
	struct deconv_part g;
	struct nhwc_conv_u8 k;
};

/* The same parts for all sizes of the image, as what is packed serves them all. */
static struct deconv_shape shape_of(const struct nhwc_conv_u8 *c)
{
	struct deconv_shape g = {.s = c->s};
	memcpy(g.step, c->s.stride, sizeof g.step);
	return g;
}

static int64_t result_bytes(const struct nhwc_conv_u8 *c)
{
	return (int64_t)c->s.cout * (c->out == U8_OUT_U8 ? 1 : (int64_t)sizeof(float));
}

/* rows: of a block at most. */
static void part_get(const struct nhwc_conv_u8 *c, int number, int rows, struct part *p)
{
	struct deconv_shape g = shape_of(c);
	deconv_part(&g, number, &p->g);
	p->k = *c;
	p->k.s = p->g.s;
	p->k.way = CONV_IGEMM;
	p->k.ld_out = c->s.cout;
	nhwc_igemm_u8_plan_rows(&p->k, rows);
}

bool nhwc_transposed_u8_fits(const struct conv_shape *s)
{
	return s->groups == 1 && deconv_fits(s);
}

static int parts_of(const struct nhwc_conv_u8 *c)
{
	struct deconv_shape g = shape_of(c);
	return deconv_residues(&g);
}

/* ---- plan ---- */

/* Lines of a part in a block, as many as make a good product and stay in the cache. */
static int block_lines(const struct nhwc_conv_u8 *c, const struct deconv_part *p)
{
	int64_t rows = BLOCK_BYTES / result_bytes(c), lines = deconv_lines(p);
	rows = rows > LEAST_ROWS ? rows : LEAST_ROWS;
	int64_t n = rows / p->s.out[2] > 1 ? rows / p->s.out[2] : 1;
	int64_t work = lines * p->s.out[2] * p->s.cin * p->s.cout;
	if (c->threads > 1 && work >= NHWC_SMALL && n > nhwc_pieces(lines, c->threads))
		n = nhwc_pieces(lines, c->threads);
	return (int)(n < lines ? n : lines);
}

/* row_blocks: blocks of each part, which are col_blocks. */
static void plan(struct nhwc_conv_u8 *c)
{
	struct deconv_shape g = shape_of(c);
	struct part p;
	c->row = igemm_u8_pick();
	c->feed = 0;
	c->row_blocks = 1;
	c->col_blocks = parts_of(c);
	c->block_rows = 0;
	for (int i = 0; i < c->col_blocks; i++) {
		deconv_part(&g, i, &p.g);
		int lines = block_lines(c, &p.g), n = nhwc_pieces(deconv_lines(&p.g), lines);
		if (p.g.empty)
			continue;
		c->row_blocks = n > c->row_blocks ? n : c->row_blocks;
	}
	for (int i = 0; i < c->col_blocks; i++) {
		deconv_part(&g, i, &p.g);
		int rows = nhwc_pieces(deconv_lines(&p.g), c->row_blocks) * p.g.s.out[2];
		c->block_rows = rows > c->block_rows ? rows : c->block_rows;
	}
	c->shared = c->worker = 0;
	for (int i = 0; i < c->col_blocks; i++) {
		part_get(c, i, c->block_rows, &p);
		size_t bytes = p.k.shared + p.k.worker;
		c->worker = bytes > c->worker ? bytes : c->worker;
	}
	c->worker += nhwc_round64((size_t)c->block_rows * (size_t)result_bytes(c));
}

/* ---- weights ---- */

static size_t part_bytes(const struct part *p)
{
	return nhwc_round64(nhwc_igemm_u8.packed(&p->k));
}

/* Bytes of the parts before number i. */
static size_t packed_before(const struct nhwc_conv_u8 *c, int i)
{
	size_t bytes = 0;
	for (int k = 0; k < i; k++) {
		struct part p;
		part_get(c, k, 1, &p);
		bytes += part_bytes(&p);
	}
	return bytes;
}

static size_t packed_bytes(const struct nhwc_conv_u8 *c)
{
	return packed_before(c, parts_of(c));
}

/* The part's taps of all windows, [cout][cin][taps of the part]. */
static void turn(const struct nhwc_conv_u8 *c, const struct part *p, const int8_t *w, int8_t *to)
{
	struct deconv_shape g = shape_of(c);
	size_t window = conv_volume(c->s.kernel);
	int taps = (int)conv_volume(p->k.s.kernel);
	for (int t = 0; t < taps; t++) {
		int tap = deconv_tap(&g, &p->g, 0, t);
		for (size_t i = 0; i < (size_t)c->s.cout * (size_t)c->s.cin; i++)
			to[i * (size_t)taps + (size_t)t] = tap < 0 ? 0
								   : w[i * window + (size_t)tap];
	}
}

static size_t turned_bytes(const struct nhwc_conv_u8 *c, const struct part *p)
{
	return (size_t)c->s.cout * (size_t)c->s.cin * conv_volume(p->k.s.kernel);
}

size_t nhwc_transposed_u8_turned(const struct nhwc_conv_u8 *c)
{
	size_t bytes = 0;
	for (int i = 0; i < parts_of(c); i++) {
		struct part p;
		part_get(c, i, 1, &p);
		bytes += turned_bytes(c, &p);
	}
	return bytes;
}

void nhwc_transposed_u8_turn(const struct nhwc_conv_u8 *c, const int8_t *w, int8_t *turned)
{
	for (int i = 0; i < parts_of(c); i++) {
		struct part p;
		part_get(c, i, 1, &p);
		turn(c, &p, w, turned);
		turned += turned_bytes(c, &p);
	}
}

static void pack(const struct nhwc_conv_u8 *c, struct pool *pool, const int8_t *w,
    const uint8_t *zeros, void *packed)
{
	char *to = packed;
	memset(packed, 0, packed_bytes(c));
	for (int i = 0; i < parts_of(c); i++) {
		struct part p;
		part_get(c, i, 1, &p);
		nhwc_igemm_u8.pack(&p.k, pool, w, zeros, to);
		w += turned_bytes(c, &p);
		to += part_bytes(&p);
	}
}

/* ---- run ---- */

struct deconv_run {
	const struct nhwc_conv_u8 *c;
	const struct nhwc_conv_u8_args *a;
};

static void task(void *ctx, int number, int worker)
{
	const struct deconv_run *r = ctx;
	const struct nhwc_conv_u8 *c = r->c;
	struct deconv_shape g = shape_of(c);
	int part = number % c->col_blocks, block = number / c->col_blocks;
	char *scratch = (char *)r->a->scratch + (size_t)worker * c->worker;
	char *results = scratch + c->worker -
			nhwc_round64((size_t)c->block_rows * (size_t)result_bytes(c));
	struct nhwc_conv_u8_args a = *r->a;
	struct part p;
	part_get(c, part, c->block_rows, &p);
	int lines = deconv_lines(&p.g), wide = p.k.s.out[2];
	int first = nhwc_part(lines, block, c->row_blocks),
	    last = nhwc_part(lines, block + 1, c->row_blocks);
	if (p.g.empty || first == last)
		return;
	a.packed = (const char *)a.packed + packed_before(c, part);
	a.out = deconv_origin(results, (int64_t)first * wide, result_bytes(c));
	a.scratch = scratch;
	a.next = NULL;
	nhwc_igemm_u8_rows(&p.k, &a, first * wide, last * wide);
	struct deconv_out to = {
	    r->a->out, c->ld_out * result_bytes(c) / c->s.cout, result_bytes(c), 0};
	deconv_spread(&g, &p.g, first, last, results, result_bytes(c), &to);
}

static void run(const struct nhwc_conv_u8 *c, struct pool *pool, const struct nhwc_conv_u8_args *a)
{
	struct deconv_run r = {c, a};
	pool_run(pool, c->row_blocks * c->col_blocks, task, &r);
}

const struct nhwc_way_u8 nhwc_transposed_u8 = {plan, packed_bytes, pack, run};
