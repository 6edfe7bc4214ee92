/* Which files make a data set, pictures or an array each, and the class of each. */
#ifndef FORMATS_DATASET_FILES_H
#define FORMATS_DATASET_FILES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "formats/csv.h"

struct sample_files {
	struct arena *arena; /* paths and class names */
	struct sample_file {
		const char *path;
		int64_t label; /* -1: none */
	} * sample;
	int64_t n, cap;
	const char **class; /* in byte order */
	int nclasses;
};

int files_init(struct sample_files *s, struct err *err);
void files_free(struct sample_files *s);
bool sample_file_is_array(const char *path); /* by extension: .npy, any case */
int files_add(struct sample_files *s, const char *path, int64_t label, struct err *err);
/* Pictures and .npy files of the folders in a folder, classes and files in byte order; or those in
 * the folder itself, without labels, when no folder in it holds any. */
int files_from_folder(
    struct sample_files *s, const char *path, const struct log *log, struct err *err);
/* input_<slot>.pb of every test_data_set_<n> in a folder, in the order of their numbers, or of the
 * folder itself; none when it holds neither. */
int files_from_test_sets(struct sample_files *s, const char *path, int slot, struct err *err);
/* Lines "path label", or all of them paths, relative to the list; a header "path label", empty
 * lines and those that begin with # are passed over. */
int files_from_list(struct sample_files *s, const char *path, struct err *err);
/* The rows of a table read from a file; column label -1: none. */
int files_from_table(struct sample_files *s, const struct csv *c, const char *file, int path,
    int label, struct err *err);

#endif
