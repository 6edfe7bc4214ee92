/* Where the elements of a resized axis come from, and with which weights. */
#ifndef OPS_RESAMPLE_H
#define OPS_RESAMPLE_H

#include <stdbool.h>
#include <stdint.h>

enum resample_mode {
	RESAMPLE_NEAREST,
	RESAMPLE_LINEAR,      /* triangle filter, normalised over what lies inside */
	RESAMPLE_LINEAR_ONNX, /* two neighbours, coordinates clamped */
	RESAMPLE_CUBIC,       /* four neighbours (Keys 1981), indices clamped */
	RESAMPLE_BILINEAR_PILLOW,
	RESAMPLE_BICUBIC_PILLOW, /* filters stretched by the reduction, as Pillow does */
};
enum resample_coordinates {
	COORDINATES_HALF_PIXEL,
	COORDINATES_PYTORCH_HALF_PIXEL,
	COORDINATES_ASYMMETRIC,
	COORDINATES_TF_HALF_PIXEL_FOR_NN,
	COORDINATES_ALIGN_CORNERS,
};
enum resample_nearest {
	NEAREST_ROUND_PREFER_FLOOR,
	NEAREST_ROUND_PREFER_CEIL,
	NEAREST_FLOOR,
	NEAREST_CEIL,
	NEAREST_SIMPLE,
};

/* One axis: in elements become out, both at least 1. scale is out / in, or what the user gave. */
struct resample {
	enum resample_mode mode;
	enum resample_coordinates coordinates;
	enum resample_nearest nearest;
	bool antialias;
	double cube;
	int64_t in, out;
	double scale;
};
/* Index of the source of element i in RESAMPLE_NEAREST. */
int64_t resample_index(const struct resample *r, int64_t i);
/* Most taps that resample_taps gives; the room that index and weight need. */
int64_t resample_width(const struct resample *r);
/* The sources of element i with their weights; returns how many. */
int64_t resample_taps(const struct resample *r, int64_t i, int64_t *index, double *weight);

#endif
