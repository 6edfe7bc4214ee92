/* The samples of a network out of files, prepared for its inputs and read ahead. */
#ifndef QUANT_SOURCE_H
#define QUANT_SOURCE_H

#include "formats/dataset.h"
#include "graph/graph.h"
#include "quant/prefetch.h"

struct source;
struct source_options {
	/* FILE as struct dataset_options has it, or NAME=FILE for each input; a .npz or a folder of
	 * test sets may hold them all. */
	const char *const *data;
	int ndata;
	const char *labels;
	int label_offset;
	/* Borrowed, NULL: none. With several inputs for those of rank 4. */
	const struct preprocess_spec *preprocess;
	struct prefetch_options ahead;
	int64_t max_unreadable; /* more than so many stop the run; below 0: 10, or 1 % if more */
	enum source_order {
		SOURCE_AS_THEY_LIE,
		SOURCE_BY_CLASS, /* one from each folder of classes in turn; else as they lie */
		SOURCE_SHUFFLED
	} order;
	uint64_t seed; /* of SOURCE_SHUFFLED */
	struct log log;
};
/* E_USAGE when an input has no data, E_FORMAT when inputs have different numbers of samples. */
int source_open(
    const struct graph *g, const struct source_options *o, struct source **out, struct err *err);
void source_close(struct source *s); /* NULL is legal */
/* A sample that cannot be read gives its own status; the one too many gives E_DATA. */
struct samples source_samples(struct source *s);
int64_t source_unreadable(const struct source *s); /* different ones, up to now */
/* Where sample i lies among the data. */
int64_t source_row(const struct source *s, int64_t i);
/* As dataset_name and dataset_class, of the first input's data. */
const char *source_name(const struct source *s, int64_t i, char buf[DATASET_NAME]);
const char *source_class(const struct source *s, int64_t label);

#endif
