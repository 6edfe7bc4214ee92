/* Transposed convolution as ordinary ones: along a dim, result o = step * q + r - pad takes from
 * input i = q - j the tap k with k * dilation = r + step * j. So results of one residue r have the
 * same taps, and are a convolution of stride 1, whose rows of results are spread from a block. */
#ifndef KERNELS_DECONV_PARTS_H
#define KERNELS_DECONV_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/conv_shape.h"

/* Plain data, no pointers. */
struct deconv_shape {
	struct conv_shape s; /* of the transposed one: in is the small image, pad is not negative */
	int step[3];         /* strides; of a dim with one pixel, all that its window covers */
	bool whole;          /* all results of a step are columns of one part */
};

/* A part: the convolution, where its results begin, and the residue whose columns it has. */
struct deconv_part {
	struct conv_shape s;
	int q[3], r[3]; /* the first q; the residue, unless it is all of them */
	bool empty;     /* no result has this residue */
};

/* Can it be done? For shapes that the caller has bounded so that batch times pixels of either
 * image, and taps times channels, fit an int. */
bool deconv_fits(const struct conv_shape *s);
/* Of a shape; whole is false. */
struct deconv_shape deconv_of(const struct conv_shape *s);
int deconv_residues(const struct deconv_shape *g);
/* Taps of a residue, and when all were to have the same. */
int64_t deconv_taps(const struct deconv_shape *g, int residue);
int64_t deconv_whole_taps(const struct deconv_shape *g);
/* Part number i of deconv_residues(), or of one that is whole. */
void deconv_part(const struct deconv_shape *g, int i, struct deconv_part *p);
int deconv_lines(const struct deconv_part *p);
/* Number in the window of tap t of the part's, for its columns from col * cout on; -1: none. */
int deconv_tap(const struct deconv_shape *g, const struct deconv_part *p, int col, int t);

/* Where results go, in bytes: pixels of n bytes at out, ld apart. Those of a part's columns that
 * there are begin at byte first. */
struct deconv_out {
	char *out;
	int64_t ld, n, first;
};
/* Lines first..last-1 of a part, of whose columns each pixel has from_ld bytes, to their places. */
void deconv_spread(const struct deconv_shape *g, const struct deconv_part *p, int first, int last,
    const void *from, int64_t from_ld, const struct deconv_out *to);

/* Where row 0 would be if row first were at p. */
static inline void *deconv_origin(void *p, int64_t first, int64_t ld)
{
	return (void *)((uintptr_t)p - (uintptr_t)(first * ld));
}

#endif
