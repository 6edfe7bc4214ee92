/* Tables of text: comma-separated values, a line for each row. */
#ifndef FORMATS_CSV_H
#define FORMATS_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Fields are parted by commas, or by semicolons or tabs when the first line has no comma; in
 * quotes they may hold these, and quotes doubled. Empty lines, and those that begin with #, are
 * passed over. Every row has as many fields as the first. Reading it changes nothing: several
 * threads may. */
struct csv {
	char *text;
	char separator;
	int columns;
	bool header; /* the first line was one: a field of it is no number, and it is no path row */
	int64_t rows; /* without the header */
	size_t *at;   /* where each row begins, the header's place first */
};

int csv_read(const char *path, struct csv *out, struct err *err);
void csv_free(struct csv *c);
/* The column of a header that has one of these names (in any case), in their order, or -1. */
int csv_find(const struct csv *c, const char *const *names);
/* Field of a row (-1: the first line) as text, cut at size. */
int csv_text(const struct csv *c, int64_t row, int column, char *buf, size_t size, struct err *err);
/* The numbers of a row but for the column `skip` (-1: none). */
int csv_numbers(const struct csv *c, int64_t row, int skip, double *out, struct err *err);

#endif
