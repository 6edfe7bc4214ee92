/* Compiled networks for transport: the blob as one zstd frame that says how large it is. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/library.h"
#include "base/limits.h"
#include "formats/blob.h"

#define FUNCTIONS(F)                   \
	F(ZSTD_CCtx_setParameter)      \
	F(ZSTD_CCtx_setPledgedSrcSize) \
	F(ZSTD_compressStream2)        \
	F(ZSTD_createCCtx)             \
	F(ZSTD_createDCtx)             \
	F(ZSTD_decompress)             \
	F(ZSTD_decompressStream)       \
	F(ZSTD_freeCCtx)               \
	F(ZSTD_freeDCtx)               \
	F(ZSTD_getErrorName)           \
	F(ZSTD_getFrameContentSize)    \
	F(ZSTD_isError)
LIBRARY(libzstd, "libzstd.so.1", FUNCTIONS);

#define LEVEL 9
#define CHUNK (1 << 20)

bool blob_zstd_sniff(const void *data, size_t size)
{
	return size >= 4 && !memcmp(data, "\x28\xb5\x2f\xfd", 4);
}

static int zstd_error(struct err *err, const char *what, size_t rc)
{
	return fail(err, E_FORMAT, "cannot %s: %s", what, lib.ZSTD_getErrorName(rc));
}

/* ---- writing ---- */

/* What fits into room, until all is read and, at the end, nothing is left. */
static int write_chunks(
    ZSTD_CCtx *z, const struct file *f, char *room, struct output *o, struct err *err)
{
	ZSTD_inBuffer in = {f->data, f->size, 0};
	for (size_t left = 1; left;) {
		ZSTD_outBuffer out = {room, CHUNK, 0};
		left = lib.ZSTD_compressStream2(z, &out, &in, ZSTD_e_end);
		if (lib.ZSTD_isError(left))
			return zstd_error(err, "compress the network", left);
		int rc = output_write(o, room, out.pos, err);
		if (rc)
			return rc;
	}
	return OK;
}

int blob_zstd_write(const struct file *f, const char *path, struct err *err)
{
	int rc = library_load(&libzstd, err);
	if (rc)
		return rc;
	ZSTD_CCtx *z = lib.ZSTD_createCCtx();
	char *room = malloc(CHUNK);
	struct output *o = NULL;
	rc = z && room ? output_open(path, &o, err) : fail_nomem(err);
	if (!rc) {
		lib.ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, LEVEL);
		lib.ZSTD_CCtx_setPledgedSrcSize(z, f->size);
		rc = write_chunks(z, f, room, o, err);
	}
	lib.ZSTD_freeCCtx(z);
	free(room);
	if (!rc)
		return output_rename(o, err);
	output_abort(o);
	return rc;
}

/* ---- reading ---- */

bool blob_zstd_holds(const void *data, size_t size)
{
	char magic[8];
	if (library_load(&libzstd, NULL))
		return true; /* reading it tells what is missing */
	ZSTD_DCtx *z = lib.ZSTD_createDCtx();
	ZSTD_inBuffer in = {data, size, 0};
	ZSTD_outBuffer out = {magic, sizeof magic, 0};
	size_t rc = 1;
	while (z && rc && !lib.ZSTD_isError(rc) && out.pos < out.size && in.pos < in.size)
		rc = lib.ZSTD_decompressStream(z, &out, &in);
	lib.ZSTD_freeDCtx(z);
	return blob_file_sniff(magic, out.pos);
}

/* More than the machine has cannot be meant. */
static bool has_memory(unsigned long long size)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	return size <= LIMIT_FILE_BYTES &&
	       (pages <= 0 || page <= 0 || size / (unsigned long)page < (unsigned long)pages);
}

int blob_zstd_read(const struct file *f, struct file **out, struct err *err)
{
	int rc = library_load(&libzstd, err);
	if (rc)
		return rc;
	unsigned long long size = lib.ZSTD_getFrameContentSize(f->data, f->size);
	struct file *plain = NULL;
	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
		return fail(err, E_FORMAT, "the compressed network does not say how large it is");
	if (!has_memory(size))
		return fail(
		    err, E_LIMIT, "the compressed network says that it has %llu bytes", size);
	void *data = file_room((size_t)size, &plain);
	if (!data)
		return fail_nomem(err);
	size_t n = lib.ZSTD_decompress(data, (size_t)size, f->data, f->size);
	if (!lib.ZSTD_isError(n) && n == size) {
		*out = plain;
		return OK;
	}
	file_unref(plain);
	return lib.ZSTD_isError(n) ? zstd_error(err, "decompress the network", n)
				   : fail(err, E_FORMAT, "the compressed network is cut short");
}
