/* A model of any format we read, known by its content. */
#ifndef FORMATS_MODEL_H
#define FORMATS_MODEL_H

#include "formats/onnx.h"

enum model_format { MODEL_ONNX, MODEL_IR };
/* options as for onnx_read; *format may be NULL. */
int model_read(const char *path, const struct onnx_options *o, struct graph **out,
    enum model_format *format, struct err *err);

#endif
