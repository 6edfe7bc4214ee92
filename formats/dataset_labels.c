/* Reads the labels of a data set, and finds them in tables. */
#include "formats/dataset_labels.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "formats/npy.h"

#define LABEL_TEXT_BYTES (1 << 28)
#define COLUMN "column:"
#define WORD 4096

/* What arrays and columns of labels are called. */
static const char *const label_names[] = {"labels", "label", "class", "target", "y", NULL};

int labels_from_tensor(const struct tensor *t, int64_t n, int64_t **out, struct err *err)
{
	int64_t have = tensor_count(t);
	if (!dtype_is_int(t->type) && t->type != DT_BOOL)
		return fail(
		    err, E_FORMAT, "labels of type %s are no whole numbers", dtype_name(t->type));
	if (have != n)
		return fail(
		    err, E_FORMAT, "%lld labels for %lld samples", (long long)have, (long long)n);
	*out = malloc((n ? n : 1) * sizeof **out);
	if (!*out)
		return fail_nomem(err);
	for (int64_t i = 0; i < n; i++)
		(*out)[i] = tensor_i64(t, i);
	return OK;
}

bool labels_are_named(const char *word)
{
	for (int i = 0; label_names[i]; i++)
		if (!strcmp(word, label_names[i]))
			return true;
	return false;
}

/* One integer a line, behind a header or none. */
static int read_text(const char *path, struct tensor *out, struct err *err)
{
	char *text, *save = NULL;
	size_t size;
	int64_t n = 0, lines = 1;
	int r = file_slurp(path, LABEL_TEXT_BYTES, &text, &size, err);
	if (r)
		return r;
	text_drop_mark(text);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	r = tensor_alloc(out, DT_I64, 1, &lines, err);
	for (char *w = r ? NULL : strtok_r(text, "\n\r", &save); w && !r;
	     w = strtok_r(NULL, "\n\r", &save))
		if ((n || !labels_are_named(w)) && !parse_i64(w, (int64_t *)out->data + n++))
			r = fail(err, E_FORMAT, "line '%.40s' is no whole number", w);
	out->dim[0] = n;
	free(text);
	return r;
}

int labels_read(const char *path, int64_t n, int64_t **out, struct err *err)
{
	struct tensor t = {0};
	size_t k = strlen(path);
	if (table_names_column(path))
		return fail(err, E_USAGE, "labels '%s': the samples are no table", path);
	int r = k > 4 && !strcmp(path + k - 4, ".npy") ? npy_read(path, &t, err)
						       : read_text(path, &t, err);
	r = r ? r : labels_from_tensor(&t, n, out, err);
	tensor_free(&t);
	return r && r != E_IO ? err_in(err, "'%s'", path) : r;
}

/* ---- tables ---- */

bool table_names_column(const char *labels)
{
	return labels && !strncmp(labels, COLUMN, strlen(COLUMN));
}

static int named_column(const struct csv *c, const char *labels, int *out, struct err *err)
{
	const char *name = labels + strlen(COLUMN), *const names[] = {name, NULL};
	int64_t k;
	*out = csv_find(c, names);
	if (*out < 0 && parse_i64(name, &k) && k >= 0 && k < c->columns)
		*out = (int)k;
	return *out >= 0 ? OK
			 : fail(err, E_USAGE, "no column '%s' among %d%s", name, c->columns,
			       c->header ? "" : ", which have no header");
}

int table_columns(
    const struct csv *c, const char *labels, int64_t takes, int *path, int *label, struct err *err)
{
	static const char *const paths[] = {"path", "file", "filename", "image", NULL};
	char word[WORD];
	double v;
	int r = OK;
	*label = csv_find(c, label_names);
	*path = csv_find(c, paths);
	if (c->columns == 2 && *path < 0) {
		r = csv_text(c, 0, 0, word, sizeof word, err);
		if (!r && c->rows && !parse_f64(word, &v))
			*path = 0;
	}
	if (r)
		return r;
	if (table_names_column(labels))
		return named_column(c, labels, label, err);
	if (*label < 0 && *path >= 0)
		*label = c->columns == 2 ? 1 - *path : -1;
	else if (*label < 0 && !c->header && c->columns == takes + 1)
		*label = c->columns - 1;
	return OK;
}

int label_of_row(const struct csv *c, int64_t row, int column, int64_t *out, struct err *err)
{
	char word[WORD];
	double v;
	int r = csv_text(c, row, column, word, sizeof word, err);
	if (r || parse_i64(word, out))
		return r;
	if (!parse_f64(word, &v) || !(v >= -0x1p53 && v <= 0x1p53) || v != (int64_t)v)
		return fail(err, E_FORMAT, "row %lld: label '%.40s' is no whole number",
		    (long long)row, word);
	*out = (int64_t)v; /* "3.0", as other programs write it */
	return OK;
}

int labels_from_table(const struct csv *c, int column, int64_t **out, struct err *err)
{
	int r = OK;
	*out = calloc(c->rows + 1, sizeof **out);
	if (!*out)
		return fail_nomem(err);
	for (int64_t i = 0; i < c->rows && !r; i++)
		r = label_of_row(c, i, column, &(*out)[i], err);
	return r;
}
