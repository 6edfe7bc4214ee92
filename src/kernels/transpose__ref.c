/* Transposes of matrices in plain C, by blocks: what the others are judged by. */
#include "kernels/nhwc_kernel.h"

#define BLOCK 16

#define TRANSPOSE_BODY(type)                                                  \
	const type *from = src;                                               \
	type *to = dst;                                                       \
	for (int64_t r0 = 0; r0 < rows; r0 += BLOCK)                          \
		for (int64_t c = 0; c < cols; c++)                            \
			for (int64_t r = r0; r < rows && r < r0 + BLOCK; r++) \
				to[(size_t)c * ldd + (size_t)r] = from[(size_t)r * lds + (size_t)c];

void transpose_b32__ref(
    int64_t rows, int64_t cols, const void *src, size_t lds, void *dst, size_t ldd)
{
	TRANSPOSE_BODY(uint32_t)
}

void transpose_b16__ref(
    int64_t rows, int64_t cols, const void *src, size_t lds, void *dst, size_t ldd)
{
	TRANSPOSE_BODY(uint16_t)
}

void transpose_b8__ref(
    int64_t rows, int64_t cols, const void *src, size_t lds, void *dst, size_t ldd)
{
	TRANSPOSE_BODY(uint8_t)
}
