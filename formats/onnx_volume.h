/* GridSample and Col2Im where the layers of IR, which are for pictures, do not reach. */
#ifndef FORMATS_ONNX_VOLUME_H
#define FORMATS_ONNX_VOLUME_H

#include "formats/onnx_translate.h"

/* x [N, C, depth, height, width] at the places of grid [N, do, ho, wo, 3]. */
struct value *volume_sample(struct tr *t, struct value *x, struct value *grid);
/* Col2Im to an image of n axes. */
struct value *volume_col2im(struct tr *t, struct value *x, const int64_t *image, int n);

#endif
