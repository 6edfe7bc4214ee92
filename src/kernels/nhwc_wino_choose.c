/* Which convolutions go through Winograd, and by which tiles: what each way costs, in the time of
 * multiply-adds. */
#include "kernels/nhwc_ways.h"
#include "kernels/wino_tiles_f32.h"

#define BYTE_COST 2      /* multiply-adds in the time that a byte of large weights takes */
#define ELEMENT_COST 6   /* the same for the transform of an element */
#define CHANNEL_COST 80  /* the same for that of a channel of a tile, with lanes over tiles */
#define LARGE (1 << 20)  /* bytes of weights that are not counted */
#define LEAST_CHANNELS 8 /* in and out; with fewer the transforms are mostly of nothing */
#define LEAST_IN_TILES 6 /* in and out, with lanes over tiles; fewer are soon summed directly */
/* One part of so many must be saved: by 4x4, whose weights are more than twice 2x2's, and by lanes
 * over tiles, which gain less where vectors are narrower. */
#define WORTH 10

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

/* With lanes over tiles: no channel is computed that is not there, but vectors of tiles are whole,
 * and each product takes longer. */
static int64_t tiles_cost(const struct conv_shape *s)
{
	int64_t tiles = (int64_t)s->batch * s->out[0] * nhwc_pieces(s->out[1], 4) *
			nhwc_pieces(s->out[2], 4);
	int64_t lanes = (int64_t)nhwc_pieces(tiles, WINO_TILES_LANES) * WINO_TILES_LANES;
	int64_t product = (int64_t)36 * s->cin * s->cout;
	return lanes * (product + product * 2 / 5 + (s->cin + s->cout) * CHANNEL_COST) +
	       weights_cost(s, 36);
}

int64_t nhwc_winograd_cost(const struct conv_shape *s, int way)
{
	if (way == CONV_WINOGRAD_TILES)
		return tiles_cost(s);
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

static int choose_by_channels(const struct conv_shape *s)
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

int nhwc_winograd_choose(const struct conv_shape *s)
{
	int way = choose_by_channels(s);
	int64_t other = nhwc_winograd_cost(s, way);
	bool enough = s->cin >= LEAST_IN_TILES && s->cout >= LEAST_IN_TILES;
	bool tiles = enough && nhwc_wino_tiles_fits(s) &&
		     tiles_cost(s) <= other / WORTH * (WORTH - 1);
	return tiles ? CONV_WINOGRAD_TILES : way;
}
