/* FP32 maximum over sliding windows of planes. */
#ifndef KERNELS_MAX_POOL_F32_H
#define KERNELS_MAX_POOL_F32_H

#include "base/threads.h"
#include "kernels/kernel.h"
#include "kernels/rows_f32.h"

struct max_pool_f32 {
	const struct max_f32 *row;
	struct rows_f32 rows;
	int planes;
	size_t scratch; /* floats that each worker needs */
};
/* Sets scratch from rows. False when the window is too large, or one may lie outside of the plane
 * altogether. */
bool max_pool_f32_plan(struct max_pool_f32 *p);
void max_pool_f32_run(
    const struct max_pool_f32 *p, struct pool *pool, const float *in, float *out, float *scratch);

#endif
