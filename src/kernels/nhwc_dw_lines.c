/* Lines of an image under the window of a depthwise convolution, and the pieces of a line that see
 * the same taps. */
#include "kernels/nhwc_dw_lines.h"

#define L1_LINES (24 << 10) /* bytes of the lines under a window that one pass covers */
#define NARROW 64           /* pixels of a line whose ends are worth doing with the rest */

bool nhwc_depthwise_fits(const struct conv_shape *s)
{
	return s->cin == 1 && s->cout == 1 && s->groups > 1 &&
	       (int64_t)s->kernel[0] * s->kernel[1] <= DW_LINES;
}

static int lines_of(const struct conv_shape *s)
{
	return s->batch * s->out[0] * s->out[1];
}

void nhwc_dw_cut(
    const struct conv_shape *s, int threads, int64_t worth, int least, int *rows, int *cols)
{
	int lines = lines_of(s), blocks = nhwc_pieces(s->groups, least);
	int64_t work = (int64_t)lines * s->out[2] * s->groups * (int)conv_volume(s->kernel);
	*rows = *cols = 1;
	if (threads <= 1 || work < worth)
		return;
	*rows = lines < 2 * threads ? lines : 2 * threads;
	*cols = nhwc_pieces(2 * threads, *rows);
	*cols = *cols < blocks ? *cols : blocks;
}

struct dw_share nhwc_dw_share(const struct conv_shape *s, int least, int rows, int cols, int number)
{
	int i = number / cols, j = number % cols, lines = lines_of(s);
	int blocks = nhwc_pieces(s->groups, least), to = nhwc_part(blocks, j + 1, cols) * least;
	return (struct dw_share){.from = nhwc_part(blocks, j, cols) * least,
	    .to = to < s->groups ? to : s->groups,
	    .first = nhwc_part(lines, i, rows),
	    .last = nhwc_part(lines, i + 1, rows)};
}

int nhwc_dw_pass(const struct conv_shape *s, size_t element, int least)
{
	size_t pixels = (size_t)s->kernel[0] * (size_t)s->kernel[1] * (size_t)s->in[2];
	size_t n = L1_LINES / element / (pixels + 1) / (size_t)least * (size_t)least;
	n = n < (size_t)least ? (size_t)least : n;
	return n < (size_t)s->groups ? (int)n : s->groups;
}

/* The window elements *from..*to-1 along dimension d that output at sees inside of the image. */
static void seen(const struct conv_shape *s, int d, int at, int *from, int *to)
{
	int64_t first = (int64_t)at * s->stride[d] - s->pad[d], step = s->dilation[d];
	int64_t lo = first < 0 ? (-first + step - 1) / step : 0;
	int64_t hi = first < s->in[d] ? (s->in[d] - 1 - first) / step + 1 : 0;
	*to = hi < s->kernel[d] ? (int)hi : s->kernel[d];
	*from = lo < *to ? (int)lo : *to;
}

void nhwc_dw_lines(const struct conv_shape *s, int number, struct dw_lines *l)
{
	int y = number % s->out[1], z = number / s->out[1] % s->out[0];
	int64_t b = number / s->out[1] / s->out[0];
	int z0, z1, y0, y1;
	seen(s, 0, z, &z0, &z1);
	seen(s, 1, y, &y0, &y1);
	l->rows = 0;
	for (int i = z0; i < z1; i++)
		for (int j = y0; j < y1; j++) {
			int64_t iz = (int64_t)z * s->stride[0] - s->pad[0] + i * s->dilation[0];
			int64_t iy = (int64_t)y * s->stride[1] - s->pad[1] + j * s->dilation[1];
			l->start[l->rows] = ((b * s->in[0] + iz) * s->in[1] + iy) * s->in[2];
			l->at[l->rows++] = (i * s->kernel[1] + j) * s->kernel[2];
		}
}

bool nhwc_dw_next(const struct conv_shape *s, struct dw_piece *p)
{
	int x0, x1;
	if (p->x1 == s->out[2])
		return false;
	nhwc_whole(s, &x0, &x1);
	if (s->out[2] <= NARROW && (x0 > 0 || x1 < s->out[2]))
		x0 = x1 = s->out[2];
	p->x0 = p->x1;
	p->whole = p->x0 == x0 && x0 < x1;
	p->x1 = p->whole ? x1 : p->x0 < x0 && x0 < x1 ? x0 : s->out[2];
	return true;
}
