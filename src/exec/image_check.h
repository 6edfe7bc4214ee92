/* Checks of calls that were read from an image: sizes that kernels can count, operands inside of
 * their buffers. The kernels' own plans are made here. */
#ifndef EXEC_IMAGE_CHECK_H
#define EXEC_IMAGE_CHECK_H

#include "exec/image.h"

/* *n times the factors; false beyond most. */
bool image_product(int64_t *n, int64_t most, int count, const int64_t *factor);
#define FITS(n, most, ...)                                                             \
	image_product((n), (most), sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), \
	    (const int64_t[]){__VA_ARGS__})

/* Are these bytes inside of r's buffer, at a multiple of align, and may they be written? */
bool operand_inside(struct lower *l, struct ref r, int64_t bytes, int align, bool write);
/* The same for floats. */
bool operand_reads(struct lower *l, struct ref r, int64_t floats);
bool operand_writes(struct lower *l, struct ref r, int64_t floats);
bool operand_absent(struct ref r);
/* Elements from the first to the last of a walk of n pixels, ld apart. */
int64_t operand_reach(int64_t pixels, int64_t ld, int64_t channels);

/* A check for each kind of call: false when the kernel would leave its operands or count too far.
 */
#define CALL(kind, stem, fields, name) bool image_check_##stem(struct lower *l, struct call *c);
#define CALL_RUN(kind, stem, name)
#include "exec/calls.def"
#undef CALL
#undef CALL_RUN

#endif
