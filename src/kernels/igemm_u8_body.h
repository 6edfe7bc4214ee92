/* The quantized implicit GEMM tile of MR rows by two vectors, for the vectors of the including
 * file's instruction set: bytes times bytes in fours where it has VNNI, else widened to 16 bits
 * before they are multiplied, so that nothing saturates. Defines igemm_run(). */
#include "kernels/sums_u8_body.h"

#if VEC > 1
#if VEC == 16
#define ivec_madd(a, b) _mm512_madd_epi16(a, b)
#define ivec_even(x) _mm512_and_si512(x, _mm512_set1_epi16(0xff))
#define ivec_odd(x) _mm512_srli_epi16(x, 8)
#define ivec_even_signed(x) _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8)
#define ivec_odd_signed(x) _mm512_srai_epi16(x, 8)
#else
#define ivec_madd(a, b) _mm256_madd_epi16(a, b)
#define ivec_even(x) _mm256_and_si256(x, _mm256_set1_epi16(0xff))
#define ivec_odd(x) _mm256_srli_epi16(x, 8)
#define ivec_even_signed(x) _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8)
#define ivec_odd_signed(x) _mm256_srai_epi16(x, 8)
#endif

/* Four weights for each column, and four bytes of a row in each lane. */
#if defined(__AVX512VNNI__)
#define MR 14
struct weights {
	ivec w;
};
INLINE struct weights igemm_weights(const int8_t *b)
{
	return (struct weights){ivec_load(b)};
}
typedef ivec bytes;
INLINE bytes igemm_bytes(int32_t x)
{
	return ivec_set1(x);
}
INLINE ivec igemm_dot(ivec acc, bytes x, struct weights w)
{
	return _mm512_dpbusd_epi32(acc, x, w.w);
}
#else
#define MR (VEC == 16 ? 8 : 4)
struct weights {
	ivec even, odd;
};
INLINE struct weights igemm_weights(const int8_t *b)
{
	ivec w = ivec_load(b);
	return (struct weights){ivec_even_signed(w), ivec_odd_signed(w)};
}
typedef struct {
	ivec even, odd;
} bytes;
INLINE bytes igemm_bytes(int32_t x)
{
	ivec v = ivec_set1(x);
	return (bytes){ivec_even(v), ivec_odd(v)};
}
INLINE ivec igemm_dot(ivec acc, bytes x, struct weights w)
{
	acc = ivec_add(acc, ivec_madd(x.even, w.even));
	return ivec_add(acc, ivec_madd(x.odd, w.odd));
}
#endif

/* Rows whose pointers keep a register while the depth is walked; the others' are read again for
 * each step, which the compiler would not do of itself but spill some to vector registers. */
#define NEAR 8

/* Do all m rows of a tap read what lies outside of the image? */
INLINE bool igemm_outside(const struct igemm_u8_args *q, const uint8_t *const *rows, int m)
{
	int i = 0;
	while (i < m && rows[i] == q->outside)
		i++;
	return i == m;
}

INLINE void igemm_sums(const struct igemm_u8_args *q, int m, int nv, ivec *sums)
{
	const uint8_t *const *rows = q->rows;
	const int8_t *b = q->b, *ahead = q->ahead;
	ptrdiff_t ahead_step = q->ahead_step;
	ivec acc[MR][NV];
#pragma GCC unroll 14
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			acc[i][v] = ivec_load(q->start + v * VEC);
	for (int t = 0; t < q->taps; t++, rows += m) {
		const uint8_t *near[NEAR], *volatile far[MR];
		if (igemm_outside(q, rows, m)) {
			b += (q->k + 3) / 4 * nv * 4 * VEC;
			continue;
		}
#pragma GCC unroll 14
		for (int i = 0; i < m; i++)
			if (i < NEAR)
				near[i] = rows[i] + q->offset;
			else
				far[i] = rows[i] + q->offset;
		for (ptrdiff_t p = 0; p < q->k; p += 4, b += nv * 4 * VEC) {
			struct weights w[NV];
			__builtin_prefetch(ahead, 0, 2);
			ahead += ahead_step;
#pragma GCC unroll 2
			for (int v = 0; v < nv; v++)
				w[v] = igemm_weights(b + v * 4 * VEC);
#pragma GCC unroll 14
			for (int i = 0; i < m; i++) {
				int32_t x;
				memcpy(&x, (i < NEAR ? near[i] : far[i]) + p, sizeof x);
				bytes y = igemm_bytes(x);
#pragma GCC unroll 2
				for (int v = 0; v < nv; v++)
					acc[i][v] = igemm_dot(acc[i][v], y, w[v]);
			}
		}
	}
#pragma GCC unroll 14
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			ivec_store(&sums[i * nv + v], acc[i][v]);
}

/* One function per number of rows and vectors, so that a smaller tile does no work for what it has
 * not. Sums go through memory, so that the loop over the depth has all registers. */
#define IGEMM_TILE(m, nv)                                      \
	static __attribute__((noinline)) void rows_##m##_##nv( \
	    const struct igemm_u8_args *q, ivec *sums)         \
	{                                                      \
		igemm_sums(q, m, nv, sums);                    \
	}
#define IGEMM_ROWS(m) IGEMM_TILE(m, 1) IGEMM_TILE(m, 2)
IGEMM_ROWS(1)
IGEMM_ROWS(2)
IGEMM_ROWS(3)
IGEMM_ROWS(4)
#if VEC == 16
IGEMM_ROWS(5)
IGEMM_ROWS(6)
IGEMM_ROWS(7)
IGEMM_ROWS(8)
#endif
#if defined(__AVX512VNNI__)
IGEMM_ROWS(9)
IGEMM_ROWS(10)
IGEMM_ROWS(11)
IGEMM_ROWS(12)
IGEMM_ROWS(13)
IGEMM_ROWS(14)
#endif
#define BY_ROWS(m)                         \
	{                                  \
		rows_##m##_1, rows_##m##_2 \
	}

static void (*const igemm_by_rows[MR][NV])(const struct igemm_u8_args *, ivec *) = {
    BY_ROWS(1),
    BY_ROWS(2),
    BY_ROWS(3),
    BY_ROWS(4),
#if VEC == 16
    BY_ROWS(5),
    BY_ROWS(6),
    BY_ROWS(7),
    BY_ROWS(8),
#endif
#if defined(__AVX512VNNI__)
    BY_ROWS(9),
    BY_ROWS(10),
    BY_ROWS(11),
    BY_ROWS(12),
    BY_ROWS(13),
    BY_ROWS(14),
#endif
};

static void igemm_tile(const struct igemm_u8_args *q, int m, int n, enum how how)
{
	int nv = n > VEC ? 2 : 1;
	ivec sums[MR * NV];
	igemm_by_rows[m - 1][nv - 1](q, sums);
	sums_finish(&q->to, m, nv, n, how, sums);
}

static void igemm_run(const struct igemm_u8_args *args, int m, int n)
{
	struct igemm_u8_args q = *args;
	enum how how = sums_how(&q.to, n);
	int tiles = igemm_u8_tiles(m, MR);
	ptrdiff_t ahead = q.ahead_step * (q.k + 3) / 4 * q.taps;
	for (int t = 0; t < tiles; t++) {
		size_t rows = (size_t)igemm_u8_tile(m, tiles, t);
		igemm_tile(&q, (int)rows, n, how);
		q.rows += rows * (size_t)q.taps;
		q.to.add = (const char *)q.to.add +
			   rows * q.to.ld_add * (q.to.e.add == U8_ADD_U8 ? 1 : 4);
		q.to.c = (char *)q.to.c + rows * q.to.ldc * (q.to.e.out == U8_OUT_U8 ? 1 : 4);
		q.ahead += ahead;
		if (q.ahead >= q.ahead_end) {
			q.ahead = q.b;
			q.ahead_step = ahead = 0;
		}
	}
}
#endif
