/* Pictures made smaller or larger, and cut. */
#ifndef FORMATS_RESIZE_H
#define FORMATS_RESIZE_H

#include "base/status.h"
#include "graph/tensor.h"

enum resize_filter { RESIZE_BILINEAR, RESIZE_BICUBIC };
/* Antialiased resize of u8 [height, width, channels] to height x width, heap. Two separable passes,
 * rounded to 8 bits after each; the filter grows with the reduction, so that every source pixel
 * counts: what the Python imaging library calls BILINEAR and BICUBIC, bit for bit. */
int resize_picture(const struct tensor *in, enum resize_filter f, int64_t height, int64_t width,
    struct tensor *out, struct err *err);
/* Resize so that the shorter side becomes side; the longer one is cut to whole pixels. */
int resize_shorter(const struct tensor *in, enum resize_filter f, int64_t side, struct tensor *out,
    struct err *err);
/* The middle height x width of any [height, width, channels], heap. E_USAGE when it is smaller. */
int crop_centre(
    const struct tensor *in, int64_t height, int64_t width, struct tensor *out, struct err *err);

#endif
