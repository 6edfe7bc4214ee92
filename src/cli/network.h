/* A network from a file, as a model or compiled; compiling it. */
#ifndef CLI_NETWORK_H
#define CLI_NETWORK_H

#include "exec/exec.h"
#include "formats/model.h"

/* model_read, and compiled blobs too; format may be NULL. */
int network_read(const char *path, const struct onnx_options *o, struct graph **out,
    enum model_format *format, struct err *err);
/* As network_read for a file that is known to be a blob. verify: the checksum of the weights is
 * compared, too. */
int network_map(const char *path, bool verify, struct graph **out, struct err *err);
/* Hash of the content of a model's files: the model, and the .bin of an IR. */
int network_hash(const char *path, uint64_t *hash, struct err *err);
/* Writes the plan of e, made from a model with this hash. */
int network_write(struct exec *e, uint64_t hash, const char *path, struct err *err);

#endif
