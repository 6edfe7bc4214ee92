/* NumPy .npy and .npz arrays, little-endian and big-endian, C and Fortran order, format
 * versions 1.0 to 3.0. */
#ifndef FORMATS_NPY_H
#define FORMATS_NPY_H

#include "base/status.h"
#include "graph/tensor.h"

/* Owned by the caller: tensor_free. */
int npy_read(const char *path, struct tensor *out, struct err *err);
/* Written whole or not at all (temporary file and rename). bf16 and f8 travel as <u2 and |u1. */
int npy_write(const char *path, const struct tensor *t, struct err *err);

/* An array file opened for reading rows (along dim 0) without loading it whole. */
struct npy;
int npy_open(const char *path, struct npy **out, struct err *err);
void npy_close(struct npy *f);
const struct tensor *npy_header(const struct npy *f); /* type, rank, dims; data NULL */
/* Row i as a tensor of the remaining dims, heap. */
int npy_row(struct npy *f, int64_t i, struct tensor *out, struct err *err);

/* Arrays of a .npz by name. */
struct npz_entry {
	char *name;
	struct tensor tensor;
};
int npz_read(const char *path, struct npz_entry **out, int *n, struct err *err);
void npz_free(struct npz_entry *e, int n);

#endif
