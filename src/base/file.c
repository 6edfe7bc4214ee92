/* Reading files: mapped where they can be, read into memory where not. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/limits.h"

/* Devices may have no end. */
static int check_kind(const char *path, const struct stat *st, struct err *err)
{
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		return fail(err, E_IO, "cannot read '%s': it is a device", path);
	if (!S_ISDIR(st->st_mode))
		return OK;
	errno = EISDIR;
	return fail_errno(err, "read", path);
}

/* A pipe that nobody writes to does not hold us up: it is empty. Of another one reads wait. */
static int open_read(const char *path, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fail_errno(err, "open", path);
	int rc = fstat(fd, st) ? fail_errno(err, "read", path) : check_kind(path, st, err);
	if (!rc && !S_ISREG(st->st_mode) && fcntl(fd, F_SETFL, O_RDONLY))
		rc = fail_errno(err, "read", path);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static int too_large(const char *path, size_t limit, struct err *err)
{
	return fail(err, E_LIMIT, "'%s' is larger than the limit of %zu bytes", path, limit);
}

/* Reads to the end into NUL-terminated heap memory. */
static int read_all(int fd, const char *path, const struct stat *st, size_t limit, char **out,
    size_t *size, struct err *err)
{
	size_t n = 0, cap = 4096;
	if (S_ISREG(st->st_mode) && (uint64_t)st->st_size > limit)
		return too_large(path, limit, err);
	char *data = malloc(cap);
	while (data) {
		ssize_t got = read(fd, data + n, cap - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			if (got < 0)
				break;
			if (!n && S_ISFIFO(st->st_mode)) {
				free(data);
				return fail(err, E_IO, "cannot read '%s': the pipe is empty", path);
			}
			data[n] = 0;
			*out = data;
			*size = n;
			return OK;
		}
		n += (size_t)got;
		if (n > limit) {
			free(data);
			return too_large(path, limit, err);
		}
		if (n == cap - 1) {
			char *more = realloc(data, cap *= 2);
			if (!more)
				free(data);
			data = more;
		}
	}
	if (!data)
		return fail_nomem(err);
	fail_errno(err, "read", path);
	free(data);
	return E_IO;
}

static int map_regular(
    struct file *f, int fd, const char *path, const struct stat *st, struct err *err)
{
	if (st->st_size > LIMIT_FILE_BYTES)
		return too_large(path, LIMIT_FILE_BYTES, err);
	f->size = (size_t)st->st_size;
	f->base = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (f->base == MAP_FAILED)
		return fail_errno(err, "map", path);
	f->data = f->base;
	return OK;
}

static int map_open(
    int fd, const char *path, const struct stat *st, struct file **out, struct err *err)
{
	struct file *f = calloc(1, sizeof *f);
	int rc = OK;
	char *data;
	if (!f)
		rc = fail_nomem(err);
	else if (S_ISREG(st->st_mode) && st->st_size > 0)
		rc = map_regular(f, fd, path, st, err);
	else if (!(rc = read_all(fd, path, st, LIMIT_STREAM_BYTES, &data, &f->size, err)))
		f->data = (uint8_t *)data;
	if (rc) {
		free(f);
		return rc;
	}
	f->refs = 1;
	*out = f;
	return OK;
}

int file_map(const char *path, struct file **out, struct err *err)
{
	struct stat st;
	int fd = open_read(path, &st, err);
	if (fd < 0)
		return fd;
	int rc = map_open(fd, path, &st, out, err);
	close(fd);
	return rc;
}

int file_map_fd(int fd, const char *name, struct file **out, struct err *err)
{
	struct stat st;
	int rc = fstat(fd, &st) ? fail_errno(err, "read", name) : check_kind(name, &st, err);
	return rc ? rc : map_open(fd, name, &st, out, err);
}

static int read_into(int fd, const char *path, char *p, size_t size, struct err *err)
{
	while (size) {
		ssize_t got = read(fd, p, size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, "read", path);
		if (!got)
			return fail(err, E_IO, "cannot read '%s': it became shorter", path);
		p += got;
		size -= (size_t)got;
	}
	return OK;
}

void *file_room(size_t size, struct file **out)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct file *f = calloc(1, sizeof *f);
	void *data = size < SIZE_MAX - page ? aligned_alloc(page, (size / page + 1) * page) : NULL;
	if (!f || !data) {
		free(f);
		free(data);
		return NULL;
	}
	*f = (struct file){.data = data, .size = size, .refs = 1};
	*out = f;
	return data;
}

struct file *file_copy(const struct file *f)
{
	struct file *copy;
	void *data = file_room(f->size, &copy);
	return data ? memcpy(data, f->data, f->size), copy : NULL;
}

int file_load(const char *path, struct file **out, struct err *err)
{
	struct stat st;
	struct file *f = NULL;
	void *data = NULL;
	int fd = open_read(path, &st, err), rc = OK;
	if (fd < 0)
		return fd;
	if (!S_ISREG(st.st_mode) || st.st_size > LIMIT_FILE_BYTES)
		rc = fail(err, E_LIMIT, "'%s' is no regular file, or too large", path);
	else if (!(data = file_room((size_t)st.st_size, &f)))
		rc = fail_nomem(err);
	else
		rc = read_into(fd, path, data, f->size, err);
	close(fd);
	if (rc)
		file_unref(f);
	else
		*out = f;
	return rc;
}

struct file *file_of(const void *data, size_t size)
{
	struct file *f = malloc(sizeof *f);
	if (f)
		*f = (struct file){.data = data, .size = size, .refs = 1, .lent = true};
	return f;
}

struct file *file_ref(struct file *f)
{
	__atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
	return f;
}

void file_unref(struct file *f)
{
	if (!f || __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (f->base)
		munmap(f->base, f->size);
	else if (!f->lent)
		free((void *)f->data);
	free(f);
}

void file_expect(struct file *f, size_t off, size_t len)
{
#ifdef MADV_POPULATE_READ
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	if (!f->base || off > f->size || len > f->size - off)
		return;
	len += off % page;
	off -= off % page;
	/* refusals change nothing */
	madvise((char *)f->base + off, len, MADV_HUGEPAGE);
	madvise((char *)f->base + off, len, MADV_POPULATE_READ);
#else
	(void)f, (void)off, (void)len;
#endif
}

void file_forget(struct file *f, size_t off, size_t len)
{
	if (!f->base || off >= f->size)
		return;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t end = len < f->size - off ? off + len : f->size;
	off -= off % page;
	if (end > off)
		madvise((char *)f->base + off, end - off, MADV_DONTNEED);
}

uint64_t file_hash(struct file *f, size_t off, size_t len, uint64_t seed)
{
	enum { PIECE = 4 << 20 };
	XXH3_state_t *state = XXH3_createState();
	if (!state)
		return XXH3_64bits_withSeed(f->data + off, len, seed);
	XXH3_64bits_reset_withSeed(state, seed);
	for (size_t n; len; off += n, len -= n) {
		n = len < PIECE ? len : PIECE;
		XXH3_64bits_update(state, f->data + off, n);
		if (n == PIECE)
			file_forget(f, off, n);
	}
	uint64_t hash = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return hash;
}

int file_slurp(const char *path, size_t limit, char **out, size_t *size, struct err *err)
{
	struct stat st;
	int fd = open_read(path, &st, err);
	if (fd < 0)
		return fd;
	int rc = read_all(fd, path, &st, limit, out, size, err);
	close(fd);
	return rc;
}
