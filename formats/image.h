/* PNG and JPEG pictures as u8 RGB. */
#ifndef FORMATS_IMAGE_H
#define FORMATS_IMAGE_H

#include "base/status.h"
#include "graph/tensor.h"

/* u8 [height, width, 3] RGB, heap; grey and palette expand, alpha is dropped, 16 bits are cut to 8,
 * EXIF ignored. */
int image_read(const char *path, struct tensor *out, struct err *err);
bool image_is(const char *path); /* by extension: .png .jpg .jpeg, any case */

#endif
