/* What a Resize asks for, and the way to do it where the IR's layer cannot say it. */
#ifndef FORMATS_ONNX_RESIZE_H
#define FORMATS_ONNX_RESIZE_H

#include "formats/onnx_translate.h"

/* In the IR's words. */
struct resize {
	const char *mode, *coordinates, *nearest;
	double cube, extrapolation;
	bool antialias, exclude_outside, by_sizes;
	struct value *to;    /* scales or sizes, one per axis of axes */
	struct value *scale; /* of all axes, where sizes only round what it gives; else NULL */
	struct value *axes;  /* NULL: all */
	struct value *roi;   /* starts, then ends, one per axis of axes; NULL: the whole */
};
/* Linear and cubic interpolation as a product with a matrix of weights per axis, nearest as a
 * gather; all of it by layers, so that sizes and scales may be computed. ONNX operator Resize-19.
 */
struct value *resize_by_weights(struct tr *t, struct value *x, const struct resize *r);

#endif
