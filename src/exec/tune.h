/* The way of a convolution by measuring instead of by rules. */
#ifndef EXEC_TUNE_H
#define EXEC_TUNE_H

#include "base/arena.h"
#include "exec/exec.h"
#include "kernels/nhwc_conv_f32.h"

struct tuned;

/* What is known while a network is tuned. */
struct tuning {
	const struct exec_options *o;
	struct arena *arena;
	size_t weights;      /* bytes of all its constants */
	struct tuned *known; /* shapes that have been measured, with their ways */
};

/* o and arena are borrowed; what is remembered lies in the arena. */
struct tuning tuning_of(const struct graph *g, const struct exec_options *o, struct arena *arena);
/* The fastest of the ways that can do the shape and that the options allow, on one thread; rules is
 * the one that the rules choose, kept unless another is clearly faster, and without memory. Equal
 * shapes are measured once. */
int tune_way(struct tuning *k, const struct conv_shape *s, int rules);

#endif
