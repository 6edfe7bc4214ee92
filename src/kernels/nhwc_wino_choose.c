/* Which convolutions go through Winograd, and by which tiles: what each way costs, in the time of
 * multiply-adds. */
#include "kernels/nhwc_ways.h"

#define BYTE_COST 2      /* multiply-adds in the time that a byte of large weights takes */
#define ELEMENT_COST 6   /* the same for the transform of an element */
#define LARGE (1 << 20)  /* bytes of weights that are not counted */
#define LEAST_CHANNELS 8 /* in and out; with fewer the transforms are mostly of nothing */
#define WORTH 10 /* 4x4 must save one part of so many: its weights are more than twice 2x2's */

static int64_t weights_cost(const struct conv_shape *s, int elements)
{
	int64_t depth = (int64_t)s->cin * s->kernel[0];
	int64_t bytes = depth * s->cout * elements * (int64_t)sizeof(float);
	return bytes > LARGE ? bytes * BYTE_COST : 0;
}

/* Cost in multiply-adds by tiles of oy x ox results from so many elements; tiles of one: direct.
 * Vectors are computed whole: of results in products, of both in transforms. */
static int64_t cost_of(const struct conv_shape *s, int elements, int oy, int ox)
{
	int64_t images = (int64_t)s->batch * s->out[0];
	int in = nhwc_lanes(s->cin), out = nhwc_lanes(s->cout);
	int64_t channels = (int64_t)s->cin * out * s->kernel[0];
	int64_t rows = images * nhwc_pieces(s->out[1], oy) * nhwc_pieces(s->out[2], ox);
	int64_t full = rows < 6 ? 6 : rows; /* lower tiles take as long */
	int64_t transform = oy * ox > 1 ? rows * elements * (in + out) * ELEMENT_COST : 0;
	return full * elements * channels + weights_cost(s, elements) + transform;
}

int64_t nhwc_winograd_cost(const struct conv_shape *s, int way)
{
	bool across = s->kernel[1] > 1;
	if (way == CONV_WINOGRAD_LINE)
		return cost_of(
		    s, WINO_LINE_IN, across ? WINO_LINE_OUT : 1, across ? 1 : WINO_LINE_OUT);
	return way == CONV_WINOGRAD     ? cost_of(s, 36, 4, 4)
	       : way == CONV_WINOGRAD_2 ? cost_of(s, 16, 2, 2)
					: cost_of(s, s->kernel[1] * s->kernel[2], 1, 1);
}

bool nhwc_winograd_fits(const struct conv_shape *s, int way)
{
	bool line = way == CONV_WINOGRAD_LINE;
	for (int d = 0; d < 3; d++)
		if (s->stride[d] != 1 || s->dilation[d] != 1)
			return false;
	const int *k = s->kernel;
	bool window = line ? k[1] * k[2] == WINO_LINE : k[1] == 3 && k[2] == 3;
	return window && s->groups == 1;
}

int nhwc_winograd_choose(const struct conv_shape *s)
{
	if (s->cin < LEAST_CHANNELS || s->cout < LEAST_CHANNELS)
		return CONV_IGEMM;
	if (nhwc_winograd_fits(s, CONV_WINOGRAD_LINE))
		return nhwc_winograd_cost(s, CONV_WINOGRAD_LINE) < nhwc_winograd_cost(s, CONV_IGEMM)
			   ? CONV_WINOGRAD_LINE
			   : CONV_IGEMM;
	if (!nhwc_winograd_fits(s, CONV_WINOGRAD))
		return CONV_IGEMM;
	int64_t direct = nhwc_winograd_cost(s, CONV_IGEMM);
	int64_t two = nhwc_winograd_cost(s, CONV_WINOGRAD_2);
	int64_t four = nhwc_winograd_cost(s, CONV_WINOGRAD);
	if (four < direct && four * WORTH <= two * (WORTH - 1))
		return CONV_WINOGRAD;
	return two < direct ? CONV_WINOGRAD_2 : CONV_IGEMM;
}
