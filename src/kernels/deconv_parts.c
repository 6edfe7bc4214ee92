/* The geometry of transposed convolutions, which floats and bytes share. */
#include "kernels/deconv_parts.h"

#include <string.h>

#include "kernels/copy.h"
#include "kernels/nhwc_ways.h"

#define MAX_PARTS 65536

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

static struct taps taps_of(const struct deconv_shape *c, int d, int r)
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
static int first_of(const struct deconv_shape *c, int d, int r)
{
	return c->s.pad[d] > r ? nhwc_pieces(c->s.pad[d] - r, c->step[d]) : 0;
}

static int last_of(const struct deconv_shape *c, int d, int r)
{
	int64_t n = (int64_t)c->s.out[d] + c->s.pad[d] - r;
	return n > 0 ? nhwc_pieces(n, c->step[d]) : 0;
}

bool deconv_fits(const struct conv_shape *s)
{
	int64_t parts = 1, columns;
	for (int d = 0; d < 3; d++) {
		int64_t window = (int64_t)(s->kernel[d] - 1) * s->dilation[d] + 1;
		parts *= s->in[d] == 1 ? window : s->stride[d];
		if (parts > MAX_PARTS || s->pad[d] < 0 || window > INT32_MAX / 64)
			return false;
	}
	columns = parts * s->cout * s->groups;
	return columns <= INT32_MAX / 64 / s->cin;
}

struct deconv_shape deconv_of(const struct conv_shape *s)
{
	struct deconv_shape g = {.s = *s};
	for (int d = 0; d < 3; d++)
		g.step[d] = s->in[d] == 1 ? (s->kernel[d] - 1) * s->dilation[d] + 1 : s->stride[d];
	return g;
}

int deconv_residues(const struct deconv_shape *c)
{
	return c->step[0] * c->step[1] * c->step[2];
}

static void residue(const struct deconv_shape *c, int number, int r[3])
{
	r[2] = number % c->step[2];
	r[1] = number / c->step[2] % c->step[1];
	r[0] = number / c->step[2] / c->step[1];
}

int64_t deconv_taps(const struct deconv_shape *c, int number)
{
	int r[3];
	residue(c, number, r);
	return (int64_t)taps_of(c, 0, r[0]).n * taps_of(c, 1, r[1]).n * taps_of(c, 2, r[2]).n;
}

int64_t deconv_whole_taps(const struct deconv_shape *c)
{
	return deconv_taps(c, 0);
}

static void part_dim(const struct deconv_shape *c, struct deconv_part *p, int d)
{
	struct conv_shape *s = &p->s;
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

void deconv_part(const struct deconv_shape *c, int number, struct deconv_part *p)
{
	*p = (struct deconv_part){.s = c->s};
	if (!c->whole)
		residue(c, number, p->r);
	for (int d = 0; d < 3; d++)
		part_dim(c, p, d);
	if (c->whole)
		p->s.cout *= deconv_residues(c);
}

int deconv_lines(const struct deconv_part *p)
{
	return p->s.batch * p->s.out[0] * p->s.out[1];
}

/* ---- weights ---- */

/* The tap of the window that the part's tap t is along d for residue r; -1: none. */
static int tap_at(const struct deconv_shape *c, const struct deconv_part *p, int d, int r, int t)
{
	struct taps at = taps_of(c, d, r);
	int i = p->s.kernel[d] - 1 - t;
	return i < at.n ? at.first + i * at.step : -1;
}

int deconv_tap(const struct deconv_shape *c, const struct deconv_part *p, int col, int t)
{
	const int *n = p->s.kernel, *k = c->s.kernel;
	int r[3] = {p->r[0], p->r[1], p->r[2]};
	if (c->whole)
		residue(c, col, r);
	int z = tap_at(c, p, 0, r[0], t / n[2] / n[1]);
	int y = tap_at(c, p, 1, r[1], t / n[2] % n[1]), x = tap_at(c, p, 2, r[2], t % n[2]);
	return z < 0 || y < 0 || x < 0 ? -1 : (z * k[1] + y) * k[2] + x;
}

/* ---- results ---- */

/* Results of residue res of one line, of each pixel bytes first..last-1. from: those of q[2]. */
static void spread_line(const struct deconv_shape *c, const struct deconv_part *p, const int at[3],
    int64_t image, const int res[3], const char *from, int64_t from_ld, const struct deconv_out *to,
    int64_t first, int64_t last)
{
	const int *out = c->s.out;
	int o[2];
	for (int d = 0; d < 2; d++) {
		o[d] = (at[d] + p->q[d]) * c->step[d] + res[d] - c->s.pad[d];
		if (o[d] < 0 || o[d] >= out[d])
			return;
	}
	char *line = to->out + ((image * out[0] + o[0]) * out[1] + o[1]) * out[2] * to->ld + first;
	int x0 = p->q[2] * c->step[2] + res[2] - c->s.pad[2];
	int q0 = x0 < 0 ? nhwc_pieces(-x0, c->step[2]) : 0;
	int q1 = out[2] > x0 ? nhwc_pieces(out[2] - x0, c->step[2]) : 0;
	q1 = q1 < p->s.out[2] ? q1 : p->s.out[2];
	copy_rows(line + (x0 + q0 * c->step[2]) * to->ld, c->step[2] * to->ld, from + q0 * from_ld,
	    from_ld, q1 - q0, last - first);
}

void deconv_spread(const struct deconv_shape *c, const struct deconv_part *p, int first, int last,
    const void *from, int64_t from_ld, const struct deconv_out *to)
{
	const int *n = p->s.out;
	const char *line = from;
	int64_t end = to->first + from_ld;
	for (int l = first; l < last; l++, line += n[2] * from_ld) {
		int at[3] = {l / n[1] % n[0], l % n[1], 0}, res[3];
		int64_t image = l / n[1] / n[0], j = to->first;
		for (int64_t next; j < end; j = next) {
			int64_t begin = j / to->n * to->n;
			next = begin + to->n < end ? begin + to->n : end;
			memcpy(res, p->r, sizeof res);
			if (c->whole)
				residue(c, (int)(j / to->n), res);
			spread_line(c, p, at, image, res, line + (j - to->first), from_ld, to,
			    j - begin, next - begin);
		}
	}
}
