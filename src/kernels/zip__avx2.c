/* Two rows as one, element by element, with AVX2: 32 bytes of each at a time, the last ones a
 * second time where they do not fill a vector. */
#include <immintrin.h>

#include "kernels/shuffle.h"

static void put(char *to, __m256i lo, __m256i hi)
{
	_mm256_storeu_si256((__m256i *)to, _mm256_permute2x128_si256(lo, hi, 0x20));
	_mm256_storeu_si256((__m256i *)(to + 32), _mm256_permute2x128_si256(lo, hi, 0x31));
}

static __m256i get(const char *from)
{
	return _mm256_loadu_si256((const __m256i *)from);
}

void zip_b32__avx2(int64_t n, const void *a, const void *b, void *out)
{
	const char *x = a, *y = b;
	if (n < 8) {
		zip_b32__ref(n, a, b, out);
		return;
	}
	for (int64_t i = 0; i < n; i += 8) {
		int64_t at = (i > n - 8 ? n - 8 : i) * 4;
		__m256i p = get(x + at), q = get(y + at);
		put((char *)out + 2 * at, _mm256_unpacklo_epi32(p, q), _mm256_unpackhi_epi32(p, q));
	}
}

static void halves(const char *x, const char *y, char *out)
{
	__m128i p = _mm_loadu_si128((const __m128i *)x), q = _mm_loadu_si128((const __m128i *)y);
	_mm_storeu_si128((__m128i *)out, _mm_unpacklo_epi8(p, q));
	_mm_storeu_si128((__m128i *)(out + 16), _mm_unpackhi_epi8(p, q));
}

void zip_b8__avx2(int64_t n, const void *a, const void *b, void *out)
{
	const char *x = a, *y = b;
	char *to = out;
	if (n < 16) {
		zip_b8__ref(n, a, b, out);
	} else if (n < 32) {
		halves(x, y, to);
		halves(x + n - 16, y + n - 16, to + 2 * (n - 16));
	}
	for (int64_t i = 0; i < n && n >= 32; i += 32) {
		int64_t at = i > n - 32 ? n - 32 : i;
		__m256i p = get(x + at), q = get(y + at);
		put(to + 2 * at, _mm256_unpacklo_epi8(p, q), _mm256_unpackhi_epi8(p, q));
	}
}
