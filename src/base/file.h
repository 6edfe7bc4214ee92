/* Files mapped to read, and outputs that appear whole or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A read-only mapping, counted: blobs that point into it keep it alive. */
struct file {
	const uint8_t *data; /* never NULL; not NUL-terminated */
	size_t size;
	int refs;
	void *base; /* of the mapping, NULL: data are on the heap or, when lent, the caller's */
	bool lent;
};
/* Maps a regular file; a pipe is read into memory up to the limit, a device is refused. */
int file_map(const char *path, struct file **out, struct err *err);
/* Reads a regular file into memory, aligned to pages. */
int file_load(const char *path, struct file **out, struct err *err);
/* Maps what an open file holds; name is for messages. The descriptor stays the caller's. */
int file_map_fd(int fd, const char *name, struct file **out, struct err *err);
/* Bytes of the caller's, which outlive it. NULL without memory. */
struct file *file_of(const void *data, size_t size);
/* Memory of this size, aligned to pages, as a file that is yet to be filled; NULL without. */
void *file_room(size_t size, struct file **out);
/* A copy in memory, aligned to pages. NULL without memory. */
struct file *file_copy(const struct file *f);
struct file *file_ref(struct file *f);
void file_unref(struct file *f); /* NULL is legal */
/* Maps [off, off+len) at once, reading what is not in memory yet into large pages: cheaper than
 * page by page when it is read. */
void file_expect(struct file *f, size_t off, size_t len);
/* XXH3 of [off, off+len) with the seed; what was read may go, piece by piece. */
uint64_t file_hash(struct file *f, size_t off, size_t len, uint64_t seed);
/* Lets the pages in [off, off+len) go; reading them again maps them back. */
void file_forget(struct file *f, size_t off, size_t len);

/* An output written beside its final place and renamed there; until then the old file stays.
 * Unfinished ones are removed by output_abort and, through output_cleanup, when a signal ends us.
 */
struct output;
int output_open(const char *path, struct output **out, struct err *err); /* makes missing folders */
int output_write(struct output *o, const void *data, size_t size, struct err *err);
/* Drops what was written at and after off. */
int output_rewind(struct output *o, int64_t off, struct err *err);
/* Reads back what was written. */
int output_read(struct output *o, int64_t off, void *dst, size_t size, struct err *err);
int64_t output_size(const struct output *o);
/* Flushes and closes; the file keeps its temporary name until output_rename. */
int output_close(struct output *o, struct err *err);
int output_rename(struct output *o, struct err *err); /* frees o in every case */
void output_abort(struct output *o);                  /* frees o; NULL is legal */
/* All of these at once, for bytes at hand. */
int output_file(const char *path, const void *data, size_t size, struct err *err);
/* The file at path is read: no output replaces it from now on, E_USAGE. None there: nothing. For
 * the thread that opens outputs. */
void output_spare(const char *path);
/* It may be replaced after all. */
void output_unspare(const char *path);
/* What output_open would say of the path; makes nothing. */
int output_check(const char *path, struct err *err);
/* Are both names of one file, which need not be there? */
bool output_is_same(const char *a, const char *b);
/* Async-signal-safe: unlinks every unfinished output. */
void output_cleanup(void);
/* mkdir -p. */
int make_dirs(const char *path, struct err *err);
/* Whole small file into NUL-terminated heap memory, at most limit bytes. */
int file_slurp(const char *path, size_t limit, char **out, size_t *size, struct err *err);

#endif
