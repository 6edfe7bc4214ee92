/* Winograd's F(4x4, 3x3) with a vector's lanes over tiles instead of channels: what it costs
 * follows from the channels that there are, however few. For a vector of tiles: their pixels are
 * transformed, products summed over the channels, and transformed back to pixels. */
#ifndef KERNELS_WINO_TILES_F32_H
#define KERNELS_WINO_TILES_F32_H

#include <stddef.h>
#include <stdint.h>

enum {
	WINO_TILES_LANES = 16,  /* of the widest vector */
	WINO_TILES_COLUMN = 12, /* results of a panel of weights at most */
	WINO_TILES_OUT = 8      /* channels whose results are stored together */
};

struct wino_tiles_in {
	const float *const *pixel[36]; /* by element of the tile and lane; offset floats on */
	ptrdiff_t offset[36];
	int n;    /* channels, 4 or more */
	float *v; /* [36][n][lanes], elements ldv floats apart */
	size_t ldv;
};

/* Products of weights [panel][36][k][columns of it] with v [36][k][lanes] to m [36][n][lanes]; ldv
 * and ldm floats from element to element. Panels are of nearly equal width. */
struct wino_tiles_product {
	const float *u, *v;
	float *m;
	size_t ldv, ldm;
	int k, n;
};

/* n <= WINO_TILES_OUT channels of m to pixels. */
struct wino_tiles_out {
	const float *m; /* [36][all][lanes], at the first channel; elements ldm floats apart */
	size_t ldm;
	int n, from;
	const float *bias;       /* n values or NULL */
	float *const *out;       /* by lane: the first pixel of the tile; from number from on */
	const float *const *add; /* likewise, or NULL */
	size_t line_out, ld_out, line_add, ld_add; /* floats from line to line, pixel to pixel */
	uint32_t lines[4], columns[4]; /* lanes whose tile has such a line, such a column */
	float lo, hi;
};

struct wino_tiles_f32 {
	int lanes; /* of a vector */
	void (*in)(const struct wino_tiles_in *q);
	void (*product)(const struct wino_tiles_product *q);
	void (*out)(const struct wino_tiles_out *q);
};

/* Panels of n columns, the first ones a column wider than the rest; the first column of panel i. */
static inline int wino_tiles_panels(int n)
{
	return (n + WINO_TILES_COLUMN - 1) / WINO_TILES_COLUMN;
}

static inline int wino_tiles_column(int n, int i)
{
	int panels = wino_tiles_panels(n), rest = n % panels;
	return n / panels * i + (i < rest ? i : rest);
}

#endif
