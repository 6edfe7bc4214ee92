/* Columns of signed weights to panels of fours: a transpose of fours where they lie together; of
 * windows, too, whose bytes are put in order behind it, as four channels of all taps are as many
 * fours as there are taps. Else byte by byte, a few channels of all columns at a time so that what
 * is written stays in the L1 cache. */
#include "kernels/pack_u8.h"

#include <string.h>

#include "base/vector.h"
#include "kernels/nhwc_kernel.h"

#define CHANNELS 64 /* done at a time for a window of one tap; a multiple of 4 */
#define FEW 8       /* for larger ones */
#define ROOM 4096   /* fours that are transposed at a time */
#define LANES 8     /* columns at a time */
#define BIAS 0x80808080u
#define EVEN 0x00ff00ffu

/* Up to four weights, step bytes apart. */
static uint32_t four(const int8_t *w, int n, size_t step)
{
	uint32_t x = 0;
	for (int i = 0; i < n; i++)
		x |= (uint32_t)(uint8_t)w[(size_t)i * step] << 8 * i;
	return x;
}

static uint32_t four_at(const int8_t *w, int n, size_t step)
{
	uint32_t x;
	if (n < 4)
		return four(w, n, step);
	if (step > 1)
		return four(w, 4, step);
	memcpy(&x, w, sizeof x);
	return x;
}

/* Channels from..to-1 of one tap of a column; the sum of the weights. */
static int32_t pack_run(const struct panel_u8 *p, const int8_t *w, int from, int to, uint32_t *out)
{
	uint32_t pairs = 0; /* of sums of bytes from 0 to 255 */
	int n = 0;
	for (int i = from; i < to; i += 4, n += 4, out += p->wide) {
		uint32_t x = four_at(w + (size_t)i * (size_t)p->taps, to - i, (size_t)p->taps);
		*out = x;
		x ^= BIAS;
		pairs += (x & EVEN) + (x >> 8 & EVEN);
	}
	return (int32_t)(pairs & 0xffff) + (int32_t)(pairs >> 16) - 128 * n;
}

static void pack_runs(const struct panel_u8 *p, const int8_t *w, int32_t *sum, uint32_t *to)
{
	size_t column = (size_t)p->cin * (size_t)p->taps, fours = (size_t)((p->cin + 3) / 4);
	int some = p->taps > 1 ? FEW : CHANNELS;
	for (int i = 0; i < p->cin; i += some)
		for (int j = 0; j < p->columns; j++)
			for (int t = 0; t < p->taps; t++) {
				size_t at = (size_t)t * fours + (size_t)i / 4;
				int end = i + some < p->cin ? i + some : p->cin;
				sum[j] += pack_run(p, w + (size_t)j * column + t, i, end,
				    to + at * (size_t)p->wide + j);
			}
}

static bool is_fours(const struct panel_u8 *p, const int8_t *w)
{
	return p->cin % 4 == 0 && (uintptr_t)w % sizeof(uint32_t) == 0;
}

static VECTOR int32_t sum_of(const int8_t *w, size_t n)
{
	int32_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += w[i];
	return sum;
}

static void add_sums(const struct panel_u8 *p, const int8_t *w, int32_t *sum)
{
	size_t column = (size_t)p->cin * (size_t)p->taps;
	for (int j = 0; j < p->columns; j++)
		sum[j] += sum_of(w + (size_t)j * column, column);
}

static void pack_fours(const struct panel_u8 *p, const int8_t *w, uint32_t *to)
{
	size_t fours = (size_t)p->cin / 4;
	transpose_rows[transpose_pick()].b32(
	    p->columns, (int64_t)fours, w, fours, to, (size_t)p->wide);
}

/* One tap of four channels out of lines that hold their taps, channel by channel. */
static void take_tap(
    const uint32_t *restrict lines, int tap, const struct panel_u8 *p, uint32_t *restrict to)
{
	const uint32_t *x[4];
	int shift[4];
	for (int c = 0; c < 4; c++) {
		int at = c * p->taps + tap;
		x[c] = lines + (size_t)(at / 4) * (size_t)p->wide;
		shift[c] = at % 4 * 8;
	}
	for (int j = 0; j < p->wide; j += LANES)
		for (int k = j; k < j + LANES; k++)
			to[k] = (x[0][k] >> shift[0] & 0xff) | (x[1][k] >> shift[1] & 0xff) << 8 |
				(x[2][k] >> shift[2] & 0xff) << 16 | x[3][k] >> shift[3] << 24;
}

static bool is_window(const struct panel_u8 *p)
{
	return p->wide % LANES == 0 && p->taps <= ROOM / p->wide;
}

static void pack_window(const struct panel_u8 *p, const int8_t *w, uint32_t *to)
{
	uint32_t room[ROOM] = {0};
	size_t fours = (size_t)p->cin / 4, taps = (size_t)p->taps, wide = (size_t)p->wide;
	size_t some = ROOM / (taps * wide);
	for (size_t i = 0; i < fours; i += some) {
		size_t n = fours - i < some ? fours - i : some;
		transpose_rows[transpose_pick()].b32(
		    p->columns, (int64_t)(n * taps), w + i * taps * 4, fours * taps, room, wide);
		for (size_t k = 0; k < n; k++)
			for (size_t t = 0; t < taps; t++)
				take_tap(room + k * taps * wide, (int)t, p,
				    to + (t * fours + i + k) * wide);
	}
}

void panel_u8_pack(const struct panel_u8 *p, const int8_t *w, void *panel)
{
	int32_t *start = panel;
	uint32_t *to = (uint32_t *)panel + p->wide;
	size_t fours = (size_t)((p->cin + 3) / 4);
	if (p->columns < p->wide)
		memset(panel, 0, (size_t)p->wide * 4 * (1 + (size_t)p->taps * fours));
	memset(start, 0, (size_t)p->wide * sizeof *start);
	if (is_fours(p, w) && (p->taps == 1 || is_window(p))) {
		(p->taps == 1 ? pack_fours : pack_window)(p, w, to);
		add_sums(p, w, start);
	} else {
		pack_runs(p, w, start, to);
	}
	for (int j = 0; j < p->columns; j++)
		start[j] *= -p->zero;
}
