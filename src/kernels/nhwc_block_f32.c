/* Strips of lines through a few convolutions: what one leaves for the next stays in the cache. */
#include <string.h>

#include "base/cpu.h"
#include "kernels/nhwc_block_f32.h"
#include "kernels/nhwc_ways.h"

#define PART_LINES 7 /* that a thread should have */

/* ---- what fits ---- */

static bool is_plane(const struct conv_shape *s)
{
	return s->in[0] == 1 && s->out[0] == 1 && s->kernel[0] == 1 && s->stride[0] == 1 &&
	       s->dilation[0] == 1 && !s->pad[0];
}

static bool is_depthwise(const struct nhwc_conv_f32 *c)
{
	return c->way == CONV_DEPTHWISE && nhwc_depthwise_fits(&c->s);
}

static bool is_product(const struct nhwc_conv_f32 *c)
{
	return c->way == CONV_IGEMM && c->s.groups == 1;
}

static bool is_pointwise(const struct nhwc_conv_f32 *c)
{
	bool plain = is_product(c);
	for (int d = 0; d < 3; d++)
		plain &= c->s.kernel[d] == 1 && c->s.stride[d] == 1 && !c->s.pad[d] &&
			 c->s.in[d] == c->s.out[d];
	return plain;
}

static int channels_out(const struct nhwc_conv_f32 *c)
{
	return c->s.groups * c->s.cout;
}

/* Number of the depthwise one. */
static int middle(const struct nhwc_block_f32 *b)
{
	return is_depthwise(&b->c[0]) ? 0 : 1;
}

static bool follows(const struct nhwc_conv_f32 *a, const struct nhwc_conv_f32 *b)
{
	return a->s.batch == b->s.batch && a->s.out[1] == b->s.in[1] && a->s.out[2] == b->s.in[2] &&
	       channels_out(a) == b->s.groups * b->s.cin;
}

bool nhwc_block_f32_fits(const struct nhwc_block_f32 *b)
{
	int m = middle(b);
	if (b->n < 2 || b->n > NHWC_BLOCK || m + 2 < b->n || m >= b->n || !is_depthwise(&b->c[m]))
		return false;
	for (int i = 0; i < b->n; i++)
		if (!is_plane(&b->c[i].s) || (i && !follows(&b->c[i - 1], &b->c[i])))
			return false;
	const struct conv_shape *s = &b->c[m].s;
	int64_t reach = (int64_t)(s->kernel[1] - 1) * s->dilation[1];
	return (m == 0 || is_product(&b->c[0])) && (m + 1 == b->n || is_pointwise(&b->c[m + 1])) &&
	       s->pad[1] >= 0 && s->pad[1] <= reach && s->stride[1] <= reach + 1 &&
	       (int64_t)(s->out[1] - 1) * s->stride[1] - s->pad[1] < s->in[1];
}

/* Bytes of a line of what c leaves. */
static size_t line_bytes(const struct nhwc_conv_f32 *c)
{
	return (size_t)c->s.out[2] * (size_t)channels_out(c) * sizeof(float);
}

/* Bytes of the most that one leaves for the next. */
static size_t most_between(const struct nhwc_block_f32 *b)
{
	size_t most = 0;
	for (int i = 0; i + 1 < b->n; i++) {
		size_t bytes = (size_t)b->c[i].s.out[1] * line_bytes(&b->c[i]);
		most = bytes > most ? bytes : most;
	}
	return most;
}

/* Beyond the cache it pays for one thread. Several need not wait for each other between, nor read
 * what another has written, but all do the lines where their parts meet. */
bool nhwc_block_f32_pays(const struct nhwc_block_f32 *b, int threads)
{
	const struct conv_shape *s = &b->c[middle(b)].s;
	bool tall = (int64_t)s->batch * s->out[1] >= (int64_t)PART_LINES * threads;
	return most_between(b) > cpu_l2() / 2 || (threads > 1 && tall);
}

/* ---- plan ---- */

/* Lines that a strip of so many lines of the depthwise result reads. */
static int64_t lines_read(const struct conv_shape *s, int lines)
{
	int64_t n = (int64_t)(lines - 1) * s->stride[1] +
		    (int64_t)(s->kernel[1] - 1) * s->dilation[1] + 1;
	return n < s->in[1] ? n : s->in[1];
}

/* Bytes between the convolutions for such a strip: before and behind the depthwise one. */
static size_t before_bytes(const struct nhwc_block_f32 *b, int lines)
{
	int m = middle(b);
	return m ? (size_t)lines_read(&b->c[m].s, lines) * line_bytes(&b->c[0]) : 0;
}

static size_t behind_bytes(const struct nhwc_block_f32 *b, int lines)
{
	int m = middle(b);
	return m + 1 < b->n ? (size_t)lines * line_bytes(&b->c[m]) : 0;
}

static size_t place(size_t *end, size_t bytes)
{
	size_t at = *end;
	*end += nhwc_round64(bytes);
	return at;
}

void nhwc_block_f32_plan(struct nhwc_block_f32 *b, int threads)
{
	int m = middle(b), all = b->c[m].s.out[1];
	size_t end = 0, zero = 0;
	b->lines = 1;
	while (b->lines < all &&
	       before_bytes(b, b->lines + 1) + behind_bytes(b, b->lines + 1) < cpu_l2() / 8 * 3)
		b->lines++;
	/* All strips of the same height, nearly; a few more than workers even out the load. */
	int parts = most_between(b) > cpu_l2() / 2 ? 2 * threads : threads;
	b->pieces = threads > 1 ? nhwc_pieces(parts, b->c[m].s.batch) : 1;
	b->pieces = b->pieces < all ? b->pieces : all;
	int most = nhwc_pieces(all, b->pieces);
	b->lines = nhwc_pieces(most, nhwc_pieces(most, b->lines));
	for (int i = 0; i < b->n; i++) {
		struct nhwc_conv_f32 *c = &b->c[i];
		if (i)
			c->ld_in = (int64_t)c->s.groups * c->s.cin;
		if (i + 1 < b->n)
			c->ld_out = channels_out(c);
		nhwc_conv_f32_plan(c, 1);
		if (is_depthwise(c) && i)
			nhwc_depthwise_plan_lines(c);
		if (is_depthwise(c))
			continue;
		int64_t lines = i < m ? lines_read(&b->c[m].s, b->lines) : b->lines;
		nhwc_igemm_plan_rows(c, (int)lines * c->s.out[2]);
		b->at[i] = place(&end, c->worker);
		zero = c->shared > zero ? c->shared : zero;
	}
	b->between[0] = place(&end, m ? before_bytes(b, b->lines) : behind_bytes(b, b->lines));
	b->between[1] = place(&end, m ? behind_bytes(b, b->lines) : 0);
	b->shared = zero;
	b->worker = end;
	b->scratch = b->shared + (size_t)threads * b->worker;
}

/* ---- run ---- */

struct block_run {
	const struct nhwc_block_f32 *b;
	const struct nhwc_block_f32_args *a;
};

/* Where pixel 0 of a tensor would lie of which scratch holds the lines from number first on. */
static float *origin(char *scratch, int64_t first, int width, int64_t ld)
{
	return (float *)(scratch - first * width * ld * (int64_t)sizeof(float));
}

/* Lines from..to-1 of all images' through an implicit GEMM. */
static void product(const struct block_run *r, int i, const struct nhwc_conv_f32_args *a,
    int64_t from, int64_t to, char *scratch)
{
	const struct nhwc_conv_f32 *c = &r->b->c[i];
	int wide = c->s.out[2];
	nhwc_igemm_rows(
	    c, a, r->a->scratch, (int)from * wide, (int)to * wide, scratch + r->b->at[i]);
}

/* The lines of its image that lines from..to-1 of the depthwise result read: *first..return-1. */
static int seen(const struct conv_shape *s, int from, int to, int *first)
{
	int64_t reach = (int64_t)(s->kernel[1] - 1) * s->dilation[1];
	int64_t last = (int64_t)(to - 1) * s->stride[1] - s->pad[1] + reach + 1;
	int64_t lo = (int64_t)from * s->stride[1] - s->pad[1];
	*first = lo > 0 ? (int)lo : 0;
	return last < s->in[1] ? (int)last : s->in[1];
}

/* Part of an image, strip by strip; lines that two strips need are kept. */
static void task(void *ctx, int number, int worker)
{
	const struct block_run *r = ctx;
	const struct nhwc_block_f32 *b = r->b;
	int m = middle(b), image = number / b->pieces, part = number % b->pieces;
	const struct nhwc_conv_f32 *c = &b->c[m];
	const struct conv_shape *s = &c->s;
	char *scratch = (char *)r->a->scratch + b->shared + (size_t)worker * b->worker;
	char *before = scratch + b->between[0], *behind = scratch + b->between[m];
	size_t line = m ? line_bytes(&b->c[0]) : 0;
	int end = nhwc_part(s->out[1], part + 1, b->pieces), have = 0, base = 0, to;
	for (int y = nhwc_part(s->out[1], part, b->pieces); y < end; y = to) {
		struct nhwc_conv_f32_args q = {
		    .in = r->a->in, .packed = r->a->packed[m], .bias = r->a->bias[m]};
		to = end - y < b->lines ? end : y + b->lines;
		if (m) {
			int first, last = seen(s, y, to, &first);
			int kept = have > first ? have - first : 0;
			if (kept)
				memmove(before, before + (size_t)(first - base) * line,
				    (size_t)kept * line);
			int64_t top = (int64_t)image * s->in[1];
			base = first;
			have = last;
			q.in = origin(before, top + base, s->in[2], c->ld_in);
			struct nhwc_conv_f32_args p = {.in = r->a->in,
			    .packed = r->a->packed[0],
			    .bias = r->a->bias[0],
			    .out = (float *)q.in};
			product(r, 0, &p, top + first + kept, top + last, scratch);
		}
		int64_t top = (int64_t)image * s->out[1];
		bool ends = m + 1 == b->n;
		q.out = ends ? r->a->out : origin(behind, top + y, s->out[2], c->ld_out);
		q.add = ends ? r->a->add : NULL;
		nhwc_depthwise_lines(c, &q, (int)top + y, (int)top + to);
		if (ends)
			continue;
		struct nhwc_conv_f32_args p = {.in = q.out,
		    .packed = r->a->packed[m + 1],
		    .bias = r->a->bias[m + 1],
		    .add = r->a->add,
		    .out = r->a->out};
		product(r, m + 1, &p, top + y, top + to, scratch);
	}
}

void nhwc_block_f32_run(
    const struct nhwc_block_f32 *b, struct pool *pool, const struct nhwc_block_f32_args *a)
{
	struct block_run r = {b, a};
	memset(a->scratch, 0, b->shared);
	pool_run(pool, b->c[0].s.batch * b->pieces, task, &r);
}
