/* The labels of a data set, from arrays, texts and tables. */
#ifndef FORMATS_DATASET_LABELS_H
#define FORMATS_DATASET_LABELS_H

#include "base/status.h"
#include "formats/csv.h"
#include "graph/tensor.h"

/* Is word what arrays and columns of labels are called? */
bool labels_are_named(const char *word);

/* All give n labels on the heap; E_FORMAT when there are others than n whole numbers. */
int labels_from_tensor(const struct tensor *t, int64_t n, int64_t **out, struct err *err);
int labels_read(const char *path, int64_t n, int64_t **out, struct err *err);
int labels_from_table(const struct csv *c, int column, int64_t **out, struct err *err);
int label_of_row(const struct csv *c, int64_t row, int column, int64_t *out, struct err *err);

/* Is --labels the name of a table's column? */
bool table_names_column(const char *labels);
/* Which columns hold paths and labels, -1 for none; `takes` numbers go to the network's input. */
int table_columns(
    const struct csv *c, const char *labels, int64_t takes, int *path, int *label, struct err *err);

#endif
