/* Which picture files make a data set, and the class of each. */
#ifndef FORMATS_DATASET_FILES_H
#define FORMATS_DATASET_FILES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

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
int files_add(struct sample_files *s, const char *path, int64_t label, struct err *err);
/* Pictures of the folders in a folder, classes and files in byte order; or the pictures in the
 * folder itself, without labels, when it has no folders. */
int files_from_folder(struct sample_files *s, const char *path, struct err *err);
/* Lines "path label"; empty ones and those that begin with # are passed over. */
int files_from_list(struct sample_files *s, const char *path, struct err *err);

#endif
