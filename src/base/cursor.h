/* A reader over bytes with a sticky error: past the end it gives zeros and sets err for good. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *p, *end;
	bool err;
};

struct cursor cursor_of(const void *data, size_t size);
size_t cursor_left(const struct cursor *c);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16le(struct cursor *c);
uint32_t cursor_u32le(struct cursor *c);
uint64_t cursor_u64le(struct cursor *c);
/* A protobuf varint of at most ten bytes. */
uint64_t cursor_varint(struct cursor *c);
/* n bytes in place, or NULL (and err) when fewer are left. */
const uint8_t *cursor_bytes(struct cursor *c, size_t n);
/* A cursor over the next n bytes, which are skipped here; an erring empty one when fewer are left.
 */
struct cursor cursor_sub(struct cursor *c, size_t n);

#endif
