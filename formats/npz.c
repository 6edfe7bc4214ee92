/* NumPy .npz archives: a ZIP file of arrays, stored or deflated, ZIP64 included. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/checked.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/library.h"
#include "formats/npy.h"
#include "formats/npy_header.h"

#define FUNCTIONS(F) F(crc32_z) F(inflate) F(inflateEnd) F(inflateInit2_)
LIBRARY(libz, "libz.so.1", FUNCTIONS);

#define MAX_ENTRIES 65536
#define MAX_RATIO 1032 /* what deflate reaches at best: 258 bytes from two bits */

struct entry {
	const char *name;
	size_t name_len;
	unsigned flags, method;
	uint32_t crc;
	uint64_t packed, size, offset;
};

struct zip {
	struct file *file;
	uint64_t count;
	uint64_t unread; /* bytes of the file that no entry has claimed: entries don't overlap */
	struct cursor directory;
	struct err *err;
};

static struct cursor at(const struct zip *z, uint64_t offset)
{
	if (offset > z->file->size)
		return (struct cursor){.err = true};
	return cursor_of(z->file->data + offset, z->file->size - (size_t)offset);
}

/* Directory position and length from the ZIP64 record that the locator before the end names. */
static void read_zip64(struct zip *z, uint64_t end, uint64_t *offset, uint64_t *length)
{
	struct cursor c = end < 20 ? (struct cursor){.err = true} : at(z, end - 20);
	uint64_t record;

	if (cursor_u32le(&c) != 0x07064b50)
		return;
	cursor_u32le(&c);
	record = cursor_u64le(&c);
	c = at(z, record);
	if (cursor_u32le(&c) != 0x06064b50)
		return;
	cursor_bytes(&c, 8 + 2 + 2 + 4 + 4 + 8); /* its size, versions, disks, entries here */
	z->count = cursor_u64le(&c);
	*length = cursor_u64le(&c);
	*offset = cursor_u64le(&c);
}

static int open_directory(struct zip *z)
{
	size_t size = z->file->size, end = size < 22 ? 0 : size - 22;
	uint64_t offset, length;
	struct cursor c;

	while (end && size - end < 22 + 65535 && memcmp(z->file->data + end, "PK\5\6", 4))
		end--;
	c = at(z, end);
	if (cursor_u32le(&c) != 0x06054b50)
		return fail(z->err, E_FORMAT, "not a complete ZIP archive");
	cursor_bytes(&c, 2 + 2 + 2);
	z->count = cursor_u16le(&c);
	length = cursor_u32le(&c);
	offset = cursor_u32le(&c);
	if (z->count == 0xffff || length == 0xffffffff || offset == 0xffffffff)
		read_zip64(z, end, &offset, &length);
	c = at(z, offset);
	z->directory = length > size ? (struct cursor){.err = true}
				     : cursor_sub(&c, (size_t)length);
	if (c.err || z->directory.err)
		return fail(z->err, E_FORMAT, "ZIP directory lies outside of the file");
	if (z->count > MAX_ENTRIES)
		return fail(z->err, E_LIMIT, "archive has more than %d files", MAX_ENTRIES);
	return OK;
}

/* ZIP64 sizes stand in an extra field for those that did not fit. */
static void read_extra(struct cursor extra, struct entry *e)
{
	while (cursor_left(&extra) >= 4) {
		unsigned tag = cursor_u16le(&extra), length = cursor_u16le(&extra);
		struct cursor field = cursor_sub(&extra, length);
		if (tag != 1)
			continue;
		if (e->size == 0xffffffff)
			e->size = cursor_u64le(&field);
		if (e->packed == 0xffffffff)
			e->packed = cursor_u64le(&field);
		if (e->offset == 0xffffffff)
			e->offset = cursor_u64le(&field);
	}
}

static int next_entry(struct zip *z, struct entry *e)
{
	struct cursor *c = &z->directory;
	unsigned extra, comment;

	if (cursor_u32le(c) != 0x02014b50)
		return fail(z->err, E_FORMAT, "ZIP directory is broken");
	cursor_bytes(c, 4);
	e->flags = cursor_u16le(c);
	e->method = cursor_u16le(c);
	cursor_bytes(c, 4);
	e->crc = cursor_u32le(c);
	e->packed = cursor_u32le(c);
	e->size = cursor_u32le(c);
	e->name_len = cursor_u16le(c);
	extra = cursor_u16le(c);
	comment = cursor_u16le(c);
	cursor_bytes(c, 2 + 2 + 4);
	e->offset = cursor_u32le(c);
	e->name = (const char *)cursor_bytes(c, e->name_len);
	read_extra(cursor_sub(c, extra), e);
	cursor_bytes(c, comment);
	if (c->err)
		return fail(z->err, E_FORMAT, "ZIP directory is cut short");
	return OK;
}

static int inflate_entry(
    const struct zip *z, const struct entry *e, const uint8_t *packed, uint8_t *dst)
{
	z_stream s = {.next_in = (Bytef *)packed, .next_out = dst};
	uint64_t in = e->packed, out = e->size;
	int rc = lib.inflateInit2_(&s, -15, ZLIB_VERSION, sizeof s);

	if (rc != Z_OK)
		return fail_nomem(z->err);
	while (rc == Z_OK) {
		uInt in_now = in < UINT32_MAX ? (uInt)in : UINT32_MAX;
		uInt out_now = out < UINT32_MAX ? (uInt)out : UINT32_MAX;
		s.avail_in = in_now;
		s.avail_out = out_now;
		rc = lib.inflate(&s, Z_NO_FLUSH);
		in -= in_now - s.avail_in;
		out -= out_now - s.avail_out;
	}
	lib.inflateEnd(&s);
	if (rc == Z_MEM_ERROR)
		return fail_nomem(z->err);
	if (rc != Z_STREAM_END || out)
		return fail(z->err, E_FORMAT, "compressed data are broken");
	return OK;
}

/* The bytes of an entry, *heap to be freed when they had to be decompressed. */
static int entry_bytes(struct zip *z, const struct entry *e, const uint8_t **bytes, uint8_t **heap)
{
	struct cursor c = at(z, e->offset);
	unsigned name, extra;
	const uint8_t *packed;

	*heap = NULL;
	if (cursor_u32le(&c) != 0x04034b50)
		return fail(z->err, E_FORMAT, "ZIP entry is not where the directory says");
	cursor_bytes(&c, 22);
	name = cursor_u16le(&c);
	extra = cursor_u16le(&c);
	cursor_bytes(&c, name + extra);
	if (e->packed > z->unread)
		return fail(z->err, E_FORMAT, "ZIP entries overlap");
	z->unread -= e->packed;
	packed = e->packed > cursor_left(&c) ? NULL : cursor_bytes(&c, (size_t)e->packed);
	if (c.err || !packed)
		return fail(z->err, E_FORMAT, "ZIP entry is cut short");
	if (e->flags & 1)
		return fail(z->err, E_UNSUPPORTED, "archive is encrypted");
	*bytes = packed;
	if (e->method == 0)
		return e->packed == e->size ? OK : fail(z->err, E_FORMAT, "ZIP sizes disagree");
	if (e->method != 8)
		return fail(z->err, E_UNSUPPORTED, "compression method %u is not read", e->method);
	if (e->size > e->packed * MAX_RATIO + 64 || e->size > LIMIT_TENSOR_BYTES)
		return fail(z->err, E_FORMAT, "ZIP sizes disagree");
	*bytes = *heap = malloc((size_t)e->size + 1);
	return *heap ? inflate_entry(z, e, packed, *heap) : fail_nomem(z->err);
}

static int check_crc(const struct zip *z, const struct entry *e, const uint8_t *bytes)
{
	if (lib.crc32_z(lib.crc32_z(0, NULL, 0), bytes, (size_t)e->size) != e->crc)
		return fail(z->err, E_FORMAT, "checksum of the ZIP entry is wrong");
	return OK;
}

static int read_array(struct zip *z, const struct entry *e, struct tensor *out)
{
	const uint8_t *bytes = NULL;
	uint8_t *heap;
	struct npy_header h;
	int64_t stride[MAX_RANK];
	int rc = entry_bytes(z, e, &bytes, &heap);

	if (rc == OK)
		rc = check_crc(z, e, bytes);
	if (rc == OK)
		rc = npy_header_parse(bytes, (size_t)e->size, &h, z->err);
	if (rc == OK)
		rc = tensor_alloc(out, h.shape.type, h.shape.rank, h.shape.dim, z->err);
	if (rc == OK) {
		npy_strides(&h, stride);
		npy_gather(out, bytes + h.offset, stride, &h);
	}
	free(heap);
	return rc;
}

static int read_entry(struct zip *z, struct npz_entry *out, int *n)
{
	struct entry e = {0};
	int rc = next_entry(z, &e);
	size_t len = e.name_len;

	if (rc != OK || (len && e.name[len - 1] == '/')) /* a folder holds nothing */
		return rc;
	if (len >= 4 && !memcmp(e.name + len - 4, ".npy", 4))
		len -= 4;
	out->name = strndup(e.name, len);
	if (!out->name)
		return fail_nomem(z->err);
	(*n)++;
	rc = read_array(z, &e, &out->tensor);
	if (rc != OK)
		err_in(z->err, "array '%s'", out->name);
	return rc;
}

int npz_read(const char *path, struct npz_entry **out, int *n, struct err *err)
{
	struct zip z = {.err = err};
	struct npz_entry *e = NULL;
	int count = 0, rc = file_map(path, &z.file, err);

	if (rc != OK)
		return rc;
	z.unread = z.file->size;
	rc = library_load(&libz, err);
	rc = rc ? rc : open_directory(&z);
	/* An entry takes 46 bytes of directory, so the count cannot ask for more memory than that.
	 */
	if (rc == OK && z.count > cursor_left(&z.directory) / 46)
		rc = fail(err, E_FORMAT, "ZIP directory is cut short");
	if (rc == OK && !(e = calloc((size_t)z.count + 1, sizeof *e)))
		rc = fail_nomem(err);
	for (uint64_t i = 0; rc == OK && i < z.count; i++)
		rc = read_entry(&z, &e[count], &count);
	file_unref(z.file);
	if (rc != OK) {
		npz_free(e, count);
		err_in(err, "'%s'", path);
		return rc;
	}
	*out = e;
	*n = count;
	return OK;
}

void npz_free(struct npz_entry *e, int n)
{
	for (int i = 0; e && i < n; i++) {
		free(e[i].name);
		tensor_free(&e[i].tensor);
	}
	free(e);
}
