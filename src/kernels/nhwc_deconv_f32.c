/* FP32 transposed convolution: each part is computed block by block into scratch, and spread from
 * there. */
#include <string.h>

#include "kernels/nhwc_deconv_f32.h"
#include "kernels/nhwc_ways.h"

#define BLOCK_FLOATS 16384 /* results of a block, about */
#define LEAST_ROWS 96      /* of a block, where there are so many */

/* A part and its convolution. */
struct part {
	struct deconv_part g;
	struct nhwc_conv_f32 k;
};

static void part_get(const struct nhwc_deconv_f32 *c, int number, struct part *p)
{
	deconv_part(&c->g, number, &p->g);
	p->k = (struct nhwc_conv_f32){.s = p->g.s,
	    .ld_in = c->ld_in,
	    .lo = c->lo,
	    .hi = c->hi,
	    .act = c->act,
	    .act_a = c->act_a,
	    .act_b = c->act_b};
	p->k.ld_out = (int64_t)p->k.s.groups * p->k.s.cout;
	p->k.way = nhwc_depthwise_fits(&p->k.s) ? CONV_DEPTHWISE : CONV_IGEMM;
	nhwc_conv_f32_plan(&p->k, 1);
	if (p->k.way == CONV_DEPTHWISE)
		nhwc_depthwise_plan_lines(&p->k);
}

/* ---- plan ---- */

int nhwc_deconv_f32_way(const struct conv_shape *s)
{
	int mask = 0;
	for (int d = 0; d < 3; d++)
		mask |= (s->in[d] == 1) << d;
	return mask;
}

/* Columns that a product computes for n wanted ones. */
static int64_t computed(int64_t n)
{
	int half = igemm_f32_rows[igemm_f32_pick()].nr / 2;
	return (n + half - 1) / half * half;
}

/* All residues as columns of one product, with zeros for the taps that some have not: when it is
 * no more work, columns that would be empty counted. */
static bool pays_whole(const struct deconv_shape *g)
{
	int64_t sum = 0;
	for (int d = 0; d < 3; d++)
		if (g->s.dilation[d] > 1 && g->step[d] > 1)
			return false;
	for (int i = 0; i < deconv_residues(g); i++)
		sum += deconv_taps(g, i);
	return g->s.groups == 1 &&
	       deconv_whole_taps(g) * computed((int64_t)deconv_residues(g) * g->s.cout) <=
		   sum * computed(g->s.cout);
}

static int line_pieces(const struct nhwc_deconv_f32 *c, const struct part *p, int threads)
{
	int rows = BLOCK_FLOATS / (int)p->k.ld_out, lines = deconv_lines(&p->g);
	rows = rows > LEAST_ROWS ? rows : LEAST_ROWS;
	int n = nhwc_pieces((int64_t)lines * p->k.s.out[2], rows);
	int64_t taps = (int64_t)conv_volume(p->k.s.kernel) * p->k.s.cin;
	int64_t work = taps * lines * p->k.s.out[2] * p->k.ld_out * c->parts;
	if (threads > 1 && work >= NHWC_SMALL && n * c->parts < 2 * threads)
		n = nhwc_pieces(2 * threads, c->parts);
	return n < lines ? n : lines;
}

/* Scratch of a worker for the blocks of a part. */
static void grow_worker(struct nhwc_deconv_f32 *c, struct part *p)
{
	int rows = nhwc_pieces(deconv_lines(&p->g), c->pieces) * p->k.s.out[2];
	size_t block = nhwc_round64((size_t)rows * (size_t)p->k.ld_out * sizeof(float));
	if (p->k.way == CONV_IGEMM)
		nhwc_igemm_plan_rows(&p->k, rows);
	c->block = block > c->block ? block : c->block;
	c->worker = p->k.worker > c->worker ? p->k.worker : c->worker;
	c->shared = p->k.shared > c->shared ? p->k.shared : c->shared;
}

/* Bytes of the zeros that products read outside of the image; the bias of all columns follows. */
static size_t zero_bytes(const struct nhwc_deconv_f32 *c)
{
	size_t columns = (size_t)c->g.s.cout * (size_t)deconv_residues(&c->g);
	return c->shared - (c->g.whole ? nhwc_round64(columns * sizeof(float)) : 0);
}

void nhwc_deconv_f32_plan(struct nhwc_deconv_f32 *c, int threads)
{
	struct part p;
	int most = 0, pieces = 1;
	c->g = deconv_of(&c->g.s);
	c->g.whole = pays_whole(&c->g);
	c->parts = c->g.whole ? 1 : deconv_residues(&c->g);
	for (int i = 0; i < c->parts; i++) {
		part_get(c, i, &p);
		if (p.g.empty || deconv_lines(&p.g) < most)
			continue;
		most = deconv_lines(&p.g);
		pieces = line_pieces(c, &p, threads);
	}
	c->pieces = pieces;
	c->shared = c->worker = c->block = 0;
	for (int i = 0; i < c->parts; i++) {
		part_get(c, i, &p);
		if (!p.g.empty)
			grow_worker(c, &p);
	}
	c->shared = nhwc_round64(c->shared);
	if (c->g.whole)
		c->shared += nhwc_round64(
		    (size_t)c->g.s.cout * (size_t)deconv_residues(&c->g) * sizeof(float));
	c->worker = nhwc_round64(c->worker) + c->block;
	c->scratch = c->shared + (size_t)threads * c->worker;
}

/* ---- weights ---- */

size_t nhwc_deconv_f32_packed(const struct nhwc_deconv_f32 *c)
{
	size_t bytes = 0;
	for (int i = 0; i < c->parts; i++) {
		struct part p;
		part_get(c, i, &p);
		bytes += nhwc_round64(nhwc_conv_f32_packed(&p.k));
	}
	return bytes;
}

size_t nhwc_deconv_f32_turned(const struct nhwc_deconv_f32 *c)
{
	size_t most = 0;
	for (int i = 0; i < c->parts; i++) {
		struct part p;
		part_get(c, i, &p);
		size_t n = (size_t)p.k.ld_out * (size_t)p.k.s.cin * conv_volume(p.k.s.kernel);
		most = n > most ? n : most;
	}
	return most;
}

/* To [groups][columns][cin][taps of the part]. */
static void turn(
    const struct nhwc_deconv_f32 *c, const struct part *p, const float *w, float *turned)
{
	const struct conv_shape *s = &c->g.s;
	size_t window = conv_volume(s->kernel), cin = (size_t)s->cin, cout = (size_t)s->cout;
	int taps = (int)conv_volume(p->k.s.kernel);
	for (size_t g = 0; g < (size_t)s->groups; g++)
		for (size_t o = 0; o < (size_t)p->k.s.cout; o++)
			for (size_t i = 0; i < cin; i++)
				for (int t = 0; t < taps; t++) {
					int tap = deconv_tap(&c->g, &p->g, (int)(o / cout), t);
					size_t pair = (g * cin + i) * cout + o % cout;
					*turned++ = tap < 0 ? 0 : w[pair * window + (size_t)tap];
				}
}

void nhwc_deconv_f32_pack(const struct nhwc_deconv_f32 *c, struct pool *pool, const float *w,
    float *turned, float *packed)
{
	for (int i = 0; i < c->parts; i++) {
		struct part p;
		part_get(c, i, &p);
		turn(c, &p, w, turned);
		nhwc_conv_f32_pack(&p.k, pool, turned, packed);
		packed += nhwc_round64(nhwc_conv_f32_packed(&p.k)) / sizeof(float);
	}
}

/* ---- run ---- */

struct deconv_run {
	const struct nhwc_deconv_f32 *c;
	const float *in, *packed, *bias;
	float *out;
	char *scratch;
};

static const float *weights_of(const struct deconv_run *r, int part)
{
	const float *w = r->packed;
	for (int i = 0; i < part; i++) {
		struct part p;
		part_get(r->c, i, &p);
		w += nhwc_round64(nhwc_conv_f32_packed(&p.k)) / sizeof(float);
	}
	return w;
}

static void task(void *ctx, int number, int worker)
{
	const struct deconv_run *r = ctx;
	const struct nhwc_deconv_f32 *c = r->c;
	struct part p;
	int part = number % c->parts, piece = number / c->parts;
	part_get(c, part, &p);
	int lines = deconv_lines(&p.g), width = p.k.s.out[2];
	int first = nhwc_part(lines, piece, c->pieces),
	    last = nhwc_part(lines, piece + 1, c->pieces);
	char *scratch = r->scratch + c->shared + (size_t)worker * c->worker;
	float *block = (float *)(scratch + c->worker - c->block);
	if (p.g.empty || first == last)
		return;
	struct nhwc_conv_f32_args a = {.in = r->in,
	    .packed = weights_of(r, part),
	    .bias = r->bias,
	    .out = deconv_origin(
		block, (int64_t)first * width, p.k.ld_out * (int64_t)sizeof *block)};
	struct deconv_out to = {(char *)r->out, c->ld_out * (int64_t)sizeof *block,
	    (int64_t)c->g.s.groups * c->g.s.cout * (int64_t)sizeof *block};
	if (p.k.way == CONV_DEPTHWISE) {
		nhwc_depthwise_lines(&p.k, &a, first, last);
	} else {
		nhwc_igemm_plan_rows(&p.k, (last - first) * width);
		nhwc_igemm_rows(
		    &p.k, &a, (const float *)r->scratch, first * width, last * width, scratch);
	}
	deconv_spread(&c->g, &p.g, first, last, block, p.k.ld_out * (int64_t)sizeof *block, &to);
}

void nhwc_deconv_f32_run(const struct nhwc_deconv_f32 *c, struct pool *pool, const float *in,
    const float *packed, const float *bias, float *out, void *scratch)
{
	struct deconv_run r = {c, in, packed, bias, out, scratch};
	memset(scratch, 0, zero_bytes(c));
	if (c->g.whole && bias) {
		float *all = (float *)((char *)scratch + zero_bytes(c));
		for (int i = 0; i < deconv_residues(&c->g); i++)
			memcpy(all + i * c->g.s.cout, bias, (size_t)c->g.s.cout * sizeof *all);
		r.bias = all;
	}
	pool_run(pool, c->parts * c->pieces, task, &r);
}
