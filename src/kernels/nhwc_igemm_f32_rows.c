/* Where the rows of the left side of an implicit GEMM of floats are: pixels read in place through
 * pointers, and lines of windows as one. */
#include <string.h>

#include "kernels/nhwc_igemm_f32.h"

#define FEW_CHANNELS 16 /* below, window lines are read as one run */

/* PLAIN: row after row, TAPS: a pointer per window element, RUNS: a pointer per line of the window,
 * whose pixels follow one another in memory or are copied so that they do. */
enum feed { PLAIN, TAPS, RUNS };

void igemm_f32_feed(struct nhwc_conv_f32 *c)
{
	const struct conv_shape *s = &c->s;
	bool plain = true;
	for (int d = 0; d < 3; d++)
		plain &= s->kernel[d] == 1 && s->stride[d] == 1 && !s->pad[d] &&
			 s->in[d] == s->out[d];
	c->feed = plain                                                         ? PLAIN
		  : s->groups == 1 && s->cin < FEW_CHANNELS && s->kernel[2] > 1 ? RUNS
										: TAPS;
}

int igemm_f32_taps(const struct nhwc_conv_f32 *c)
{
	return c->feed == RUNS ? c->s.kernel[0] * c->s.kernel[1] : igemm_f32_window(c);
}

int igemm_f32_depth(const struct nhwc_conv_f32 *c)
{
	return c->feed == RUNS ? c->s.kernel[2] * c->s.cin : igemm_f32_cin(c);
}

size_t igemm_f32_row_copy(const struct nhwc_conv_f32 *c)
{
	return c->feed == RUNS
		   ? (size_t)igemm_f32_taps(c) * (size_t)igemm_f32_depth(c) * sizeof(float)
		   : 0;
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

/* The pixels of a line of the window, which begins at pixel x of line, as one run in *copy. */
static const float *run_copy(const struct nhwc_conv_f32 *c, const float *line, int x, float **copy)
{
	const struct conv_shape *s = &c->s;
	size_t size = (size_t)s->cin * sizeof(float);
	int kw = s->kernel[2];
	float *to = *copy;
	*copy += kw * s->cin;
	if (c->ld_in == s->cin && s->dilation[2] == 1) {
		int from = x < 0 ? -x : 0, end = s->in[2] - x < kw ? s->in[2] - x : kw;
		from = from < kw ? from : kw;
		end = end > from ? end : from;
		memset(to, 0, (size_t)from * size);
		memcpy(to + from * s->cin, line + (x + from) * s->cin, (size_t)(end - from) * size);
		memset(to + end * s->cin, 0, (size_t)(kw - end) * size);
		return to;
	}
	for (int k = 0; k < kw; k++, x += s->dilation[2])
		for (int i = 0; i < s->cin; i++)
			to[k * s->cin + i] = nhwc_inside(s, 2, x) ? line[x * c->ld_in + i] : 0;
	return to;
}

/* The lines of n windows of one line of the result, each as a run: in place when it lies inside,
 * else copied to *copy. */
static void point_windows(const struct igemm_f32_run *r, const struct corner *at, int n, int m,
    const float **rows, float **copy)
{
	const struct nhwc_conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	int x = at->at[2], from, to, step = s->stride[2];
	nhwc_whole_windows(s, x, n, s->kernel[2], &from, &to);
	if (c->ld_in != s->cin || s->dilation[2] > 1)
		from = to = n;
	for (int kz = 0, z = at->at[0]; kz < s->kernel[0]; kz++, z += s->dilation[0])
		for (int ky = 0, y = at->at[1]; ky < s->kernel[1];
		     ky++, y += s->dilation[1], rows += m) {
			bool in = nhwc_inside(s, 0, z) && nhwc_inside(s, 1, y);
			const float *line = in ? pixel(c, at->image, z, y, 0) : r->zero;
			for (int i = 0; i < n && !in; i++)
				rows[i] = line;
			for (int i = 0; i < from && in; i++)
				rows[i] = run_copy(c, line, x + i * step, copy);
			for (int i = from; i < to && in; i++)
				rows[i] = line + (ptrdiff_t)(x + i * step) * c->ld_in;
			for (int i = to; i < n && in; i++)
				rows[i] = run_copy(c, line, x + i * step, copy);
		}
}

static void point_runs(
    const struct igemm_f32_run *r, int row, int m, const float **rows, float **copy)
{
	int n;
	for (int i = 0; i < m; i += n) {
		struct corner at = corner_of(r, row + i);
		n = same_line(&r->c->s, row, i, m);
		point_windows(r, &at, n, m, rows + i, copy);
	}
}

void igemm_f32_point(const struct igemm_f32_run *r, int first, int last, int tiles, char *scratch)
{
	const struct nhwc_conv_f32 *c = r->c;
	const float **rows = (const float **)scratch;
	size_t taps = (size_t)igemm_f32_taps(c);
	float *copy = (float *)(scratch +
				nhwc_round64((size_t)c->block_rows * taps * sizeof(float *)));
	for (int t = 0; t < tiles; t++) {
		int from = first + nhwc_part(last - first, t, tiles);
		int m = first + nhwc_part(last - first, t + 1, tiles) - from;
		if (c->feed == PLAIN)
			for (int i = 0; i < m; i++)
				rows[i] = r->a->in + (from + i) * c->ld_in;
		else if (c->feed == TAPS)
			point_taps(r, from, m, rows);
		else
			point_runs(r, from, m, rows, &copy);
		rows += (size_t)m * taps;
	}
}
