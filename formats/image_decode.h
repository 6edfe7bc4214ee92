/* The decoders behind image_read. */
#ifndef FORMATS_IMAGE_DECODE_H
#define FORMATS_IMAGE_DECODE_H

#include "base/file.h"
#include "graph/tensor.h"

/* E_LIMIT when a picture of this size may not be decoded, else allocates u8 [height, width, 3]. */
int image_alloc(uint64_t width, uint64_t height, struct tensor *out, struct err *err);
/* Both fill *out, absent before; on failure it stays absent. */
int png_decode(const struct file *f, struct tensor *out, struct err *err);
int jpeg_decode(const struct file *f, struct tensor *out, struct err *err);

#endif
