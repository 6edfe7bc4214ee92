/* Reading bytes that may end anywhere: the error sticks, so callers test it once a record. */
#include "base/cursor.h"

struct cursor cursor_of(const void *data, size_t size)
{
	const uint8_t *p = data;
	return (struct cursor){p, p ? p + size : p, false};
}

size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

const uint8_t *cursor_bytes(struct cursor *c, size_t n)
{
	if (c->err || cursor_left(c) < n) {
		c->err = true;
		c->p = c->end;
		return NULL;
	}
	const uint8_t *p = c->p;
	c->p += n;
	return p;
}

static uint64_t little_endian(struct cursor *c, int bytes)
{
	const uint8_t *p = cursor_bytes(c, (size_t)bytes);
	uint64_t v = 0;
	for (int i = 0; p && i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)little_endian(c, 1);
}

uint16_t cursor_u16le(struct cursor *c)
{
	return (uint16_t)little_endian(c, 2);
}

uint32_t cursor_u32le(struct cursor *c)
{
	return (uint32_t)little_endian(c, 4);
}

uint64_t cursor_u64le(struct cursor *c)
{
	return little_endian(c, 8);
}

uint64_t cursor_varint(struct cursor *c)
{
	uint64_t v = 0;
	for (int i = 0; i < 10; i++) {
		uint8_t b = cursor_u8(c);
		v |= (uint64_t)(b & 0x7f) << (7 * i); /* the tenth byte's high bits fall off */
		if (!(b & 0x80))
			return c->err ? 0 : v;
	}
	c->err = true;
	c->p = c->end;
	return 0;
}

struct cursor cursor_sub(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_bytes(c, n);
	if (!p)
		return (struct cursor){c->end, c->end, true};
	return (struct cursor){p, p + n, false};
}
