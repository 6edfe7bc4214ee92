/* Tensors of an ONNX file as blobs: mapped where their bytes stand as we use them. */
#ifndef FORMATS_ONNX_TENSOR_H
#define FORMATS_ONNX_TENSOR_H

#include "base/arena.h"
#include "base/file.h"
#include "base/map.h"
#include "base/status.h"
#include "graph/blob.h"
#include "graph/shape.h"
#include "onnx.pb-c.h"

/* Numbers of TensorProto.DataType. */
enum onnx_type {
	ONNX_UNDEFINED,
	ONNX_FLOAT,
	ONNX_UINT8,
	ONNX_INT8,
	ONNX_UINT16,
	ONNX_INT16,
	ONNX_INT32,
	ONNX_INT64,
	ONNX_STRING,
	ONNX_BOOL,
	ONNX_FLOAT16,
	ONNX_DOUBLE,
	ONNX_UINT32,
	ONNX_UINT64,
	ONNX_COMPLEX64,
	ONNX_COMPLEX128,
	ONNX_BFLOAT16,
	ONNX_FLOAT8E4M3FN,
	ONNX_FLOAT8E4M3FNUZ,
	ONNX_FLOAT8E5M2,
	ONNX_FLOAT8E5M2FNUZ,
	ONNX_UINT4,
	ONNX_INT4,
	ONNX_FLOAT4E2M1,
	ONNX_FLOAT8E8M0,
	ONNX_UINT2,
	ONNX_INT2,
};

/* Where tensors' bytes come from: the model's file and the files beside it. */
struct onnx_source {
	struct file *file;
	const char *dir; /* of external data; NULL: none can be had */
	struct arena *arena;
	struct map external; /* location to struct file, each counted once */
	void (*depends)(void *user, const char *path);
	void *user;
	bool random; /* float tensors without bytes get random numbers, the same ones each time */
};

/* A constant: the blob is one reference of the receiver's. */
struct onnx_const {
	enum dtype type;
	int rank;
	int64_t dim[MAX_RANK];
	struct blob *data;
};

/* DT_NONE for kinds that we have no type for (string, complex, f8 "uz", f4). */
enum dtype onnx_dtype(int onnx_type);
const char *onnx_type_name(int onnx_type);
/* Type, dims and bytes of t, whose body lies in s->file. The error names the tensor. */
int onnx_tensor_load(
    struct onnx_source *s, const Onnx__TensorProto *t, struct onnx_const *out, struct err *err);
/* The blob of external data of exactly size bytes; t's location stays within s->dir. */
int onnx_external_load(struct onnx_source *s, const Onnx__TensorProto *t, size_t size,
    struct blob **out, struct err *err);
/* Gives the external files back. */
void onnx_source_close(struct onnx_source *s);

#endif
