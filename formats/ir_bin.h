/* The .bin of an IR while it is written: aligned constants, equal ones stored once. */
#ifndef FORMATS_IR_BIN_H
#define FORMATS_IR_BIN_H

#include "base/file.h"
#include "graph/blob.h"

#define IR_BIN_ALIGN 64 /* offset of every constant: a multiple, so that a mapped file serves */

struct ir_bin {
	struct output *out; /* borrowed */
	uint8_t *chunk, *other;
	struct ir_bin_slot *slot; /* open addressing by hash */
	size_t nslot;
	int stored, shared;
};
int ir_bin_init(struct ir_bin *b, struct output *out, struct err *err);
/* Stores the blob unless equal bytes are there; *offset says where they are. Deferred blobs are
 * evaluated piece by piece, the source pages of mapped ones are let go. */
int ir_bin_put(struct ir_bin *b, const struct blob *data, int64_t *offset, struct err *err);
void ir_bin_free(struct ir_bin *b);

#endif
