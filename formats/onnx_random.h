/* Random numbers for translators. */
#ifndef FORMATS_ONNX_RANDOM_H
#define FORMATS_ONNX_RANDOM_H

#include "formats/onnx_translate.h"

/* Numbers of f32 in [0, 1); seed 0 when the node gives none. */
struct value *random_uniform(struct tr *t, struct value *shape, double seed);

#endif
