/* Output files that appear whole or not at all: written under a temporary name in the target's
 * folder, then renamed. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spared.h"

/* Files are written in pieces that begin and end at multiples of this: then the system may keep
 * them in large pages, which whoever maps the file finds mapped at once. */
#define PIECE ((size_t)2 << 20)
#define MAX_OUTPUTS 64

struct output {
	char *path; /* final name */
	char *temp; /* name in use */
	int slot;   /* in unfinished[], -1 when not there */
	int fd;
	int64_t flushed; /* bytes in the file; the next nbuf are in the buffer */
	size_t nbuf;
	char buf[]; /* not beyond the end of the piece that flushed lies in */
};

/* Names of outputs to unlink when a signal ends us: the one piece of state that a handler needs.
 * Whoever exchanges a name for NULL owns it. */
static _Atomic(char *) unfinished[MAX_OUTPUTS];

void output_cleanup(void)
{
	for (int i = 0; i < MAX_OUTPUTS; i++) {
		char *name = atomic_exchange(&unfinished[i], NULL);
		if (name)
			unlink(name);
	}
}

static bool enlist(struct output *o)
{
	for (int i = 0; i < MAX_OUTPUTS; i++) {
		char *none = NULL;
		if (atomic_compare_exchange_strong(&unfinished[i], &none, o->temp)) {
			o->slot = i;
			return true;
		}
	}
	return false;
}

static void output_free(struct output *o)
{
	if (o->fd >= 0)
		close(o->fd);
	/* A handler that took the name may be reading it: then it is not ours to free. */
	if (o->slot < 0 || atomic_exchange(&unfinished[o->slot], NULL))
		free(o->temp);
	free(o->path);
	free(o);
}

int make_dirs(const char *path, struct err *err)
{
	char *p = strdup(path);
	if (!p)
		return fail_nomem(err);
	int rc = OK;
	for (char *s = p; *s && !rc;) {
		s += strspn(s, "/");
		s += strcspn(s, "/");
		char c = *s;
		*s = 0;
		struct stat st;
		if (mkdir(p, 0777) && (errno != EEXIST || stat(p, &st))) {
			rc = fail_errno(err, "create folder", p);
		} else if (!stat(p, &st) && !S_ISDIR(st.st_mode)) {
			errno = ENOTDIR;
			rc = fail_errno(err, "create folder", p);
		}
		*s = c;
	}
	free(p);
	return rc;
}

/* Length of the folder part, the last slash included. */
static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) + 1 : 0;
}

static int make_parent(const char *path, struct err *err)
{
	struct stat st;
	size_t n = folder_length(path);
	if (!n)
		return OK;
	char *folder = strndup(path, n);
	if (!folder)
		return fail_nomem(err);
	int rc = stat(folder, &st) || !S_ISDIR(st.st_mode) ? make_dirs(folder, err) : OK;
	free(folder);
	return rc;
}

/* Follows a link to what it points at, and refuses to replace anything but a regular file. */
static int resolve(struct output *o, const char *path, struct err *err)
{
	struct stat st;
	if (!*path || path[strlen(path) - 1] == '/')
		return fail(err, E_USAGE, "'%s' is no file name", path);
	if (stat(path, &st)) {
		if (errno != ENOENT && errno != ENOTDIR)
			return fail_errno(err, "write", path);
		o->path = strdup(path);
		return o->path ? OK : fail_nomem(err);
	}
	if (!S_ISREG(st.st_mode))
		return fail(err, E_IO, "cannot write '%s': not a regular file", path);
	if (output_is_spared(&st))
		return fail(err, E_USAGE, "cannot write '%s': it is what is read", path);
	o->path = realpath(path, NULL);
	return o->path ? OK : fail_errno(err, "write", path);
}

/* Can files be made in the folder, or the folder itself? */
static int check_folder(char *folder, const char *path, struct err *err)
{
	struct stat st;
	while (*folder && stat(folder, &st) && errno == ENOENT) {
		size_t n = strlen(folder);
		while (n && folder[n - 1] == '/')
			n--;
		while (n && folder[n - 1] != '/')
			n--;
		folder[n] = 0;
	}
	const char *there = *folder ? folder : ".";
	if (stat(there, &st) || access(there, W_OK | X_OK))
		return fail_errno(err, "write", path);
	if (S_ISDIR(st.st_mode))
		return OK;
	errno = ENOTDIR;
	return fail_errno(err, "write", path);
}

int output_check(const char *path, struct err *err)
{
	struct output o = {0};
	int rc = resolve(&o, path, err);
	char *folder = rc ? NULL : strndup(o.path, folder_length(o.path));
	if (!rc)
		rc = folder ? check_folder(folder, path, err) : fail_nomem(err);
	free(folder);
	free(o.path);
	return rc;
}

/* The folder's real path with the name; of a folder that is not there yet as it is written. Heap.
 */
static char *place_of(const char *path)
{
	size_t n = folder_length(path);
	char *folder = n ? strndup(path, n) : strdup("."), *place = realpath(path, NULL);
	char *real = !place && folder ? realpath(folder, NULL) : NULL;
	if (!place && real && asprintf(&place, "%s/%s", real, path + n) < 0)
		place = NULL;
	free(folder);
	free(real);
	return place ? place : strdup(path);
}

bool output_is_same(const char *a, const char *b)
{
	char *x = place_of(a), *y = place_of(b);
	bool same = x && y ? !strcmp(x, y) : !strcmp(a, b);
	free(x);
	free(y);
	return same;
}

static int open_temp(struct output *o, const char *path, struct err *err)
{
	size_t n = folder_length(o->path), cap = n + 48;
	if (!(o->temp = malloc(cap)))
		return fail_nomem(err);
	memcpy(o->temp, o->path, n);
	for (int i = 0; i < 10000; i++) {
		snprintf(o->temp + n, cap - n, ".mo-%ld-%d.tmp", (long)getpid(), i);
		o->fd = open(o->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (o->fd >= 0 || errno != EEXIST)
			break;
	}
	if (o->fd < 0)
		return fail_errno(err, "write", path);
	if (enlist(o))
		return OK;
	unlink(o->temp);
	return fail(err, E_LIMIT, "more than %d files being written", MAX_OUTPUTS);
}

int output_open(const char *path, struct output **out, struct err *err)
{
	struct output *o = malloc(sizeof *o + PIECE);
	if (!o)
		return fail_nomem(err);
	*o = (struct output){.slot = -1, .fd = -1};
	int rc = resolve(o, path, err);
	if (!rc)
		rc = make_parent(o->path, err);
	if (!rc)
		rc = open_temp(o, path, err);
	if (rc) {
		output_free(o);
		return rc;
	}
	*out = o;
	return OK;
}

static int write_at_end(struct output *o, const char *p, size_t n, struct err *err)
{
	while (n) {
		ssize_t put = pwrite(o->fd, p, n, o->flushed);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return fail_errno(err, "write", o->path);
		p += put;
		n -= (size_t)put;
		o->flushed += put;
	}
	return OK;
}

static int flush(struct output *o, struct err *err)
{
	size_t n = o->nbuf;
	o->nbuf = 0; /* whether or not it can be written: there is no room for more */
	return write_at_end(o, o->buf, n, err);
}

int output_write(struct output *o, const void *data, size_t size, struct err *err)
{
	const char *p = data;
	int rc = OK;
	while (size && !rc) {
		size_t left = PIECE - (size_t)(output_size(o) % (int64_t)PIECE);
		size_t n = size < left ? size : left;
		if (n == PIECE) { /* a whole one: nothing is in the buffer */
			rc = write_at_end(o, p, n, err);
		} else {
			memcpy(o->buf + o->nbuf, p, n);
			o->nbuf += n;
			rc = n == left ? flush(o, err) : OK;
		}
		p += n;
		size -= n;
	}
	return rc;
}

int64_t output_size(const struct output *o)
{
	return o->flushed + (int64_t)o->nbuf;
}

int output_rewind(struct output *o, int64_t off, struct err *err)
{
	if (off >= o->flushed) {
		if (off < output_size(o))
			o->nbuf = (size_t)(off - o->flushed);
		return OK;
	}
	o->nbuf = 0;
	o->flushed = off;
	return ftruncate(o->fd, off) ? fail_errno(err, "write", o->path) : OK;
}

int output_read(struct output *o, int64_t off, void *dst, size_t size, struct err *err)
{
	int rc = off + (int64_t)size > o->flushed ? flush(o, err) : OK;
	char *p = dst;
	while (!rc && size) {
		ssize_t got = pread(o->fd, p, size, off);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, "read", o->path);
		if (!got)
			return fail(err, E_IO, "cannot read '%s': it became shorter", o->path);
		p += got;
		off += got;
		size -= (size_t)got;
	}
	return rc;
}

int output_close(struct output *o, struct err *err)
{
	if (o->fd < 0)
		return OK;
	int rc = flush(o, err), fd = o->fd;
	o->fd = -1;
	if (close(fd) && !rc)
		rc = fail_errno(err, "write", o->path);
	return rc;
}

/* ext4 starts to write a file back when a rename puts it over another, which costs as much as
 * making it did; where the two names can be exchanged, the old file goes by its other name instead.
 */
static int replace(const char *temp, const char *path)
{
	if (!renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_EXCHANGE)) {
		unlink(temp);
		return 0;
	}
	return rename(temp, path);
}

int output_rename(struct output *o, struct err *err)
{
	int rc = output_close(o, err);
	if (!rc && replace(o->temp, o->path))
		rc = fail_errno(err, "write", o->path);
	if (rc)
		unlink(o->temp);
	output_free(o);
	return rc;
}

void output_abort(struct output *o)
{
	if (!o)
		return;
	unlink(o->temp);
	output_free(o);
}

int output_file(const char *path, const void *data, size_t size, struct err *err)
{
	struct output *o = NULL;
	int status = output_open(path, &o, err);
	status = status ? status : output_write(o, data, size, err);
	status = status ? status : output_close(o, err);
	if (!status)
		return output_rename(o, err);
	output_abort(o);
	return status;
}
