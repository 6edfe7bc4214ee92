/* Labelled samples: arrays, tables, folders of pictures per class, list files, single pictures. */
#ifndef FORMATS_DATASET_H
#define FORMATS_DATASET_H

#include "base/status.h"
#include "formats/preprocess.h"
#include "graph/tensor.h"

struct dataset;
struct dataset_options {
	/* Told by content:
	 * a .npy or .npz, its rows;
	 * a .csv, its rows, of numbers or of paths;
	 * a folder with a folder of pictures per class, or with pictures; .npy files of one sample
	 * each may stand for pictures, in lists too;
	 * a folder of ONNX test sets (test_data_set_<n>/input_<slot>.pb), or one of them: a sample
	 * each, or the rows of batches;
	 * a list file of lines "path label" or paths, relative to it; one picture. */
	const char *data;
	/* A .npy of integers, a text file with one integer a line, or "column:NAME" (or a number
	 * from 0) of a table; NULL: from the folders, the list, the table or the .npz. */
	const char *labels;
	int label_offset;                         /* added to every label */
	const struct preprocess_spec *preprocess; /* NULL: none */
	struct preprocess_target input;
	/* Which of the network's inputs this is for, where a file holds them all: the array of a
	 * .npz with one of these names, and input_<slot>.pb. For the only input the array may also
	 * be named data, images or x, or be the first that is no labels. */
	const char *const *names;
	int nnames, slot;
	bool several; /* the network has more inputs */
	bool shared;  /* another input reads this file: E_USAGE when it cannot hold several */
	struct log log;
};
/* The classes of a folder are its folders in byte order of their names; hidden files and files that
 * are no pictures by name are passed over. In a table the labels are the column named label, class,
 * target or y; without a header, the last one when it has one column more than the input takes. The
 * paths are the column named path, file, filename or image, else the first of two that is no
 * number.
 */
int dataset_open(const struct dataset_options *o, struct dataset **out, struct err *err);
void dataset_close(struct dataset *d); /* NULL is legal */
int64_t dataset_count(const struct dataset *d);
bool dataset_labelled(const struct dataset *d);
/* Sample i, ready for the network, with batch dim 1 in front; *label is -1 when there is none.
 * Heap. E_IO, E_FORMAT, E_LIMIT and E_UNSUPPORTED mean that this one cannot be read, the others
 * may; E_USAGE that none fits, E_DATA that it holds an infinity or NaN. Several threads may ask. */
int dataset_sample(
    const struct dataset *d, int64_t i, struct tensor *out, int64_t *label, struct err *err);
#define DATASET_NAME 32
/* File, or "row 12" in buf. */
const char *dataset_name(const struct dataset *d, int64_t i, char buf[DATASET_NAME]);
const char *dataset_class(const struct dataset *d, int64_t label); /* folder name, or NULL */
/* The number of the class's folder that sample i lies in; -1 where there are none. */
int64_t dataset_folder(const struct dataset *d, int64_t i);

#endif
