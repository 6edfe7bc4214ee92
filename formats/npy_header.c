/* Reads and writes the header of NumPy array files, and turns their elements into row-major order.
 */
#include "formats/npy_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/cursor.h"

#define MAX_HEADER 65536

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

static const struct {
	char kind, bytes;
	enum dtype type;
} types[] = {
    {'f', '4', DT_F32},
    {'f', '2', DT_F16},
    {'f', '8', DT_F64},
    {'b', '1', DT_BOOL},
    {'i', '1', DT_I8},
    {'i', '2', DT_I16},
    {'i', '4', DT_I32},
    {'i', '8', DT_I64},
    {'u', '1', DT_U8},
    {'u', '2', DT_U16},
    {'u', '4', DT_U32},
    {'u', '8', DT_U64},
};

/* The dictionary in the header, a Python literal. */
struct dict {
	const char *p, *end;
	struct npy_header *out;
	bool descr, fortran, shape; /* seen */
	struct err *err;
};

static void skip_space(struct dict *d)
{
	while (d->p < d->end && (*d->p == ' ' || *d->p == '\t' || *d->p == '\n' || *d->p == '\r'))
		d->p++;
}

static bool take(struct dict *d, char c)
{
	skip_space(d);
	if (d->p == d->end || *d->p != c)
		return false;
	d->p++;
	return true;
}

static bool take_word(struct dict *d, const char *word)
{
	size_t n = strlen(word);
	skip_space(d);
	if ((size_t)(d->end - d->p) < n || memcmp(d->p, word, n))
		return false;
	d->p += n;
	return true;
}

static int broken(struct dict *d, const char *what)
{
	return fail(d->err, E_FORMAT, "array header has no %s where it belongs", what);
}

/* A quoted string of fewer than size bytes, without escapes. */
static bool take_string(struct dict *d, char *dst, size_t size)
{
	char quote = take(d, '\'') ? '\'' : take(d, '"') ? '"' : 0;
	size_t n = 0;

	if (!quote)
		return false;
	while (d->p < d->end && *d->p != quote && *d->p != '\\' && n < size - 1)
		dst[n++] = *d->p++;
	dst[n] = 0;
	return d->p < d->end && *d->p++ == quote;
}

static int unsupported_type(struct dict *d, const char *descr)
{
	const char *kind = descr + (strchr("<>|=", *descr) && *descr);
	const char *what = *kind == 'O'                   ? "Python objects"
			   : *kind == 'c'                 ? "complex numbers"
			   : *kind == 'U' || *kind == 'S' ? "text"
			   : *kind == 'V' ? "raw bytes; write bfloat16 as uint16, its bits"
					  : "no type that is read";
	return fail(d->err, E_UNSUPPORTED, "array has elements of type '%s': %s", descr, what);
}

static int parse_descr(struct dict *d)
{
	static const uint16_t probe = 1;
	bool little = *(const uint8_t *)&probe;
	char descr[16];
	const char *s = descr;

	if (take(d, '['))
		return fail(d->err, E_UNSUPPORTED, "array has structured elements");
	if (!take_string(d, descr, sizeof descr))
		return broken(d, "element type");
	if (*s && strchr("<>|=", *s))
		d->out->swapped = (*s == '<' && !little) || (*s == '>' && little);
	s += *s && strchr("<>|=", *s);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (s[0] == types[i].kind && s[1] == types[i].bytes && !s[2])
			d->out->shape.type = types[i].type;
	d->descr = true;
	return d->out->shape.type ? OK : unsupported_type(d, descr);
}

static int parse_fortran(struct dict *d)
{
	d->fortran = true;
	d->out->fortran = take_word(d, "True");
	return d->out->fortran || take_word(d, "False") ? OK : broken(d, "True or False");
}

static bool take_size(struct dict *d, int64_t *v)
{
	const char *start;

	*v = 0;
	skip_space(d);
	for (start = d->p; d->p < d->end && *d->p >= '0' && *d->p <= '9'; d->p++)
		if (mul_i64(*v, 10, v) || add_i64(*v, *d->p - '0', v))
			return false;
	if (d->p == start)
		return false;
	take(d, 'L'); /* Python 2 wrote long integers so */
	return true;
}

static int parse_shape(struct dict *d)
{
	struct tensor *t = &d->out->shape;
	bool comma = true;

	if (!take(d, '('))
		return broken(d, "shape");
	while (!take(d, ')')) {
		if (t->rank == MAX_RANK)
			return fail(d->err, E_LIMIT, "array has more than %d dimensions", MAX_RANK);
		if (!comma || !take_size(d, &t->dim[t->rank++]))
			return broken(d, "dimension");
		comma = take(d, ',');
	}
	d->shape = true;
	return OK;
}

static int parse_pair(struct dict *d)
{
	char key[16];

	if (!take_string(d, key, sizeof key) || !take(d, ':'))
		return broken(d, "key");
	if (!strcmp(key, "descr") && !d->descr)
		return parse_descr(d);
	if (!strcmp(key, "fortran_order") && !d->fortran)
		return parse_fortran(d);
	if (!strcmp(key, "shape") && !d->shape)
		return parse_shape(d);
	return fail(d->err, E_FORMAT, "array header has the key '%s' out of place", key);
}

static int parse_dict(struct dict *d)
{
	bool comma = true;

	if (!take(d, '{'))
		return broken(d, "dictionary");
	while (!take(d, '}')) {
		int rc = comma ? parse_pair(d) : broken(d, "comma");
		if (rc != OK)
			return rc;
		comma = take(d, ',');
	}
	skip_space(d);
	if (d->p != d->end)
		return broken(d, "end");
	if (!d->descr || !d->fortran || !d->shape)
		return fail(d->err, E_FORMAT, "array header lacks '%s'",
		    !d->descr     ? "descr"
		    : !d->fortran ? "fortran_order"
				  : "shape");
	return OK;
}

/* The product of the dims and the element size, even where a dim is 0. */
static int check_size(const struct npy_header *h, size_t size, struct err *err)
{
	int64_t count = 1, bytes;

	for (int i = 0; i < h->shape.rank; i++)
		if (mul_i64(count, h->shape.dim[i] ? h->shape.dim[i] : 1, &count))
			count = INT64_MAX;
	bytes = dtype_bytes(h->shape.type, count);
	if (bytes < 0)
		return fail(err, E_LIMIT, "array is larger than the limit of %" PRId64 " bytes",
		    LIMIT_TENSOR_BYTES);
	bytes = (int64_t)tensor_bytes(&h->shape);
	if ((size_t)bytes > size - h->offset)
		return fail(err, E_FORMAT,
		    "array is cut short: %zu bytes of elements, expected %" PRId64,
		    size - h->offset, bytes);
	return OK;
}

int npy_header_parse(const void *data, size_t size, struct npy_header *out, struct err *err)
{
	struct cursor c = cursor_of(data, size);
	const uint8_t *m = cursor_bytes(&c, sizeof magic);
	int major, minor, rc;
	size_t length;
	struct dict d = {.out = out, .err = err};

	*out = (struct npy_header){0};
	if (!m || memcmp(m, magic, sizeof magic))
		return fail(err, E_FORMAT, "not a NumPy array file");
	major = cursor_u8(&c);
	minor = cursor_u8(&c);
	if (!c.err && (major < 1 || major > 3 || minor))
		return fail(
		    err, E_UNSUPPORTED, "NumPy format version %d.%d is not read", major, minor);
	length = major == 1 ? cursor_u16le(&c) : cursor_u32le(&c);
	if (length > MAX_HEADER)
		return fail(err, E_LIMIT, "array header is larger than %d bytes", MAX_HEADER);
	d.p = (const char *)cursor_bytes(&c, length);
	if (!d.p)
		return fail(err, E_FORMAT, "array header is cut short");
	d.end = d.p + length;
	out->offset = size - cursor_left(&c);
	rc = parse_dict(&d);
	return rc == OK ? check_size(out, size, err) : rc;
}

static const char *type_text(enum dtype t)
{
	switch (t) {
	case DT_BOOL:
		return "|b1";
	case DT_F32:
		return "<f4";
	case DT_F16:
		return "<f2";
	case DT_F64:
		return "<f8";
	case DT_I8:
	case DT_I4:
		return "|i1";
	case DT_I16:
		return "<i2";
	case DT_I32:
		return "<i4";
	case DT_I64:
		return "<i8";
	case DT_U8:
	case DT_U4:
	case DT_U1:
	case DT_F8E4M3:
	case DT_F8E5M2:
		return "|u1";
	case DT_U16:
	case DT_BF16:
		return "<u2";
	case DT_U32:
		return "<u4";
	case DT_U64:
		return "<u8";
	default:
		return NULL;
	}
}

int npy_header_text(struct text *t, const struct tensor *shape, struct err *err)
{
	struct text d = {0};
	size_t length;

	if (!type_text(shape->type))
		return fail(
		    err, E_UNSUPPORTED, "NumPy has no type for %s", dtype_name(shape->type));
	text_printf(
	    &d, "{'descr': '%s', 'fortran_order': False, 'shape': (", type_text(shape->type));
	for (int i = 0; i < shape->rank; i++)
		text_printf(&d, "%s%" PRId64, i ? ", " : "", shape->dim[i]);
	text_add(&d, shape->rank == 1 ? ",), }" : "), }");
	/* NumPy leaves room for the first dim to grow to 21 digits. */
	if (shape->rank) {
		char digits[24];
		int n = snprintf(digits, sizeof digits, "%" PRId64, shape->dim[0]);
		text_printf(&d, "%*s", 21 - n, "");
	}
	length = (sizeof magic + 4 + d.len + 1 + 63) / 64 * 64 - sizeof magic - 4;
	text_printf(&d, "%*s\n", (int)(length - d.len - 1), "");
	text_addn(t, magic, sizeof magic);
	text_addn(t, (char[]){1, 0, (char)(length & 0xff), (char)(length >> 8)}, 4);
	text_addn(t, d.data ? d.data : "", d.len);
	t->failed |= d.failed;
	text_free(&d);
	return t->failed ? fail_nomem(err) : OK;
}

void npy_strides(const struct npy_header *h, int64_t stride[MAX_RANK])
{
	int64_t step = 1;

	for (int k = 0; k < h->shape.rank; k++) {
		int i = h->fortran ? k : h->shape.rank - 1 - k;
		stride[i] = step;
		step *= h->shape.dim[i] ? h->shape.dim[i] : 1;
	}
}

static void copy_element(uint8_t *dst, const uint8_t *src, size_t n, bool swapped)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = src[swapped ? n - 1 - i : i];
}

/* Advances a row-major index; the source's offset follows. */
static int64_t advance(const struct tensor *t, int64_t *index, const int64_t *stride, int64_t at)
{
	for (int i = t->rank - 1; i >= 0; i--) {
		at += stride[i];
		if (++index[i] < t->dim[i])
			break;
		at -= stride[i] * t->dim[i];
		index[i] = 0;
	}
	return at;
}

void npy_gather(
    struct tensor *dst, const uint8_t *src, const int64_t *stride, const struct npy_header *h)
{
	size_t n = (size_t)dtype_bits(h->shape.type) / 8;
	int64_t count = tensor_count(dst), at = 0, index[MAX_RANK] = {0};
	uint8_t *out = dst->data;

	if (!count)
		return;
	if (!h->fortran && !h->swapped) {
		memcpy(out, src, (size_t)count * n);
	} else {
		for (int64_t i = 0; i < count; i++) {
			copy_element(out + (size_t)i * n, src + (size_t)at * n, n, h->swapped);
			at = advance(dst, index, stride, at);
		}
	}
	if (dst->type == DT_BOOL)
		for (int64_t i = 0; i < count; i++)
			out[i] = out[i] != 0;
}
