/* What an Interpolate does along each axis, for kernels that do the same. */
#ifndef OPS_INTERPOLATE_H
#define OPS_INTERPOLATE_H

#include "ops/op.h"
#include "ops/resample.h"

/* Settings of every axis; active bit i: axis i is resized. Places that resample.h gives count from
 * the pad in front. */
struct interpolate {
	struct resample axis[MAX_RANK];
	int64_t pad[MAX_RANK];
	uint32_t active;
};

/* From attributes, dims of input and output, and the data of the other inputs. */
int interpolate_read(struct eval *s, struct interpolate *p);

#endif
