/* Test sets of ONNX whose tensors hold a batch of samples. */
#ifndef FORMATS_DATASET_SETS_H
#define FORMATS_DATASET_SETS_H

#include "formats/dataset_files.h"
#include "graph/shape.h"
#include "graph/tensor.h"

/* The tensors of all files behind each other along their first axis, when the first of them holds
 * several samples for an input that takes one; with an open batch only if `labelled`, since labels
 * are one for each sample. Else *rows stays empty. Heap. */
int sets_join(const struct sample_files *files, const struct shape *takes, bool labelled,
    struct tensor *rows, struct err *err);

#endif
