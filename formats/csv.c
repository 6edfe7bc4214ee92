/* Reads comma-separated values: finds the rows at once, their fields when they are asked for. */
#include "formats/csv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

#define CSV_BYTES (1 << 30)
#define MOST_COLUMNS (1 << 24)
#define FIELD 4096 /* bytes of one field, NUL included */

/* Reads the field at *p into buf and leaves *p behind it, on a separator or the line's end. False
 * when a quote does not close or the field is too long. */
static bool field(const char **p, char separator, char *buf, size_t size)
{
	const char *s = *p;
	bool quoted = *s == '"';
	size_t n = 0;
	for (s += quoted; *s && *s != '\n'; s++) {
		if (quoted && *s == '"') {
			if (s[1] != '"')
				break;
			s++;
		} else if (!quoted && *s == separator) {
			break;
		}
		if (n + 1 == size)
			return false;
		buf[n++] = *s;
	}
	if (quoted && *s++ != '"')
		return false;
	if (!quoted && n && buf[n - 1] == '\r')
		n--;
	buf[n] = 0;
	if (quoted && *s == '\r')
		s++;
	*p = s;
	return !*s || *s == '\n' || *s == separator;
}

static int count_fields(const char *p, char separator, struct err *err)
{
	char buf[FIELD];
	for (int n = 1; n < MOST_COLUMNS; n++, p++) {
		if (!field(&p, separator, buf, sizeof buf))
			return fail(err, E_FORMAT,
			    "field %d is longer than %d bytes or has a quote out of place", n,
			    FIELD - 1);
		if (*p != separator)
			return n;
	}
	return fail(err, E_LIMIT, "more than %d columns", MOST_COLUMNS);
}

static char find_separator(const char *line)
{
	static const char all[] = ",;\t";
	size_t n = strcspn(line, "\n");
	for (const char *s = all; *s; s++)
		if (memchr(line, *s, n))
			return *s;
	return ',';
}

static int find_rows(struct csv *c, struct err *err)
{
	int64_t lines = 1, n = 0;
	for (const char *s = c->text; (s = strchr(s, '\n')); s++)
		lines++;
	if (!(c->at = calloc(lines + 1, sizeof *c->at)))
		return fail_nomem(err);
	for (const char *s = c->text, *end; s; s = end ? end + 1 : NULL) {
		end = strchr(s, '\n');
		size_t blank = strspn(s, " \t\r");
		if (s[blank] && s[blank] != '\n' && *s != '#')
			c->at[n++] = s - c->text;
	}
	c->rows = n;
	if (n > LIMIT_SAMPLES)
		return fail(err, E_LIMIT, "more than %d rows", LIMIT_SAMPLES);
	return n ? OK : fail(err, E_FORMAT, "it holds no rows");
}

/* Is the first line a header? Of the fields of a row all are numbers, or all but a path. */
static bool has_header(const struct csv *c)
{
	const char *p = c->text + c->at[0];
	char buf[FIELD];
	double v;
	int words = 0;
	for (int i = 0; i < c->columns; i++, p++) {
		if (!field(&p, c->separator, buf, sizeof buf))
			return false;
		words += !parse_f64(buf, &v);
	}
	return words > (c->columns == 2);
}

static int check_rows(const struct csv *c, struct err *err)
{
	for (int64_t i = 0; i < c->rows; i++) {
		int n = count_fields(c->text + c->at[i], c->separator, err);
		if (n < 0)
			return err_in(err, "row %lld", (long long)i);
		if (n != c->columns)
			return fail(err, E_FORMAT, "row %lld has %d columns, the first %d",
			    (long long)i, n, c->columns);
	}
	return OK;
}

int csv_read(const char *path, struct csv *out, struct err *err)
{
	size_t size;
	*out = (struct csv){0};
	int r = file_slurp(path, CSV_BYTES, &out->text, &size, err);
	if (r)
		return r;
	if (memchr(out->text, 0, size))
		r = fail(err, E_FORMAT, "this is no text");
	text_drop_mark(out->text);
	r = r ? r : find_rows(out, err);
	if (!r) {
		out->separator = find_separator(out->text + out->at[0]);
		out->columns = count_fields(out->text + out->at[0], out->separator, err);
		r = out->columns < 0 ? out->columns : check_rows(out, err);
	}
	if (!r && (out->header = has_header(out)))
		out->rows--;
	if (!r)
		return OK;
	csv_free(out);
	return err_in(err, "'%s'", path);
}

void csv_free(struct csv *c)
{
	free(c->text);
	free(c->at);
	*c = (struct csv){0};
}

static char *trim(char *s)
{
	s += strspn(s, " \t");
	for (size_t n = strlen(s); n && strchr(" \t", s[n - 1]);)
		s[--n] = 0;
	return s;
}

int csv_text(const struct csv *c, int64_t row, int column, char *buf, size_t size, struct err *err)
{
	const char *p = c->text + c->at[row + c->header];
	char word[FIELD];
	for (int i = 0; i <= column; i++, p++)
		if (!field(&p, c->separator, word, sizeof word))
			return fail(err, E_FORMAT, "row %lld is broken", (long long)row);
	const char *s = trim(word);
	if (strlen(s) >= size)
		return fail(err, E_LIMIT, "row %lld: '%.40s' is too long", (long long)row, s);
	memcpy(buf, s, strlen(s) + 1);
	return OK;
}

int csv_find(const struct csv *c, const char *const *names)
{
	char word[FIELD];
	for (; c->header && *names; names++)
		for (int i = 0; i < c->columns; i++)
			if (!csv_text(c, -1, i, word, sizeof word, NULL) &&
			    !strcasecmp(word, *names))
				return i;
	return -1;
}

int csv_numbers(const struct csv *c, int64_t row, int skip, double *out, struct err *err)
{
	const char *p = c->text + c->at[row + c->header];
	char word[FIELD];
	for (int i = 0; i < c->columns; i++, p++) {
		if (!field(&p, c->separator, word, sizeof word))
			return fail(err, E_FORMAT, "column %d is broken", i);
		if (i != skip && !parse_f64(word, out++))
			return fail(
			    err, E_FORMAT, "column %d: '%.40s' is no number", i, trim(word));
	}
	return OK;
}
