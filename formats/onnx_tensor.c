/* Decodes TensorProto: raw bytes stay mapped, typed lists are gathered into the heap. */
#include "formats/onnx_fill.h"
#include "formats/onnx_tensor.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/onnx.h"
#include "formats/onnx_wire.h"
#include "graph/tensor.h"

/* Fields of TensorProto that hold elements. */
enum {
	FIELD_FLOAT_DATA = 4,
	FIELD_INT32_DATA = 5,
	FIELD_INT64_DATA = 7,
	FIELD_RAW_DATA = 9,
	FIELD_DOUBLE_DATA = 10,
	FIELD_UINT64_DATA = 11,
};

static const struct type_row {
	enum dtype type;
	const char *name;
	int field; /* of typed data */
} type_rows[] = {
    [ONNX_UNDEFINED] = {DT_NONE, "undefined", 0},
    [ONNX_FLOAT] = {DT_F32, "float", FIELD_FLOAT_DATA},
    [ONNX_UINT8] = {DT_U8, "uint8", FIELD_INT32_DATA},
    [ONNX_INT8] = {DT_I8, "int8", FIELD_INT32_DATA},
    [ONNX_UINT16] = {DT_U16, "uint16", FIELD_INT32_DATA},
    [ONNX_INT16] = {DT_I16, "int16", FIELD_INT32_DATA},
    [ONNX_INT32] = {DT_I32, "int32", FIELD_INT32_DATA},
    [ONNX_INT64] = {DT_I64, "int64", FIELD_INT64_DATA},
    [ONNX_STRING] = {DT_NONE, "string", 0},
    [ONNX_BOOL] = {DT_BOOL, "bool", FIELD_INT32_DATA},
    [ONNX_FLOAT16] = {DT_F16, "float16", FIELD_INT32_DATA},
    [ONNX_DOUBLE] = {DT_F64, "double", FIELD_DOUBLE_DATA},
    [ONNX_UINT32] = {DT_U32, "uint32", FIELD_UINT64_DATA},
    [ONNX_UINT64] = {DT_U64, "uint64", FIELD_UINT64_DATA},
    [ONNX_COMPLEX64] = {DT_NONE, "complex64", 0},
    [ONNX_COMPLEX128] = {DT_NONE, "complex128", 0},
    [ONNX_BFLOAT16] = {DT_BF16, "bfloat16", FIELD_INT32_DATA},
    [ONNX_FLOAT8E4M3FN] = {DT_F8E4M3, "float8e4m3fn", FIELD_INT32_DATA},
    [ONNX_FLOAT8E4M3FNUZ] = {DT_NONE, "float8e4m3fnuz", 0},
    [ONNX_FLOAT8E5M2] = {DT_F8E5M2, "float8e5m2", FIELD_INT32_DATA},
    [ONNX_FLOAT8E5M2FNUZ] = {DT_NONE, "float8e5m2fnuz", 0},
    [ONNX_UINT4] = {DT_U4, "uint4", FIELD_INT32_DATA},
    [ONNX_INT4] = {DT_I4, "int4", FIELD_INT32_DATA},
    [ONNX_FLOAT4E2M1] = {DT_NONE, "float4e2m1", 0},
    [ONNX_FLOAT8E8M0] = {DT_NONE, "float8e8m0", 0},
    [ONNX_UINT2] = {DT_NONE, "uint2", 0},
    [ONNX_INT2] = {DT_NONE, "int2", 0},
};
#define NTYPES ((int)(sizeof type_rows / sizeof *type_rows))

enum dtype onnx_dtype(int t)
{
	return t >= 0 && t < NTYPES ? type_rows[t].type : DT_NONE;
}

const char *onnx_type_name(int t)
{
	return t >= 0 && t < NTYPES ? type_rows[t].name : "unknown";
}

/* Elements being gathered from typed data into packed memory. */
struct gather {
	uint8_t *dst;
	size_t size, used; /* bytes */
	int step;          /* bytes that one entry of the list fills */
};

static bool gather_one(struct gather *g, uint64_t bits)
{
	if (g->size - g->used < (size_t)g->step)
		return false;
	for (int i = 0; i < g->step; i++)
		g->dst[g->used++] = (uint8_t)(bits >> (8 * i));
	return true;
}

/* One occurrence of a list field: packed, or a single entry. */
static bool gather_field(struct gather *g, const struct wire_field *f)
{
	struct cursor c = f->bytes;
	if (f->type != 2)
		return gather_one(g, f->number);
	while (cursor_left(&c) && !c.err) {
		uint64_t bits = f->id == FIELD_FLOAT_DATA    ? cursor_u32le(&c)
				: f->id == FIELD_DOUBLE_DATA ? cursor_u64le(&c)
							     : cursor_varint(&c);
		if (c.err || !gather_one(g, bits))
			return false;
	}
	return true;
}

static bool wire_type_fits(const struct wire_field *f)
{
	return f->type == 2 || f->type == (f->id == FIELD_FLOAT_DATA       ? 5
					      : f->id == FIELD_DOUBLE_DATA ? 1
									   : 0);
}

static int load_typed(
    struct cursor body, const struct type_row *row, size_t size, struct blob **out, struct err *err)
{
	struct wire_field f;
	struct gather g = {.size = size};
	int bits = dtype_bits(row->type);
	/* an entry holds one element, or a byte of packed ones; a byte of a file fills at most 4 */
	g.step = bits < 8 ? 1 : bits / 8;
	if (size / 8 > cursor_left(&body))
		return fail(err, E_FORMAT, "has too few elements");
	g.dst = malloc(size ? size : 1);
	if (!g.dst)
		return fail_nomem(err);
	bool ok = true;
	while (ok && wire_next(&body, &f))
		if ((int)f.id == row->field)
			ok = wire_type_fits(&f) && gather_field(&g, &f);
	if (!ok || g.used != size) {
		free(g.dst);
		return fail(err, E_FORMAT, "holds %s elements than its dims say",
		    ok ? "fewer" : "more or other");
	}
	*out = blob_heap(g.dst, size);
	return *out ? OK : fail_nomem(err);
}

/* Large misaligned floats stay where they are; what is small is worth a copy in its place. */
static struct blob *blob_of_file(struct file *f, const uint8_t *p, size_t size)
{
	if (size <= 4096)
		return blob_copy(p, size);
	return blob_mapped(f, (size_t)(p - f->data), size);
}

/* The file may hold any byte for a bool; we hold 0 and 1. */
static int clean_bools(struct blob **b, struct err *err)
{
	const uint8_t *p = blob_data(*b);
	size_t n = blob_size(*b), i = 0;
	if (!p)
		return fail_nomem(err);
	while (i < n && p[i] <= 1)
		i++;
	if (i == n)
		return OK;
	uint8_t *copy = malloc(n);
	if (!copy)
		return fail_nomem(err);
	for (i = 0; i < n; i++)
		copy[i] = p[i] != 0;
	blob_unref(*b);
	*b = blob_heap(copy, n);
	return *b ? OK : fail_nomem(err);
}

static int load_data(struct onnx_source *s, const Onnx__TensorProto *t, size_t size,
    struct blob **out, struct err *err)
{
	const struct type_row *row = &type_rows[t->data_type];
	struct cursor whole = cursor_of(s->file->data, s->file->size), body, c;
	struct wire_field f, raw = {0};
	if (t->data_location == 1)
		return onnx_external_load(s, t, size, out, err);
	cursor_bytes(&whole, (size_t)t->body_offset);
	c = body = cursor_sub(&whole, (size_t)t->body_size);
	while (wire_next(&c, &f))
		if (f.id == FIELD_RAW_DATA)
			raw = f;
	if (!raw.id)
		return load_typed(body, row, size, out, err);
	if (raw.type != 2 || cursor_left(&raw.bytes) != size)
		return fail(err, E_FORMAT, "holds %zu bytes, its type and dims ask for %zu",
		    raw.type == 2 ? cursor_left(&raw.bytes) : 0, size);
	*out = blob_of_file(s->file, raw.bytes.p, size);
	return *out ? OK : fail_nomem(err);
}

static int load_header(
    const Onnx__TensorProto *t, struct onnx_const *out, size_t *size, struct err *err)
{
	int64_t count = 1;
	out->type = onnx_dtype(t->data_type);
	if (t->data_type < 0 || t->data_type >= NTYPES || t->data_type == ONNX_UNDEFINED)
		return fail(err, E_FORMAT, "has the unknown element type %d", t->data_type);
	if (out->type == DT_NONE)
		return fail(
		    err, E_UNSUPPORTED, "has elements of type %s", onnx_type_name(t->data_type));
	if (t->segment)
		return fail(err, E_UNSUPPORTED, "is split into segments");
	if (t->n_dims > MAX_RANK)
		return fail(err, E_LIMIT, "has %zu dims, the limit is %d", t->n_dims, MAX_RANK);
	out->rank = (int)t->n_dims;
	for (int i = 0; i < out->rank; i++) {
		out->dim[i] = t->dims[i];
		if (t->dims[i] < 0)
			return fail(err, E_FORMAT, "has the dim %lld", (long long)t->dims[i]);
		if (mul_i64(count, t->dims[i], &count))
			return fail(err, E_LIMIT, "has too many elements");
	}
	int64_t bytes = dtype_bytes(out->type, count);
	if (bytes < 0)
		return fail(
		    err, E_LIMIT, "has more than %lld bytes", (long long)LIMIT_TENSOR_BYTES);
	*size = (size_t)bytes;
	return OK;
}

/* Has t no bytes of any kind, though its dims ask for some? */
static bool left_out(const struct onnx_source *s, const Onnx__TensorProto *t)
{
	struct cursor c = cursor_of(s->file->data, s->file->size);
	struct wire_field f;
	cursor_bytes(&c, (size_t)t->body_offset);
	c = cursor_sub(&c, (size_t)t->body_size);
	while (wire_next(&c, &f))
		if ((f.id == FIELD_RAW_DATA || (int)f.id == type_rows[t->data_type].field) &&
		    (f.type != 2 || cursor_left(&f.bytes)))
			return false;
	return t->data_location != 1;
}

int onnx_tensor_load(
    struct onnx_source *s, const Onnx__TensorProto *t, struct onnx_const *out, struct err *err)
{
	size_t size = 0;
	*out = (struct onnx_const){0};
	int status = load_header(t, out, &size, err);
	if (status == OK && s->random && size && dtype_is_float(out->type) && left_out(s, t))
		return onnx_fill(t->name ? t->name : "", out, size, err);
	if (status == OK)
		status = load_data(s, t, size, &out->data, err);
	if (status == OK && out->type == DT_BOOL)
		status = clean_bools(&out->data, err);
	if (status == OK)
		return OK;
	blob_unref(out->data);
	out->data = NULL;
	return err_in(err, "tensor '%s'", t->name ? t->name : "");
}

static int read_into(
    struct file *f, const char *path, struct arena *a, struct tensor *out, struct err *err)
{
	struct onnx_source s = {.file = f, .arena = a};
	struct onnx_const c;
	ProtobufCMessage *m;
	int status = onnx_wire_parse(f->data, f->size, &onnx__tensor_proto__descriptor, a, &m, err);
	if (status == OK)
		status = onnx_tensor_load(&s, (const Onnx__TensorProto *)m, &c, err);
	if (status != OK)
		return err_in(err, "'%s'", path);
	status = tensor_alloc(out, c.type, c.rank, c.dim, err);
	if (status == OK && tensor_bytes(out) == blob_size(c.data))
		status = blob_read(c.data, 0, out->data, blob_size(c.data), err);
	blob_unref(c.data);
	return status;
}

int onnx_tensor_read(const char *path, struct tensor *out, struct err *err)
{
	struct file *f;
	*out = (struct tensor){0};
	int status = file_map(path, &f, err);
	if (status != OK)
		return status;
	struct arena *a = arena_new();
	status = a ? read_into(f, path, a, out, err) : fail_nomem(err);
	if (status != OK)
		tensor_free(out);
	arena_free(a);
	file_unref(f);
	return status;
}
