/* Transposes of matrices of floats with AVX-512: blocks of 16x16, and three planes of an image. */
#include <immintrin.h>

#include "kernels/nhwc_kernel.h"

static __mmask16 first(int64_t n)
{
	return n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
}

static void block_16x16(
    int64_t rows, int64_t cols, const float *src, size_t lds, float *dst, size_t ldd)
{
	__m512 x[16], y[16];
	__mmask16 in = first(cols), out = first(rows);
	for (int i = 0; i < 16; i++)
		x[i] = i < rows ? _mm512_maskz_loadu_ps(in, src + (size_t)i * lds)
				: _mm512_setzero_ps();
	for (int i = 0; i < 16; i += 2) {
		y[i] = _mm512_unpacklo_ps(x[i], x[i + 1]);
		y[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
	}
	for (int i = 0; i < 16; i += 4) {
		x[i] = _mm512_shuffle_ps(y[i], y[i + 2], 0x44);
		x[i + 1] = _mm512_shuffle_ps(y[i], y[i + 2], 0xee);
		x[i + 2] = _mm512_shuffle_ps(y[i + 1], y[i + 3], 0x44);
		x[i + 3] = _mm512_shuffle_ps(y[i + 1], y[i + 3], 0xee);
	}
	/* x[4 b + c] holds in quarter q the columns 4 q + c of rows 4 b to 4 b + 3. */
	for (int i = 0; i < 4; i++) {
		y[i] = _mm512_shuffle_f32x4(x[i], x[i + 4], 0x88);
		y[i + 4] = _mm512_shuffle_f32x4(x[i], x[i + 4], 0xdd);
		y[i + 8] = _mm512_shuffle_f32x4(x[i + 8], x[i + 12], 0x88);
		y[i + 12] = _mm512_shuffle_f32x4(x[i + 8], x[i + 12], 0xdd);
	}
	for (int i = 0; i < 4; i++) {
		x[i] = _mm512_shuffle_f32x4(y[i], y[i + 8], 0x88);
		x[i + 8] = _mm512_shuffle_f32x4(y[i], y[i + 8], 0xdd);
		x[i + 4] = _mm512_shuffle_f32x4(y[i + 4], y[i + 12], 0x88);
		x[i + 12] = _mm512_shuffle_f32x4(y[i + 4], y[i + 12], 0xdd);
	}
	for (int i = 0; i < 16 && i < cols; i++)
		_mm512_mask_storeu_ps(dst + (size_t)i * ldd, out, x[i]);
}

/* Where float number f = 16 part + i of 16 interleaved triples comes from: plane f % 3, column
 * f / 3; as index into planes 0 and 1 (16 more), then with plane 2 (16 more) for the rest. */
static void triple_index(int part, __m512i *two, __m512i *three)
{
	int a[16], b[16];
	for (int i = 0; i < 16; i++) {
		int f = 16 * part + i, plane = f % 3, col = f / 3;
		a[i] = plane == 1 ? 16 + col : col;
		b[i] = plane == 2 ? 16 + col : i;
	}
	*two = _mm512_loadu_si512(a);
	*three = _mm512_loadu_si512(b);
}

static void interleave_3(int64_t cols, const float *src, size_t lds, float *dst)
{
	__m512i two[3], three[3];
	for (int part = 0; part < 3; part++)
		triple_index(part, &two[part], &three[part]);
	for (int64_t c = 0; c < cols; c += 16, src += 16, dst += 48) {
		__mmask16 in = first(cols - c);
		__m512 p0 = _mm512_maskz_loadu_ps(in, src);
		__m512 p1 = _mm512_maskz_loadu_ps(in, src + lds);
		__m512 p2 = _mm512_maskz_loadu_ps(in, src + 2 * lds);
		for (int part = 0; part < 3; part++) {
			int64_t left = 3 * (cols - c) - 16 * part;
			__m512 v = _mm512_permutex2var_ps(p0, two[part], p1);
			v = _mm512_permutex2var_ps(v, three[part], p2);
			if (left > 0)
				_mm512_mask_storeu_ps(dst + 16 * part, first(left), v);
		}
	}
}

void transpose_b32__avx512(
    int64_t rows, int64_t cols, const void *src, size_t lds, void *dst, size_t ldd)
{
	const float *from = src;
	float *to = dst;
	if (rows == 3 && ldd == 3) {
		interleave_3(cols, from, lds, to);
		return;
	}
	for (int64_t c = 0; c < cols; c += 16)
		for (int64_t r = 0; r < rows; r += 16)
			block_16x16(rows - r, cols - c, from + (size_t)r * lds + c, lds,
			    to + (size_t)c * ldd + r, ldd);
}
