/* Images with channels last whose lines and pixels are picked out of another one, or filled: edges
 * of a pad, the nearest pixels of a resized image. */
#ifndef KERNELS_PIXELS_H
#define KERNELS_PIXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"

/* [batch][in[0]][in[1]][ld_in] to [batch][out[0]][out[1]][ld_out], of which n channels are used.
 * Plain data. */
struct pixel_pick {
	int batch, n;
	int in[2], out[2];
	int64_t ld_in, ld_out; /* elements from pixel to pixel */
	int size;              /* bytes of an element: 1 or 4 */
	int fill;              /* what the bytes are that are filled */
};

/* Bytes of the table: for each line, then for each pixel of a line the number of the one that it is
 * like, or -1 where it is filled. */
static inline size_t pixel_pick_table(const struct pixel_pick *k)
{
	return ((size_t)k->out[0] + (size_t)k->out[1]) * sizeof(int32_t);
}
/* Does the table stay inside of the image? */
bool pixel_pick_inside(const struct pixel_pick *k, const int32_t *table);
/* in and out must not overlap. */
void pixel_pick(
    const struct pixel_pick *k, struct pool *pool, const void *in, const int32_t *table, void *out);

#endif
