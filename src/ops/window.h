/* Sliding windows: strides, dilations and pads of convolutions and poolings over spatial dims. */
#ifndef OPS_WINDOW_H
#define OPS_WINDOW_H

#include "ops/op.h"

#define MAX_SPATIAL 3

/* What the attributes say of each spatial dim; kernel is filled in by who knows it. */
struct window {
	int n; /* spatial dims */
	bool same_upper, same_lower, valid;
	struct {
		int64_t stride, dilation, begin, end;
		struct dim kernel;
	} dim[MAX_SPATIAL];
};

/* Reads strides, pads_begin, pads_end, auto_pad and, where the row has them, dilations for n
 * spatial dims: checks the number of values and their ranges. An empty list is all ones (zeros).
 */
int window_read(struct window *w, const struct node *n, int spatial, struct err *err);
/* Elements that a kernel of this size covers with its dilation; -1 on overflow. */
int64_t window_extent(int64_t kernel, int64_t dilation);
/* Number of floor-rounded windows over in elements, auto_pad included. E_FORMAT when the kernel
 * does not fit. */
int window_out(struct infer *s, const struct window *w, int i, struct dim in, struct dim *out);
/* Sets begin and end of spatial dim i as auto_pad has them for these sizes. */
void window_pad(struct window *w, int i, int64_t in, int64_t out);

#endif
