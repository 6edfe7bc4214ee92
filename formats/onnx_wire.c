/* The walk over protobuf bytes that comes before protobuf-c: it checks everything and copies
 * little. */
#include "formats/onnx_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/limits.h"

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

#define BODY_OFFSET 100001
#define BODY_SIZE 100002
#define LENGTH_BYTES 5 /* a length written before it is known: a varint padded to this */

struct walk {
	const uint8_t *start;
	uint8_t *out; /* the skeleton */
	size_t len, cap;
	int64_t nodes;
	struct err *err;
};

static int walk_message(
    struct walk *w, struct cursor c, const ProtobufCMessageDescriptor *d, int depth);

bool wire_next(struct cursor *c, struct wire_field *f)
{
	if (c->err || !cursor_left(c))
		return false;
	uint64_t key = cursor_varint(c), size;
	f->type = (int)(key & 7);
	f->id = (uint32_t)(key >> 3);
	if (key >> 32 || !f->id)
		c->err = true;
	switch (f->type) {
	case WIRE_VARINT:
		f->number = cursor_varint(c);
		break;
	case WIRE_64:
		f->number = cursor_u64le(c);
		break;
	case WIRE_32:
		f->number = cursor_u32le(c);
		break;
	case WIRE_BYTES:
		size = cursor_varint(c);
		f->bytes = cursor_sub(c, size <= cursor_left(c) ? (size_t)size : SIZE_MAX);
		break;
	default: /* groups were given up before ONNX was made */
		c->err = true;
	}
	return !c->err;
}

static int reserve(struct walk *w, size_t n)
{
	size_t need;
	if (add_size(w->len, n, &need) || need > LIMIT_PROTO_BYTES)
		return fail(w->err, E_LIMIT, "the model's structure takes more than %lld bytes",
		    (long long)LIMIT_PROTO_BYTES);
	if (need <= w->cap)
		return OK;
	size_t cap = w->cap ? w->cap : 4096;
	while (cap < need)
		cap *= 2;
	uint8_t *p = realloc(w->out, cap);
	if (!p)
		return fail_nomem(w->err);
	w->out = p;
	w->cap = cap;
	return OK;
}

static int put(struct walk *w, const void *p, size_t n)
{
	int status = reserve(w, n);
	if (status == OK && n)
		memcpy(w->out + w->len, p, n);
	if (status == OK)
		w->len += n;
	return status;
}

static int put_varint(struct walk *w, uint64_t v)
{
	uint8_t b[10];
	size_t n = 0;
	do {
		b[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		v >>= 7;
	} while (v);
	return put(w, b, n);
}

static int put_number(struct walk *w, const struct wire_field *f)
{
	int status = put_varint(w, (uint64_t)f->id << 3 | (uint64_t)f->type);
	if (status != OK)
		return status;
	if (f->type == WIRE_VARINT)
		return put_varint(w, f->number);
	uint8_t b[8];
	size_t n = f->type == WIRE_32 ? 4 : 8;
	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(f->number >> (8 * i));
	return put(w, b, n);
}

static int put_bytes(struct walk *w, const struct wire_field *f)
{
	size_t n = cursor_left(&f->bytes);
	int status = put_varint(w, (uint64_t)f->id << 3 | WIRE_BYTES);
	if (status == OK)
		status = put_varint(w, n);
	return status == OK ? put(w, f->bytes.p, n) : status;
}

static int malformed(struct walk *w, const uint8_t *at, const char *what)
{
	return fail(w->err, E_FORMAT, "%s at byte %lld", what, (long long)(at - w->start));
}

/* Length of the UTF-8 sequence at p, 0 when it is none; overlong forms and surrogates are none. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
	if (p[0] < 0x80)
		return p[0] ? 1 : 0;
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static int check_string(struct walk *w, const struct cursor *c)
{
	size_t left = cursor_left(c);
	if (left > LIMIT_NAME)
		return fail(
		    w->err, E_LIMIT, "a name of %zu bytes, the limit is %d", left, LIMIT_NAME);
	for (const uint8_t *p = c->p; left;) {
		size_t n = utf8_sequence(p, left);
		if (!n)
			return malformed(w, p, "a string that is not UTF-8 text");
		p += n;
		left -= n;
	}
	return OK;
}

/* Content of a packed field: whole elements, and not too many. */
static int check_packed(struct walk *w, const struct wire_field *f, int element)
{
	struct cursor c = f->bytes;
	int64_t n = 0;
	for (; cursor_left(&c) && !c.err; n++) {
		if (element == WIRE_VARINT)
			cursor_varint(&c);
		else
			cursor_bytes(&c, element == WIRE_32 ? 4 : 8);
	}
	if (c.err)
		return malformed(w, f->bytes.p, "a list that ends inside a number");
	if (n > LIMIT_ATTR_VALUES)
		return fail(w->err, E_LIMIT, "a list of %lld numbers, the limit is %d",
		    (long long)n, LIMIT_ATTR_VALUES);
	return OK;
}

static int walk_child(
    struct walk *w, const struct wire_field *f, const ProtobufCMessageDescriptor *d, int depth)
{
	int status = put_varint(w, (uint64_t)f->id << 3 | WIRE_BYTES);
	size_t at = w->len;
	if (status == OK)
		status = put(w, "\0\0\0\0", LENGTH_BYTES);
	if (status == OK)
		status = walk_message(w, f->bytes, d, depth + 1);
	if (status != OK)
		return status;
	size_t n = w->len - at - LENGTH_BYTES;
	for (int i = 0; i < LENGTH_BYTES; i++)
		w->out[at + (size_t)i] = (uint8_t)((n >> (7 * i) & 0x7f) |
						   (i < LENGTH_BYTES - 1 ? 0x80 : 0));
	return OK;
}

static int wire_type_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_FLOAT:
		return WIRE_32;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return WIRE_BYTES;
	default:
		return WIRE_VARINT;
	}
}

static int walk_field(
    struct walk *w, const struct wire_field *f, const ProtobufCFieldDescriptor *d, int depth)
{
	int status = OK, type = wire_type_of(d->type);
	if (f->type == WIRE_BYTES && type != WIRE_BYTES && d->label == PROTOBUF_C_LABEL_REPEATED) {
		status = check_packed(w, f, type);
		return status == OK ? put_bytes(w, f) : status;
	}
	if (f->type != type)
		return fail(w->err, E_FORMAT, "field '%s' has wire type %d, expected %d", d->name,
		    f->type, type);
	if (type != WIRE_BYTES)
		return put_number(w, f);
	if (d->type == PROTOBUF_C_TYPE_MESSAGE)
		return walk_child(w, f, d->descriptor, depth);
	if (d->type == PROTOBUF_C_TYPE_STRING)
		status = check_string(w, &f->bytes);
	else if (cursor_left(&f->bytes) > LIMIT_ATTR_VALUES)
		status = fail(w->err, E_LIMIT, "field '%s' is too long", d->name);
	return status == OK ? put_bytes(w, f) : status;
}

/* A message that stands twice where one is expected would be merged: nobody writes that. */
static int check_once(struct walk *w, uint64_t *seen, const ProtobufCFieldDescriptor *d,
    const ProtobufCFieldDescriptor *first)
{
	uint64_t bit = UINT64_C(1) << (d - first);
	if (d->label != PROTOBUF_C_LABEL_REPEATED && d->type == PROTOBUF_C_TYPE_MESSAGE &&
	    *seen & bit)
		return fail(w->err, E_FORMAT, "field '%s' is given twice", d->name);
	*seen |= bit;
	return OK;
}

/* Where the body of a tensor lies, as two fields of our own. */
static int put_place(struct walk *w, struct cursor c)
{
	struct wire_field at = {BODY_OFFSET, WIRE_VARINT, (uint64_t)(c.p - w->start), {0}};
	struct wire_field size = {BODY_SIZE, WIRE_VARINT, cursor_left(&c), {0}};
	int status = put_number(w, &at);
	return status == OK ? put_number(w, &size) : status;
}

static int walk_message(
    struct walk *w, struct cursor c, const ProtobufCMessageDescriptor *d, int depth)
{
	struct wire_field f;
	uint64_t seen = 0;
	int status = OK;
	if (depth > LIMIT_DEPTH)
		return fail(w->err, E_LIMIT, "messages nested more than %d deep", LIMIT_DEPTH);
	if (d == &onnx__node_proto__descriptor && ++w->nodes > LIMIT_NODES)
		return fail(w->err, E_LIMIT, "more than %d nodes", LIMIT_NODES);
	if (d == &onnx__tensor_proto__descriptor)
		status = put_place(w, c);
	while (status == OK && wire_next(&c, &f)) {
		const ProtobufCFieldDescriptor *fd = protobuf_c_message_descriptor_get_field(
		    d, f.id);
		if (!fd || fd->id == BODY_OFFSET || fd->id == BODY_SIZE)
			continue;
		status = check_once(w, &seen, fd, d->fields);
		if (status == OK)
			status = walk_field(w, &f, fd, depth);
	}
	return status == OK && c.err ? malformed(w, c.p, "truncated or damaged") : status;
}

struct budget {
	struct arena *arena;
	size_t left;
	bool failed; /* the arena, not the budget */
};

static void *budget_alloc(void *user, size_t size)
{
	struct budget *b = user;
	if (size > b->left)
		return NULL;
	b->left -= size;
	void *p = arena_alloc(b->arena, size);
	b->failed |= !p;
	return p;
}

static void budget_free(void *user, void *p)
{
	(void)user;
	(void)p; /* the arena frees all at once */
}

int onnx_wire_parse(const void *data, size_t size, const ProtobufCMessageDescriptor *d,
    struct arena *arena, ProtobufCMessage **out, struct err *err)
{
	struct walk w = {.start = data, .err = err};
	int status = walk_message(&w, cursor_of(data, size), d, 0);
	if (status == OK) {
		struct budget b = {arena, LIMIT_PROTO_BYTES, false};
		ProtobufCAllocator a = {budget_alloc, budget_free, &b};
		*out = protobuf_c_message_unpack(d, &a, w.len, w.out ? w.out : (const uint8_t *)"");
		if (!*out && b.failed)
			status = fail_nomem(err);
		else if (!*out)
			status = fail(
			    err, E_LIMIT, "unpacking the model's structure takes too much memory");
	}
	free(w.out);
	return status;
}
