/* A dense row-major array in memory, the currency of eval, the executor and the data files. */
#ifndef GRAPH_TENSOR_H
#define GRAPH_TENSOR_H

#include "base/status.h"
#include "graph/shape.h"

struct tensor {
	enum dtype type; /* DT_NONE: absent */
	int rank;
	int64_t dim[MAX_RANK];
	void *data; /* sub-byte types packed; who owns it is said by the function that gives it */
};

/* Elements; the dims were checked when the tensor was made, so no overflow. */
int64_t tensor_count(const struct tensor *t);
/* Bytes that count elements of a type take (rounded up for packed ones); -1 beyond the limit. */
int64_t dtype_bytes(enum dtype t, int64_t count);
size_t tensor_bytes(const struct tensor *t);
struct shape tensor_shape(const struct tensor *t);
/* Sets type, rank, dims and allocates zeroed heap data (64-byte aligned), to be freed by
 * tensor_free. */
int tensor_alloc(struct tensor *t, enum dtype type, int rank, const int64_t *dims, struct err *err);
/* The same with data that hold anything, for who writes them all. */
int tensor_reserve(
    struct tensor *t, enum dtype type, int rank, const int64_t *dims, struct err *err);
void tensor_free(struct tensor *t); /* frees data, makes it absent; legal on an absent one */
int tensor_clone(struct tensor *dst, const struct tensor *src, struct err *err);

/* Element access of any type, for code where speed does not matter; i in row-major order.
 * get_f64 of an integer beyond 2^53 rounds. set_f64 rounds once, to nearest even, float to float;
 * to an integer it truncates and wraps as ONNX Cast does in ONNX Runtime. */
double tensor_f64(const struct tensor *t, int64_t i);
int64_t tensor_i64(const struct tensor *t, int64_t i); /* u64 as its bits; floats truncate */
void tensor_set_f64(struct tensor *t, int64_t i, double v);
void tensor_set_i64(struct tensor *t, int64_t i, int64_t v);

#endif
