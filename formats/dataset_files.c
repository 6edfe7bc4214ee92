/* Which files make a data set: folders per class, and test sets. */
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
#include "formats/image.h"

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
	output_spare(path);
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

bool sample_file_is_array(const char *path)
{
	size_t n = strlen(path);
	return n > 4 && !strcasecmp(path + n - 4, ".npy");
}

static bool is_sample(const char *name)
{
	return image_is(name) || sample_file_is_array(name);
}

static int add_samples(struct sample_files *s, const char *folder, int64_t label, struct err *err)
{
	const char **name = NULL;
	int n, r = list_names(s->arena, folder, &name, &n, err);
	for (int i = 0; !r && i < n; i++) {
		if (!is_sample(name[i]))
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

/* The folders of a folder are classes; *beside counts the samples that are in none. */
static int add_classes(
    struct sample_files *s, const char *path, int *beside, const struct log *log, struct err *err)
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
			r = add_samples(s, sub, s->nclasses++, err);
			if (!r && s->n == before)
				log_say(log, LOG_WARN, "class '%s' has no pictures", sub);
		} else
			*beside += is_sample(name[i]);
	}
	free(name);
	return r;
}

/* Folders whose names are numbers look as if these were their classes. */
static void warn_of_numbers(const struct sample_files *s, const struct log *log)
{
	int64_t number;
	int odd = -1;
	for (int i = s->nclasses - 1; i >= 0; i--) {
		if (!parse_i64(s->class[i], &number))
			return;
		odd = number == i ? odd : i;
	}
	if (odd >= 0)
		log_say(log, LOG_WARN,
		    "folder '%s' is class %d: folders count in the byte order of their names; a "
		    "list of lines 'path label' says the classes itself",
		    s->class[odd], odd);
}

int files_from_folder(
    struct sample_files *s, const char *path, const struct log *log, struct err *err)
{
	int beside = 0, r = add_classes(s, path, &beside, log, err);
	if (r)
		return r;
	if (s->n) {
		warn_of_numbers(s, log);
		if (beside)
			log_say(log, LOG_WARN, "'%s': %d files beside the classes are left out",
			    path, beside);
		return OK;
	}
	s->nclasses = 0;
	return add_samples(s, path, -1, err);
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
