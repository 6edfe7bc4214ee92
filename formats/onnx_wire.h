/* Protobuf bytes checked and thinned by us, then unpacked by protobuf-c. */
#ifndef FORMATS_ONNX_WIRE_H
#define FORMATS_ONNX_WIRE_H

#include "base/arena.h"
#include "base/cursor.h"
#include "base/status.h"
#include "onnx.pb-c.h"

/* Walks a whole message of kind d (depth, counts and lengths checked, https://protobuf.dev encoding
 * rules), builds a skeleton of the fields that onnx.proto names and unpacks it into the arena,
 * where it lives. Unknown fields and bytes of tensors are not copied: each TensorProto gets the
 * place of its body in data instead (body_offset, body_size), which a file cannot forge. E_FORMAT
 * when malformed, E_LIMIT beyond base/limits.h. */
int onnx_wire_parse(const void *data, size_t size, const ProtobufCMessageDescriptor *d,
    struct arena *arena, ProtobufCMessage **out, struct err *err);

/* One field of a message: key, and where its content lies. */
struct wire_field {
	uint32_t id;
	int type;            /* 0 varint, 1 eight bytes, 2 counted bytes, 5 four bytes */
	uint64_t number;     /* the value of types 0, 1, 5 */
	struct cursor bytes; /* the content of type 2 */
};
/* Next field of a message; false at the end or on an error, which is then in c->err. */
bool wire_next(struct cursor *c, struct wire_field *f);

#endif
