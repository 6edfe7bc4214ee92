/* Where the rows of the left side of an implicit GEMM of floats are: pixels read in place through
 * pointers, and lines of windows as one in a copy. */
#include <string.h>

#include "kernels/nhwc_igemm_f32.h"

#define FEW_CHANNELS 16 /* below, window lines are read as one run */

/* PLAIN: row after row, TAPS: a pointer per window element, RUNS: a pointer per window, whose lines
 * are runs of pixels, equally far apart in all of them. */
enum feed { PLAIN, TAPS, RUNS };

/* Are the lines of windows runs of a few channels, which overlap and leave nothing between them? */
static bool in_runs(const struct conv_shape *s)
{
	return s->groups == 1 && s->cin < FEW_CHANNELS && s->kernel[2] > 1 &&
	       s->stride[2] <= s->kernel[2] && s->stride[1] <= s->kernel[1] &&
	       s->dilation[2] == 1 && s->dilation[1] == 1;
}

bool nhwc_igemm_reads_planes(const struct conv_shape *s)
{
	return in_runs(s) && s->cin > 1;
}

void igemm_f32_feed(struct nhwc_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	bool plain = true;
	for (int d = 0; d < 3; d++)
		plain &= s->kernel[d] == 1 && s->stride[d] == 1 && !s->pad[d] &&
			 s->in[d] == s->out[d];
	c->feed = plain ? PLAIN : in_runs(s) ? RUNS : TAPS;
}

int igemm_f32_taps(const struct nhwc_conv_f32 *c)
{
	return c->feed == RUNS ? c->s.kernel[0] * c->s.kernel[1] : igemm_f32_window(c);
}

int igemm_f32_pointers(const struct nhwc_conv_f32 *c)
{
	return c->feed == RUNS ? 1 : igemm_f32_taps(c);
}

int igemm_f32_depth(const struct nhwc_conv_f32 *c)
{
	return c->feed == RUNS ? c->s.kernel[2] * c->s.cin : igemm_f32_cin(c);
}

/* ---- pointers ---- */

/* The window of one output pixel: its image, and its first element, which may lie outside. */
struct corner {
	const float *image;
	int at[3];
};

static struct corner corner_of(const struct igemm_f32_run *r, int row)
{
	const struct conv_shape *s = &r->c->s;
	int line = row / s->out[2], plane = line / s->out[1];
	size_t image = conv_volume(s->in) * (size_t)r->c->ld_in;
	return (struct corner){r->a->in + (size_t)(plane / s->out[0]) * image,
	    {plane % s->out[0] * s->stride[0] - s->pad[0],
		line % s->out[1] * s->stride[1] - s->pad[1],
		row % s->out[2] * s->stride[2] - s->pad[2]}};
}

static const float *pixel(const struct nhwc_conv_f32 *c, const float *image, int z, int y, int x)
{
	const int *in = c->s.in;
	return image + (((ptrdiff_t)z * in[1] + y) * in[2] + x) * c->ld_in;
}

/* Pointers to n pixels of a line from x on, for one tap. */
static void point_tap(
    const struct igemm_f32_run *r, const float *line, int x, int n, const float **rows)
{
	const struct nhwc_conv_f32 *c = r->c;
	ptrdiff_t step = c->s.stride[2] * c->ld_in;
	int from, to;
	nhwc_whole_windows(&c->s, x, n, 1, &from, &to);
	for (int i = 0; i < from; i++)
		rows[i] = r->zero;
	const float *p = line + (ptrdiff_t)(x + from * c->s.stride[2]) * c->ld_in;
	for (int i = from; i < to; i++)
		rows[i] = p + (i - from) * step;
	for (int i = to; i < n; i++)
		rows[i] = r->zero;
}

/* All taps of n windows of one line of the result; of a tile of m rows. */
static void point_line(
    const struct igemm_f32_run *r, const struct corner *at, int n, int m, const float **rows)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	for (int kz = 0, z = at->at[0]; kz < s->kernel[0]; kz++, z += s->dilation[0])
		for (int ky = 0, y = at->at[1]; ky < s->kernel[1]; ky++, y += s->dilation[1]) {
			bool in = nhwc_inside(s, 0, z) && nhwc_inside(s, 1, y);
			const float *line = in ? pixel(c, at->image, z, y, 0) : NULL;
			for (int k = 0; k < s->kernel[2]; k++, rows += m)
				if (in)
					point_tap(r, line, at->at[2] + k * s->dilation[2], n, rows);
				else
					for (int i = 0; i < n; i++)
						rows[i] = r->zero;
		}
}

/* Rows of a tile that lie in the same line of the result as row i of it. */
static int same_line(const struct conv_shape *s, int row, int i, int m)
{
	int left = s->out[2] - (row + i) % s->out[2];
	return left < m - i ? left : m - i;
}

static void point_taps(const struct igemm_f32_run *r, int row, int m, const float **rows)
{
	int n;
	for (int i = 0; i < m; i += n) {
		struct corner at = corner_of(r, row + i);
		n = same_line(&r->c->s, row, i, m);
		point_line(r, &at, n, m, rows + i);
	}
	for (int t = 0; t < igemm_f32_window(r->c); t++, rows += m) {
		int i = 0;
		while (i < m && rows[i] == r->zero)
			i++;
		if (i == m)
			rows[0] = NULL;
	}
}

/* ---- runs ---- */

/* Unless all windows lie inside of an image with channels last, what a block of them reads is
 * copied, with zeros around it. The copy is of parts: the lines of the block that lie in one plane
 * of the result, all of their pixels; where lines are long, the pixels of one line. For each line
 * that a part reads, one for each depth of the window follows another. */
struct run_walk {
	const struct igemm_f32_run *r;
	int row, last;     /* the next one, the block's end */
	int lines, pixels; /* left of its part, and of its line of it */
	int width;         /* pixels of a line of the part */
	const float *at;   /* where the window begins */
	float *end;        /* where the next copy goes */
};

static bool all_inside(const struct nhwc_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	bool inside = c->ld_in == s->cin && !c->planes;
	for (int d = 0; d < 3; d++)
		inside &= s->pad[d] <= 0 && (s->out[d] - 1) * s->stride[d] - s->pad[d] +
						    (s->kernel[d] - 1) * s->dilation[d] <
						s->in[d];
	return inside;
}

/* Parts of blocks of so many rows are lines. */
static bool by_line(const struct conv_shape *s, int rows)
{
	return rows / 2 < s->out[2];
}

/* Pixels of a line under n windows. */
static size_t pixels_under(const struct conv_shape *s, int n)
{
	return (size_t)(n - 1) * (size_t)s->stride[2] + (size_t)s->kernel[2];
}

static size_t lines_under(const struct conv_shape *s, int n)
{
	return (size_t)(n - 1) * (size_t)s->stride[1] + (size_t)s->kernel[1];
}

/* Pixels of a line of the copy for blocks of so many rows. */
static size_t line_pixels(const struct conv_shape *s, int rows)
{
	return pixels_under(s, by_line(s, rows) && rows < s->out[2] ? rows : s->out[2]);
}

/* Of a block that begins anywhere. */
size_t igemm_f32_copy(const struct nhwc_conv_f32 *c, int rows)
{
	const struct conv_shape *s = &c->s;
	size_t lines = ((size_t)rows + (size_t)s->out[2] - 2) / (size_t)s->out[2] + 1;
	if (c->feed != RUNS || all_inside(c))
		return 0;
	size_t planes = (lines + (size_t)s->out[1] - 2) / (size_t)s->out[1] + 1;
	size_t under = by_line(s, rows)
			   ? lines * (size_t)s->kernel[1]
			   : lines * (size_t)s->stride[1] + planes * (size_t)s->kernel[1];
	return under * line_pixels(s, rows) * (size_t)(s->kernel[0] * s->cin) * sizeof(float);
}

/* Pixels from x on of line y of plane z to all of to. */
static void copy_line(
    const struct nhwc_conv_f32 *c, const struct corner *from, int z, int y, float *to, int pixels)
{
	const struct conv_shape *s = &c->s;
	int x = from->at[2], before = x < 0 ? -x : 0, n = pixels - before;
	size_t size = (size_t)s->cin * sizeof *to;
	n = n < s->in[2] - x - before ? n : s->in[2] - x - before;
	if (!nhwc_inside(s, 0, z) || !nhwc_inside(s, 1, y) || n <= 0) {
		memset(to, 0, (size_t)pixels * size);
		return;
	}
	const float *line = pixel(c, from->image, z, y, x + before);
	memset(to, 0, (size_t)before * size);
	to += before * s->cin;
	if (c->planes)
		transpose_rows[transpose_pick()].b32(s->cin, n,
		    from->image + (line - from->image) / c->ld_in, conv_volume(s->in), to,
		    (size_t)s->cin);
	else if (c->ld_in == s->cin)
		memcpy(to, line, (size_t)n * size);
	else
		for (int i = 0; i < n; i++)
			memcpy(to + i * s->cin, line + i * c->ld_in, size);
	memset(to + n * s->cin, 0, (size_t)(pixels - before - n) * size);
}

/* What the lines of a part, of which from is the first corner, read. */
static void copy_part(struct run_walk *w, const struct corner *from)
{
	const struct nhwc_conv_f32 *c = w->r->c;
	const struct conv_shape *s = &c->s;
	size_t line = line_pixels(s, c->block_rows) * (size_t)s->cin;
	int pixels = (int)pixels_under(s, w->width);
	for (int i = 0; i < (int)lines_under(s, w->lines); i++)
		for (int k = 0; k < s->kernel[0]; k++, w->end += line)
			copy_line(c, from, from->at[0] + k * s->dilation[0], from->at[1] + i,
			    w->end, pixels);
}

/* To the first window of the part that begins with row. */
static void walk_part(struct run_walk *w, bool copied)
{
	const struct nhwc_conv_f32 *c = w->r->c;
	const struct conv_shape *s = &c->s;
	int x = w->row % s->out[2], line = w->row / s->out[2], y = line % s->out[1];
	int left = (w->last - 1) / s->out[2] - line + 1, inside = x;
	w->lines = left < s->out[1] - y ? left : s->out[1] - y;
	w->width = s->out[2];
	if (by_line(s, c->block_rows)) {
		w->lines = 1;
		w->width = w->last - w->row < s->out[2] - x ? w->last - w->row : s->out[2] - x;
		inside = 0;
	}
	struct corner from = corner_of(w->r, w->row - inside);
	w->pixels = w->width - inside;
	w->at = copied ? w->end : pixel(c, from.image, from.at[0], from.at[1], from.at[2]);
	w->at += inside * s->stride[2] * s->cin;
	if (copied)
		copy_part(w, &from);
}

/* Floats from a window's line to the next, and to the same one of the next depth. */
static void run_steps(const struct nhwc_conv_f32 *c, ptrdiff_t *y, ptrdiff_t *z)
{
	const struct conv_shape *s = &c->s;
	ptrdiff_t line = (all_inside(c) ? s->in[2] : (ptrdiff_t)line_pixels(s, c->block_rows)) *
			 s->cin;
	*y = all_inside(c) ? line : line * s->kernel[0];
	*z = all_inside(c) ? line * s->in[1] * s->dilation[0] : line;
}

static const ptrdiff_t *run_shifts(const struct nhwc_conv_f32 *c, ptrdiff_t *shift)
{
	ptrdiff_t y, z;
	run_steps(c, &y, &z);
	for (int t = 0; t < igemm_f32_taps(c); t++)
		shift[t] = t % c->s.kernel[1] * y + t / c->s.kernel[1] * z;
	return shift;
}

/* Pointers to rows first..last-1. */
static void point_runs(
    const struct igemm_f32_run *r, int first, int last, const float **rows, float *copy)
{
	const struct conv_shape *s = &r->c->s;
	struct run_walk w = {.r = r, .row = first, .last = last, .end = copy};
	ptrdiff_t step = s->stride[2] * s->cin, y, z;
	bool copied = !all_inside(r->c);
	run_steps(r->c, &y, &z);
	while (w.row < last) {
		if (!w.lines)
			walk_part(&w, copied);
		for (int i = 0; i < w.pixels && w.row < last; i++, w.at += step, w.row++)
			*rows++ = w.at;
		w.at += y * s->stride[1] - w.width * step;
		w.pixels = w.width;
		w.lines--;
	}
}

/* ---- all ---- */

static size_t shift_bytes(const struct nhwc_conv_f32 *c)
{
	size_t taps = c->feed == RUNS ? (size_t)igemm_f32_taps(c) : 0;
	return nhwc_round64(taps * sizeof(ptrdiff_t));
}

size_t igemm_f32_scratch(const struct nhwc_conv_f32 *c)
{
	size_t pointers = (size_t)c->block_rows * (size_t)igemm_f32_pointers(c);
	return shift_bytes(c) + nhwc_round64(pointers * sizeof(float *));
}

static void point_tiles(
    const struct igemm_f32_run *r, int first, int last, int tiles, const float **rows)
{
	for (int t = 0; t < tiles; t++) {
		int from = first + nhwc_part(last - first, t, tiles);
		int m = first + nhwc_part(last - first, t + 1, tiles) - from;
		point_taps(r, from, m, rows);
		rows += m * igemm_f32_taps(r->c);
	}
}

struct igemm_f32_rows igemm_f32_point(
    const struct igemm_f32_run *r, int first, int last, int tiles, char *scratch)
{
	const struct nhwc_conv_f32 *c = r->c;
	const float **rows = (const float **)(scratch + shift_bytes(c));
	float *copy = (float *)(scratch + igemm_f32_scratch(c));
	if (c->feed == PLAIN)
		for (int i = 0; i < last - first; i++)
			rows[i] = r->a->in + (first + i) * c->ld_in;
	else if (c->feed == TAPS)
		point_tiles(r, first, last, tiles, rows);
	else
		point_runs(r, first, last, rows, copy);
	return (struct igemm_f32_rows){
	    rows, c->feed == RUNS ? run_shifts(c, (ptrdiff_t *)scratch) : NULL};
}
