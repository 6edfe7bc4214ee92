/* Winograd's F(4x4, 3x3) in integers, for the vectors of the including file's instruction set: 16
 * bits of pixels and weights, of which pairs are multiplied and added, 32 of products. Defines
 * wino_in(), wino_weights(), wino_product() and wino_out(). */
#include "kernels/sums_u8_body.h"

#if VEC > 1
#define SHORTS (2 * VEC)

#if VEC == 16
#define svec_add(a, b) _mm512_add_epi16(a, b)
#define svec_sub(a, b) _mm512_sub_epi16(a, b)
#define svec_left(x, n) _mm512_slli_epi16(x, n)
#define svec_set1(x) _mm512_set1_epi16(x)
#define ivec_sub(a, b) _mm512_sub_epi32(a, b)
#define ivec_mul(a, b) _mm512_mullo_epi32(a, b)
#define ivec_left(x, n) _mm512_slli_epi32(x, n)
#define ivec_right(x, n) _mm512_srai_epi32(x, n)
#define ivec_zero() _mm512_setzero_si512()
/* The first n of as many bytes as there are lanes, 0 beyond. */
INLINE ivec svec_bytes(const uint8_t *p, int n)
{
	__mmask32 first = ((__mmask32)1 << (n & 31)) - 1;
	return _mm512_cvtepu8_epi16(
	    n >= 32 ? _mm256_loadu_si256((const __m256i *)p) : _mm256_maskz_loadu_epi8(first, p));
}
#else
#define svec_add(a, b) _mm256_add_epi16(a, b)
#define svec_sub(a, b) _mm256_sub_epi16(a, b)
#define svec_left(x, n) _mm256_slli_epi16(x, n)
#define svec_set1(x) _mm256_set1_epi16(x)
#define ivec_sub(a, b) _mm256_sub_epi32(a, b)
#define ivec_mul(a, b) _mm256_mullo_epi32(a, b)
#define ivec_left(x, n) _mm256_slli_epi32(x, n)
#define ivec_right(x, n) _mm256_srai_epi32(x, n)
#define ivec_zero() _mm256_setzero_si256()
INLINE ivec svec_bytes(const uint8_t *p, int n)
{
	__m128i x = _mm_setzero_si128();
	if (n >= 16)
		x = _mm_loadu_si128((const __m128i *)p);
	else
		memcpy(&x, p, n > 0 ? (size_t)n : 0);
	return _mm256_cvtepu8_epi16(x);
}
#endif

#if defined(__AVX512VNNI__)
#define MR 14
#define wino_dot(acc, a, b) _mm512_dpwssd_epi32(acc, a, b)
#elif VEC == 16
#define MR 12
#define wino_dot(acc, a, b) ivec_add(acc, _mm512_madd_epi16(a, b))
#else
#define MR 6
#define wino_dot(acc, a, b) ivec_add(acc, _mm256_madd_epi16(a, b))
#endif

/* ---- pixels ---- */

/* The rows of
 * 4 0 -5 0 1 0 | 0 -4 -4 1 1 0 | 0 4 -4 -1 1 0 | 0 -2 -1 2 1 0 | 0 2 -1 -2 1 0 | 0 4 0 -5 0 1. */
INLINE void wino_image(const ivec *d, ivec *to)
{
	ivec a = svec_sub(d[4], svec_left(d[2], 2)), b = svec_sub(d[3], svec_left(d[1], 2));
	ivec e = svec_sub(d[4], d[2]), f = svec_sub(d[3], d[1]);
	f = svec_add(f, f);
	to[0] = svec_add(svec_left(svec_sub(d[0], d[2]), 2), e);
	to[1] = svec_add(a, b);
	to[2] = svec_sub(a, b);
	to[3] = svec_add(e, f);
	to[4] = svec_sub(e, f);
	to[5] = svec_sub(svec_sub(d[5], d[3]), svec_add(f, f));
}

/* All pixels 128 less change one element: the others' coefficients add up to 0. */
#define MIDDLE (1 * 6 + 1)
#define MIDDLE_SHIFT (6 * 6 * 128)

INLINE void wino_in_at(const struct wino_u8_in *q, ptrdiff_t c, int n)
{
	ivec t[36], v[6], d[6];
	int16_t *to = q->v + (size_t)(c / WINO_U8_CHUNK) * q->chunk + c % WINO_U8_CHUNK;
#pragma GCC unroll 6
	for (int x = 0; x < 6; x++) {
#pragma GCC unroll 6
		for (int y = 0; y < 6; y++)
			d[y] = svec_bytes(q->pixel[y * 6 + x] + c, n);
		wino_image(d, v);
#pragma GCC unroll 6
		for (int y = 0; y < 6; y++)
			t[y * 6 + x] = v[y];
	}
#pragma GCC unroll 6
	for (int y = 0; y < 6; y++) {
		wino_image(t + y * 6, v);
		if (y == MIDDLE / 6)
			v[MIDDLE % 6] = svec_sub(v[MIDDLE % 6], svec_set1(MIDDLE_SHIFT));
#pragma GCC unroll 6
		for (int x = 0; x < 6; x++)
			ivec_store(to + (size_t)(y * 6 + x) * q->ldv, v[x]);
	}
}

static void wino_in(const struct wino_u8_in *q)
{
	int all = (q->n + WINO_U8_CHUNK - 1) / WINO_U8_CHUNK * WINO_U8_CHUNK;
	ptrdiff_t c = 0;
	for (; c + SHORTS <= q->n; c += SHORTS)
		wino_in_at(q, c, SHORTS);
	for (; c < all; c += SHORTS)
		wino_in_at(q, c, q->n > c ? (int)(q->n - c) : 0);
}

/* ---- weights ---- */

/* The rows of 6 0 0 | -1 -1 -1 | -1 1 -1 | 1 2 4 | 1 -2 4 | 0 0 6. */
INLINE void wino_filter(const ivec *g, ivec *to)
{
	ivec s = svec_add(g[0], g[2]), f = svec_add(g[0], svec_left(g[2], 2));
	ivec twice = svec_add(g[1], g[1]);
	to[0] = svec_add(svec_left(g[0], 2), svec_add(g[0], g[0]));
	to[1] = svec_sub(svec_set1(0), svec_add(s, g[1]));
	to[2] = svec_sub(g[1], s);
	to[3] = svec_add(f, twice);
	to[4] = svec_sub(f, twice);
	to[5] = svec_add(svec_left(g[2], 2), svec_add(g[2], g[2]));
}

static void wino_weights(const int16_t *g, int n, int16_t *u, size_t ldu)
{
	for (int j = 0; j < n; j += SHORTS) {
		ivec t[18], v[6], d[3];
#pragma GCC unroll 3
		for (int x = 0; x < 3; x++) {
#pragma GCC unroll 3
			for (int y = 0; y < 3; y++)
				d[y] = ivec_load(g + (y * 3 + x) * n + j);
			wino_filter(d, v);
#pragma GCC unroll 6
			for (int y = 0; y < 6; y++)
				t[y * 3 + x] = v[y];
		}
#pragma GCC unroll 6
		for (int y = 0; y < 6; y++) {
			wino_filter(t + y * 3, v);
#pragma GCC unroll 6
			for (int x = 0; x < 6; x++)
				ivec_store(u + (size_t)(y * 6 + x) * ldu + j, v[x]);
		}
	}
}

/* ---- products ---- */

INLINE void wino_dots(const struct wino_u8_product *q, int m, int nv)
{
	const int16_t *a = q->a, *b = q->b, *ahead = q->ahead;
	ivec acc[MR][NV];
#pragma GCC unroll 14
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			acc[i][v] = ivec_zero();
	for (int left = q->k; left > 0; left -= WINO_U8_CHUNK, a += m * WINO_U8_CHUNK) {
		int n = left < WINO_U8_CHUNK ? left : WINO_U8_CHUNK;
		for (ptrdiff_t p = 0; p < n; p += 2, b += nv * SHORTS) {
			ivec w[NV];
			__builtin_prefetch(ahead, 0, 2);
			ahead += q->ahead_step;
#pragma GCC unroll 2
			for (int v = 0; v < nv; v++)
				w[v] = ivec_load(b + v * SHORTS);
#pragma GCC unroll 14
			for (int i = 0; i < m; i++) {
				int32_t x;
				memcpy(&x, a + i * WINO_U8_CHUNK + p, sizeof x);
				ivec y = ivec_set1(x);
#pragma GCC unroll 2
				for (int v = 0; v < nv; v++)
					acc[i][v] = wino_dot(acc[i][v], y, w[v]);
			}
		}
	}
#pragma GCC unroll 14
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			ivec_store(q->c + (i * nv + v) * VEC, acc[i][v]);
}

#define WINO_TILE(m, nv)                                                                       \
	static __attribute__((noinline)) void rows_##m##_##nv(const struct wino_u8_product *q) \
	{                                                                                      \
		wino_dots(q, m, nv);                                                           \
	}
#define WINO_ROWS(m) WINO_TILE(m, 1) WINO_TILE(m, 2)
WINO_ROWS(1)
WINO_ROWS(2)
WINO_ROWS(3)
WINO_ROWS(4)
WINO_ROWS(5)
WINO_ROWS(6)
#if VEC == 16
WINO_ROWS(7)
WINO_ROWS(8)
WINO_ROWS(9)
WINO_ROWS(10)
WINO_ROWS(11)
WINO_ROWS(12)
#endif
#if defined(__AVX512VNNI__)
WINO_ROWS(13)
WINO_ROWS(14)
#endif
#define BY_ROWS(m)                         \
	{                                  \
		rows_##m##_1, rows_##m##_2 \
	}

static void (*const wino_by_rows[MR][NV])(const struct wino_u8_product *) = {
    BY_ROWS(1),
    BY_ROWS(2),
    BY_ROWS(3),
    BY_ROWS(4),
    BY_ROWS(5),
    BY_ROWS(6),
#if VEC == 16
    BY_ROWS(7),
    BY_ROWS(8),
    BY_ROWS(9),
    BY_ROWS(10),
    BY_ROWS(11),
    BY_ROWS(12),
#endif
#if defined(__AVX512VNNI__)
    BY_ROWS(13),
    BY_ROWS(14),
#endif
};

static void wino_product(const struct wino_u8_product *args, int m, int n)
{
	struct wino_u8_product q = *args;
	int groups = igemm_u8_tiles(m, MR), nv = n > VEC ? 2 : 1;
	int depth = (q.k + WINO_U8_CHUNK - 1) / WINO_U8_CHUNK * WINO_U8_CHUNK;
	ptrdiff_t ahead = q.ahead_step * ((q.k + 1) / 2);
	for (int t = 0; t < groups; t++) {
		int rows = igemm_u8_tile(m, groups, t);
		wino_by_rows[rows - 1][nv - 1](&q);
		q.a += (ptrdiff_t)rows * depth;
		q.c += rows * nv * VEC;
		q.ahead += ahead;
		if (q.ahead >= q.ahead_end) {
			q.ahead = q.b;
			q.ahead_step = ahead = 0;
		}
	}
}

/* ---- results ---- */

/* The rows of 1 4 4 1 1 0 | 0 2 -2 1 -1 0 | 0 1 1 1 1 0 | 0 1 -1 2 -2 1: results times 3 << bits.
 */
static const int wino_bits[4] = {3, 2, 1, 1};
#define INVERSE_9 0x38e38e39

INLINE void wino_result(const ivec *m, ivec *to)
{
	ivec s = ivec_add(m[1], m[2]), d = ivec_sub(m[1], m[2]);
	ivec t = ivec_add(m[3], m[4]), u = ivec_sub(m[3], m[4]);
	to[0] = ivec_add(ivec_add(m[0], t), ivec_left(s, 2));
	to[1] = ivec_add(ivec_add(d, d), u);
	to[2] = ivec_add(s, t);
	to[3] = ivec_add(ivec_add(d, m[5]), ivec_add(u, u));
}

/* The 4x4 sums of a vector of columns of a tile; to: one from the next line's ld apart. */
INLINE void wino_out_at(
    const int32_t *m, size_t ldm, const int32_t *start, int nv, ivec *to, size_t ld)
{
	ivec t[24], d[6], r[4], first = ivec_load(start), ninth = ivec_set1(INVERSE_9);
#pragma GCC unroll 6
	for (int x = 0; x < 6; x++) {
#pragma GCC unroll 6
		for (int y = 0; y < 6; y++)
			d[y] = ivec_load(m + (size_t)(y * 6 + x) * ldm);
		wino_result(d, r);
#pragma GCC unroll 4
		for (int y = 0; y < 4; y++)
			t[y * 6 + x] = r[y];
	}
#pragma GCC unroll 4
	for (int y = 0; y < 4; y++) {
		wino_result(t + y * 6, r);
#pragma GCC unroll 4
		for (int x = 0; x < 4; x++) {
			ivec sum = ivec_mul(r[x], ninth);
			sum = ivec_right(sum, wino_bits[y] + wino_bits[x]);
			to[(size_t)y * ld + (size_t)(x * nv)] = ivec_add(sum, first);
		}
	}
}

static void wino_out(const struct wino_u8_out *q)
{
	ivec sums[16 * WINO_U8_STRIP * NV];
	struct u8_result to = q->to;
	int nv = q->n > VEC ? 2 : 1, line = 4 * q->tiles * nv;
	enum how how = sums_how(&to, q->n);
	for (int t = 0; t < q->tiles; t++)
		for (int v = 0; v < nv; v++)
			wino_out_at(q->m + (t * nv + v) * VEC, q->ldm, q->start + v * VEC, nv,
			    sums + 4 * t * nv + v, (size_t)line);
	for (int y = 0; y < q->ny; y++) {
		sums_finish(&to, q->nx, nv, q->n, how, sums + y * line);
		to.add = (const char *)to.add + q->next_add * (to.e.add == U8_ADD_U8 ? 1 : 4);
		to.c = (char *)to.c + q->next_c * (to.e.out == U8_OUT_U8 ? 1 : 4);
	}
}
#endif
