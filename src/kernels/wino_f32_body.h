/* Transforms of Winograd's F(4x4, 3x3) and F(2x2, 3x3) over channels, for the vectors of the
 * including file's instruction set. */
#include "kernels/nhwc_kernel.h"
#include "kernels/wino_f32_points.h"

INLINE void wino_in_of(const struct wino_f32_in *q, int o)
{
	int e = o + 2;
	for (ptrdiff_t c = 0; c < q->n; c += VEC) {
		vec_mask mask = vec_first((int)(q->n - c));
		bool full = q->n - c >= VEC;
		vec t[36], v[6], d[6];
#pragma GCC unroll 6
		for (int x = 0; x < e; x++) {
#pragma GCC unroll 6
			for (int y = 0; y < e; y++) {
				const float *p = q->pixel[y * e + x] + c;
				d[y] = full ? vec_load(p) : vec_load_mask(p, mask);
			}
			wino_image(d, o, v);
#pragma GCC unroll 6
			for (int y = 0; y < e; y++)
				t[y * e + x] = v[y];
		}
#pragma GCC unroll 6
		for (int y = 0; y < e; y++) {
			wino_image(t + y * e, o, v);
#pragma GCC unroll 6
			for (int x = 0; x < e; x++)
				vec_store(q->v + (size_t)(y * e + x) * q->ldv + c, v[x]);
		}
	}
}

/* Of lines of seven: interpolation points 0, 1, -1, 2, -2, 1/2, -1/2, -3/4, 4/3, infinity, the rows
 * of weights and image scaled by powers of two to be of equal size. */
static const float wino_line_image[10][10] = {
    {0.25f, 0.145833333f, -1.5625f, -0.765625f, 2.625f, 0.765625f, -1.5625f, -0.145833333f, 0.25f,
	0},
    {0, -0.25f, -0.395833333f, 1.16666667f, 1.93229167f, -0.692708333f, -1.45833333f, 0.104166667f,
	0.25f, 0},
    {0, 0.25f, -0.104166667f, -1.45833333f, 0.692708333f, 1.93229167f, -1.16666667f, -0.395833333f,
	0.25f, 0},
    {0, -0.125f, -0.135416667f, 0.713541667f, 0.739583333f, -0.942708333f, -0.854166667f,
	0.354166667f, 0.25f, 0},
    {0, 0.125f, 0.0104166667f, -0.786458333f, 0.0104166667f, 1.30729167f, -0.270833333f,
	-0.645833333f, 0.25f, 0},
    {0, -0.5f, -1.29166667f, 0.541666667f, 2.61458333f, -0.0208333333f, -1.57291667f,
	-0.0208333333f, 0.25f, 0},
    {0, 1, -1.41666667f, -3.41666667f, 3.77083333f, 2.95833333f, -2.85416667f, -0.541666667f, 0.5f,
	0},
    {0, 0.666666667f, -0.5f, -3.5f, 2.625f, 3.5f, -2.625f, -0.666666667f, 0.5f, 0},
    {0, -0.375f, -0.5f, 1.96875f, 2.625f, -1.96875f, -2.625f, 0.375f, 0.5f, 0},
    {0, 0.25f, 0.145833333f, -1.5625f, -0.765625f, 2.625f, 0.765625f, -1.5625f, -0.145833333f,
	0.25f},
};
static const float wino_line_result[4][10] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0},
    {0, 1, -1, 2, -2, 0.5f, -0.5f, -0.75f, 1.33333333f, 0},
    {0, 1, 1, 4, 4, 0.25f, 0.25f, 0.5625f, 1.77777778f, 0},
    {0, 1, -1, 8, -8, 0.125f, -0.125f, -0.421875f, 2.37037037f, 1},
};
static const float wino_line_weight[10][7] = {
    {4, 0, 0, 0, 0, 0, 0},
    {1.52380952f, 1.52380952f, 1.52380952f, 1.52380952f, 1.52380952f, 1.52380952f, 1.52380952f},
    {-1.52380952f, 1.52380952f, -1.52380952f, 1.52380952f, -1.52380952f, 1.52380952f, -1.52380952f},
    {0.0242424242f, 0.0484848485f, 0.096969697f, 0.193939394f, 0.387878788f, 0.775757576f,
	1.55151515f},
    {0.0106666667f, -0.0213333333f, 0.0426666667f, -0.0853333333f, 0.170666667f, -0.341333333f,
	0.682666667f},
    {-2.73066667f, -1.36533333f, -0.682666667f, -0.341333333f, -0.170666667f, -0.0853333333f,
	-0.0426666667f},
    {-3.1030303f, 1.55151515f, -0.775757576f, 0.387878788f, -0.193939394f, 0.096969697f,
	-0.0484848485f},
    {2.72357403f, -2.04268052f, 1.53201039f, -1.14900779f, 0.861755844f, -0.646316883f,
	0.484737662f},
    {-0.272664935f, -0.363553247f, -0.484737662f, -0.646316883f, -0.861755844f, -1.14900779f,
	-1.53201039f},
    {0, 0, 0, 0, 0, 0, 4},
};

/* One row of a matrix times n vectors. */
INLINE vec wino_line_row(const float *row, const vec *x, int n)
{
	vec sum = vec_mul(vec_set1(row[0]), x[0]);
#pragma GCC unroll 10
	for (int i = 1; i < n; i++)
		sum = vec_fma(vec_set1(row[i]), x[i], sum);
	return sum;
}

static void wino_line_in(const struct wino_f32_in *q)
{
	for (ptrdiff_t c = 0; c < q->n; c += VEC) {
		vec_mask mask = vec_first((int)(q->n - c));
		bool full = q->n - c >= VEC;
		vec d[WINO_LINE_IN];
#pragma GCC unroll 10
		for (int i = 0; i < WINO_LINE_IN; i++)
			d[i] = full ? vec_load(q->pixel[i] + c)
				    : vec_load_mask(q->pixel[i] + c, mask);
#pragma GCC unroll 10
		for (int i = 0; i < WINO_LINE_IN; i++)
			vec_store(q->v + (size_t)i * q->ldv + c,
			    wino_line_row(wino_line_image[i], d, WINO_LINE_IN));
	}
}

static void wino_in(const struct wino_f32_in *q)
{
	if (q->o == WINO_LINE)
		wino_line_in(q);
	else if (q->o == 4)
		wino_in_of(q, 4);
	else
		wino_in_of(q, 2);
}

INLINE void wino_store(
    const struct wino_f32_out *q, ptrdiff_t c, vec_mask mask, const vec *result, int o)
{
	vec bias = q->bias ? vec_load_mask(q->bias + c, mask) : vec_zero();
	vec lo = vec_set1(q->lo), hi = vec_set1(q->hi);
#pragma GCC unroll 4
	for (int y = 0; y < o; y++) {
#pragma GCC unroll 4
		for (int x = 0; x < o; x++) {
			size_t pixel = (size_t)y * q->line + (size_t)x;
			vec v = vec_add(result[y * o + x], bias);
			if (y >= q->ny || x >= q->nx)
				continue;
			if (q->add)
				v = vec_add(v, vec_load_mask(q->add + pixel * q->ld_add + c, mask));
			vec_store_mask(q->out + pixel * q->ld_out + c, mask, vec_clamp(v, lo, hi));
		}
	}
}

/* A result after the other: along the line of the image, or across. */
static void wino_line_out(const struct wino_f32_out *q)
{
	bool across = q->nx == 1;
	int n = across ? q->ny : q->nx;
	size_t step = across ? q->line : 1;
	vec lo = vec_set1(q->lo), hi = vec_set1(q->hi);
	for (ptrdiff_t c = 0; c < q->n; c += VEC) {
		vec_mask mask = vec_first((int)(q->n - c));
		vec bias = q->bias ? vec_load_mask(q->bias + c, mask) : vec_zero();
		vec m[WINO_LINE_IN];
#pragma GCC unroll 10
		for (int i = 0; i < WINO_LINE_IN; i++)
			m[i] = vec_load(q->m + (size_t)i * q->ldm + c);
#pragma GCC unroll 4
		for (int i = 0; i < WINO_LINE_OUT; i++) {
			size_t pixel = (size_t)i * step;
			if (i >= n)
				continue;
			vec v = vec_add(wino_line_row(wino_line_result[i], m, WINO_LINE_IN), bias);
			if (q->add)
				v = vec_add(v, vec_load_mask(q->add + pixel * q->ld_add + c, mask));
			vec_store_mask(q->out + pixel * q->ld_out + c, mask, vec_clamp(v, lo, hi));
		}
	}
}

INLINE void wino_out_of(const struct wino_f32_out *q, int o)
{
	int e = o + 2;
	for (ptrdiff_t c = 0; c < q->n; c += VEC) {
		vec t[24], m[6], result[16], r[4];
#pragma GCC unroll 6
		for (int x = 0; x < e; x++) {
#pragma GCC unroll 6
			for (int y = 0; y < e; y++)
				m[y] = vec_load(q->m + (size_t)(y * e + x) * q->ldm + c);
			wino_result(m, o, r);
#pragma GCC unroll 4
			for (int y = 0; y < o; y++)
				t[y * e + x] = r[y];
		}
#pragma GCC unroll 4
		for (int y = 0; y < o; y++)
			wino_result(t + y * e, o, result + y * o);
		wino_store(q, c, vec_first((int)(q->n - c)), result, o);
	}
}

static void wino_out(const struct wino_f32_out *q)
{
	if (q->o == WINO_LINE)
		wino_line_out(q);
	else if (q->o == 4)
		wino_out_of(q, 4);
	else
		wino_out_of(q, 2);
}

/* Three weights to o + 2: for o = 4 the rows of 1/4 0 0 | -1/6 -1/6 -1/6 | -1/6 1/6 -1/6 |
 * 1/24 1/12 1/6 | 1/24 -1/12 1/6 | 0 0 1, for o = 2 those of
 * 1 0 0 | 1/2 1/2 1/2 | 1/2 -1/2 1/2 | 0 0 1. */
INLINE void wino_weight(vec g0, vec g1, vec g2, int o, vec *to)
{
	vec sum = vec_add(g0, g2);
	if (o == 2) {
		to[0] = g0;
		to[1] = vec_mul(vec_add(sum, g1), vec_set1(0.5f));
		to[2] = vec_mul(vec_sub(sum, g1), vec_set1(0.5f));
		to[3] = g2;
		return;
	}
	vec s = vec_mul(sum, vec_set1(-1.0f / 6)), t = vec_mul(g1, vec_set1(1.0f / 6));
	vec e = vec_fma(g0, vec_set1(1.0f / 24), vec_mul(g2, vec_set1(1.0f / 6)));
	vec f = vec_mul(g1, vec_set1(1.0f / 12));
	to[0] = vec_mul(g0, vec_set1(0.25f));
	to[1] = vec_sub(s, t);
	to[2] = vec_add(s, t);
	to[3] = vec_add(e, f);
	to[4] = vec_sub(e, f);
	to[5] = g2;
}

static void wino_line_weights(const float *g, int n, float *u, size_t ldu)
{
	for (int c = 0; c < n; c += VEC) {
		vec t[WINO_LINE];
		for (int i = 0; i < WINO_LINE; i++)
			t[i] = vec_load(g + i * n + c);
		for (int i = 0; i < WINO_LINE_IN; i++)
			vec_store(u + (size_t)i * ldu + c,
			    wino_line_row(wino_line_weight[i], t, WINO_LINE));
	}
}

static void wino_weights(const float *g, int o, int n, float *u, size_t ldu)
{
	if (o == WINO_LINE) {
		wino_line_weights(g, n, u, ldu);
		return;
	}
	int e = o + 2;
	for (int c = 0; c < n; c += VEC) {
		vec t[18], r[6];
		for (int x = 0; x < 3; x++) {
			wino_weight(vec_load(g + x * n + c), vec_load(g + (3 + x) * n + c),
			    vec_load(g + (6 + x) * n + c), o, r);
			for (int y = 0; y < e; y++)
				t[y * 3 + x] = r[y];
		}
		for (int y = 0; y < e; y++) {
			wino_weight(t[y * 3], t[y * 3 + 1], t[y * 3 + 2], o, r);
			for (int x = 0; x < e; x++)
				vec_store(u + (size_t)(y * e + x) * ldu + c, r[x]);
		}
	}
}
