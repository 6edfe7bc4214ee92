/* Random numbers in the place of weights that were left out of a file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/rng.h"
#include "formats/onnx_fill.h"

/* Vectors are scales, variances and biases: positive, around 1. Matrices and filters keep the
 * variance of what goes through (He et al., ICCV 2015): uniform in ±sqrt(6 / inputs). */
static float next(uint64_t *state, const struct onnx_const *c, int64_t count)
{
	float u = rng_f32(state);
	if (c->rank < 2 || !c->dim[0])
		return 0.5f + u;
	return (2 * u - 1) * sqrtf(6 / (float)(count / c->dim[0]));
}

int onnx_fill(const char *name, struct onnx_const *c, size_t size, struct err *err)
{
	struct tensor t = {.type = c->type};
	int64_t count = (int64_t)size * 8 / dtype_bits(c->type);
	uint64_t state = XXH3_64bits(name, strlen(name));
	t.rank = 1;
	t.dim[0] = count;
	t.data = malloc(size ? size : 1);
	if (!t.data)
		return fail_nomem(err);
	for (int64_t i = 0; i < count; i++)
		tensor_set_f64(&t, i, (double)next(&state, c, count));
	c->data = blob_heap(t.data, size);
	return c->data ? OK : fail_nomem(err);
}
