/* FP32 transposed convolution: each part is computed block by block into scratch, and spread from
 * there. */
#include <string.h>

#include "kernels/nhwc_deconv_f32.h"
#include "kernels/nhwc_ways.h"

#define BLOCK_FLOATS 16384 /* results of a block, about */
#define LEAST_ROWS 96      /* of a block, where there are so many */
#define WHOLE_PERCENT 105  /* work that all residues in one product may be, of that of parts */
#define PIECES 4           /* for each thread: parts need not be equal */

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

int nhwc_deconv_f32_way(const struct nhwc_deconv_f32 *c)
{
	int mask = c->g.whole << 3;
	for (int d = 0; d < 3; d++)
		mask |= (c->g.s.in[d] == 1) << d;
	return mask;
}

/* Columns that a product computes for n wanted ones. */
static int64_t computed(int64_t n)
{
	int half = igemm_f32_rows[igemm_f32_pick()].nr / 2;
	return (n + half - 1) / half * half;
}

/* Multiply-adds of a part per channel of the image; of tiles whose rows are few, such of half of
 * their height. */
static int64_t cost_of(const struct deconv_part *p, int64_t taps)
{
	int mr = igemm_f32_rows[igemm_f32_pick()].mr, least = (mr + 1) / 2;
	int rows = p->empty ? 0 : deconv_lines(p) * p->s.out[2];
	return taps * computed(p->s.cout) * (rows && rows < least ? least : rows);
}

/* All residues as columns of one product, with zeros for the taps that some have not, and with the
 * results that only some have at the edges: when it is hardly more work, columns that would be
 * empty counted. */
static bool pays_whole(const struct deconv_shape *g)
{
	struct deconv_shape whole = *g;
	struct deconv_part p;
	int64_t sum = 0;
	for (int d = 0; d < 3; d++)
		if (g->s.dilation[d] > 1 && g->step[d] > 1)
			return false;
	for (int i = 0; i < deconv_residues(g); i++) {
		deconv_part(g, i, &p);
		sum += cost_of(&p, deconv_taps(g, i));
	}
	whole.whole = true;
	deconv_part(&whole, 0, &p);
	return g->s.groups == 1 && cost_of(&p, deconv_whole_taps(g)) * 100 <= sum * WHOLE_PERCENT;
}

/* How many pieces a part's lines and its panels of columns are cut into: as many as fill all
 * threads. Weights that do not stay in each thread's cache had better be read once. */
static void cut(struct nhwc_deconv_f32 *c, const struct part *p, int threads)
{
	int rows = BLOCK_FLOATS / (int)p->k.ld_out, lines = deconv_lines(&p->g);
	int64_t taps = (int64_t)conv_volume(p->k.s.kernel) * p->k.s.cin;
	int64_t work = taps * lines * p->k.s.out[2] * p->k.ld_out * c->parts;
	int want = nhwc_pieces(PIECES * threads, c->parts);
	int most = c->g.s.groups > 1 ? 1 : nhwc_pieces(p->k.s.cout, igemm_f32_rows[p->k.row].nr);
	rows = rows > LEAST_ROWS ? rows : LEAST_ROWS;
	c->lines = nhwc_pieces((int64_t)lines * p->k.s.out[2], rows);
	c->columns = 1;
	if (threads > 1 && work >= NHWC_SMALL && c->lines < want) {
		bool heavy = nhwc_conv_f32_packed(&p->k) > NHWC_LIGHT;
		int by_lines = want < lines ? want : lines;
		int columns = heavy ? want : nhwc_pieces(want, by_lines);
		c->columns = columns < most ? columns : most;
		c->lines = nhwc_pieces(want, c->columns);
	}
	c->lines = c->lines < lines ? c->lines : lines;
}

/* First column of piece i, whole panels before it. */
static int column_at(const struct nhwc_deconv_f32 *c, const struct part *p, int i)
{
	int nr = igemm_f32_rows[p->k.row].nr, cout = p->k.s.cout;
	return i == c->columns ? cout : nhwc_part(nhwc_pieces(cout, nr), i, c->columns) * nr;
}

/* Scratch of a worker for the blocks of a part. */
static void grow_worker(struct nhwc_deconv_f32 *c, struct part *p)
{
	int rows = nhwc_pieces(deconv_lines(&p->g), c->lines) * p->k.s.out[2];
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
	int most = 0;
	c->g = deconv_of(&c->g.s);
	c->g.whole = pays_whole(&c->g);
	c->parts = c->g.whole ? 1 : deconv_residues(&c->g);
	c->lines = c->columns = 1;
	for (int i = 0; i < c->parts; i++) {
		part_get(c, i, &p);
		if (p.g.empty || deconv_lines(&p.g) < most)
			continue;
		most = deconv_lines(&p.g);
		cut(c, &p, threads);
	}
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

/* Lines first..last-1 of a part to a block of results. */
static void product(const struct deconv_run *r, struct part *p, struct nhwc_conv_f32_args *a,
    int first, int last, char *scratch)
{
	int width = p->k.s.out[2];
	if (p->k.way == CONV_DEPTHWISE) {
		nhwc_depthwise_lines(&p->k, a, first, last);
		return;
	}
	nhwc_igemm_plan_rows(&p->k, (last - first) * width);
	nhwc_igemm_rows(&p->k, a, (const float *)r->scratch, first * width, last * width, scratch);
}

static void task(void *ctx, int number, int worker)
{
	const struct deconv_run *r = ctx;
	const struct nhwc_deconv_f32 *c = r->c;
	struct part p;
	int part = number % c->parts, piece = number / c->parts;
	part_get(c, part, &p);
	int lines = deconv_lines(&p.g), line = piece % c->lines, column = piece / c->lines;
	int first = nhwc_part(lines, line, c->lines), last = nhwc_part(lines, line + 1, c->lines);
	int from = column_at(c, &p, column), to = column_at(c, &p, column + 1);
	char *scratch = r->scratch + c->shared + (size_t)worker * c->worker;
	float *block = (float *)(scratch + c->worker - c->block);
	if (p.g.empty || first == last)
		return;
	const float *packed = weights_of(r, part);
	if (c->columns > 1) {
		packed += (size_t)from * (size_t)c->g.s.cin * conv_volume(p.k.s.kernel);
		p.k.s.cout = to - from;
		p.k.ld_out = to - from;
	}
	int64_t ld = p.k.ld_out * (int64_t)sizeof *block;
	struct nhwc_conv_f32_args a = {.in = r->in,
	    .packed = packed,
	    .bias = r->bias ? r->bias + from : NULL,
	    .out = deconv_origin(block, (int64_t)first * p.k.s.out[2], ld)};
	struct deconv_out out = {(char *)r->out, c->ld_out * (int64_t)sizeof *block,
	    (int64_t)c->g.s.groups * c->g.s.cout * (int64_t)sizeof *block,
	    from * (int64_t)sizeof *block};
	product(r, &p, &a, first, last, scratch);
	deconv_spread(&c->g, &p.g, first, last, block, ld, &out);
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
	pool_run(pool, c->parts * c->lines * c->columns, task, &r);
}
