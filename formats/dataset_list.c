/* Lists of sample files: lines "path label" or paths alone, and tables with a column of paths. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "formats/dataset_files.h"
#include "formats/dataset_labels.h"

#define LIST_BYTES (1 << 30)
#define PATH_BYTES 4096

/* A path of a list is relative to it. NULL: no memory. */
static char *path_of(struct sample_files *s, const char *list, const char *word)
{
	const char *slash = strrchr(list, '/');
	return word[0] == '/' || !slash
		   ? arena_str(s->arena, word)
		   : arena_printf(s->arena, "%.*s/%s", (int)(slash - list), list, word);
}

static int add_relative(
    struct sample_files *s, const char *list, const char *word, int64_t label, struct err *err)
{
	char *path = path_of(s, list, word);
	return path ? files_add(s, path, label, err) : fail_nomem(err);
}

/* Without the blanks around. */
static char *trim(char *line)
{
	line += strspn(line, " \t");
	for (size_t n = strlen(line); n && strchr(" \t\r", line[n - 1]);)
		line[--n] = 0;
	return line;
}

static char *unquote(char *path)
{
	size_t n = strlen(path);
	if (n < 2 || path[0] != '"' || path[n - 1] != '"')
		return path;
	path[n - 1] = 0;
	return path + 1;
}

/* Cuts the last word off a line; NULL when there is only one. The path may hold blanks. */
static char *cut_word(char *line)
{
	char *gap = line + strlen(line);
	while (gap > line && !strchr(" \t", gap[-1]))
		gap--;
	if (gap == line)
		return NULL;
	gap[-1] = 0;
	trim(line);
	return gap;
}

static bool is_header(const char *line)
{
	const char *word = strrchr(line, ' ') ? strrchr(line, ' ') : strrchr(line, '\t');
	return word && (!strcasecmp(word + 1, "label") || !strcasecmp(word + 1, "class"));
}

static bool has_label(const char *line)
{
	const char *gap = line + strlen(line);
	int64_t label;
	while (gap > line && !strchr(" \t", gap[-1]))
		gap--;
	return gap > line && parse_i64(gap, &label) && label >= 0;
}

/* Do the lines hold paths alone? So says the first one, which then is a file. */
static int is_bare(
    struct sample_files *s, const char *list, char *line, bool *bare, struct err *err)
{
	*bare = !has_label(line);
	if (!*bare)
		return OK;
	char *copy = arena_str(s->arena, line), *path = copy ? unquote(copy) : NULL;
	if (!path || !(path = path_of(s, list, path)))
		return fail_nomem(err);
	return access(path, F_OK)
		   ? fail(err, E_FORMAT, "line '%.60s' is neither 'path label' nor a file", line)
		   : OK;
}

static int add_line(
    struct sample_files *s, const char *list, char *line, bool bare, struct err *err)
{
	int64_t label = -1;
	if (!bare && !has_label(line))
		return fail(err, E_FORMAT, "line '%.60s' is not 'path label'", line);
	if (!bare)
		parse_i64(cut_word(line), &label);
	return add_relative(s, list, unquote(line), label, err);
}

int files_from_list(struct sample_files *s, const char *path, struct err *err)
{
	char *text, *save = NULL;
	size_t size;
	bool bare = false;
	int r = file_slurp(path, LIST_BYTES, &text, &size, err);
	if (r)
		return r;
	if (memchr(text, 0, size))
		r = fail(err, E_FORMAT, "this is no array, table, picture or list of samples");
	text_drop_mark(text);
	for (char *w = r ? NULL : strtok_r(text, "\n", &save); w && !r;
	     w = strtok_r(NULL, "\n", &save)) {
		char *line = trim(w);
		if (!*line || *line == '#' || (!s->n && is_header(line)))
			continue;
		if (!s->n)
			r = is_bare(s, path, line, &bare, err);
		r = r ? r : add_line(s, path, line, bare, err);
	}
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
