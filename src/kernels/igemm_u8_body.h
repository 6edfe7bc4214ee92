/* The quantized implicit GEMM tile of MR rows by two vectors, for the vectors of the including
 * file's instruction set: bytes times bytes in fours where it has VNNI, else widened to 16 bits
 * before they are multiplied, so that nothing saturates. Defines igemm_run(). */
#include "kernels/epilogue_u8.h"

#if VEC > 1
#define NV 2

#if VEC == 16
typedef __m512i ivec;
#define ivec_load(p) _mm512_loadu_si512(p)
#define ivec_store(p, x) _mm512_storeu_si512(p, x)
#define ivec_set1(x) _mm512_set1_epi32(x)
#define ivec_float(x) _mm512_cvtepi32_ps(x)
#define ivec_round(x) _mm512_cvtps_epi32(x)
#define ivec_add(a, b) _mm512_add_epi32(a, b)
#define ivec_madd(a, b) _mm512_madd_epi16(a, b)
#define ivec_even(x) _mm512_and_si512(x, _mm512_set1_epi16(0xff))
#define ivec_odd(x) _mm512_srli_epi16(x, 8)
#define ivec_even_signed(x) _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8)
#define ivec_odd_signed(x) _mm512_srai_epi16(x, 8)
#else
typedef __m256i ivec;
#define ivec_load(p) _mm256_loadu_si256((const __m256i *)(p))
#define ivec_store(p, x) _mm256_storeu_si256(p, x)
#define ivec_set1(x) _mm256_set1_epi32(x)
#define ivec_float(x) _mm256_cvtepi32_ps(x)
#define ivec_round(x) _mm256_cvtps_epi32(x)
#define ivec_add(a, b) _mm256_add_epi32(a, b)
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

/* Two rows of nv vectors to bytes at p and q, saturated to 16 bits and then to 8. */
INLINE void igemm_pack(uint8_t *p, uint8_t *q, const ivec *a, const ivec *b, int nv)
{
#if VEC == 16
	__m512i x = _mm512_packs_epi32(a[0], nv > 1 ? a[1] : b[0]);
	x = _mm512_packus_epi16(x, nv > 1 ? _mm512_packs_epi32(b[0], b[1]) : x);
	x = _mm512_permutexvar_epi32(
	    _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), x);
	if (nv > 1) {
		_mm256_storeu_si256((__m256i *)q, _mm512_extracti64x4_epi64(x, 1));
		_mm256_storeu_si256((__m256i *)p, _mm512_castsi512_si256(x));
		return;
	}
	_mm_storeu_si128((__m128i *)q, _mm512_extracti32x4_epi32(x, 1));
	_mm_storeu_si128((__m128i *)p, _mm512_castsi512_si128(x));
#else
	__m256i x = _mm256_packs_epi32(a[0], nv > 1 ? a[1] : b[0]);
	x = _mm256_packus_epi16(x, nv > 1 ? _mm256_packs_epi32(b[0], b[1]) : x);
	x = _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
	__m128i low = _mm256_castsi256_si128(x);
	if (nv > 1) {
		_mm_storeu_si128((__m128i *)q, _mm256_extracti128_si256(x, 1));
		_mm_storeu_si128((__m128i *)p, low);
		return;
	}
	_mm_storeu_si64(q, _mm_unpackhi_epi64(low, low));
	_mm_storeu_si64(p, low);
#endif
}

/* What can be left out of the way from sums to bytes. FLOATS: it is another way. CLAMPED: nothing.
 * SATURATED: the last clamp, as what is rounded is within 32 bits, and packing saturates to 0..255.
 * RISING: of one level its lower bound, too, as all that is below comes out as 0. */
enum how { FLOATS = -1, CLAMPED, SATURATED, RISING };

/* The levels before the last: 0 to 2 that are rounded to, the first of them maybe a CLAMP alone. */
enum steps { NONE, LEVEL, LEVEL_LEVEL, CLAMP, CLAMP_LEVEL, OTHER };

#if VEC == 16
#define igemm_all_le(a, b) (_mm512_cmp_ps_mask(a, b, _CMP_LE_OQ) == 0xffff)
#else
#define igemm_all_le(a, b) (_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ)) == 0xff)
#endif

INLINE vec igemm_abs(vec x)
{
	return vec_max(x, vec_sub(vec_zero(), x));
}

static enum steps igemm_steps(const struct u8_epilogue *e)
{
	if (e->levels == 0)
		return NONE;
	if (e->levels == 1)
		return e->rounded & 1 ? LEVEL : CLAMP;
	return e->rounded == 3 ? LEVEL_LEVEL : e->rounded == 2 ? CLAMP_LEVEL : OTHER;
}

static enum how igemm_how(const struct igemm_u8_args *q, int n)
{
	const struct u8_epilogue *e = &q->e;
	const float *f = q->f + 2 * (size_t)e->levels * e->stride;
	int l = e->levels;
	/* the most that the last factors are applied to, and what is done with that */
	float most = l ? fmaxf(fabsf(e->lo[l - 1]), fabsf(e->hi[l - 1])) : 0x1p31f;
	bool scaled = !l && e->sums == U8_SUM_SCALED;
	float mul = scaled ? fabsf(e->scale) : 1, plus = scaled ? fabsf(e->shift) : 0;
	if (e->add) {
		mul *= fabsf(e->sum_scale);
		plus = (plus + 255) * fabsf(e->sum_scale) + fabsf(e->sum_shift);
	}
	bool small = e->lo[l] <= 0 && e->hi[l] >= 255;
	bool rising = igemm_steps(e) == LEVEL && !e->add;
	if (n % VEC || e->out != U8_OUT_U8 || e->add == U8_ADD_F32 || igemm_steps(e) == OTHER)
		return FLOATS;
	for (int j = 0; j < n; j += VEC) {
		vec m = vec_load(f + j), a = vec_load(f + e->stride + j);
		vec top = vec_fma(igemm_abs(m), vec_set1(most), igemm_abs(a));
		top = vec_fma(top, vec_set1(mul), vec_set1(plus));
		small &= igemm_all_le(top, vec_set1(0x1p30f));
		rising &= igemm_all_le(vec_zero(), m) &&
			  igemm_all_le(vec_fma(m, vec_set1(e->lo[0]), a), vec_set1(0.5f));
	}
	return !small ? CLAMPED : rising ? RISING : SATURATED;
}

INLINE int igemm_levels(enum steps steps)
{
	return steps == NONE ? 0 : steps == LEVEL || steps == CLAMP ? 1 : 2;
}

/* A vector of sums to integers: kind, steps, add and how are constants after inlining. */
INLINE ivec igemm_level(const struct u8_epilogue *e, const uint8_t *add_at, enum u8_sum kind,
    enum steps steps, bool add, enum how how, int v, const vec f[][NV], ivec sum)
{
	int levels = igemm_levels(steps);
	vec r = u8_sum(e, kind, ivec_float(sum), f[0][v], f[1][v]);
#pragma GCC unroll 2
	for (int l = 0; l < levels; l++) {
		if (how != RISING)
			r = vec_max(r, vec_set1(e->lo[l]));
		r = vec_min(vec_set1(e->hi[l]), r); /* a NaN stays */
		if (!l && (steps == CLAMP || steps == CLAMP_LEVEL))
			r = vec_add(vec_mul(r, f[2][v]), f[3][v]);
		else
			r = vec_fma(vec_round(r), f[2 * l + 2][v], f[2 * l + 3][v]);
	}
	if (add) {
		r = vec_add(r, vec_load_u8(add_at, VEC));
		r = vec_fma(r, vec_set1(e->sum_scale), vec_set1(e->sum_shift));
	}
	if (how == CLAMPED)
		r = vec_clamp_u8(r, vec_set1(e->lo[levels]), vec_set1(e->hi[levels]));
	return ivec_round(r);
}

INLINE void igemm_bytes_of(const struct igemm_u8_args *q, int m, int nv, enum u8_sum kind,
    enum steps steps, bool add, enum how how, const ivec *sums)
{
	vec f[2 * CONV_U8_LEVELS + 2][NV];
	uint8_t *c = q->c;
	const uint8_t *from = q->add;
#pragma GCC unroll 6
	for (int k = 0; k < 2 * igemm_levels(steps) + 2; k++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			f[k][v] = vec_load(q->f + (size_t)k * q->e.stride + v * VEC);
	for (int i = 0; i < m; i += 2) {
		size_t row[] = {(size_t)i, (size_t)(i + 1 < m ? i + 1 : i)};
		ivec x[2][NV];
#pragma GCC unroll 2
		for (int k = 0; k < 2; k++)
#pragma GCC unroll 2
			for (int v = 0; v < nv; v++)
				x[k][v] = igemm_level(&q->e,
				    add ? from + row[k] * q->ld_add + v * VEC : NULL, kind, steps,
				    add, how, v, f, sums[row[k] * (size_t)nv + (size_t)v]);
		igemm_pack(c + row[0] * q->ldc, c + row[1] * q->ldc, x[0], x[1], nv);
	}
}

INLINE void igemm_bytes_by(const struct igemm_u8_args *q, int m, int nv, enum steps steps, bool add,
    enum how how, const ivec *sums)
{
	if (q->e.sums == U8_SUM_FUSED)
		igemm_bytes_of(q, m, nv, U8_SUM_FUSED, steps, add, how, sums);
	else if (q->e.sums == U8_SUM_APART)
		igemm_bytes_of(q, m, nv, U8_SUM_APART, steps, add, how, sums);
	else
		igemm_bytes_of(q, m, nv, U8_SUM_SCALED, steps, add, how, sums);
}

/* One function for each of the usual epilogues. */
typedef void igemm_bytes_fn(const struct igemm_u8_args *, int m, int nv, const ivec *sums);
#define IGEMM_BYTES(steps, add, how)                                         \
	static __attribute__((noinline)) void bytes_##steps##_##add##_##how( \
	    const struct igemm_u8_args *q, int m, int nv, const ivec *sums)  \
	{                                                                    \
		if (nv > 1)                                                  \
			igemm_bytes_by(q, m, 2, steps, add, how, sums);      \
		else                                                         \
			igemm_bytes_by(q, m, 1, steps, add, how, sums);      \
	}
#define IGEMM_STEPS(steps)               \
	IGEMM_BYTES(steps, 0, CLAMPED)   \
	IGEMM_BYTES(steps, 0, SATURATED) \
	IGEMM_BYTES(steps, 1, CLAMPED)   \
	IGEMM_BYTES(steps, 1, SATURATED)
IGEMM_STEPS(NONE)
IGEMM_STEPS(LEVEL)
IGEMM_STEPS(LEVEL_LEVEL)
IGEMM_STEPS(CLAMP)
IGEMM_STEPS(CLAMP_LEVEL)
IGEMM_BYTES(LEVEL, 0, RISING)

#define STEPS_ROW(steps)                                                       \
	{                                                                      \
		{bytes_##steps##_0_CLAMPED, bytes_##steps##_0_SATURATED},      \
		{                                                              \
			bytes_##steps##_1_CLAMPED, bytes_##steps##_1_SATURATED \
		}                                                              \
	}
static igemm_bytes_fn *const igemm_to_bytes[OTHER][2][SATURATED + 1] = {STEPS_ROW(NONE),
    STEPS_ROW(LEVEL), STEPS_ROW(LEVEL_LEVEL), STEPS_ROW(CLAMP), STEPS_ROW(CLAMP_LEVEL)};

/* Whatever else the epilogue is. */
static __attribute__((noinline)) void igemm_finish(
    const struct igemm_u8_args *q, int m, int nv, int n, const ivec *sums)
{
	for (int v = 0; v < nv; v++) {
		int left = n - v * VEC;
		for (int i = 0; i < m; i++) {
			vec r = u8_scale(&q->e, q->f + v * VEC, ivec_float(sums[i * nv + v]));
			size_t from = (size_t)i * q->ld_add + (size_t)(v * VEC);
			size_t to = (size_t)i * q->ldc + (size_t)(v * VEC);
			if (left >= VEC)
				u8_finish(&q->e, q->add, from, q->c, to, VEC, r);
			else
				u8_finish(&q->e, q->add, from, q->c, to, left, r);
		}
	}
}

/* Rows whose pointers keep a register while the depth is walked; the others' are read again for
 * each step, which the compiler would not do of itself but spill some to vector registers. */
#define NEAR 8

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
	if (how == FLOATS)
		igemm_finish(q, m, nv, n, sums);
	else if (how == RISING)
		bytes_LEVEL_0_RISING(q, m, nv, sums);
	else
		igemm_to_bytes[igemm_steps(&q->e)][q->e.add == U8_ADD_U8][how](q, m, nv, sums);
}

static void igemm_run(const struct igemm_u8_args *args, int m, int n)
{
	struct igemm_u8_args q = *args;
	enum how how = igemm_how(&q, n);
	int tiles = igemm_u8_tiles(m, MR);
	ptrdiff_t ahead = q.ahead_step * (q.k + 3) / 4 * q.taps;
	for (int t = 0; t < tiles; t++) {
		size_t rows = (size_t)igemm_u8_tile(m, tiles, t);
		igemm_tile(&q, (int)rows, n, how);
		q.rows += rows * (size_t)q.taps;
		q.add = (const char *)q.add + rows * q.ld_add * (q.e.add == U8_ADD_U8 ? 1 : 4);
		q.c = (char *)q.c + rows * q.ldc * (q.e.out == U8_OUT_U8 ? 1 : 4);
		q.ahead += ahead;
		if (q.ahead >= q.ahead_end) {
			q.ahead = q.b;
			q.ahead_step = ahead = 0;
		}
	}
}
#endif
