/* Where the rows of the left side of a quantized implicit GEMM are: pixels read in place through
 * pointers, lines of windows as one, or windows copied into rows. */
#include "kernels/nhwc_igemm_u8.h"

#include <string.h>

#define FEW_CHANNELS 16  /* below, a pixel is too little for a row of its own */
#define LINE_CHANNELS 24 /* up to here, a line of pixels is better */
#define SLACK 16         /* bytes that copying may write too many */

/* PLAIN: row after row, TAPS: a pointer per window element, LINES: one per line of the window,
 * PATCH: windows are copied into rows. */
enum feed { PLAIN, TAPS, LINES, PATCH };

static int taps_of(const struct nhwc_conv_u8 *c)
{
	return (int)conv_volume(c->s.kernel);
}

static bool few_channels(const struct nhwc_conv_u8 *c)
{
	return c->s.groups == 1 && c->s.cin < FEW_CHANNELS && taps_of(c) > 1;
}

/* Does it pay to take the pixels of a window's line as one, which makes no difference to the packed
 * weights? */
static bool long_lines(const struct nhwc_conv_u8 *c)
{
	return c->s.groups == 1 && c->s.cin % 4 == 0 && c->s.cin <= LINE_CHANNELS &&
	       c->ld_in == c->s.cin;
}

static bool by_lines(const struct nhwc_conv_u8 *c)
{
	return c->s.kernel[2] > 1 && c->s.dilation[2] == 1 && (few_channels(c) || long_lines(c));
}

static int lines_of(const struct nhwc_conv_u8 *c)
{
	return c->s.kernel[0] * c->s.kernel[1];
}

int igemm_u8_taps(const struct nhwc_conv_u8 *c)
{
	return by_lines(c) ? lines_of(c) : few_channels(c) ? 1 : taps_of(c);
}

int igemm_u8_depth(const struct nhwc_conv_u8 *c)
{
	bool one = !by_lines(c) && !few_channels(c);
	return one ? igemm_u8_cin(c) : taps_of(c) / igemm_u8_taps(c) * c->s.cin;
}

void igemm_u8_feed(struct nhwc_conv_u8 *c)
{
	const struct conv_shape *s = &c->s;
	bool plain = true;
	for (int d = 0; d < 3; d++)
		plain &= s->kernel[d] == 1 && s->stride[d] == 1 && !s->pad[d] &&
			 s->in[d] == s->out[d];
	c->feed = by_lines(c) ? LINES : few_channels(c) ? PATCH : plain ? PLAIN : TAPS;
}

/* ---- scratch ---- */

size_t igemm_u8_row_copy(const struct nhwc_conv_u8 *c)
{
	return c->feed == PATCH ? igemm_u8_depth4(c) : 0;
}

/* A line of a window that is copied. */
static size_t line_copy(int depth)
{
	return (size_t)(depth + IGEMM_U8_OVER + SLACK);
}

/* Windows of a line of the result that are not inside of the image, or whose pixels are apart. */
static int64_t edges(const struct nhwc_conv_u8 *c)
{
	const struct conv_shape *s = &c->s;
	int64_t left = 0, right = 0, room = (int64_t)s->in[2] + s->pad[2] - s->kernel[2];
	if (c->ld_in != s->cin || room < 0)
		return s->out[2];
	if (s->pad[2] > 0)
		left = nhwc_pieces(s->pad[2], s->stride[2]);
	if (room / s->stride[2] + 1 < s->out[2])
		right = s->out[2] - (room / s->stride[2] + 1);
	return left + right < s->out[2] ? left + right : s->out[2];
}

/* Windows of a block that are copied, and those at the image's end. */
static size_t copies(const struct nhwc_conv_u8 *c)
{
	int64_t lines = (c->block_rows - 1) / c->s.out[2] + 2;
	int64_t n = lines * edges(c) + IGEMM_U8_OVER;
	return (size_t)(n < c->block_rows ? n : c->block_rows);
}

static size_t pointer_bytes(const struct nhwc_conv_u8 *c)
{
	return nhwc_round64((size_t)c->block_rows * (size_t)igemm_u8_taps(c) * sizeof(uint8_t *));
}

size_t igemm_u8_worker(const struct nhwc_conv_u8 *c)
{
	size_t bytes = 0;
	if (c->feed == PATCH)
		bytes = (size_t)c->block_rows * igemm_u8_row_copy(c) + SLACK;
	if (c->feed == LINES)
		bytes = copies(c) * (size_t)lines_of(c) * line_copy(igemm_u8_depth(c));
	return pointer_bytes(c) + nhwc_round64(bytes);
}

/* Zero points for a pixel or a line. */
static size_t zero_bytes(const struct nhwc_conv_u8 *c)
{
	int pixel = c->s.groups * c->s.cin, depth = igemm_u8_depth(c);
	return nhwc_round64((size_t)(pixel > depth ? pixel : depth) + IGEMM_U8_OVER);
}

/* As much of the end of the image as a row may read too far from. */
static size_t last_bytes(const struct nhwc_conv_u8 *c)
{
	size_t pixels = (size_t)c->s.batch * conv_volume(c->s.in);
	size_t n = (size_t)(c->s.groups * c->s.cin), all = (pixels - 1) * (size_t)c->ld_in + n;
	return (all < n + IGEMM_U8_OVER ? all : n + IGEMM_U8_OVER) + IGEMM_U8_OVER;
}

size_t igemm_u8_shared(const struct nhwc_conv_u8 *c)
{
	return zero_bytes(c) + nhwc_round64(last_bytes(c));
}

void igemm_u8_begin(struct igemm_u8_run *r)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	size_t pixels = (size_t)s->batch * conv_volume(s->in);
	r->taps = igemm_u8_taps(c);
	r->depth = igemm_u8_depth(c);
	r->depth4 = igemm_u8_depth4(c);
	r->zero = r->a->scratch;
	r->end = r->a->in + (pixels - 1) * (size_t)c->ld_in + s->groups * s->cin;
	r->last = NULL;
	memset(r->a->scratch, c->zero, igemm_u8_shared(c));
	if (igemm_u8_cin(c) % 4 == 0)
		return;
	size_t n = last_bytes(c) - IGEMM_U8_OVER;
	uint8_t *copy = (uint8_t *)r->a->scratch + zero_bytes(c);
	memcpy(copy, r->end - n, n);
	r->last = copy + n;
}

/* ---- windows ---- */

/* Output pixels next to each other in a line: the image they are made of, and the first element of
 * the first one's window, which may lie outside. */
struct span {
	const uint8_t *image;
	int at[3], n;
};

/* An output pixel. */
struct cursor {
	const uint8_t *image;
	int z, y, x;
};

static size_t image_bytes(const struct nhwc_conv_u8 *c)
{
	return conv_volume(c->s.in) * (size_t)c->ld_in;
}

static struct cursor cursor_at(const struct igemm_u8_run *r, int row)
{
	const int *out = r->c->s.out;
	int line = row / out[2], plane = line / out[1];
	size_t image = (size_t)(plane / out[0]);
	return (struct cursor){
	    r->a->in + image * image_bytes(r->c), plane % out[0], line % out[1], row % out[2]};
}

/* At most m pixels from p on, which moves behind them. */
static struct span next_span(const struct igemm_u8_run *r, struct cursor *p, int m)
{
	const struct conv_shape *s = &r->c->s;
	struct span to = {p->image,
	    {p->z * s->stride[0] - s->pad[0], p->y * s->stride[1] - s->pad[1],
		p->x * s->stride[2] - s->pad[2]},
	    s->out[2] - p->x};
	if (to.n > m) {
		to.n = m;
		p->x += m;
		return to;
	}
	p->x = 0;
	if (++p->y < s->out[1])
		return to;
	p->y = 0;
	if (++p->z < s->out[0])
		return to;
	p->z = 0;
	p->image += image_bytes(r->c);
	return to;
}

static const uint8_t *pixel(const struct nhwc_conv_u8 *c, const uint8_t *image, int z, int y, int x)
{
	const int *in = c->s.in;
	return image + (((ptrdiff_t)z * in[1] + y) * in[2] + x) * c->ld_in;
}

typedef uintptr_t pair __attribute__((vector_size(2 * sizeof(uintptr_t))));

/* Pointers to n pixels, step bytes apart: two at a time. */
static void point_pixels(const uint8_t **rows, const uint8_t *p, ptrdiff_t step, int n)
{
	pair at = {(uintptr_t)p, (uintptr_t)p + (uintptr_t)step};
	pair by = {2 * (uintptr_t)step, 2 * (uintptr_t)step};
	int i = 0;
	for (; i + 2 <= n; i += 2, at += by)
		memcpy(&rows[i], &at, sizeof at);
	if (i < n)
		rows[i] = p + i * step;
}

/* A tap of the pixels of a span. */
static void point_tap(
    const struct igemm_u8_run *r, const struct span *a, const int d[3], const uint8_t **rows)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	int z = a->at[0] + d[0], y = a->at[1] + d[1], x = a->at[2] + d[2], from = a->n, to = a->n;
	if (nhwc_inside(s, 0, z) && nhwc_inside(s, 1, y))
		nhwc_whole_windows(s, x, a->n, 1, &from, &to);
	ptrdiff_t step = s->stride[2] * c->ld_in;
	const uint8_t *p = from < to ? pixel(c, a->image, z, y, x + from * s->stride[2]) : NULL;
	for (int i = 0; i < from; i++)
		rows[i] = r->zero;
	point_pixels(rows + from, p, step, to - from);
	for (int i = to; i < a->n; i++)
		rows[i] = r->zero;
}

static void point_taps(
    const struct igemm_u8_run *r, const struct span *a, int m, const uint8_t **rows)
{
	const struct conv_shape *s = &r->c->s;
	int d[3] = {0, 0, 0};
	for (int z = 0; z < s->kernel[0]; z++, d[0] += s->dilation[0], d[1] = 0)
		for (int y = 0; y < s->kernel[1]; y++, d[1] += s->dilation[1], d[2] = 0)
			for (int x = 0; x < s->kernel[2]; x++, d[2] += s->dilation[2], rows += m)
				point_tap(r, a, d, rows);
}

/* Copies n bytes, and up to SLACK - 1 more where they can be read. */
static void copy_run(const struct igemm_u8_run *r, uint8_t *to, const uint8_t *from, int n)
{
	if (r->end - from < n + SLACK)
		memcpy(to, from, (size_t)n);
	else
		for (int i = 0; i < n; i += SLACK)
			memcpy(to + i, from + i, SLACK);
}

/* One line of a window from x on. */
static void gather_line(
    const struct igemm_u8_run *r, const uint8_t *image, int z, int y, int x, uint8_t *to)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	int kw = s->kernel[2], cin = s->cin;
	if (!nhwc_inside(s, 0, z) || !nhwc_inside(s, 1, y)) {
		memset(to, c->zero, (size_t)(kw * cin));
		return;
	}
	if (x >= 0 && x + kw <= s->in[2] && c->ld_in == cin && s->dilation[2] == 1) {
		copy_run(r, to, pixel(c, image, z, y, x), kw * cin);
		return;
	}
	for (int k = 0; k < kw; k++, x += s->dilation[2], to += cin) {
		const uint8_t *from = nhwc_inside(s, 2, x) ? pixel(c, image, z, y, x) : r->zero;
		for (int i = 0; i < cin; i++)
			to[i] = from[i];
	}
}

/* A line of the windows of a span: in place, where it lies there as one. */
static void point_line(const struct igemm_u8_run *r, const struct span *a, int z, int y,
    const uint8_t **rows, uint8_t **copy)
{
	const struct nhwc_conv_u8 *c = r->c;
	const struct conv_shape *s = &c->s;
	int from = a->n, to = a->n, x = a->at[2];
	ptrdiff_t step = s->stride[2] * c->ld_in;
	if (!nhwc_inside(s, 0, z) || !nhwc_inside(s, 1, y)) {
		for (int i = 0; i < a->n; i++)
			rows[i] = r->zero;
		return;
	}
	if (c->ld_in == s->cin)
		nhwc_whole_windows(s, x, a->n, s->kernel[2], &from, &to);
	const uint8_t *p = from < to ? pixel(c, a->image, z, y, x + from * s->stride[2]) : NULL;
	while (to > from && r->end - (p + (to - 1 - from) * step) < r->depth + IGEMM_U8_OVER)
		to--;
	for (int i = from; i < to; i++, p += step)
		rows[i] = p;
	for (int i = 0; i < a->n; i++) {
		if (i == from)
			i = to;
		if (i == a->n)
			break;
		gather_line(r, a->image, z, y, x + i * s->stride[2], *copy);
		rows[i] = *copy;
		*copy += line_copy(r->depth);
	}
}

static void point_lines(
    const struct igemm_u8_run *r, const struct span *a, int m, const uint8_t **rows, uint8_t **copy)
{
	const struct conv_shape *s = &r->c->s;
	for (int z = 0; z < s->kernel[0]; z++)
		for (int y = 0; y < s->kernel[1]; y++, rows += m)
			point_line(r, a, a->at[0] + z * s->dilation[0],
			    a->at[1] + y * s->dilation[1], rows, copy);
}

static void gather(
    const struct igemm_u8_run *r, const struct span *a, const uint8_t **rows, uint8_t **copy)
{
	const struct conv_shape *s = &r->c->s;
	for (int i = 0; i < a->n; i++, *copy += r->depth4) {
		uint8_t *to = *copy;
		rows[i] = to;
		for (int kz = 0; kz < s->kernel[0]; kz++)
			for (int ky = 0; ky < s->kernel[1]; ky++, to += s->kernel[2] * s->cin)
				gather_line(r, a->image, a->at[0] + kz * s->dilation[0],
				    a->at[1] + ky * s->dilation[1], a->at[2] + i * s->stride[2],
				    to);
	}
}

/* Rows that would be read beyond the end of the input point to the copy instead. */
static void keep_inside(const struct igemm_u8_run *r, size_t n, const uint8_t **rows)
{
	ptrdiff_t need = r->c->s.groups * r->c->s.cin + IGEMM_U8_OVER;
	for (size_t i = 0; i < n && r->last; i++)
		if (rows[i] != r->zero && r->end - rows[i] < need)
			rows[i] = r->last - (r->end - rows[i]);
}

/* m rows from p on. */
static void point_tile(
    const struct igemm_u8_run *r, struct cursor *p, int m, const uint8_t **rows, uint8_t **copy)
{
	struct span a;
	for (int i = 0; i < m; i += a.n) {
		a = next_span(r, p, m - i);
		if (r->c->feed == TAPS)
			point_taps(r, &a, m, rows + i);
		else if (r->c->feed == LINES)
			point_lines(r, &a, m, rows + i, copy);
		else
			gather(r, &a, rows + i, copy);
	}
}

void igemm_u8_point(const struct igemm_u8_run *r, int first, int last, char *scratch)
{
	const struct nhwc_conv_u8 *c = r->c;
	const uint8_t **rows = (const uint8_t **)scratch;
	uint8_t *copy = (uint8_t *)scratch + pointer_bytes(c);
	struct cursor p = cursor_at(r, first);
	const uint8_t *row = r->a->in + first * c->ld_in;
	int tiles = igemm_u8_tiles(last - first, igemm_u8_rows[c->row].mr);
	for (int t = 0; t < tiles; t++) {
		int m = igemm_u8_tile(last - first, tiles, t);
		if (c->feed == PLAIN)
			for (int i = 0; i < m; i++, row += c->ld_in)
				rows[i] = row;
		else
			point_tile(r, &p, m, rows, &copy);
		if (c->feed == PLAIN || c->feed == TAPS)
			keep_inside(r, (size_t)m * (size_t)r->taps, rows);
		rows += (size_t)m * (size_t)r->taps;
	}
}
