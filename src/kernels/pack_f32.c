/* Columns of weights to panels: transposes, whose lines are then sorted by tap. */
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
