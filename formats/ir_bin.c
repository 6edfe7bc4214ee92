/* Stores the constants of an IR in its .bin: aligned, each distinct one once, in bounded memory. */
#include "formats/ir_bin.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define CHUNK ((size_t)1 << 20)

struct ir_bin_slot {
	uint64_t hash;
	int64_t offset;
	int64_t size; /* 0: free; empty constants are never stored */
};

/* A constant on its way in. */
struct item {
	const struct blob *blob;
	const uint8_t *direct; /* all its bytes, or NULL */
	int64_t size, offset;
	uint64_t hash;
	bool written; /* tentatively, at offset */
};

int ir_bin_init(struct ir_bin *b, struct output *out, struct err *err)
{
	*b = (struct ir_bin){.out = out, .nslot = 1024};
	b->chunk = aligned_alloc(64, CHUNK);
	b->other = aligned_alloc(64, CHUNK);
	b->slot = calloc(b->nslot, sizeof *b->slot);
	if (!b->chunk || !b->other || !b->slot) {
		ir_bin_free(b);
		return fail_nomem(err);
	}
	return OK;
}

void ir_bin_free(struct ir_bin *b)
{
	free(b->chunk);
	free(b->other);
	free(b->slot);
	*b = (struct ir_bin){0};
}

static size_t chunk_at(const struct item *it, int64_t off)
{
	return it->size - off < (int64_t)CHUNK ? (size_t)(it->size - off) : CHUNK;
}

/* Bytes [off, off+n) of the constant: in place, or evaluated into the chunk buffer. */
static int item_bytes(struct ir_bin *b, const struct item *it, int64_t off, size_t n,
    const uint8_t **bytes, struct err *err)
{
	if (it->direct) {
		*bytes = it->direct + off;
		return OK;
	}
	*bytes = b->chunk;
	return blob_read(it->blob, (size_t)off, b->chunk, n, err);
}

/* *equal: are the bytes stored at offset those of the constant? */
static int same_bytes(
    struct ir_bin *b, const struct item *it, int64_t offset, bool *equal, struct err *err)
{
	*equal = true;
	for (int64_t off = 0; off < it->size && *equal; off += CHUNK) {
		size_t n = chunk_at(it, off);
		const uint8_t *bytes = b->chunk;
		int rc;

		if (it->written)
			rc = output_read(b->out, it->offset + off, b->chunk, n, err);
		else
			rc = item_bytes(b, it, off, n, &bytes, err);
		if (rc == OK)
			rc = output_read(b->out, offset + off, b->other, n, err);
		if (rc != OK)
			return rc;
		*equal = !memcmp(bytes, b->other, n);
	}
	return OK;
}

/* *found: the slot of an equal constant, or the free slot where this one belongs. */
static int find_slot(
    struct ir_bin *b, const struct item *it, struct ir_bin_slot **found, struct err *err)
{
	for (size_t i = it->hash & (b->nslot - 1);; i = (i + 1) & (b->nslot - 1)) {
		struct ir_bin_slot *s = &b->slot[i];
		bool equal = false;
		int rc = OK;

		if (s->hash == it->hash && s->size == it->size)
			rc = same_bytes(b, it, s->offset, &equal, err);
		if (rc != OK)
			return rc;
		if (!s->size || equal) {
			*found = s;
			return OK;
		}
	}
}

static int grow(struct ir_bin *b, struct err *err)
{
	size_t nslot = b->nslot * 2;
	struct ir_bin_slot *slot = calloc(nslot, sizeof *slot);
	if (!slot)
		return fail_nomem(err);
	for (size_t k = 0; k < b->nslot; k++) {
		size_t i = b->slot[k].hash & (nslot - 1);
		if (!b->slot[k].size)
			continue;
		while (slot[i].size)
			i = (i + 1) & (nslot - 1);
		slot[i] = b->slot[k];
	}
	free(b->slot);
	b->slot = slot;
	b->nslot = nslot;
	return OK;
}

static int write_padding(struct ir_bin *b, struct err *err)
{
	static const uint8_t zeros[IR_BIN_ALIGN];
	size_t over = (size_t)(output_size(b->out) % IR_BIN_ALIGN);
	return over ? output_write(b->out, zeros, IR_BIN_ALIGN - over, err) : OK;
}

/* Hashes and writes in one pass over the bytes. */
static int write_large(struct ir_bin *b, struct item *it, struct err *err)
{
	XXH3_state_t *state = XXH3_createState();
	int rc = OK;

	if (!state)
		return fail_nomem(err);
	XXH3_64bits_reset(state);
	for (int64_t off = 0; off < it->size && rc == OK; off += CHUNK) {
		size_t n = chunk_at(it, off);
		const uint8_t *bytes;
		rc = item_bytes(b, it, off, n, &bytes, err);
		if (rc != OK)
			break;
		XXH3_64bits_update(state, bytes, n);
		rc = output_write(b->out, bytes, n, err);
		blob_forget(it->blob, (size_t)off, n);
	}
	it->hash = XXH3_64bits_digest(state);
	it->written = true;
	XXH3_freeState(state);
	return rc;
}

/* A large constant is written while it is hashed and taken back when it turns out to be there. */
static int put_large(struct ir_bin *b, struct item *it, struct ir_bin_slot **slot, struct err *err)
{
	int64_t start = output_size(b->out);
	int rc = write_padding(b, err);

	it->offset = output_size(b->out);
	if (rc == OK)
		rc = write_large(b, it, err);
	if (rc == OK)
		rc = find_slot(b, it, slot, err);
	if (rc == OK && (*slot)->size)
		rc = output_rewind(b->out, start, err);
	return rc;
}

/* A constant of one chunk is hashed first and written only when it is new. */
static int put_small(struct ir_bin *b, struct item *it, struct ir_bin_slot **slot, struct err *err)
{
	const uint8_t *bytes;
	int rc = item_bytes(b, it, 0, (size_t)it->size, &bytes, err);

	if (rc != OK)
		return rc;
	it->hash = XXH3_64bits(bytes, (size_t)it->size);
	it->direct = bytes; /* the chunk buffer holds it all */
	rc = find_slot(b, it, slot, err);
	if (rc != OK || (*slot)->size)
		return rc;
	rc = write_padding(b, err);
	it->offset = output_size(b->out);
	if (rc == OK)
		rc = output_write(b->out, bytes, (size_t)it->size, err);
	blob_forget(it->blob, 0, (size_t)it->size);
	return rc;
}

int ir_bin_put(struct ir_bin *b, const struct blob *data, int64_t *offset, struct err *err)
{
	struct item it = {.blob = data, .direct = blob_direct(data), .size = blob_size(data)};
	struct ir_bin_slot *slot = NULL;
	int rc;

	*offset = 0;
	if (!it.size)
		return OK;
	if ((size_t)b->stored * 2 >= b->nslot && (rc = grow(b, err)) != OK)
		return rc;
	rc = it.size <= (int64_t)CHUNK ? put_small(b, &it, &slot, err)
				       : put_large(b, &it, &slot, err);
	if (rc != OK)
		return rc;
	if (slot->size) {
		b->shared++;
	} else {
		*slot = (struct ir_bin_slot){it.hash, it.offset, it.size};
		b->stored++;
	}
	*offset = slot->offset;
	return OK;
}
