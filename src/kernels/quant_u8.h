/* Between floats and bytes with scale and zero point: rows of n elements, pieces of them on each
 * thread. Every instruction set gives the same bits. */
#ifndef KERNELS_QUANT_U8_H
#define KERNELS_QUANT_U8_H

#include <stdint.h>

#include "base/threads.h"

/* A byte q means (q - zero) * scale. A float r becomes the byte r * (1 / scale) + zero, computed
 * with one rounding, then rounded half to even and saturated; a NaN becomes the least value. */
struct u8_code {
	float scale;
	int zero;
};

/* Plain data; what a function does not name it does not read. */
struct quant_u8 {
	int64_t rows, n;            /* elements of a row */
	int64_t ld_a, ld_b, ld_out; /* elements from row to row */
	struct u8_code a, b, out;
	float lo, hi; /* clamp of the float before it becomes a byte; -INFINITY, INFINITY: none */
};

/* in and out may be the same where their types are. quantize_u8 reads rows, n, ld_a, ld_out, out,
 * lo, hi; dequantize_u8 rows, n, ld_a, ld_out, a; requantize_u8 all but b; add_u8 everything. */
void quantize_u8(const struct quant_u8 *q, struct pool *pool, const float *in, uint8_t *out);
void dequantize_u8(const struct quant_u8 *q, struct pool *pool, const uint8_t *in, float *out);
void requantize_u8(const struct quant_u8 *q, struct pool *pool, const uint8_t *in, uint8_t *out);
/* The sum of a and b as floats, clamped. */
void add_u8(
    const struct quant_u8 *q, struct pool *pool, const uint8_t *a, const uint8_t *b, uint8_t *out);

#endif
