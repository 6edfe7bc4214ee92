/* What is done to a sample before a network: --preprocess. */
#ifndef FORMATS_PREPROCESS_H
#define FORMATS_PREPROCESS_H

#include "base/status.h"
#include "formats/resize.h"
#include "graph/tensor.h"

/* resize=256,filter=bilinear,crop=224,mean=127.5,scale=127.5,layout=nhwc,order=rgb; resize and crop
 * also take WIDTHxHEIGHT. */
struct preprocess_spec {
	int resize;        /* shorter side to this, or the width; 0: no */
	int resize_height; /* 0: resize is the shorter side */
	enum resize_filter filter;
	int crop, crop_height;    /* centre crop, width and height; 0: no */
	int nmean, nscale;        /* 0, 1, or one for each channel of the network */
	double mean[4], scale[4]; /* (x - mean) / scale */
	bool nhwc;                /* layout of array data: nhwc, else nchw (pictures are nhwc) */
	bool layout_set;          /* the text named the layout */
	bool bgr;                 /* the data's channels are B, G, R. The network is fed R, G, B */
};
/* E_USAGE when the text is malformed. */
int preprocess_parse(const char *text, struct preprocess_spec *out, struct err *err);

/* What the network takes: its input's shape with the batch in front, and type. */
struct preprocess_target {
	struct shape shape;
	enum dtype type;
};
/* One sample without batch dim (a row of an array, or a picture as u8 [height, width, 3] with
 * is_picture) as the network wants it, with a batch dim of 1 in front; heap. A row that has the
 * input's own shape goes through value by value. E_USAGE when it cannot fit. */
int preprocess_apply(const struct preprocess_spec *spec, const struct preprocess_target *to,
    const struct tensor *in, bool is_picture, struct tensor *out, struct err *err);
/* The sizes of a row without any, such as a table's, that fills the input: in the data's layout.
 * Returns the rank; all sizes but the batch must be fixed. */
int preprocess_row_dims(
    const struct preprocess_spec *spec, const struct preprocess_target *to, int64_t dim[MAX_RANK]);

#endif
