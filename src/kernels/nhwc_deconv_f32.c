/* Transposed convolution as ordinary ones: along a dim, result o = step * q + r - pad takes from
 * input i = q - j the tap k with k * dilation = r + step * j. So results of one residue r have the
 * same taps, and are a convolution of stride 1. Each such part is computed block by block into
 * scratch, and spread from there. */
#include <string.h>

#include "kernels/nhwc_deconv_f32.h"
#include "kernels/nhwc_ways.h"

#define MAX_PARTS 65536
#define BLOCK_FLOATS 16384 /* results of a block, about */
#define LEAST_ROWS 96      /* of a block, where there are so many */

/* ---- geometry ---- */

/* The taps that results of a residue have along one dim. */
struct taps {
	int first, step; /* number of the first tap, from one to the next */
	int n;           /* so many, 0: none */
	int j, dilation; /* of the input: q - j for the first tap, from one to the next */
};

static int gcd(int a, int b)
{
	while (b) {
		int r = a % b;
		a = b;
		b = r;
	}
	return a;
}

static struct taps taps_of(const struct nhwc_deconv_f32 *c, int d, int r)
{
	int step = c->step[d], dilation = c->s.dilation[d], g = gcd(step, dilation);
	struct taps t = {.step = step / g, .dilation = dilation / g};
	for (int k = 0; k < t.step && k < c->s.kernel[d]; k++)
		if ((int64_t)k * dilation % step == r) {
			t.first = k;
			t.n = nhwc_pieces(c->s.kernel[d] - k, t.step);
			t.j = (int)(((int64_t)k * dilation - r) / step);
			break;
		}
	return t;
}

/* The first q with a result of residue r, and the one behind the last. */
static int first_of(const struct nhwc_deconv_f32 *c, int d, int r)
{
	return c->s.pad[d] > r ? nhwc_pieces(c->s.pad[d] - r, c->step[d]) : 0;
}

static int last_of(const struct nhwc_deconv_f32 *c, int d, int r)
{
	int64_t n = (int64_t)c->s.out[d] + c->s.pad[d] - r;
	return n > 0 ? nhwc_pieces(n, c->step[d]) : 0;
}

static int residues(const struct nhwc_deconv_f32 *c)
{
	return c->step[0] * c->step[1] * c->step[2];
}

static void residue(const struct nhwc_deconv_f32 *c, int number, int r[3])
{
	r[2] = number % c->step[2];
	r[1] = number / c->step[2] % c->step[1];
	r[0] = number / c->step[2] / c->step[1];
}

/* A part: the convolution, where its results begin, and the residues whose columns it has. */
struct part {
	struct nhwc_conv_f32 k;
	int q[3], r[3]; /* the first q; the residue, unless it is all of them */
	bool empty;     /* no result has this residue */
};

static void part_dim(const struct nhwc_deconv_f32 *c, struct part *p, int d)
{
	struct conv_shape *s = &p->k.s;
	struct taps t = taps_of(c, d, p->r[d]);
	int from = first_of(c, d, p->r[d]), to = last_of(c, d, p->r[d]);
	for (int r = 0; r < c->step[d] && c->whole; r++) {
		from = first_of(c, d, r) < from ? first_of(c, d, r) : from;
		to = last_of(c, d, r) > to ? last_of(c, d, r) : to;
	}
	p->q[d] = from;
	p->empty |= to <= from;
	s->out[d] = to > from ? to - from : 1;
	s->kernel[d] = t.n ? t.n : 1;
	s->dilation[d] = t.n ? t.dilation : 1;
	s->stride[d] = 1;
	/* without taps, what is read lies in front of the image */
	s->pad[d] = t.n ? (t.n - 1) * t.dilation + t.j - from : s->out[d];
}

static void part_get(const struct nhwc_deconv_f32 *c, int number, struct part *p)
{
	*p = (struct part){.k = {.s = c->s,
			       .ld_in = c->ld_in,
			       .lo = c->lo,
			       .hi = c->hi,
			       .act = c->act,
			       .act_a = c->act_a,
			       .act_b = c->act_b}};
	if (!c->whole)
		residue(c, number, p->r);
	for (int d = 0; d < 3; d++)
		part_dim(c, p, d);
	if (c->whole)
		p->k.s.cout *= residues(c);
	p->k.ld_out = (int64_t)p->k.s.groups * p->k.s.cout;
	p->k.way = nhwc_depthwise_fits(&p->k.s) ? CONV_DEPTHWISE : CONV_IGEMM;
	nhwc_conv_f32_plan(&p->k, 1);
	if (p->k.way == CONV_DEPTHWISE)
		nhwc_depthwise_plan_lines(&p->k);
}

/* ---- plan ---- */

bool nhwc_deconv_f32_fits(const struct conv_shape *s)
{
	struct nhwc_deconv_f32 c = {.s = *s};
	int64_t parts = 1, columns;
	for (int d = 0; d < 3; d++) {
		int64_t window = (int64_t)(s->kernel[d] - 1) * s->dilation[d] + 1;
		parts *= s->in[d] == 1 ? window : s->stride[d];
		if (parts > MAX_PARTS || s->pad[d] < 0 || window > INT32_MAX / 64)
			return false;
	}
	columns = parts * c.s.cout * c.s.groups;
	return columns <= INT32_MAX / 64 / c.s.cin;
}

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
static bool pays_whole(const struct nhwc_deconv_f32 *c)
{
	int64_t all = 1, sum = 0;
	for (int d = 0; d < 3; d++) {
		if (c->s.dilation[d] > 1 && c->step[d] > 1)
			return false;
		all *= taps_of(c, d, 0).n;
	}
	for (int i = 0; i < residues(c); i++) {
		int r[3];
		int64_t taps = 1;
		residue(c, i, r);
		for (int d = 0; d < 3; d++)
			taps *= taps_of(c, d, r[d]).n;
		sum += taps;
	}
	return c->s.groups == 1 &&
	       all * computed((int64_t)residues(c) * c->s.cout) <= sum * computed(c->s.cout);
}

static int lines_of(const struct part *p)
{
	return p->k.s.batch * p->k.s.out[0] * p->k.s.out[1];
}

static int line_pieces(const struct nhwc_deconv_f32 *c, const struct part *p, int threads)
{
	int rows = BLOCK_FLOATS / (int)p->k.ld_out, lines = lines_of(p);
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
	int rows = nhwc_pieces(lines_of(p), c->pieces) * p->k.s.out[2];
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
	size_t columns = (size_t)c->s.cout * (size_t)residues(c);
	return c->shared - (c->whole ? nhwc_round64(columns * sizeof(float)) : 0);
}

void nhwc_deconv_f32_plan(struct nhwc_deconv_f32 *c, int threads)
{
	struct part p;
	int most = 0, pieces = 1;
	for (int d = 0; d < 3; d++)
		c->step[d] = c->s.in[d] == 1 ? (c->s.kernel[d] - 1) * c->s.dilation[d] + 1
					     : c->s.stride[d];
	c->whole = pays_whole(c);
	c->parts = c->whole ? 1 : residues(c);
	for (int i = 0; i < c->parts; i++) {
		part_get(c, i, &p);
		if (p.empty || lines_of(&p) < most)
			continue;
		most = lines_of(&p);
		pieces = line_pieces(c, &p, threads);
	}
	c->pieces = pieces;
	c->shared = c->worker = c->block = 0;
	for (int i = 0; i < c->parts; i++) {
		part_get(c, i, &p);
		if (!p.empty)
			grow_worker(c, &p);
	}
	c->shared = nhwc_round64(c->shared);
	if (c->whole)
		c->shared += nhwc_round64((size_t)c->s.cout * (size_t)residues(c) * sizeof(float));
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

/* The tap of the window that the part's tap t is along d for residue r; -1: none. */
static int tap_at(const struct nhwc_deconv_f32 *c, const struct part *p, int d, int r, int t)
{
	struct taps at = taps_of(c, d, r);
	int i = p->k.s.kernel[d] - 1 - t;
	return i < at.n ? at.first + i * at.step : -1;
}

/* Element t of the window of one channel pair; w: its taps. */
static float turned_tap(
    const struct nhwc_deconv_f32 *c, const struct part *p, const int r[3], int t, const float *w)
{
	const int *n = p->k.s.kernel, *k = c->s.kernel;
	int z = tap_at(c, p, 0, r[0], t / n[2] / n[1]);
	int y = tap_at(c, p, 1, r[1], t / n[2] % n[1]), x = tap_at(c, p, 2, r[2], t % n[2]);
	return z < 0 || y < 0 || x < 0
		   ? 0
		   : w[((size_t)z * (size_t)k[1] + (size_t)y) * (size_t)k[2] + (size_t)x];
}

/* To [groups][columns][cin][taps of the part]. */
static void turn(
    const struct nhwc_deconv_f32 *c, const struct part *p, const float *w, float *turned)
{
	size_t window = conv_volume(c->s.kernel), cin = (size_t)c->s.cin;
	size_t taps = conv_volume(p->k.s.kernel), cout = (size_t)c->s.cout;
	for (size_t g = 0; g < (size_t)c->s.groups; g++)
		for (size_t o = 0; o < (size_t)p->k.s.cout; o++) {
			int r[3] = {p->r[0], p->r[1], p->r[2]};
			if (c->whole)
				residue(c, (int)(o / cout), r);
			for (size_t i = 0; i < cin; i++)
				for (size_t t = 0; t < taps; t++)
					*turned++ = turned_tap(c, p, r, (int)t,
					    w + ((g * cin + i) * cout + o % cout) * window);
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

static void copy_floats(float *to, const float *from, int n)
{
	if (n >= 32) {
		memcpy(to, from, (size_t)n * sizeof *to);
		return;
	}
	for (int i = 0; i < n; i++)
		to[i] = from[i];
}

/* Results of residue r of one line, n columns of each row, to their pixels. from: those of q[2]. */
static void spread_line(const struct deconv_run *r, const struct part *p, const int at[3],
    int64_t image, const int res[3], const float *from)
{
	const struct nhwc_deconv_f32 *c = r->c;
	const int *out = c->s.out;
	int o[2], n = c->s.groups * c->s.cout;
	for (int d = 0; d < 2; d++) {
		o[d] = (at[d] + p->q[d]) * c->step[d] + res[d] - c->s.pad[d];
		if (o[d] < 0 || o[d] >= out[d])
			return;
	}
	float *line = r->out + ((image * out[0] + o[0]) * out[1] + o[1]) * out[2] * c->ld_out;
	for (int q = 0; q < p->k.s.out[2]; q++, from += p->k.ld_out) {
		int x = (q + p->q[2]) * c->step[2] + res[2] - c->s.pad[2];
		if (x >= 0 && x < out[2])
			copy_floats(line + x * c->ld_out, from, n);
	}
}

static void spread(
    const struct deconv_run *r, const struct part *p, int first, int last, const float *block)
{
	const int *n = p->k.s.out;
	for (int l = first; l < last; l++, block += n[2] * p->k.ld_out) {
		int at[3] = {l / n[1] % n[0], l % n[1], 0}, res[3];
		int64_t image = l / n[1] / n[0];
		if (!r->c->whole)
			spread_line(r, p, at, image, p->r, block);
		for (int i = 0; i < residues(r->c) && r->c->whole; i++) {
			residue(r->c, i, res);
			spread_line(r, p, at, image, res, block + (size_t)i * (size_t)r->c->s.cout);
		}
	}
}

/* Where row 0 would be if row first were at p. */
static float *origin(float *p, int64_t first, int64_t ld)
{
	return (float *)((uintptr_t)p - (uintptr_t)(first * ld) * sizeof *p);
}

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
	int lines = lines_of(&p), width = p.k.s.out[2];
	int first = nhwc_part(lines, piece, c->pieces),
	    last = nhwc_part(lines, piece + 1, c->pieces);
	char *scratch = r->scratch + c->shared + (size_t)worker * c->worker;
	float *block = (float *)(scratch + c->worker - c->block);
	if (p.empty || first == last)
		return;
	struct nhwc_conv_f32_args a = {.in = r->in,
	    .packed = weights_of(r, part),
	    .bias = r->bias,
	    .out = origin(block, (int64_t)first * width, p.k.ld_out)};
	if (p.k.way == CONV_DEPTHWISE) {
		nhwc_depthwise_lines(&p.k, &a, first, last);
	} else {
		nhwc_igemm_plan_rows(&p.k, (last - first) * width);
		nhwc_igemm_rows(
		    &p.k, &a, (const float *)r->scratch, first * width, last * width, scratch);
	}
	spread(r, &p, first, last, block);
}

void nhwc_deconv_f32_run(const struct nhwc_deconv_f32 *c, struct pool *pool, const float *in,
    const float *packed, const float *bias, float *out, void *scratch)
{
	struct deconv_run r = {c, in, packed, bias, out, scratch};
	memset(scratch, 0, zero_bytes(c));
	if (c->whole && bias) {
		float *all = (float *)((char *)scratch + zero_bytes(c));
		for (int i = 0; i < residues(c); i++)
			memcpy(all + i * c->s.cout, bias, (size_t)c->s.cout * sizeof *all);
		r.bias = all;
	}
	pool_run(pool, c->parts * c->pieces, task, &r);
}
