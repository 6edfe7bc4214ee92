/* Columns of signed weights to panels of fours: a transpose of fours where they lie together, else
 * a few channels of all columns at a time so that what is written stays in the L1 cache. */
#include "kernels/pack_u8.h"

#include <string.h>

#include "kernels/nhwc_kernel.h"

#define CHANNELS 64 /* done at a time for a window of one tap; a multiple of 4 */
#define FEW 8       /* for larger ones */
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
	return p->taps == 1 && p->cin % 4 == 0 && (uintptr_t)w % sizeof(uint32_t) == 0;
}

/* The sum of n weights, a multiple of 4 and at most CHANNELS. */
static int32_t sum_of(const int8_t *w, int n)
{
	uint32_t pairs = 0;
	for (int i = 0; i < n; i += 4) {
		uint32_t x;
		memcpy(&x, w + i, sizeof x);
		x ^= BIAS;
		pairs += (x & EVEN) + (x >> 8 & EVEN);
	}
	return (int32_t)(pairs & 0xffff) + (int32_t)(pairs >> 16) - 128 * n;
}

static void pack_fours(const struct panel_u8 *p, const int8_t *w, int32_t *sum, uint32_t *to)
{
	size_t fours = (size_t)p->cin / 4;
	for (int j = 0; j < p->columns; j++)
		for (int i = 0; i < p->cin; i += CHANNELS)
			sum[j] += sum_of(w + (size_t)j * (size_t)p->cin + i,
			    p->cin - i < CHANNELS ? p->cin - i : CHANNELS);
	transpose_rows[transpose_pick()].b32(
	    p->columns, (int64_t)fours, w, fours, to, (size_t)p->wide);
}

void panel_u8_pack(const struct panel_u8 *p, const int8_t *w, void *panel)
{
	int32_t *start = panel;
	uint32_t *to = (uint32_t *)panel + p->wide;
	size_t fours = (size_t)((p->cin + 3) / 4);
	if (p->columns < p->wide)
		memset(panel, 0, (size_t)p->wide * 4 * (1 + (size_t)p->taps * fours));
	memset(start, 0, (size_t)p->wide * sizeof *start);
	(is_fours(p, w) ? pack_fours : pack_runs)(p, w, start, to);
	for (int j = 0; j < p->columns; j++)
		start[j] *= -p->zero;
}
