/* GELU of vectors of floats, by the error function and by tanh: x * (1/2 + P(|x|)) with P, odd and
 * 1/2 from 5.44 on, in sixteen pieces of a polynomial each. */
#ifndef KERNELS_VEC_GELU_H
#define KERNELS_VEC_GELU_H

#include "kernels/vec_math.h"

#define GELU_TERMS 6     /* of a polynomial, from the highest power down */
#define GELU_WIDE 0.375f /* of a piece, whose middle is a multiple */

/* Least squares at Chebyshev's points of each piece, in its parts from -1/2 to 1/2; the last one is
 * 1/2 exactly, the first one 0 at 0. */
static const float gelu_by_erf_terms[GELU_TERMS][16] __attribute__((aligned(64))) = {
    {7.24623605e-05f, 4.96815337e-05f, -9.23351308e-07f, -3.87656037e-05f, -4.3248343e-05f,
	-2.43658378e-05f, -3.55348516e-06f, 7.07345134e-06f, 8.17482305e-06f, 5.34124592e-06f,
	2.55064106e-06f, 9.58316377e-07f, 2.92753924e-07f, 7.40391926e-08f, 1.56759974e-08f, 0},
    {9.98200221e-07f, 0.000325558765f, 0.000450169638f, 0.000339153281f, 0.000120798286f,
	-5.32157937e-05f, -0.000120238896f, -0.00010673498f, -6.58549616e-05f, -3.1512729e-05f,
	-1.22030724e-05f, -3.90748119e-06f, -1.04777212e-06f, -2.37207374e-07f, -4.55960958e-08f,
	0},
    {-0.00350657408f, -0.00280861463f, -0.00115796097f, 0.000494590087f, 0.00142288546f,
	0.00152086222f, 0.00113329978f, 0.000658785168f, 0.000311620039f, 0.000122475656f,
	4.04784769e-05f, 1.13356291e-05f, 2.7036283e-06f, 5.51210121e-07f, 9.63231344e-08f, 0},
    {2.33604265e-08f, -0.00980446022f, -0.0158799328f, -0.0167596173f, -0.0136601366f,
	-0.00906866882f, -0.00502143055f, -0.00234854221f, -0.00093483011f, -0.000318230741f,
	-9.29537346e-05f, -2.33524352e-05f, -5.05467688e-06f, -9.43891564e-07f, -1.52216117e-07f,
	0},
    {0.149603352f, 0.139445662f, 0.112926535f, 0.079453744f, 0.0485690981f, 0.0257948544f,
	0.0119023686f, 0.00477156742f, 0.00166194292f, 0.000502919604f, 0.000132223446f,
	3.02027183e-05f, 5.9939257e-06f, 1.03348634e-06f, 1.54819773e-07f, 0},
    {0, 0.146169767f, 0.27337265f, 0.369705468f, 0.43319279f, 0.469603628f, 0.487775534f,
	0.495667547f, 0.498650104f, 0.499630928f, 0.499911577f, 0.499981463f, 0.499996603f,
	0.499999464f, 0.499999911f, 0.5f},
};

static const float gelu_by_tanh_terms[GELU_TERMS][16] __attribute__((aligned(64))) = {
    {7.40825781e-05f, 5.02006224e-05f, -2.56559088e-06f, -4.01410907e-05f, -4.21480181e-05f,
	-2.27896198e-05f, -3.64938796e-06f, 6.13361772e-06f, 7.78341564e-06f, 5.52893744e-06f,
	2.77281833e-06f, 1.01758735e-06f, 2.73014365e-07f, 5.29823225e-08f, 7.33329086e-09f, 0},
    {1.04522712e-06f, 0.00033189237f, 0.000453445828f, 0.000333416392f, 0.000114363014f,
	-5.16519867e-05f, -0.000114743329f, -0.000104538565f, -6.72886163e-05f, -3.32462005e-05f,
	-1.27363019e-05f, -3.74137926e-06f, -8.28396594e-07f, -1.35694847e-07f, -1.61347824e-08f,
	0},
    {-0.00352394045f, -0.00281105586f, -0.00113688619f, 0.000510224549f, 0.00140924135f,
	0.00149655598f, 0.00112644536f, 0.000668960274f, 0.000322215696f, 0.000125601247f,
	3.90154128e-05f, 9.46112868e-06f, 1.75231639e-06f, 2.42518524e-07f, 2.45429721e-08f, 0},
    {2.44618441e-08f, -0.00984080601f, -0.0158851799f, -0.0167002436f, -0.0135970749f,
	-0.00907101668f, -0.00507453503f, -0.0023931039f, -0.000944494561f, -0.000307091221f,
	-8.05853779e-05f, -1.66880181e-05f, -2.66542293e-06f, -3.20956588e-07f, -2.84854469e-08f,
	0},
    {0.149603352f, 0.139401644f, 0.112828761f, 0.0794128627f, 0.0486657694f, 0.0259576552f,
	0.0120006688f, 0.00476353103f, 0.00159957865f, 0.000445873098f, 0.000100982768f,
	1.81694668e-05f, 2.53867461e-06f, 2.69265087e-07f, 2.1196195e-08f, 0},
    {0, 0.146154046f, 0.27328074f, 0.369533151f, 0.433047712f, 0.469599485f, 0.487910509f,
	0.495846123f, 0.498787522f, 0.499705166f, 0.499941528f, 0.499990761f, 0.499998868f,
	0.499999881f, 0.5f, 0.5f},
};

/* Element number k of a table, k in the low four bits of bits. */
#if defined(__AVX512F__)
#define gelu_pick(table, bits) \
	_mm512_permutexvar_ps(_mm512_castps_si512(bits), _mm512_load_ps(table))
#elif defined(__AVX2__)
INLINE vec gelu_pick(const float *table, vec bits)
{
	__m256i k = _mm256_castps_si256(bits);
	__m256 low = _mm256_permutevar8x32_ps(_mm256_load_ps(table), k);
	__m256 high = _mm256_permutevar8x32_ps(_mm256_load_ps(table + 8), k);
	return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(k, 28)));
}
#else
INLINE vec gelu_pick(const float *table, vec bits)
{
	uint32_t k;
	memcpy(&k, &bits, sizeof k);
	return table[k & 15];
}
#endif

/* Within 3e-7 below 0, half of it where multiply-adds round once, and 2 ulp above; exact from 5.44
 * on. */
INLINE vec vec_gelu(vec x, const float terms[GELU_TERMS][16])
{
	/* Added, a number below 2^22 is rounded to a whole one, which the lowest bits are. */
	vec whole = vec_set1(0x1p23f), each = vec_set1(1 / GELU_WIDE), t = vec_abs(x);
	vec near = vec_min(vec_set1(15 * GELU_WIDE), t), bits = vec_fma(near, each, whole);
	vec part = vec_fma(near, each, vec_sub(whole, bits));
	vec y = gelu_pick(terms[0], bits);
#pragma GCC unroll 6
	for (int i = 1; i < GELU_TERMS; i++)
		y = vec_fma(y, part, gelu_pick(terms[i], bits));
	return vec_fma(t, y, vec_mul(vec_set1(0.5f), x));
}

INLINE vec vec_gelu_erf(vec x)
{
	return vec_gelu(x, gelu_by_erf_terms);
}

INLINE vec vec_gelu_tanh(vec x)
{
	return vec_gelu(x, gelu_by_tanh_terms);
}

#endif
