/* Transposes of matrices with AVX2: blocks of 8x8 floats, 8x8 halves, 16x16 bytes. */
#include <immintrin.h>

#include "kernels/nhwc_kernel.h"

static __m256i first(int64_t n)
{
	__m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(n < 8 ? (int)n : 8), lane);
}

static void block_8x8(
    int64_t rows, int64_t cols, const float *src, size_t lds, float *dst, size_t ldd)
{
	__m256 x[8], y[8];
	__m256i in = first(cols), out = first(rows);
	for (int i = 0; i < 8; i++)
		x[i] = i < rows ? _mm256_maskload_ps(src + (size_t)i * lds, in)
				: _mm256_setzero_ps();
	for (int i = 0; i < 8; i += 2) {
		y[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
		y[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
	}
	for (int i = 0; i < 8; i += 4) {
		x[i] = _mm256_shuffle_ps(y[i], y[i + 2], 0x44);
		x[i + 1] = _mm256_shuffle_ps(y[i], y[i + 2], 0xee);
		x[i + 2] = _mm256_shuffle_ps(y[i + 1], y[i + 3], 0x44);
		x[i + 3] = _mm256_shuffle_ps(y[i + 1], y[i + 3], 0xee);
	}
	for (int i = 0; i < 4; i++) {
		y[i] = _mm256_permute2f128_ps(x[i], x[i + 4], 0x20);
		y[i + 4] = _mm256_permute2f128_ps(x[i], x[i + 4], 0x31);
	}
	for (int i = 0; i < 8 && i < cols; i++)
		_mm256_maskstore_ps(dst + (size_t)i * ldd, out, y[i]);
}

void transpose_b32__avx2(
    int64_t rows, int64_t cols, const void *src, size_t lds, void *dst, size_t ldd)
{
	const float *from = src;
	float *to = dst;
	for (int64_t c = 0; c < cols; c += 8)
		for (int64_t r = 0; r < rows; r += 8)
			block_8x8(rows - r, cols - c, from + (size_t)r * lds + c, lds,
			    to + (size_t)c * ldd + r, ldd);
}

/* x[i] of 2^n vectors of 2^n elements: after n rounds of this, with lo and hi interleaving
 * elements, x is transposed. */
#define ROUND(x, y, n, lo, hi)                           \
	for (int i = 0; i < (n) / 2; i++) {              \
		y[2 * i] = lo(x[i], x[i + (n) / 2]);     \
		y[2 * i + 1] = hi(x[i], x[i + (n) / 2]); \
	}

static void block_16bit(const uint16_t *src, size_t lds, uint16_t *dst, size_t ldd)
{
	__m128i x[8], y[8];
	for (size_t i = 0; i < 8; i++)
		x[i] = _mm_loadu_si128((const __m128i *)(src + i * lds));
	ROUND(x, y, 8, _mm_unpacklo_epi16, _mm_unpackhi_epi16)
	ROUND(y, x, 8, _mm_unpacklo_epi16, _mm_unpackhi_epi16)
	ROUND(x, y, 8, _mm_unpacklo_epi16, _mm_unpackhi_epi16)
	for (size_t i = 0; i < 8; i++)
		_mm_storeu_si128((__m128i *)(dst + i * ldd), y[i]);
}

static void block_8bit(const uint8_t *src, size_t lds, uint8_t *dst, size_t ldd)
{
	__m128i x[16], y[16];
	for (size_t i = 0; i < 16; i++)
		x[i] = _mm_loadu_si128((const __m128i *)(src + i * lds));
	ROUND(x, y, 16, _mm_unpacklo_epi8, _mm_unpackhi_epi8)
	ROUND(y, x, 16, _mm_unpacklo_epi8, _mm_unpackhi_epi8)
	ROUND(x, y, 16, _mm_unpacklo_epi8, _mm_unpackhi_epi8)
	ROUND(y, x, 16, _mm_unpacklo_epi8, _mm_unpackhi_epi8)
	for (size_t i = 0; i < 16; i++)
		_mm_storeu_si128((__m128i *)(dst + i * ldd), x[i]);
}

/* Whole blocks of n x n, then what is left right and below of them. */
#define BLOCKS(type, n, block)                                                                 \
	const type *from = src;                                                                \
	type *to = dst;                                                                        \
	int64_t wr = rows / (n) * (n), wc = cols / (n) * (n);                                  \
	for (int64_t c = 0; c < wc; c += (n))                                                  \
		for (int64_t r = 0; r < wr; r += (n))                                          \
			block(from + (size_t)r * lds + c, lds, to + (size_t)c * ldd + r, ldd); \
	for (int64_t c = 0; c < cols; c++)                                                     \
		for (int64_t r = c < wc ? wr : 0; r < rows; r++)                               \
			to[(size_t)c * ldd + (size_t)r] = from[(size_t)r * lds + (size_t)c];

void transpose_b16__avx2(
    int64_t rows, int64_t cols, const void *src, size_t lds, void *dst, size_t ldd)
{
	BLOCKS(uint16_t, 8, block_16bit)
}

/* Where the 16 bytes of vector v of a block of colours come from in row: no byte has the top bit
 * set but those of other rows. */
static __m128i colour_bytes(int v, int row)
{
	uint8_t from[16];
	for (int i = 0; i < 16; i++)
		from[i] = (16 * v + i) % 3 == row ? (uint8_t)((16 * v + i) / 3) : 0x80;
	return _mm_loadu_si128((const __m128i *)from);
}

/* Three rows, as of an image's colours, to columns without a distance; how many columns it did. */
static int64_t colours(int64_t cols, const uint8_t *from, size_t lds, uint8_t *to)
{
	__m128i m[3][3];
	int64_t c = 0;
	for (int v = 0; v < 3; v++)
		for (int row = 0; row < 3; row++)
			m[v][row] = colour_bytes(v, row);
	for (; c + 16 <= cols; c += 16, from += 16, to += 48) {
		__m128i r = _mm_loadu_si128((const __m128i *)from);
		__m128i g = _mm_loadu_si128((const __m128i *)(from + lds));
		__m128i b = _mm_loadu_si128((const __m128i *)(from + 2 * lds));
		for (int v = 0; v < 3; v++) {
			__m128i x = _mm_or_si128(
			    _mm_shuffle_epi8(r, m[v][0]), _mm_shuffle_epi8(g, m[v][1]));
			x = _mm_or_si128(x, _mm_shuffle_epi8(b, m[v][2]));
			_mm_storeu_si128((__m128i *)(to + 16 * v), x);
		}
	}
	return c;
}

static void transpose_8bit(
    int64_t rows, int64_t cols, const void *src, size_t lds, void *dst, size_t ldd)
{
	BLOCKS(uint8_t, 16, block_8bit)
}

void transpose_b8__avx2(
    int64_t rows, int64_t cols, const void *src, size_t lds, void *dst, size_t ldd)
{
	int64_t done = rows == 3 && ldd == 3 ? colours(cols, src, lds, dst) : 0;
	transpose_8bit(rows, cols - done, (const uint8_t *)src + done, lds,
	    (uint8_t *)dst + (size_t)done * ldd, ldd);
}
