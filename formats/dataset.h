/* Labelled samples: arrays, folders of pictures per class, list files; and what is done to them
 * before a network. */
#ifndef FORMATS_DATASET_H
#define FORMATS_DATASET_H

#include "base/status.h"
#include "graph/tensor.h"

/* --preprocess resize=256,crop=224,mean=127.5,scale=127.5,layout=nhwc,order=rgb */
struct preprocess_spec {
	int resize;               /* shorter side to this, bilinear with antialiasing; 0: no */
	int crop;                 /* centre crop to crop x crop; 0: no */
	int nmean, nscale;        /* 0, 1 or 3 */
	double mean[4], scale[4]; /* (x - mean) / scale */
	bool nhwc; /* layout of array data: nhwc, else nchw (pictures are always nhwc) */
	bool nhwc_set;
	bool bgr; /* order of the data's channels: bgr, else rgb. The network is fed RGB */
};
int preprocess_parse(const char *text, struct preprocess_spec *out, struct err *err);

struct dataset;
struct dataset_options {
	const char *data;   /* .npy, .npz, folder per class, list file "path label", one picture */
	const char *labels; /* .npy of integers or a text file with one integer a line; NULL: from
			       the folders or list */
	int label_offset;
	const struct preprocess_spec *preprocess; /* NULL: none */
	/* What the network wants of one sample: shape of the input with batch, type; NHWC or NCHW
	 * is told by which place holds 1 or 3 channels. */
	struct shape input;
	enum dtype input_type;
	struct log log;
};
int dataset_open(const struct dataset_options *o, struct dataset **out, struct err *err);
void dataset_close(struct dataset *d);
int64_t dataset_count(const struct dataset *d);
/* Sample i, ready for the network, with batch dim 1 in front; *label is -1 when there is none.
 * Heap. */
int dataset_sample(
    struct dataset *d, int64_t i, struct tensor *out, int64_t *label, struct err *err);
const char *dataset_name(const struct dataset *d, int64_t i);      /* file or "row 12" */
const char *dataset_class(const struct dataset *d, int64_t label); /* folder name, or NULL */

#endif
