/* The state of a search: lines "key number …" behind a first line that says what it is of. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/map.h"
#include "base/text.h"
#include "quant/memo.h"

#define MEMO_BYTES ((size_t)64 << 20)
#define MAGIC "mo search 1 "

struct memo {
	char *path;
	int fd; /* -1: nothing is written */
	struct arena *arena;
	struct map map; /* key to struct numbers */
	int64_t found;
};

struct numbers {
	int n;
	double v[MEMO_MOST];
};

static int enter(struct memo *m, const char *key, const double *v, int n, struct err *err)
{
	struct numbers *x = arena_alloc(m->arena, sizeof *x);
	const char *k = arena_str(m->arena, key);
	if (!x || !k || !map_put(&m->map, k, x))
		return fail_nomem(err);
	x->n = n;
	memcpy(x->v, v, (size_t)n * sizeof *v);
	return OK;
}

/* "key number …"; a line that is not whole, as the end of an interrupted file, is passed over. */
static int read_line(struct memo *m, char *line, struct err *err)
{
	double v[MEMO_MOST];
	int n = 0;
	char *save = NULL, *key = strtok_r(line, "\t", &save), *word;
	while ((word = strtok_r(NULL, "\t", &save))) {
		if (!strcmp(word, "."))
			break;
		if (n == MEMO_MOST || !parse_f64(word, &v[n++]))
			return OK;
	}
	if (!key || !word)
		return OK;
	m->found++;
	return enter(m, key, v, n, err);
}

/* Reads what is there; *size is what of it holds, 0 when it is of something else. */
static int read_file(struct memo *m, const char *identity, size_t *size, struct err *err)
{
	char *text = NULL, *end;
	size_t held;
	int r = OK;
	*size = 0;
	if (access(m->path, F_OK))
		return OK;
	if ((r = file_slurp(m->path, MEMO_BYTES, &text, &held, err)))
		return r;
	char *line = text;
	bool ours = !strncmp(text, MAGIC, strlen(MAGIC));
	if (!ours && strncmp(text, MAGIC, held)) {
		free(text);
		return fail(
		    err, E_FORMAT, "'%s' is no state of a search: it is left alone", m->path);
	}
	end = strchr(line, '\n');
	if (end)
		*end = 0;
	ours = ours && end && !strcmp(line + strlen(MAGIC), identity);
	while (ours && !r && (end = strchr(line = end + 1, '\n'))) {
		*end = 0;
		r = read_line(m, line, err);
	}
	if (ours)
		*size = (size_t)(line - text);
	free(text);
	return r;
}

static int append(const struct memo *m, const char *s, struct err *err)
{
	for (size_t left = strlen(s); left && m->fd >= 0;) {
		ssize_t put = write(m->fd, s, left);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return fail_errno(err, "write", m->path);
		s += put;
		left -= (size_t)put;
	}
	return OK;
}

/* Opened at its end; what is behind `size` goes. */
static int open_end(struct memo *m, size_t size, const char *identity, struct err *err)
{
	struct text t = {0};
	m->fd = open(m->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
	if (m->fd < 0 || ftruncate(m->fd, (off_t)size) || lseek(m->fd, 0, SEEK_END) < 0)
		return fail_errno(err, "write", m->path);
	if (size)
		return OK;
	text_printf(&t, "%s%s\n", MAGIC, identity);
	int r = t.failed ? fail_nomem(err) : append(m, t.data, err);
	text_free(&t);
	return r;
}

static int make_parent(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, (size_t)(slash - path)) : NULL;
	int r = dir && *dir ? make_dirs(dir, err) : OK;
	free(dir);
	return r;
}

int memo_open(const char *path, const char *identity, struct memo **out, struct err *err)
{
	struct memo *m = *out = calloc(1, sizeof *m);
	size_t size = 0;
	if (!m || !(m->arena = arena_new()))
		return fail_nomem(err);
	m->fd = -1;
	if (!path)
		return OK;
	m->path = strdup(path);
	int r = m->path ? make_parent(path, err) : fail_nomem(err);
	r = r ? r : output_check(path, err);
	r = r ? r : read_file(m, identity, &size, err);
	return r ? r : open_end(m, size, identity, err);
}

int64_t memo_found(const struct memo *m)
{
	return m->found;
}

bool memo_get(const struct memo *m, const char *key, double *v, int n)
{
	const struct numbers *x = m ? map_get(&m->map, key) : NULL;
	if (!x || x->n != n)
		return false;
	memcpy(v, x->v, (size_t)n * sizeof *v);
	return true;
}

int memo_put(struct memo *m, const char *key, const double *v, int n, struct err *err)
{
	struct text t = {0};
	char buf[NUMBER_MAX];
	int r = m ? enter(m, key, v, n, err) : OK;
	if (r || !m || m->fd < 0)
		return r;
	text_add(&t, key);
	for (int i = 0; i < n; i++)
		text_printf(&t, "\t%s", number_f64(buf, v[i]));
	text_add(&t, "\t.\n");
	r = t.failed ? fail_nomem(err) : append(m, t.data, err);
	text_free(&t);
	return r;
}

void memo_close(struct memo *m, bool done)
{
	if (!m)
		return;
	if (m->fd >= 0)
		close(m->fd);
	if (done && m->path)
		unlink(m->path);
	map_free(&m->map);
	arena_free(m->arena);
	free(m->path);
	free(m);
}
