/* The header of a NumPy array file. */
#ifndef FORMATS_NPY_HEADER_H
#define FORMATS_NPY_HEADER_H

#include "base/text.h"
#include "graph/tensor.h"

struct npy_header {
	struct tensor shape; /* type, rank, dims; data NULL */
	bool fortran;        /* first index fastest */
	bool swapped;        /* not this machine's byte order */
	size_t offset;       /* of the elements in the file */
};
/* Reads the header at the front of size bytes and checks that the elements are all there. */
int npy_header_parse(const void *data, size_t size, struct npy_header *out, struct err *err);
/* The header as NumPy writes it for this array, padded so that the elements start at a multiple of
 * 64. E_UNSUPPORTED for types that NumPy cannot hold. */
int npy_header_text(struct text *t, const struct tensor *shape, struct err *err);
/* Copies row-major elements: rank dims of a source whose element strides are given. */
void npy_gather(
    struct tensor *dst, const uint8_t *src, const int64_t *stride, const struct npy_header *h);
/* Element strides of the file's array. */
void npy_strides(const struct npy_header *h, int64_t stride[MAX_RANK]);

#endif
