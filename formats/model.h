/* A model of any format we read, known by its content. */
#ifndef FORMATS_MODEL_H
#define FORMATS_MODEL_H

#include "formats/onnx.h"

/* A blob is what mo-compile writes; model_read leaves it to others. */
enum model_format { MODEL_ONNX, MODEL_IR, MODEL_BLOB };
/* Options and *format may be NULL. */
int model_read(const char *path, const struct onnx_options *o, struct graph **out,
    enum model_format *format, struct err *err);

#endif
