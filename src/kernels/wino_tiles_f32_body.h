/* Winograd's F(4x4, 3x3) with lanes over tiles, for the vectors of the including file's instruction
 * set. */
#include "kernels/wino_f32_points.h"
#include "kernels/wino_tiles_f32_pixels.h"

/* One channel of the tiles; the elements of d are four vectors apart. */
INLINE void wino_tiles_image(const vec *d, float *v, size_t ldv)
{
	vec t[36], m[6], r[6];
#pragma GCC unroll 6
	for (int x = 0; x < 6; x++) {
#pragma GCC unroll 6
		for (int y = 0; y < 6; y++)
			m[y] = d[(y * 6 + x) * 4];
		wino_image(m, 4, r);
#pragma GCC unroll 6
		for (int y = 0; y < 6; y++)
			t[y * 6 + x] = r[y];
	}
#pragma GCC unroll 6
	for (int y = 0; y < 6; y++) {
		wino_image(t + y * 6, 4, r);
#pragma GCC unroll 6
		for (int x = 0; x < 6; x++)
			vec_store(v + (size_t)(y * 6 + x) * ldv, r[x]);
	}
}

/* Four channels at a time; the last four overlap others rather than leave the pixel. */
static void wino_tiles_in(const struct wino_tiles_in *q)
{
	for (int c = 0; c < q->n; c += 4) {
		int from = c + 4 > q->n ? q->n - 4 : c;
		vec d[36][4];
		for (int i = 0; i < 36; i++)
			wino_tiles_gather(q->pixel[i], q->offset[i] + from, d[i]);
		for (int k = c - from; k < 4; k++)
			wino_tiles_image(d[0] + k, q->v + (from + k) * VEC, q->ldv);
	}
}

/* One element of a panel of m columns, a constant after inlining. */
INLINE void wino_tiles_panel(const float *u, const float *v, int k, float *to, int m)
{
	vec acc[WINO_TILES_COLUMN];
#pragma GCC unroll 12
	for (int j = 0; j < m; j++)
		acc[j] = vec_zero();
	for (int p = 0; p < k; p++, v += VEC, u += m) {
		vec x = vec_load(v);
#pragma GCC unroll 12
		for (int j = 0; j < m; j++)
			acc[j] = vec_fma(vec_set1(u[j]), x, acc[j]);
	}
#pragma GCC unroll 12
	for (int j = 0; j < m; j++)
		vec_store(to + j * VEC, acc[j]);
}

#define PANEL(m)                                                                \
	static void panel_##m(const float *u, const float *v, int k, float *to) \
	{                                                                       \
		wino_tiles_panel(u, v, k, to, m);                               \
	}
PANEL(1)
PANEL(2)
PANEL(3)
PANEL(4)
PANEL(5)
PANEL(6)
PANEL(7)
PANEL(8)
PANEL(9)
PANEL(10)
PANEL(11)
PANEL(12)

static void wino_tiles_product(const struct wino_tiles_product *q)
{
	static void (*const panels[])(const float *, const float *, int, float *) = {panel_1,
	    panel_2, panel_3, panel_4, panel_5, panel_6, panel_7, panel_8, panel_9, panel_10,
	    panel_11, panel_12};
	int n = wino_tiles_panels(q->n), most = (q->n + n - 1) / n, high = q->n - n * (most - 1);
	for (int xi = 0; xi < 36; xi++) {
		const float *v = q->v + (size_t)xi * q->ldv;
		float *to = q->m + (size_t)xi * q->ldm;
		ptrdiff_t from = 0;
		for (int i = 0; i < n; i++) {
			int m = i < high ? most : most - 1;
			panels[m - 1](q->u + (from * 36 + xi * m) * q->k, v, q->k, to + from * VEC);
			from += m;
		}
	}
}

/* One channel's 16 results, bias and, unless something is added to them, clamp. */
INLINE void wino_tiles_results(const struct wino_tiles_out *q, int c, vec (*to)[WINO_TILES_OUT])
{
	const float *p = q->m + c * VEC;
	vec bias = q->bias ? vec_set1(q->bias[c]) : vec_zero();
	vec lo = vec_set1(q->add ? -INFINITY : q->lo), hi = vec_set1(q->add ? INFINITY : q->hi);
	vec t[24], m[6], r[4];
#pragma GCC unroll 6
	for (int x = 0; x < 6; x++) {
#pragma GCC unroll 6
		for (int y = 0; y < 6; y++)
			m[y] = vec_load(p + (size_t)(y * 6 + x) * q->ldm);
		wino_result(m, 4, r);
#pragma GCC unroll 4
		for (int y = 0; y < 4; y++)
			t[y * 6 + x] = r[y];
	}
#pragma GCC unroll 4
	for (int y = 0; y < 4; y++) {
		wino_result(t + y * 6, 4, r);
#pragma GCC unroll 4
		for (int x = 0; x < 4; x++)
			to[y * 4 + x][c] = vec_clamp(vec_add(r[x], bias), lo, hi);
	}
}

static void wino_tiles_out(const struct wino_tiles_out *q)
{
	vec r[16][WINO_TILES_OUT];
	for (int c = 0; c < q->n; c++)
		wino_tiles_results(q, c, r);
	for (int i = 0; i < 16; i++) {
		uint32_t lanes = q->lines[i / 4] & q->columns[i % 4];
		if (lanes)
			wino_tiles_scatter(q, r[i], (size_t)(i / 4), (size_t)(i % 4), lanes);
	}
}
