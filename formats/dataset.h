/* Labelled samples: arrays, folders of pictures per class, list files, single pictures. */
#ifndef FORMATS_DATASET_H
#define FORMATS_DATASET_H

#include "base/status.h"
#include "formats/preprocess.h"
#include "graph/tensor.h"

struct dataset;
struct dataset_options {
	/* A .npy or .npz; a folder with a folder of pictures per class, or with pictures; a list
	 * file of lines "path label", paths relative to it; one picture. Told by content. */
	const char *data;
	/* A .npy of integers or a text file with one integer a line; NULL: from the folders, the
	 * list or the .npz. */
	const char *labels;
	int label_offset;                         /* added to every label */
	const struct preprocess_spec *preprocess; /* NULL: none */
	struct preprocess_target input;
	struct log log;
};
/* The classes of a folder are its folders in byte order of their names; hidden files and files that
 * are no pictures by name are passed over. */
int dataset_open(const struct dataset_options *o, struct dataset **out, struct err *err);
void dataset_close(struct dataset *d); /* NULL is legal */
int64_t dataset_count(const struct dataset *d);
bool dataset_labelled(const struct dataset *d);
/* Sample i, ready for the network, with batch dim 1 in front; *label is -1 when there is none.
 * Heap. E_IO, E_FORMAT, E_LIMIT and E_UNSUPPORTED mean that this one cannot be read, the others
 * may; E_USAGE that none fits. */
int dataset_sample(
    struct dataset *d, int64_t i, struct tensor *out, int64_t *label, struct err *err);
/* File or "row 12"; valid until the next call. */
const char *dataset_name(struct dataset *d, int64_t i);
const char *dataset_class(const struct dataset *d, int64_t label); /* folder name, or NULL */

#endif
