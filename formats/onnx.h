/* ONNX files in: a model as a graph of opset layers. */
#ifndef FORMATS_ONNX_H
#define FORMATS_ONNX_H

#include "base/file.h"
#include "base/status.h"
#include "graph/graph.h"

struct onnx_options {
	struct log log;
	bool lenient; /* unknown attributes are warnings */
	/* Float tensors without bytes get random ones of a sane size, the same each time: for
	 * timing a network whose weights were left out. */
	bool random_weights;
	/* Files that the model refers to (external data), each once: for --depfile. May be NULL. */
	void (*depends)(void *user, const char *path);
	void *user;
	/* Tensors that the caller will cut at. Only when the whole model cannot be converted, what
	 * lies beyond them is left out: outputs end the graph, inputs become Parameters (of the
	 * type that the file notes, else f32 of unknown shape). */
	const char *const *cut_inputs, *const *cut_outputs;
	int ncut_inputs, ncut_outputs;
};

/* Reads, inlines local functions, translates, infers. Large constants stay mapped in the file.
 * When nodes cannot be converted, err lists all of them in its details with the nearest cut points.
 * name stands for the file in messages, dir for external data (may be NULL). */
int onnx_read_file(struct file *f, const char *name, const char *dir, const struct onnx_options *o,
    struct graph **out, struct err *err);
/* Does this look like an ONNX model? */
bool onnx_sniff(const void *data, size_t size);
/* A serialised TensorProto (a .pb of a test set) into heap memory. */
int onnx_tensor_read(const char *path, struct tensor *out, struct err *err);

#endif
