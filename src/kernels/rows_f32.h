/* A plane as padded rows split by the stride, so that what one column of a sliding window reads for
 * successive outputs is contiguous. Dims are height, width. */
#ifndef KERNELS_ROWS_F32_H
#define KERNELS_ROWS_F32_H

#include <stdbool.h>
#include <stddef.h>

#define ROWS_MAX_KERNEL 32 /* largest window, in rows and in columns */

struct rows_f32 {
	int in[2], out[2], kernel[2], stride[2], dilation[2];
	int pad[2];  /* before; what is needed behind follows from out */
	int piece;   /* a row is kept as stride[1] pieces; piece f: columns f, f + stride[1], ... */
	size_t line; /* floats of one row */
};

/* Sets piece and line; false when the window is too large. */
bool rows_f32_plan(struct rows_f32 *r);
/* Floats that a split plane takes. */
size_t rows_f32_size(const struct rows_f32 *r);
/* fill is what lies outside of the plane. */
void rows_f32_split(const struct rows_f32 *r, const float *plane, float fill, float *lines);
/* tap[t]: offset in a row of what window column t reads for output 0. */
void rows_f32_taps(const struct rows_f32 *r, int tap[ROWS_MAX_KERNEL]);
/* The rows inside the plane that the windows of output row y cover: their number, and how many of
 * the window's rows lie above them. */
int rows_f32_window(const struct rows_f32 *r, const float *lines, int y,
    const float *rows[ROWS_MAX_KERNEL], int *above);

#endif
