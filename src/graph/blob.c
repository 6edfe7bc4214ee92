/* Constant bytes: kept, mapped, or computed from a source while they are read. */
#include "graph/blob.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/half.h"
#include "base/scale.h"
#include "graph/tensor.h"

#define ELEMENT_MAX 16
#define CHUNK 2048 /* elements evaluated at a time; a multiple of 64 */

struct blob {
	int refs;
	enum { BYTES, FILL, SCALED, CAST, MADE } kind;
	size_t size;
	_Atomic(void *) kept; /* heap memory: what blob_data evaluated, 64-byte aligned */
	union {
		struct {
			const uint8_t *data;
			void *heap;
			struct file *file;
			size_t off;
		} bytes;
		struct {
			uint8_t element[ELEMENT_MAX];
			size_t size;
		} fill;
		struct {
			struct blob *src;
			int64_t channels, inner;
			double *scale;
		} scaled;
		struct {
			struct blob *src;
			enum dtype from, to;
			int64_t count;
			int64_t
			    row; /* rounding errors are balanced along it; 0: each element alone */
		} cast;
		struct {
			void (*make)(const void *user, void *dst);
			void *user;
		} made;
	};
};

static struct blob *blob_new(int kind, size_t size)
{
	struct blob *b = calloc(1, sizeof *b);
	if (b) {
		b->refs = 1;
		b->kind = kind;
		b->size = size;
	}
	return b;
}

struct blob *blob_heap(void *data, size_t size)
{
	struct blob *b = blob_new(BYTES, size);
	if (b)
		b->bytes.data = b->bytes.heap = data;
	else
		free(data);
	return b;
}

struct blob *blob_copy(const void *data, size_t size)
{
	void *copy = aligned_alloc(64, (size + 64) & ~(size_t)63);
	if (!copy)
		return NULL;
	if (size)
		memcpy(copy, data, size);
	return blob_heap(copy, size);
}

struct blob *blob_mapped(struct file *f, size_t off, size_t size)
{
	struct blob *b = blob_new(BYTES, size);
	if (!b)
		return NULL;
	assert(off <= f->size && size <= f->size - off);
	b->bytes.file = file_ref(f);
	b->bytes.off = off;
	b->bytes.data = f->data + off;
	return b;
}

struct blob *blob_lent(const void *data, size_t size)
{
	struct blob *b = blob_new(BYTES, size);
	if (b)
		b->bytes.data = data;
	return b;
}

struct blob *blob_fill(const void *element, size_t element_size, int64_t count)
{
	size_t size;
	assert(element_size && element_size <= ELEMENT_MAX && count >= 0);
	if (mul_size(element_size, (size_t)count, &size))
		return NULL;
	struct blob *b = blob_new(FILL, size);
	if (!b)
		return NULL;
	memcpy(b->fill.element, element, element_size);
	b->fill.size = element_size;
	return b;
}

struct blob *blob_scaled(struct blob *src, int64_t channels, int64_t inner, const double *scale)
{
	assert(channels > 0 && inner > 0 && src->size % 4 == 0);
	bool merge = src->kind == SCALED && src->scaled.channels == channels &&
		     src->scaled.inner == inner;
	struct blob *b = blob_new(SCALED, src->size);
	double *s = reallocarray(NULL, (size_t)channels, sizeof *s);
	if (!b || !s) {
		free(b);
		free(s);
		return NULL;
	}
	for (int64_t c = 0; c < channels; c++)
		s[c] = merge ? scale[c] * src->scaled.scale[c] : scale[c];
	b->scaled.src = blob_ref(merge ? src->scaled.src : src);
	b->scaled.channels = channels;
	b->scaled.inner = inner;
	b->scaled.scale = s;
	return b;
}

struct blob *blob_cast(struct blob *src, enum dtype from, enum dtype to, int64_t count)
{
	int64_t size = dtype_bytes(to, count);
	assert((int64_t)src->size == dtype_bytes(from, count));
	struct blob *b = size < 0 ? NULL : blob_new(CAST, (size_t)size);
	if (!b)
		return NULL;
	b->cast.src = blob_ref(src);
	b->cast.from = from;
	b->cast.to = to;
	b->cast.count = count;
	return b;
}

struct blob *blob_half(struct blob *src, int64_t row, int64_t count)
{
	struct blob *b = blob_cast(src, DT_F32, DT_F16, count);
	if (b)
		b->cast.row = row;
	return b;
}

struct blob *blob_made(size_t size, void (*make)(const void *user, void *dst), void *user)
{
	struct blob *b = user ? blob_new(MADE, size) : NULL;
	if (!b) {
		free(user);
		return NULL;
	}
	b->made.make = make;
	b->made.user = user;
	return b;
}

struct blob *blob_ref(struct blob *b)
{
	__atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
	return b;
}

/* The blob that a deferred one computes from, or NULL. */
static struct blob *source(const struct blob *b)
{
	return b->kind == SCALED ? b->scaled.src : b->kind == CAST ? b->cast.src : NULL;
}

/* A chain of sources is as long as someone cared to nest it, so it is not freed recursively. */
void blob_unref(struct blob *b)
{
	while (b && !__atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL)) {
		struct blob *src = source(b);
		if (b->kind == BYTES) {
			free(b->bytes.heap);
			file_unref(b->bytes.file);
		} else if (b->kind == SCALED) {
			free(b->scaled.scale);
		} else if (b->kind == MADE) {
			free(b->made.user);
		}
		free(atomic_load(&b->kept));
		free(b);
		b = src;
	}
}

size_t blob_size(const struct blob *b)
{
	return b->size;
}

const void *blob_direct(const struct blob *b)
{
	const void *kept = atomic_load_explicit(&b->kept, memory_order_acquire);
	return kept ? kept : b->kind == BYTES ? b->bytes.data : NULL;
}

bool blob_deferred(const struct blob *b)
{
	return !blob_direct(b);
}

bool blob_is_made(const struct blob *b)
{
	return b->kind == MADE;
}

bool blob_is_fill(const struct blob *b, const void **element, size_t *element_size)
{
	if (b->kind != FILL)
		return false;
	*element = b->fill.element;
	*element_size = b->fill.size;
	return true;
}

static void read_fill(const struct blob *b, size_t off, uint8_t *dst, size_t size)
{
	for (size_t i = 0; i < size && i < b->fill.size; i++)
		dst[i] = b->fill.element[(off + i) % b->fill.size];
	for (size_t n = b->fill.size; n < size; n *= 2) /* doubling what is there */
		memcpy(dst + n, dst, n < size - n ? n : size - n);
}

/* n elements from the first-th on; src are the source's from there on. */
static void scale_span(
    const struct blob *b, size_t first, uint8_t *dst, const uint8_t *src, size_t n)
{
	size_t channels = (size_t)b->scaled.channels, inner = (size_t)b->scaled.inner;
	while (n) {
		size_t c = first / inner % channels, at = first % inner;
		size_t run = inner == 1 ? channels - c : inner - at;
		run = run < n ? run : n;
		if (inner == 1)
			scale_each(dst, src, run, b->scaled.scale + c);
		else
			scale_all(dst, src, run, b->scaled.scale[c]);
		first += run;
		dst += run * sizeof(float);
		src += run * sizeof(float);
		n -= run;
	}
}

static void cast_span(void *dst, enum dtype to, const void *src, enum dtype from, int64_t n)
{
	if (from == DT_F32 && to == DT_F16) {
		f32_to_f16_n(dst, src, (size_t)n);
		return;
	}
	if (from == DT_F16 && to == DT_F32) {
		f16_to_f32_n(dst, src, (size_t)n);
		return;
	}
	struct tensor in = {.type = from, .rank = 1, .dim = {n}, .data = (void *)src};
	struct tensor out = {.type = to, .rank = 1, .dim = {n}, .data = dst};
	bool real = dtype_is_float(from) || (from == DT_U64 && dtype_is_float(to));
	for (int64_t i = 0; i < n; i++) {
		if (real)
			tensor_set_f64(&out, i, tensor_f64(&in, i));
		else
			tensor_set_i64(&out, i, tensor_i64(&in, i));
	}
}

static int read_at(const struct blob *b, size_t off, void *dst, size_t size, struct err *err);

/* The source's bytes [off, off+size): in place, or evaluated into buf. */
static const void *source_at(
    const struct blob *src, size_t off, size_t size, void *buf, struct err *err)
{
	const uint8_t *direct = blob_direct(src);
	if (direct)
		return direct + off;
	return read_at(src, off, buf, size, err) ? NULL : buf;
}

static int read_scaled(const struct blob *b, size_t off, uint8_t *dst, size_t size, struct err *err)
{
	_Alignas(64) uint8_t buf[CHUNK * sizeof(float)];
	for (size_t n; size; off += n, dst += n, size -= n) {
		n = size < sizeof buf ? size : sizeof buf;
		const void *src = source_at(b->scaled.src, off, n, buf, err);
		if (!src)
			return err ? err->status : E_NOMEM;
		scale_span(b, off / 4, dst, src, n / 4);
	}
	return OK;
}

static int read_cast(const struct blob *b, size_t off, uint8_t *dst, size_t size, struct err *err)
{
	_Alignas(64) uint8_t buf[CHUNK * 8];
	int to = dtype_bits(b->cast.to), from = dtype_bits(b->cast.from);
	int64_t i = (int64_t)off * 8 / to, end = i + (int64_t)size * 8 / to;
	end = end < b->cast.count ? end : b->cast.count;
	if (to < 8)
		memset(dst, 0, size); /* the last byte may be used in part */
	for (int64_t n; i < end; i += n) {
		n = end - i < CHUNK ? end - i : CHUNK;
		const void *src = source_at(b->cast.src, (size_t)(i * from / 8),
		    (size_t)dtype_bytes(b->cast.from, n), buf, err);
		if (!src)
			return err ? err->status : E_NOMEM;
		cast_span(dst, b->cast.to, src, b->cast.from, n);
		dst += n * to / 8;
	}
	return OK;
}

/* Reads from the start of the row that off lies in, since each rounding depends on those before. */
static int read_half(const struct blob *b, size_t off, uint8_t *dst, size_t size, struct err *err)
{
	_Alignas(64) uint8_t buf[CHUNK * sizeof(float)];
	uint16_t half[CHUNK];
	int64_t first = (int64_t)off / 2, end = first + (int64_t)size / 2, row = b->cast.row;
	double carry = 0;
	for (int64_t i = first - first % row, n; i < end; i += n) {
		n = row - i % row < CHUNK ? row - i % row : CHUNK;
		n = n < end - i ? n : end - i;
		const void *src = source_at(b->cast.src, (size_t)i * 4, (size_t)n * 4, buf, err);
		if (!src)
			return err ? err->status : E_NOMEM;
		carry = f32_to_f16_diffuse(half, src, (size_t)n, i % row ? carry : 0);
		int64_t skip = i < first ? first - i < n ? first - i : n : 0;
		memcpy(dst, half + skip, (size_t)(n - skip) * 2);
		dst += (n - skip) * 2;
	}
	return OK;
}

/* Whole: what is asked for of the rest is kept. */
static int read_made(const struct blob *b, size_t off, uint8_t *dst, size_t size, struct err *err)
{
	if (size == b->size) {
		b->made.make(b->made.user, dst);
		return OK;
	}
	const uint8_t *data = blob_data((struct blob *)b);
	if (!data)
		return fail_nomem(err);
	memcpy(dst, data + off, size);
	return OK;
}

/* As blob_read, for any offset that is a multiple of eight elements. */
static int read_at(const struct blob *b, size_t off, void *dst, size_t size, struct err *err)
{
	const uint8_t *direct = blob_direct(b);
	if (direct) {
		if (size)
			memcpy(dst, direct + off, size);
		return OK;
	}
	switch (b->kind) {
	case FILL:
		read_fill(b, off, dst, size);
		return OK;
	case SCALED:
		return read_scaled(b, off, dst, size, err);
	case MADE:
		return read_made(b, off, dst, size, err);
	default:
		return b->cast.row ? read_half(b, off, dst, size, err)
				   : read_cast(b, off, dst, size, err);
	}
}

int blob_read(const struct blob *b, size_t off, void *dst, size_t size, struct err *err)
{
	assert(off <= b->size && size <= b->size - off);
	assert(off % 64 == 0 && (size % 64 == 0 || off + size == b->size));
	return read_at(b, off, dst, size, err);
}

const void *blob_data(struct blob *b)
{
	const void *direct = blob_direct(b);
	if (direct && (uintptr_t)direct % 8 == 0)
		return direct;
	void *data = aligned_alloc(64, (b->size + 64) & ~(size_t)63), *none = NULL;
	if (!data)
		return NULL;
	if (read_at(b, 0, data, b->size, NULL)) {
		free(data);
		return NULL;
	}
	if (atomic_compare_exchange_strong(&b->kept, &none, data))
		return data;
	free(data); /* another thread was first */
	return none;
}

void blob_forget(const struct blob *b, size_t off, size_t size)
{
	for (; b->kind == SCALED || b->kind == CAST; b = source(b)) {
		if (b->kind == SCALED)
			continue;
		size_t to = (size_t)dtype_bits(b->cast.to), from = (size_t)dtype_bits(b->cast.from);
		off = off * from / to;
		size = size * from / to;
	}
	if (b->kind == BYTES && b->bytes.file && off < b->size)
		file_forget(
		    b->bytes.file, b->bytes.off + off, size < b->size - off ? size : b->size - off);
}
