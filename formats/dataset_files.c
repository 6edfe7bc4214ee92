/* Which picture files make a data set: folders per class and list files. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/dataset_files.h"
#include "formats/image.h"

#define LIST_BYTES (1 << 30)

int files_init(struct sample_files *s, struct err *err)
{
	s->arena = arena_new();
	return s->arena ? OK : fail_nomem(err);
}

void files_free(struct sample_files *s)
{
	arena_free(s->arena);
	free(s->sample);
	free(s->class);
	*s = (struct sample_files){0};
}

int files_add(struct sample_files *s, const char *path, int64_t label, struct err *err)
{
	if (s->n >= LIMIT_SAMPLES)
		return fail(err, E_LIMIT, "more than %d samples", LIMIT_SAMPLES);
	if (s->n == s->cap) {
		int64_t cap = s->cap ? 2 * s->cap : 64;
		struct sample_file *more = realloc(s->sample, cap * sizeof *more);
		if (!more)
			return fail_nomem(err);
		s->sample = more;
		s->cap = cap;
	}
	char *copy = arena_str(s->arena, path);
	if (!copy)
		return fail_nomem(err);
	s->sample[s->n++] = (struct sample_file){copy, label};
	return OK;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a folder, sorted, without hidden ones; the array is heap, the names the arena's. */
static int list_names(
    struct arena *arena, const char *path, const char ***out, int *n, struct err *err)
{
	const char **v = NULL;
	int cap = 0, r = OK;
	struct dirent *e;
	DIR *d = opendir(path);
	*n = 0;
	if (!d)
		return fail_errno(err, "open", path);
	while (!r && (errno = 0, e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (*n == cap) {
			cap = cap ? 2 * cap : 64;
			const char **more = cap > LIMIT_SAMPLES ? NULL
								: realloc(v, cap * sizeof *v);
			if (!more) {
				r = fail_nomem(err);
				break;
			}
			v = more;
		}
		if (!(v[*n] = arena_str(arena, e->d_name)))
			r = fail_nomem(err);
		else
			++*n;
	}
	if (!r && errno)
		r = fail_errno(err, "read", path);
	closedir(d);
	if (*n)
		qsort(v, *n, sizeof *v, by_bytes);
	*out = v;
	return r;
}

static int add_pictures(struct sample_files *s, const char *folder, int64_t label, struct err *err)
{
	const char **name = NULL;
	int n, r = list_names(s->arena, folder, &name, &n, err);
	for (int i = 0; !r && i < n; i++) {
		if (!image_is(name[i]))
			continue;
		char *path = arena_printf(s->arena, "%s/%s", folder, name[i]);
		r = path ? files_add(s, path, label, err) : fail_nomem(err);
	}
	free(name);
	return r;
}

static bool is_folder(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int files_from_folder(struct sample_files *s, const char *path, struct err *err)
{
	const char **name = NULL;
	int n, r = list_names(s->arena, path, &name, &n, err);
	s->class = r ? NULL : calloc(n + 1, sizeof *s->class);
	if (!r && !s->class)
		r = fail_nomem(err);
	for (int i = 0; !r && i < n; i++) {
		char *sub = arena_printf(s->arena, "%s/%s", path, name[i]);
		if (!sub)
			r = fail_nomem(err);
		else if (is_folder(sub)) {
			s->class[s->nclasses] = name[i];
			r = add_pictures(s, sub, s->nclasses++, err);
		}
	}
	free(name);
	return r || s->nclasses ? r : add_pictures(s, path, -1, err);
}

/* "path label" with the label after the last space; the path may hold spaces. */
static int add_line(struct sample_files *s, const char *list, char *line, struct err *err)
{
	size_t n = strlen(line);
	const char *slash = strrchr(list, '/');
	while (n && strchr(" \t\r", line[n - 1]))
		line[--n] = 0;
	if (!n || line[0] == '#')
		return OK;
	char *gap = line + n;
	while (gap > line && !strchr(" \t", gap[-1]))
		gap--;
	int64_t label;
	if (gap == line || !parse_i64(gap, &label) || label < 0)
		return fail(err, E_FORMAT, "line '%.60s' is not 'path label'", line);
	gap[-1] = 0;
	char *path = line[0] == '/' || !slash
			 ? arena_str(s->arena, line)
			 : arena_printf(s->arena, "%.*s/%s", (int)(slash - list), list, line);
	return path ? files_add(s, path, label, err) : fail_nomem(err);
}

int files_from_list(struct sample_files *s, const char *path, struct err *err)
{
	char *text, *save = NULL;
	size_t size;
	int r = file_slurp(path, LIST_BYTES, &text, &size, err);
	if (r)
		return r;
	if (memchr(text, 0, size))
		r = fail(err, E_FORMAT, "this is no array, picture or list of samples");
	for (char *w = r ? NULL : strtok_r(text, "\n", &save); w && !r;
	     w = strtok_r(NULL, "\n", &save))
		r = add_line(s, path, w, err);
	free(text);
	return r ? err_in(err, "'%s'", path) : OK;
}
