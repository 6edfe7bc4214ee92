/* Images from channels first to channels last and back, for elements of 1, 2 and 4 bytes. */
#ifndef KERNELS_LAYOUT_H
#define KERNELS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"

/* Plain data. Channels first is [batch][channels][pixels], channels last [batch][pixels][ld]. */
struct layout_move {
	int64_t batch, channels, pixels;
	int64_t ld; /* elements from pixel to pixel of the image with channels last */
	int size;   /* bytes of an element: 1, 2 or 4 */
};

/* in and out must not overlap. Elements of channels last beyond the channels are left alone. */
void nchw_to_nhwc(const struct layout_move *l, struct pool *pool, const void *in, void *out);
void nhwc_to_nchw(const struct layout_move *l, struct pool *pool, const void *in, void *out);

#endif
