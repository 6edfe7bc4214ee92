/* FP32 resizing of images with channels last along height and width: [batch][in[0]][in[1]][ld_in]
 * to [batch][out[0]][out[1]][ld_out], of which n channels are used. Along each dim a result is a
 * weighted sum of a few places, which a table holds.
 *
 * Use: set all up to ld_out; plan; run as often as wanted. Same bits for any number of threads. */
#ifndef KERNELS_NHWC_RESIZE_F32_H
#define KERNELS_NHWC_RESIZE_F32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"

#define RESIZE_TAPS 64 /* at most, along a dim */

/* Plain data, no pointers. */
struct nhwc_resize_f32 {
	int batch, n;
	int in[2], out[2], taps[2];
	int64_t ld_in, ld_out;
	/* Set by the plan. */
	int pieces;
	size_t worker, scratch; /* bytes, of each worker and of all */
};

/* Bytes of the table along dim d: int32_t index[out][taps], then float weight[out][taps]. */
size_t nhwc_resize_f32_table(const struct nhwc_resize_f32 *r, int d);
/* Does the table stay inside of the image? */
bool nhwc_resize_f32_inside(const struct nhwc_resize_f32 *r, int d, const void *table);
void nhwc_resize_f32_plan(struct nhwc_resize_f32 *r, int threads);
void nhwc_resize_f32_run(const struct nhwc_resize_f32 *r, struct pool *pool, const float *in,
    const void *const table[2], float *out, void *scratch);

#endif
