/* From vectors of sums to the results of a quantized convolution, for the vectors of the including
 * file's instruction set. Defines sums_how() and sums_finish(). */
#ifndef KERNELS_SUMS_U8_BODY_H
#define KERNELS_SUMS_U8_BODY_H

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
#else
typedef __m256i ivec;
#define ivec_load(p) _mm256_loadu_si256((const __m256i *)(p))
#define ivec_store(p, x) _mm256_storeu_si256((__m256i *)(p), x)
#define ivec_set1(x) _mm256_set1_epi32(x)
#define ivec_float(x) _mm256_cvtepi32_ps(x)
#define ivec_round(x) _mm256_cvtps_epi32(x)
#define ivec_add(a, b) _mm256_add_epi32(a, b)
#endif

/* Two rows of n columns in nv vectors to bytes at p and q, saturated to 16 bits and then to 8. */
INLINE void sums_pack(uint8_t *p, uint8_t *q, const ivec *a, const ivec *b, int nv, int n)
{
#if VEC == 16
	__m512i x = _mm512_packs_epi32(a[0], nv > 1 ? a[1] : b[0]);
	x = _mm512_packus_epi16(x, nv > 1 ? _mm512_packs_epi32(b[0], b[1]) : x);
	x = _mm512_permutexvar_epi32(
	    _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), x);
	__m256i low = _mm512_castsi512_si256(x);
	__m256i high = nv > 1 ? _mm512_extracti64x4_epi64(x, 1)
			      : _mm256_castsi128_si256(_mm512_extracti32x4_epi32(x, 1));
	if (n < nv * VEC) {
		__mmask32 there = (1u << n) - 1;
		_mm256_mask_storeu_epi8(q, there, high);
		_mm256_mask_storeu_epi8(p, there, low);
	} else if (nv > 1) {
		_mm256_storeu_si256((__m256i *)q, high);
		_mm256_storeu_si256((__m256i *)p, low);
	} else {
		_mm_storeu_si128((__m128i *)q, _mm256_castsi256_si128(high));
		_mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(low));
	}
#else
	__m256i x = _mm256_packs_epi32(a[0], nv > 1 ? a[1] : b[0]);
	x = _mm256_packus_epi16(x, nv > 1 ? _mm256_packs_epi32(b[0], b[1]) : x);
	x = _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
	__m128i low = _mm256_castsi256_si128(x);
	__m128i high = nv > 1 ? _mm256_extracti128_si256(x, 1) : _mm_unpackhi_epi64(low, low);
	if (n < nv * VEC) {
		memcpy(q, &high, (size_t)n);
		memcpy(p, &low, (size_t)n);
	} else if (nv > 1) {
		_mm_storeu_si128((__m128i *)q, high);
		_mm_storeu_si128((__m128i *)p, low);
	} else {
		_mm_storeu_si64(q, high);
		_mm_storeu_si64(p, low);
	}
#endif
}

/* What can be left out of the way from sums to bytes. ANY, FLOATS: it is another way, that of
 * floats with at most one level before. CLAMPED: nothing. SATURATED: the last clamp, as what is
 * rounded is within 32 bits, and packing saturates to 0..255. RISING: of one level its lower bound,
 * too, as all that is below comes out as 0. */
enum how { ANY = -2, FLOATS, CLAMPED, SATURATED, RISING };

/* The levels before the last: 0 to 2 that are rounded to, the first of them maybe a CLAMP alone. */
enum steps { NONE, LEVEL, LEVEL_LEVEL, CLAMP, CLAMP_LEVEL, OTHER };

#if VEC == 16
#define sums_all_le(a, b) (_mm512_cmp_ps_mask(a, b, _CMP_LE_OQ) == 0xffff)
#else
#define sums_all_le(a, b) (_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ)) == 0xff)
#endif

INLINE vec sums_abs(vec x)
{
	return vec_max(x, vec_sub(vec_zero(), x));
}

static enum steps sums_steps(const struct u8_epilogue *e)
{
	if (e->levels == 0)
		return NONE;
	if (e->levels == 1)
		return e->rounded & 1 ? LEVEL : CLAMP;
	return e->rounded == 3 ? LEVEL_LEVEL : e->rounded == 2 ? CLAMP_LEVEL : OTHER;
}

static enum how sums_how(const struct u8_result *q, int n)
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
		plus = (plus + 255 + fabsf(e->add_zero)) * fabsf(e->sum_scale) +
		       fabsf(e->sum_shift);
	}
	bool small = e->lo[l] <= 0 && e->hi[l] >= 255;
	bool rising = sums_steps(e) == LEVEL && !e->add;
	if (e->out == U8_OUT_F32 && sums_steps(e) <= LEVEL)
		return FLOATS;
	if (e->out != U8_OUT_U8 || e->add == U8_ADD_F32 || sums_steps(e) == OTHER)
		return ANY;
	for (int j = 0; j < n; j += VEC) {
		vec_mask there = vec_first(n - j < VEC ? n - j : VEC);
		vec m = vec_load_mask(f + j, there);
		vec a = vec_load_mask(f + e->stride + j, there);
		vec top = vec_fma(sums_abs(m), vec_set1(most), sums_abs(a));
		top = vec_fma(top, vec_set1(mul), vec_set1(plus));
		small &= sums_all_le(top, vec_set1(0x1p30f));
		rising &= sums_all_le(vec_zero(), m) &&
			  sums_all_le(vec_fma(m, vec_set1(e->lo[0]), a), vec_set1(0.5f));
	}
	return !small ? CLAMPED : rising ? RISING : SATURATED;
}

INLINE int sums_levels(enum steps steps)
{
	return steps == NONE ? 0 : steps == LEVEL || steps == CLAMP ? 1 : 2;
}

/* A vector of sums to what something may be added to: kind, steps and how are constants after
 * inlining. */
INLINE vec sums_level(const struct u8_epilogue *e, enum u8_sum kind, enum steps steps, enum how how,
    int v, const vec f[][NV], ivec sum)
{
	int levels = sums_levels(steps);
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
	return r;
}

/* The rest of the way to integers; n: columns from add_at on. */
INLINE ivec sums_byte(const struct u8_epilogue *e, int levels, const uint8_t *add_at, int n,
    bool add, enum how how, vec r)
{
	if (add) {
		vec x = vec_load_u8(add_at, n < VEC ? n : VEC);
		r = vec_add(r, vec_sub(x, vec_set1(e->add_zero)));
		r = vec_fma(r, vec_set1(e->sum_scale), vec_set1(e->sum_shift));
	}
	if (how == CLAMPED)
		r = vec_clamp_u8(r, vec_set1(e->lo[levels]), vec_set1(e->hi[levels]));
	return ivec_round(r);
}

/* Factors of vectors that need not be full: more than n may be read. */
INLINE void sums_factors(const struct u8_result *q, int nv, int rows, vec f[][NV])
{
#pragma GCC unroll 6
	for (int k = 0; k < rows; k++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++)
			f[k][v] = vec_load(q->f + (size_t)k * q->e.stride + v * VEC);
}

INLINE void sums_bytes_of(const struct u8_result *q, int m, int nv, int n, enum u8_sum kind,
    enum steps steps, bool add, enum how how, const ivec *sums)
{
	vec f[2 * CONV_U8_LEVELS + 2][NV];
	uint8_t *c = q->c;
	const uint8_t *from = q->add;
	int levels = sums_levels(steps);
	sums_factors(q, nv, 2 * levels + 2, f);
	for (int i = 0; i < m; i += 2) {
		size_t row[] = {(size_t)i, (size_t)(i + 1 < m ? i + 1 : i)};
		ivec x[2][NV];
#pragma GCC unroll 2
		for (int k = 0; k < 2; k++)
#pragma GCC unroll 2
			for (int v = 0; v < nv; v++) {
				size_t i_v = row[k] * (size_t)nv + (size_t)v;
				vec r = sums_level(&q->e, kind, steps, how, v, f, sums[i_v]);
				x[k][v] = sums_byte(&q->e, levels,
				    add ? from + row[k] * q->ld_add + v * VEC : NULL, n - v * VEC,
				    add, how, r);
			}
		sums_pack(c + row[0] * q->ldc, c + row[1] * q->ldc, x[0], x[1], nv, n);
	}
}

INLINE void sums_bytes_by(const struct u8_result *q, int m, int nv, int n, enum steps steps,
    bool add, enum how how, const ivec *sums)
{
	if (q->e.sums == U8_SUM_FUSED)
		sums_bytes_of(q, m, nv, n, U8_SUM_FUSED, steps, add, how, sums);
	else if (q->e.sums == U8_SUM_APART)
		sums_bytes_of(q, m, nv, n, U8_SUM_APART, steps, add, how, sums);
	else
		sums_bytes_of(q, m, nv, n, U8_SUM_SCALED, steps, add, how, sums);
}

/* One function for each of the usual epilogues. */
typedef void sums_bytes_fn(const struct u8_result *, int m, int nv, int n, const ivec *sums);
#define SUMS_BYTES(steps, add, how)                                            \
	static __attribute__((noinline)) void bytes_##steps##_##add##_##how(   \
	    const struct u8_result *q, int m, int nv, int n, const ivec *sums) \
	{                                                                      \
		if (nv > 1)                                                    \
			sums_bytes_by(q, m, 2, n, steps, add, how, sums);      \
		else                                                           \
			sums_bytes_by(q, m, 1, n, steps, add, how, sums);      \
	}
#define SUMS_STEPS(steps)               \
	SUMS_BYTES(steps, 0, CLAMPED)   \
	SUMS_BYTES(steps, 0, SATURATED) \
	SUMS_BYTES(steps, 1, CLAMPED)   \
	SUMS_BYTES(steps, 1, SATURATED)
SUMS_STEPS(NONE)
SUMS_STEPS(LEVEL)
SUMS_STEPS(LEVEL_LEVEL)
SUMS_STEPS(CLAMP)
SUMS_STEPS(CLAMP_LEVEL)
SUMS_BYTES(LEVEL, 0, RISING)

#define STEPS_ROW(steps)                                                       \
	{                                                                      \
		{bytes_##steps##_0_CLAMPED, bytes_##steps##_0_SATURATED},      \
		{                                                              \
			bytes_##steps##_1_CLAMPED, bytes_##steps##_1_SATURATED \
		}                                                              \
	}
static sums_bytes_fn *const sums_to_bytes[OTHER][2][SATURATED + 1] = {STEPS_ROW(NONE),
    STEPS_ROW(LEVEL), STEPS_ROW(LEVEL_LEVEL), STEPS_ROW(CLAMP), STEPS_ROW(CLAMP_LEVEL)};

INLINE void sums_floats_of(const struct u8_result *q, int m, int nv, int n, enum u8_sum kind,
    enum steps steps, const ivec *sums)
{
	vec f[2 * CONV_U8_LEVELS + 2][NV];
	int levels = sums_levels(steps);
	sums_factors(q, nv, 2 * levels + 2, f);
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int v = 0; v < nv; v++) {
			int left = n - v * VEC < VEC ? n - v * VEC : VEC;
			size_t from = (size_t)i * q->ld_add + (size_t)(v * VEC);
			size_t to = (size_t)i * q->ldc + (size_t)(v * VEC);
			vec r = sums_level(&q->e, kind, steps, CLAMPED, v, f, sums[i * nv + v]);
			u8_finish(&q->e, q->add, from, q->c, to, left, r);
		}
}

static __attribute__((noinline)) void sums_floats(
    const struct u8_result *q, int m, int nv, int n, const ivec *sums)
{
	bool level = q->e.levels;
#define SUMS_FLOATS(kind)                                               \
	case kind:                                                      \
		if (level)                                              \
			sums_floats_of(q, m, nv, n, kind, LEVEL, sums); \
		else                                                    \
			sums_floats_of(q, m, nv, n, kind, NONE, sums);  \
		break;
	switch (q->e.sums) {
		SUMS_FLOATS(U8_SUM_FUSED)
		SUMS_FLOATS(U8_SUM_APART)
		SUMS_FLOATS(U8_SUM_SCALED)
	}
}

/* Whatever else the epilogue is. */
static __attribute__((noinline)) void sums_any(
    const struct u8_result *q, int m, int nv, int n, const ivec *sums)
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
/* m rows of n columns, whose sums are nv vectors each; how is that of sums_how(). */
static void sums_finish(
    const struct u8_result *q, int m, int nv, int n, enum how how, const ivec *sums)
{
	if (how == ANY)
		sums_any(q, m, nv, n, sums);
	else if (how == FLOATS)
		sums_floats(q, m, nv, n, sums);
	else if (how == RISING)
		bytes_LEVEL_0_RISING(q, m, nv, n, sums);
	else
		sums_to_bytes[sums_steps(&q->e)][q->e.add == U8_ADD_U8][how](q, m, nv, n, sums);
}
#endif

#endif
