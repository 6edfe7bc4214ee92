/* Random numbers in the place of weights that were left out of a file. */
#ifndef FORMATS_ONNX_FILL_H
#define FORMATS_ONNX_FILL_H

#include "formats/onnx_tensor.h"
#include "graph/tensor.h"

/* Sets c->data: size bytes of its float type that depend on the name, dims and nothing else. */
int onnx_fill(const char *name, struct onnx_const *c, size_t size, struct err *err);

#endif
