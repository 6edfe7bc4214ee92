/* Functions x * (1/2 + P(|x|)) of vectors of floats, with P odd and 1/2 in the end: sixteen pieces
 * of a polynomial each, whose middles are multiples of their width. */
#ifndef KERNELS_VEC_PIECES_H
#define KERNELS_VEC_PIECES_H

#include "kernels/vec_math.h"

/* Element number k of a table, k in the low four bits of bits. */
#if defined(__AVX512F__)
#define pieces_pick(table, bits) \
	_mm512_permutexvar_ps(_mm512_castps_si512(bits), _mm512_load_ps(table))
#elif defined(__AVX2__)
INLINE vec pieces_pick(const float *table, vec bits)
{
	__m256i k = _mm256_castps_si256(bits);
	__m256 low = _mm256_permutevar8x32_ps(_mm256_load_ps(table), k);
	__m256 high = _mm256_permutevar8x32_ps(_mm256_load_ps(table + 8), k);
	return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(k, 28)));
}
#else
INLINE vec pieces_pick(const float *table, vec bits)
{
	uint32_t k;
	memcpy(&k, &bits, sizeof k);
	return table[k & 15];
}
#endif

/* P(t) for t from 0 on. Coefficients of n terms from the highest power of a piece's part, -1/2 to
 * 1/2, down; n is a constant after inlining. */
INLINE vec vec_pieces(vec t, const float (*terms)[16], int n, float wide)
{
	/* Added, a number below 2^22 is rounded to a whole one, which the lowest bits are. */
	vec whole = vec_set1(0x1p23f), each = vec_set1(1 / wide);
	vec near = vec_min(vec_set1(15 * wide), t), bits = vec_fma(near, each, whole);
	vec part = vec_fma(near, each, vec_sub(whole, bits));
	vec y = pieces_pick(terms[0], bits);
#pragma GCC unroll 7
	for (int i = 1; i < n; i++)
		y = vec_fma(y, part, pieces_pick(terms[i], bits));
	return y;
}

/* x * (1/2 + P), where P has the sign of x. */
INLINE vec vec_gated(vec x, vec p)
{
	return vec_fma(vec_abs(x), p, vec_mul(vec_set1(0.5f), x));
}

#endif
