/* One pixel of a pooling of bytes with channels last, for the vectors of the including file's
 * instruction set. Defines pool_pixel(). */
#include "kernels/nhwc_kernel_u8.h"
#include "kernels/vec_u8.h"

#if VEC == 16
#define BYTES 64
typedef __m512i bvec;
INLINE bvec bvec_load(const uint8_t *p, int n)
{
	return n >= BYTES ? _mm512_loadu_si512(p)
			  : _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p);
}
INLINE void bvec_store(uint8_t *p, int n, bvec x)
{
	if (n >= BYTES)
		_mm512_storeu_si512(p, x);
	else
		_mm512_mask_storeu_epi8(p, ((__mmask64)1 << n) - 1, x);
}
#define bvec_max(a, b) _mm512_max_epu8(a, b)
#define bvec_zero() _mm512_setzero_si512()
#elif VEC == 8
#define BYTES 32
typedef __m256i bvec;
INLINE bvec bvec_load(const uint8_t *p, int n)
{
	bvec x = _mm256_setzero_si256();
	if (n >= BYTES)
		return _mm256_loadu_si256((const __m256i *)p);
	memcpy(&x, p, (size_t)n);
	return x;
}
INLINE void bvec_store(uint8_t *p, int n, bvec x)
{
	if (n >= BYTES)
		_mm256_storeu_si256((__m256i *)p, x);
	else
		memcpy(p, &x, (size_t)n);
}
#define bvec_max(a, b) _mm256_max_epu8(a, b)
#define bvec_zero() _mm256_setzero_si256()
#else
#define BYTES 1
typedef uint8_t bvec;
#define bvec_load(p, n) ((void)(n), *(p))
#define bvec_store(p, n, x) ((void)(n), (void)(*(p) = (x)))
#define bvec_max(a, b) ((a) > (b) ? (a) : (b))
#define bvec_zero() 0
#endif

/* The channels from number c on, of which n are there, of one vector. */
INLINE void pool_max(const struct pool_nhwc_u8_args *q, ptrdiff_t c, int n)
{
	bvec best = bvec_zero();
	for (int z = 0; z < q->size[0]; z++)
		for (int y = 0; y < q->size[1]; y++) {
			const uint8_t *p = q->in + c + z * q->step[0] + y * q->step[1];
			for (int x = 0; x < q->size[2]; x++, p += q->step[2]) {
				bvec e = bvec_load(p, n);
				best = bvec_max(best, e);
			}
		}
	bvec_store(q->out + c, n, best);
}

/* Sums are integers below 2^24, which floats hold. */
INLINE void pool_avg(const struct pool_nhwc_u8_args *q, ptrdiff_t c, int n)
{
	vec sum = vec_set1((float)q->more);
	for (int z = 0; z < q->size[0]; z++)
		for (int y = 0; y < q->size[1]; y++) {
			const uint8_t *p = q->in + c + z * q->step[0] + y * q->step[1];
			for (int x = 0; x < q->size[2]; x++, p += q->step[2])
				sum = vec_add(sum, vec_load_u8(p, n));
		}
	vec_store_u8(q->out + c, n, vec_div(sum, vec_set1(q->count)));
}

static void pool_pixel(const struct pool_nhwc_u8_args *q)
{
	ptrdiff_t c = 0;
	if (q->max) {
		for (; c + BYTES <= q->n; c += BYTES)
			pool_max(q, c, BYTES);
		if (c < q->n)
			pool_max(q, c, (int)(q->n - c));
		return;
	}
	for (; c + VEC <= q->n; c += VEC)
		pool_avg(q, c, VEC);
	if (c < q->n)
		pool_avg(q, c, (int)(q->n - c));
}
