/* What a constant loses in FP16, measured without a copy of it. */
#include <math.h>
#include <stdlib.h>

#include "base/half.h"
#include "passes/fp16.h"

#define CHUNK 65536 /* bytes read at a time: a multiple of 64 */

/* One element that does not fit the plain case, or may not. */
static void add_odd(struct fp16_loss *l, float x, float y)
{
	if (!isfinite(x))
		return;
	if (!isfinite(y)) {
		l->beyond++;
		l->largest = fmax(l->largest, fabs(x));
		return;
	}
	double d = (double)x - y;
	l->zeros += y == 0 && x != 0;
	l->diff[0] += d * d;
	l->norm[0] += (double)x * x;
}

static inline void add_block(
    struct fp16_loss *restrict l, const float *restrict x, const float *restrict y)
{
	for (int i = 0; i < FP16_LANES; i++) {
		double d = (double)x[i] - (double)y[i], v = x[i];
		l->diff[i] += d * d;
		l->norm[i] += v * v;
	}
}

/* Is each of the elements finite and kept other than 0? */
static inline bool plain_block(const float *x, const float *y)
{
	int odd = 0;
	for (int i = 0; i < FP16_LANES; i++)
		odd |= (!(fabsf(y[i]) <= 65504)) | ((y[i] == 0) & (x[i] != 0));
	return !odd;
}

/* x, and y as FP16 keeps it. The sums run in lanes, in an order that no machine changes. */
static void add_loss(struct fp16_loss *l, const float *x, const float *y, size_t n)
{
	size_t i = 0;
	for (; i + FP16_LANES <= n; i += FP16_LANES) {
		if (plain_block(x + i, y + i))
			add_block(l, x + i, y + i);
		else
			for (size_t k = i; k < i + FP16_LANES; k++)
				add_odd(l, x[k], y[k]);
	}
	for (; i < n; i++)
		add_odd(l, x[i], y[i]);
}

struct loss_buffer {
	_Alignas(64) float x[CHUNK / 4], y[CHUNK / 4];
	uint16_t h[CHUNK / 4];
};

int fp16_measure(struct pass_ctx *c, const struct blob *b, struct fp16_loss *l)
{
	struct loss_buffer *buf = aligned_alloc(64, sizeof *buf);
	size_t size = blob_size(b);
	double diff = 0, norm = 0;
	int e = buf ? OK : fail_nomem(c->err);
	*l = (struct fp16_loss){0};
	for (size_t off = 0; !e && off < size; off += CHUNK) {
		size_t part = size - off < CHUNK ? size - off : CHUNK;
		e = blob_read(b, off, buf->x, part, c->err);
		if (e)
			break;
		f32_to_f16_n(buf->h, buf->x, part / 4);
		f16_to_f32_n(buf->y, buf->h, part / 4);
		add_loss(l, buf->x, buf->y, part / 4);
	}
	free(buf);
	blob_forget(b, 0, size);
	for (int i = 0; i < FP16_LANES; i++) {
		diff += l->diff[i];
		norm += l->norm[i];
	}
	l->error = diff > 0 ? sqrt(diff / norm) : 0;
	return e;
}
