/* Which picture files make a data set: folders per class and list files. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/dataset_files.h"
#include "formats/dataset_labels.h"
#include "formats/image.h"

#define LIST_BYTES (1 << 30)
#define PATH_BYTES 4096

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

int files_from_folder(
    struct sample_files *s, const char *path, const struct log *log, struct err *err)
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
			int64_t before = s->n;
			s->class[s->nclasses] = name[i];
			r = add_pictures(s, sub, s->nclasses++, err);
			if (!r && s->n == before)
				log_say(log, LOG_WARN, "class '%s' has no pictures", sub);
		}
	}
	free(name);
	return r || s->nclasses ? r : add_pictures(s, path, -1, err);
}

/* ---- test sets ---- */

static bool is_file(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* Adds folder/input_<slot>.pb, if it is there. */
static int add_set(struct sample_files *s, const char *folder, int slot, struct err *err)
{
	char *path = arena_printf(s->arena, "%s/input_%d.pb", folder, slot);
	if (!path)
		return fail_nomem(err);
	return is_file(path) ? files_add(s, path, -1, err) : OK;
}

/* The number of test_data_set_<n>, or -1. */
static int64_t set_number(const char *name)
{
	static const char start[] = "test_data_set_";
	int64_t n;
	if (strncmp(name, start, sizeof start - 1) || !parse_i64(name + sizeof start - 1, &n))
		return -1;
	return n;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = set_number(*(char *const *)a), y = set_number(*(char *const *)b);
	return (x > y) - (x < y);
}

int files_from_test_sets(struct sample_files *s, const char *path, int slot, struct err *err)
{
	const char **name = NULL;
	int n, kept = 0, r = list_names(s->arena, path, &name, &n, err);
	for (int i = 0; !r && i < n; i++)
		if (set_number(name[i]) >= 0)
			name[kept++] = name[i];
	if (kept)
		qsort(name, kept, sizeof *name, by_number);
	for (int i = 0; !r && i < kept; i++) {
		char *sub = arena_printf(s->arena, "%s/%s", path, name[i]);
		int64_t before = s->n;
		r = sub ? add_set(s, sub, slot, err) : fail_nomem(err);
		if (!r && s->n == before)
			r = fail(err, E_FORMAT, "'%s' holds no input_%d.pb", sub, slot);
	}
	free(name);
	return r || kept ? r : add_set(s, path, slot, err);
}

/* ---- lists ---- */

static int add_relative(
    struct sample_files *s, const char *list, const char *word, int64_t label, struct err *err)
{
	const char *slash = strrchr(list, '/');
	char *path = word[0] == '/' || !slash
			 ? arena_str(s->arena, word)
			 : arena_printf(s->arena, "%.*s/%s", (int)(slash - list), list, word);
	return path ? files_add(s, path, label, err) : fail_nomem(err);
}

/* "path label" with the label after the last space; the path may hold spaces. */
static int add_line(
    struct sample_files *s, const char *list, char *line, bool first, struct err *err)
{
	size_t n = strlen(line);
	while (n && strchr(" \t\r", line[n - 1]))
		line[--n] = 0;
	if (!n || line[0] == '#')
		return OK;
	char *gap = line + n;
	while (gap > line && !strchr(" \t", gap[-1]))
		gap--;
	int64_t label;
	if (gap != line && first && (!strcasecmp(gap, "label") || !strcasecmp(gap, "class")))
		return OK; /* a header */
	if (gap == line || !parse_i64(gap, &label) || label < 0)
		return fail(err, E_FORMAT, "line '%.60s' is not 'path label'", line);
	gap[-1] = 0;
	return add_relative(s, list, line, label, err);
}

int files_from_list(struct sample_files *s, const char *path, struct err *err)
{
	char *text, *save = NULL;
	size_t size;
	int r = file_slurp(path, LIST_BYTES, &text, &size, err);
	if (r)
		return r;
	if (memchr(text, 0, size))
		r = fail(err, E_FORMAT, "this is no array, table, picture or list of samples");
	for (char *w = r ? NULL : strtok_r(text, "\n", &save); w && !r;
	     w = strtok_r(NULL, "\n", &save))
		r = add_line(s, path, w, s->n == 0, err);
	free(text);
	return r ? err_in(err, "'%s'", path) : OK;
}

int files_from_table(struct sample_files *s, const struct csv *c, const char *file, int path,
    int label, struct err *err)
{
	char word[PATH_BYTES];
	int r = OK;
	for (int64_t i = 0; i < c->rows && !r; i++) {
		int64_t l = -1;
		r = csv_text(c, i, path, word, sizeof word, err);
		if (!r && label >= 0)
			r = label_of_row(c, i, label, &l, err);
		if (!r && (l < -1 || (label >= 0 && l < 0)))
			r = fail(err, E_FORMAT, "row %lld: label %lld is below 0", (long long)i,
			    (long long)l);
		r = r ? r : add_relative(s, file, word, l, err);
	}
	return r;
}
