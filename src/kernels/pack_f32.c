/* Columns of weights to panels: transposes, whose lines are then sorted by tap; and panels to
 * weights.
 */
#include "kernels/pack_f32.h"

#include <string.h>

#include "kernels/nhwc_kernel.h"

#define LINES 128 /* of a window of several taps, transposed at a time */
#define WIDEST 64 /* of all panels */

/* Lines of the transposed columns from..from+n-1: line c * taps + t becomes t * cin + c. */
static void sort_lines(
    const struct panel_f32 *p, const float *lines, size_t from, size_t n, float *panel)
{
	size_t wide = (size_t)p->wide, taps = (size_t)p->taps, cin = (size_t)p->cin;
	for (size_t i = from; i < from + n; i++, lines += wide)
		memcpy(panel + (i % taps * cin + i / taps) * wide, lines, wide * sizeof *lines);
}

void panel_f32_pack(const struct panel_f32 *p, const float *w, float *panel)
{
	transpose_fn *transpose = transpose_rows[transpose_pick()].b32;
	size_t column = (size_t)p->cin * (size_t)p->taps, wide = (size_t)p->wide;
	float lines[LINES * WIDEST];
	if (p->taps == 1) {
		if (p->columns < p->wide)
			memset(panel, 0, column * wide * sizeof *panel);
		transpose(p->columns, p->cin, w, column, panel, wide);
		return;
	}
	if (p->columns < p->wide)
		memset(lines, 0, sizeof lines);
	for (size_t i = 0, n; i < column; i += n) {
		n = column - i < LINES ? column - i : LINES;
		transpose(p->columns, (int64_t)n, w + i, column, lines, wide);
		sort_lines(p, lines, i, n, panel);
	}
}

/* ---- back ---- */

/* Columns of the panel that begins with column j: those that it has room for. */
static int wide_at(const struct panels_f32 *p, int j)
{
	return p->n - j <= p->nr / 2 ? p->nr / 2 : p->nr;
}

size_t panels_f32_size(const struct panels_f32 *p)
{
	int rest = p->n % p->nr, last = rest ? p->n - rest : p->n;
	size_t columns = (size_t)last + (rest ? (size_t)wide_at(p, last) : 0);
	return columns * (size_t)p->cin * (size_t)p->taps;
}

static void unpack_panel(
    const struct panels_f32 *p, int j, bool lines, const float *panel, float *w)
{
	size_t column = (size_t)p->cin * (size_t)p->taps, step = lines ? 1 : column;
	int wide = wide_at(p, j), have = p->n - j < wide ? p->n - j : wide;
	for (int t = 0; t < p->taps; t++)
		for (int i = 0; i < p->cin; i++, panel += wide) {
			float *to = lines ? w + (size_t)i * (size_t)p->n + j
					  : w + (size_t)j * column + (size_t)(i * p->taps + t);
			for (int c = 0; c < have; c++)
				to[(size_t)c * step] = panel[c];
		}
}

void panels_f32_unpack(const struct panels_f32 *p, bool lines, const float *packed, float *w)
{
	size_t column = (size_t)p->cin * (size_t)p->taps;
	for (int j = 0; j < p->n; j += p->nr, packed += column * (size_t)p->nr)
		unpack_panel(p, j, lines, packed, w);
}
