/* Splits planes into padded rows for kernels that slide a window. */
#include "kernels/rows_f32.h"

bool rows_f32_plan(struct rows_f32 *r)
{
	if (r->kernel[0] > ROWS_MAX_KERNEL || r->kernel[1] > ROWS_MAX_KERNEL)
		return false;
	r->piece = r->out[1] + (r->kernel[1] - 1) * r->dilation[1] / r->stride[1] + 1;
	r->line = (size_t)r->piece * (size_t)r->stride[1];
	return true;
}

size_t rows_f32_size(const struct rows_f32 *r)
{
	return r->line * (size_t)r->in[0];
}

/* The i for which i * stride + off lies inside width are *from..*to-1. */
static void inside(int off, int stride, int width, int n, int *from, int *to)
{
	*from = off < 0 ? (-off + stride - 1) / stride : 0;
	*to = off < width ? (width - 1 - off) / stride + 1 : 0;
	*to = *to < n ? *to : n;
	*from = *from < *to ? *from : *to;
}

void rows_f32_split(const struct rows_f32 *r, const float *plane, float fill, float *lines)
{
	int stride = r->stride[1];
	for (int y = 0; y < r->in[0]; y++, plane += r->in[1]) {
		for (int f = 0; f < stride; f++, lines += r->piece) {
			int off = f - r->pad[1], from, to;
			inside(off, stride, r->in[1], r->piece, &from, &to);
			for (int i = 0; i < from; i++)
				lines[i] = fill;
			for (int i = from; i < to; i++)
				lines[i] = plane[i * stride + off];
			for (int i = to; i < r->piece; i++)
				lines[i] = fill;
		}
	}
}

void rows_f32_taps(const struct rows_f32 *r, int tap[ROWS_MAX_KERNEL])
{
	for (int t = 0; t < r->kernel[1]; t++) {
		int x = t * r->dilation[1];
		tap[t] = x % r->stride[1] * r->piece + x / r->stride[1];
	}
}

int rows_f32_window(const struct rows_f32 *r, const float *lines, int y,
    const float *rows[ROWS_MAX_KERNEL], int *above)
{
	int n = 0;
	*above = 0;
	for (int k = 0; k < r->kernel[0]; k++) {
		int from = y * r->stride[0] - r->pad[0] + k * r->dilation[0];
		if (from >= 0 && from < r->in[0])
			rows[n++] = lines + (size_t)from * r->line;
		else
			*above += !n;
	}
	return n;
}
